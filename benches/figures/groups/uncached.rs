//! Answers out of the database, against pgbench with the same statements.

use std::time::Duration;

use crate::{
    outcome::{Outcome, median},
    pgbench::{Length, Script, Session},
    report::Budget,
    server::Caching,
    setting::{Setting, newest},
    turns::Turns,
    wrk,
};

/// The connections of an instance with default settings: pgbench has as many.
const CONNECTIONS: usize = 16;

/// Measures an article and a list.
pub(crate) async fn measure(setting: &mut Setting) -> Outcome<()> {
    let server = setting.start(Caching::Off).await?;
    let labels = ["article", "list"];
    let paths = [format!("/v1/articles/{}", newest(&server).await?), "/v1/articles".to_owned()];
    for path in &paths {
        // Opens all connections, and prepares the statements on them.
        wrk::run(&format!("{}{path}", server.base), Duration::from_secs(1), None).await?;
    }
    let captured = setting.statements(&server, &paths).await?;
    let (client, url) = (setting.connect().await?, setting.url());
    for ((label, path), statements) in labels.into_iter().zip(&paths).zip(captured) {
        let script = Script::of(&client, &statements, &|_, _, _| None).await?;
        let file = script.save(&setting.folder, &format!("uncached-{label}"), "")?;
        let length = Length::Time(setting.scale.time);
        let (mut alike, mut plain, mut p99) = (Turns::default(), Turns::default(), Vec::new());
        for _ in 0..setting.scale.rounds {
            let run = wrk::run(&format!("{}{path}", server.base), setting.scale.time, None).await?;
            if run.failures > 0.0 {
                return Err(format!("{path}: {} of {} requests failed", run.failures, run.requests).into());
            }
            p99.push(run.p99);
            for (session, turns) in [(Session::Same, &mut alike), (Session::Plain, &mut plain)] {
                let against = script.run(&setting.pgbench, &url, &file, CONNECTIONS, length, session).await?;
                turns.push(run.rate, against);
            }
        }
        let what = format!(
            "uncached {label} against pgbench with the same {} statement(s) and session; p99 of {} connections {:.1} ms",
            statements.len(),
            wrk::CONNECTIONS,
            median(&p99)
        );
        alike.report(&mut setting.report, what, Budget::AtLeast(0.6));
        let what = format!("the same {label} against pgbench with Postgres' own settings of a session");
        plain.report(&mut setting.report, what, Budget::None);
    }
    Ok(())
}
