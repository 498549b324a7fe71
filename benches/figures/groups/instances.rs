//! How soon readers of one instance see what was written through another one.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::{
    groups::targets,
    outcome::{Outcome, median, millis, quantile},
    report::{Budget, ms},
    server::Caching,
    setting::Setting,
};

/// How often that is tried.
const WRITES: usize = 200;

/// How long it may take before something is wrong.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures it, with the response cache on.
pub(crate) async fn measure(setting: &mut Setting) -> Outcome<()> {
    let what = "from a write until readers of another instance see it";
    if !setting.launcher.has_cache {
        setting.report.note(what, "n/a", "this version has no response cache");
        return Ok(());
    }
    let writes = if setting.scale.is_full() { WRITES } else { 10 };
    let client = setting.connect().await?;
    let targets = targets::choose(&client, writes).await?;
    let (one, other) = (setting.start(Caching::Default).await?, setting.start(Caching::Default).await?);
    let token = one.sign_in(0).await?;
    let (mut elsewhere, mut late) = (Vec::new(), 0);
    for (number, target) in targets.iter().enumerate() {
        let path = format!("/v1/articles/{}", target.id);
        // Both have the old answer.
        one.get(&path).await?;
        other.get(&path).await?;
        let title = format!("Judul baru {number}");
        one.write(Method::PATCH, &path, &token, Some(&json!({"title": title}))).await?;
        one.write(Method::POST, &format!("{path}/publish"), &token, None).await?;
        let written = Instant::now();
        late += usize::from(!one.get(&path).await?.text.contains(&title));
        while !other.get(&path).await?.text.contains(&title) {
            if written.elapsed() > PATIENCE {
                return Err(format!("another instance does not see {path} change").into());
            }
        }
        elsewhere.push(millis(written.elapsed()));
    }
    if late > 0 {
        setting
            .report
            .fail(&format!("{late} of {writes} writes were not seen at once by their own instance"));
    }
    let note = format!("p50 {} of {writes} writes", ms(median(&elsewhere)));
    setting.report.value(
        format!("{what}, p99"),
        (quantile(&elsewhere, 0.99), "ms"),
        note,
        Budget::AtMost(1000.0),
    );
    Ok(())
}
