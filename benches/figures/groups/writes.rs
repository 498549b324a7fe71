//! Editors at work: create, patch and publish, alone and while readers read, against pgbench with the same
//! statements and commits.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::{
    substitute::{Captured, FUNCTIONS, Fresh},
    targets::{self, Target},
};
use crate::{
    capture::Capture,
    outcome::{Outcome, median, millis, progress, quantile},
    pgbench::{Length, Script, Session},
    report::{Budget, ms, per_second},
    server::{Caching, Server},
    setting::{Setting, newest},
    wrk,
};

/// How many editors work at a time.
const EDITORS: [usize; 2] = [1, 8];

/// Articles that are only captured.
const SPARE: usize = 10;

/// What an editor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Create,
    Patch,
    Publish,
}

const DEEDS: [(Deed, &str); 3] =
    [(Deed::Create, "create"), (Deed::Patch, "patch"), (Deed::Publish, "publish")];

/// What is written.
struct Desk<'a> {
    server: &'a Server,
    tokens: Vec<String>,
    /// Of about the length that all have.
    body: String,
}

impl Desk<'_> {
    /// Does it once; `unique` is a number that no other deed has.
    async fn act(&self, deed: Deed, editor: usize, target: &Target, unique: u64) -> Outcome<Duration> {
        let token = &self.tokens[editor];
        let path = format!("/v1/articles/{}", target.id);
        let answer = match deed {
            Deed::Create => {
                let new = self.article(unique);
                self.server.write(Method::POST, "/v1/articles", token, Some(&new)).await?
            }
            Deed::Patch => {
                let patch = json!({"summary": format!("Ringkasan baru, {unique}."), "body": self.body});
                self.server.write(Method::PATCH, &path, token, Some(&patch)).await?
            }
            Deed::Publish => self.server.write(Method::POST, &format!("{path}/publish"), token, None).await?,
        };
        Ok(answer.took)
    }

    fn article(&self, unique: u64) -> Value {
        let url = format!("https://sumber-7.example/dokumen/{unique}");
        json!({
            "title": format!("Judul yang diukur {unique}"),
            "language": "id",
            "summary": "Ringkasan yang panjangnya seperti ringkasan lain, dua atau tiga baris di telepon genggam.",
            "body": self.body,
            "tags": ["topik-3", "topik-40", "topik-7"],
            "citations": [{"source": "sumber-7", "url": url, "title": "Dokumen yang dikutip", "role": "original"}],
        })
    }
}

/// Hands out what was not written to yet.
struct Supply {
    targets: Vec<Target>,
    taken: usize,
    /// Begins the numbers that make things unique: the second in which this run began.
    stamp: u64,
}

impl Supply {
    fn take(&mut self, count: usize) -> usize {
        let first = self.taken;
        self.taken += count;
        first
    }

    fn unique(&self, number: usize) -> u64 {
        self.stamp * 10_000_000 + number as u64
    }
}

/// What pgbench runs for each deed.
struct Scripts([Script; DEEDS.len()]);

/// Measures them all.
pub(crate) async fn measure(setting: &mut Setting) -> Outcome<()> {
    let writes = setting.scale.writes;
    let client = setting.connect().await?;
    let each_turn: usize = EDITORS.iter().map(|editors| editors * writes).sum();
    let stamp = warta::clock::Clock::default().now().timestamp().cast_unsigned();
    let targets = targets::choose(&client, 3 * each_turn + SPARE).await?;
    let mut supply = Supply { targets, taken: 0, stamp };
    client.batch_execute(FUNCTIONS).await?;
    let server = setting.start(Caching::Default).await?;
    let mut tokens = Vec::new();
    for editor in 0..EDITORS[1] {
        tokens.push(server.sign_in(editor).await?);
    }
    let sample = server.get(&format!("/v1/articles/{}", newest(&server).await?)).await?.json()?;
    let body = sample["body"].as_str().unwrap_or_default().to_owned();
    let desk = Desk { server: &server, tokens, body };
    let scripts = capture(setting, &client, &desk, &mut supply).await?;
    let mut rates = Vec::new();
    for has_readers in [false, true] {
        let readers = has_readers.then(|| {
            let url = format!("{}/v1/articles", server.base);
            // Ends when it is dropped.
            tokio::spawn(async move { wrk::run(&url, Duration::from_secs(3600), None).await })
        });
        for editors in EDITORS {
            let first = supply.take(editors * writes);
            for (deed, name) in DEEDS {
                let (rate, times) = work(&desk, deed, &supply, (first, editors, writes)).await?;
                let shown = format!(
                    "{}, p50 {}, p99 {}",
                    per_second(rate),
                    ms(median(&times)),
                    ms(quantile(&times, 0.99))
                );
                if has_readers {
                    let what =
                        format!("{name}, {editors} editor(s), while {} readers read", wrk::CONNECTIONS);
                    setting.report.note(what, shown, "");
                } else {
                    rates.push((deed, name, editors, rate, shown));
                }
            }
        }
        if let Some(readers) = readers {
            readers.abort();
        }
        if !has_readers {
            sealing(setting, &client).await?;
        }
    }
    // Nobody but pgbench is to use the machine.
    drop(desk);
    drop(server);
    compare(setting, scripts, &mut supply, rates).await?;
    check(&client, &supply).await?;
    client.batch_execute("drop table figures_targets; drop function figures_id").await?;
    Ok(())
}

/// Each editor does one deed after the other; deeds per second, and how long each took.
async fn work(
    desk: &Desk<'_>,
    deed: Deed,
    supply: &Supply,
    (first, editors, writes): (usize, usize, usize),
) -> Outcome<(f64, Vec<f64>)> {
    let started = Instant::now();
    let times = try_join_all((0..editors).map(async |editor| {
        let mut times = Vec::with_capacity(writes);
        for number in (first + editor * writes..).take(writes) {
            times.push(millis(desk.act(deed, editor, &supply.targets[number], supply.unique(number)).await?));
        }
        Outcome::Ok(times)
    }));
    let times = times.await?.concat();
    Ok((times.len() as f64 / started.elapsed().as_secs_f64(), times))
}

/// How far behind the sealer of the record is after the last write.
async fn sealing(setting: &mut Setting, client: &Client) -> Outcome<()> {
    let query = "select count(*) from events where sequence is null";
    let behind: i64 = client.query_one(query, &[]).await?.get(0);
    let started = Instant::now();
    while client.query_one(query, &[]).await?.get::<_, i64>(0) > 0 {
        if started.elapsed() > Duration::from_secs(60) {
            return Err("the record is not sealed".into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let measured = format!("{behind} events to seal, sealed {} later", ms(millis(started.elapsed())));
    setting.report.note(format!("the record after {} editors' last write", EDITORS[1]), measured, "");
    Ok(())
}

/// What each deed has the server run.
async fn capture(
    setting: &Setting,
    client: &Client,
    desk: &Desk<'_>,
    supply: &mut Supply,
) -> Outcome<Scripts> {
    let since = warta::clock::Clock::default().now();
    let first = supply.take(SPARE);
    let capture = Capture::begin(&setting.cluster, client).await?;
    let mut scripts: [Script; DEEDS.len()] = std::array::from_fn(|_| Script::default());
    for ((deed, name), script) in DEEDS.into_iter().zip(&mut scripts) {
        let statements = capture
            .of(async |round| {
                let number = first + round;
                desk.act(deed, 0, &supply.targets[number], supply.unique(number)).await.map(drop)
            })
            .await?;
        progress(format!("  {name}: {} statements", statements.len()));
        let written = supply.targets[first..first + SPARE].iter().enumerate();
        let known = written
            .map(|(number, target)| Captured { target, unique: supply.unique(first + number).to_string() });
        let fresh = Fresh::new(since, known.collect());
        *script =
            Script::of(client, &statements, &|sql, kind, value| fresh.instead_of(sql, kind, value)).await?;
    }
    capture.end().await?;
    Ok(Scripts(scripts))
}

/// Runs the same with pgbench, and holds the server's rates against that.
async fn compare(
    setting: &mut Setting,
    Scripts(scripts): Scripts,
    supply: &mut Supply,
    rates: Vec<(Deed, &'static str, usize, f64, String)>,
) -> Outcome<()> {
    let (writes, url) = (setting.scale.writes, setting.url());
    let scripts = scripts.map(|script| script.with("i", "-1"));
    let mut against = Vec::new();
    for editors in EDITORS {
        let first = supply.take(editors * writes);
        for ((deed, name), script) in DEEDS.into_iter().zip(&scripts) {
            // Each connection has targets of its own.
            let prelude = format!(
                "\\set i :i + 1\n\\set n {first} + :client_id * {writes} + :i\n\\set r {} + :n\n",
                supply.unique(0)
            );
            let file = script.save(&setting.folder, &format!("{name}-{editors}"), &prelude)?;
            let length = Length::Transactions(writes);
            let rate = script.run(&setting.pgbench, &url, &file, editors, length, Session::Same).await?;
            against.push((deed, editors, rate));
        }
    }
    for (deed, name, editors, rate, shown) in rates {
        let same = against.iter().find(|(other, clients, _)| *other == deed && *clients == editors);
        let Some((_, _, pgbench)) = same else { continue };
        let what = format!("{name}, {editors} editor(s), against pgbench with the same statements");
        setting.report.ratio(what, (shown, per_second(*pgbench)), rate / pgbench, Budget::AtLeast(0.5));
    }
    Ok(())
}

/// Fails where pgbench did not do what editors do: each article that was handed out was changed and published
/// once.
async fn check(client: &Client, supply: &Supply) -> Outcome<()> {
    let query = "with written as (
            select subject_id as id, count(*) as events from events where created_at > now() - interval '12 hours' group by 1
        )
        select count(*) from figures_targets t join written w on w.id = t.id and w.events = 2
        where t.n >= $1 and t.n < $2
            and exists (select from editions l where l.article_id = t.id and l.kind = 'live' and l.public_version = 2)
            and exists (select from editions d where d.article_id = t.id and d.kind = 'draft' and d.revision = 2 and d.status = 'published')
            and exists (select from revisions r where r.article_id = t.id and r.number = 2)
            and exists (select from versions v where v.article_id = t.id and v.number = 2)";
    let (first, end) = (i32::try_from(SPARE)?, i32::try_from(supply.taken)?);
    let done: i64 = client.query_one(query, &[&first, &end]).await?.get(0);
    let wanted = i64::from(end - first);
    if done == wanted { Ok(()) } else { Err(format!("{done} of {wanted} articles were written to").into()) }
}
