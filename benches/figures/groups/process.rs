//! The process: what it takes, and how soon it is there.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    fill::cast::{RAREST, source, tag},
    outcome::{Outcome, median, millis, progress},
    report::{Budget, short},
    server::Caching,
    setting::Setting,
    wrk,
};

/// How long the requests may take in all; without a response cache there are fewer.
const PATIENCE: Duration = Duration::from_secs(180);

/// How many articles are among what is asked for.
const ARTICLES: usize = 20_000;

/// What wrk asks for: each address of a file as likely as any other.
const SCRIPT: &str = "
local paths = {}
for line in io.lines(\"{file}\") do paths[#paths + 1] = line end
request = function() return wrk.format(\"GET\", paths[math.random(#paths)]) end
";

/// Measures them.
pub(crate) async fn measure(setting: &mut Setting) -> Outcome<()> {
    let script = write_script(setting).await?;
    let server = setting.start(Caching::Default).await?;
    let fresh = server.resident()?;
    let (started, mut requests, mut most) = (Instant::now(), 0.0, fresh);
    while requests < setting.scale.million && started.elapsed() < PATIENCE {
        let run =
            wrk::run(&server.base, setting.scale.time.max(Duration::from_secs(2)), Some(&script)).await?;
        requests += run.requests;
        most = server.resident()?.max(most);
        progress(format!("  {requests:.0} requests, {most:.0} MiB"));
    }
    let note = format!("{} MiB at the start", short(fresh));
    let what = format!("resident memory after {:.0} thousand requests of mixed addresses", requests / 1000.0);
    setting.report.value(what, (most, "MiB"), note, Budget::AtMost(128.0));
    drop(server);
    let mut starts = Vec::new();
    for _ in 0..setting.scale.starts {
        starts.push(millis(setting.start(Caching::Default).await?.started_in));
    }
    let what = format!("start to ready with an existing database, median of {}", starts.len());
    setting.report.value(what, (median(&starts), "ms"), "", Budget::AtMost(300.0));
    Ok(())
}

/// Addresses of all kinds, and the script that asks for them.
async fn write_script(setting: &Setting) -> Outcome<PathBuf> {
    let client = setting.connect().await?;
    let query = "select slug from editions tablesample system (20) where kind = 'live' and status = 'published' limit $1";
    let rows = client.query(query, &[&i64::try_from(ARTICLES)?]).await?;
    let mut paths: Vec<_> =
        rows.iter().map(|row| format!("/v1/articles/{}", row.get::<_, &str>(0))).collect();
    for rank in 0..=RAREST.0 {
        paths.push(format!("/v1/articles?tag={}", tag(rank)));
        paths.push(format!("/v1/tags/{}", tag(rank)));
    }
    paths.extend((0..=RAREST.1).map(|rank| format!("/v1/sources/{}", source(rank))));
    paths.extend((1..=100).map(|limit| format!("/v1/articles?limit={limit}")));
    let (file, script) = (setting.folder.join("paths"), setting.folder.join("mixed.lua"));
    std::fs::write(&file, paths.join("\n"))?;
    std::fs::write(&script, SCRIPT.replace("{file}", &file.display().to_string()))?;
    Ok(script)
}
