//! Answers out of the response cache, against a handler that does nothing but answer the same bytes.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::{
    bare::Bare,
    outcome::Outcome,
    report::Budget,
    server::{Caching, Server},
    setting::{Setting, newest},
    turns::Turns,
    wrk,
};

/// Measures an article and a list, with and without somebody who writes.
pub(crate) async fn measure(setting: &mut Setting) -> Outcome<()> {
    let labels = ["article", "list"];
    if !setting.launcher.has_cache {
        for label in labels {
            setting.report.note(format!("cached {label}"), "n/a", "this version has no response cache");
        }
        return Ok(());
    }
    let server = setting.start(Caching::Default).await?;
    let paths = [format!("/v1/articles/{}", newest(&server).await?), "/v1/articles".to_owned()];
    for (label, path) in labels.into_iter().zip(paths) {
        let answer = server.get(&path).await?;
        let bare = Bare::start(&setting.folder, &answer)?;
        let bytes = answer.text.len();
        let turns = take_turns(setting, &server, &bare, &path).await?;
        let what = format!(
            "cached {label} of {bytes} bytes against a bare actix-web handler of the same head and body"
        );
        turns.report(&mut setting.report, what, Budget::AtLeast(0.9));
        let turns = {
            let token = server.sign_in(0).await?;
            let writing = write_steadily(&server, &token);
            tokio::select! {
                turns = take_turns(setting, &server, &bare, &path) => turns?,
                stopped = writing => return stopped,
            }
        };
        let what = format!("the same {label} under one write per second");
        turns.report(&mut setting.report, what, Budget::AtLeast(0.8));
    }
    Ok(())
}

async fn take_turns(setting: &Setting, server: &Server, bare: &Bare, path: &str) -> Outcome<Turns> {
    let mut turns = Turns::default();
    // What comes first warms up.
    wrk::run(&format!("{}{path}", server.base), Duration::from_secs(1), None).await?;
    wrk::run(&bare.base, Duration::from_secs(1), None).await?;
    for _ in 0..setting.scale.rounds {
        let run = wrk::run(&format!("{}{path}", server.base), setting.scale.time, None).await?;
        if run.failures > 0.0 {
            return Err(format!("{path}: {} of {} requests failed", run.failures, run.requests).into());
        }
        turns.push(run.rate, wrk::run(&bare.base, setting.scale.time, None).await?.rate);
    }
    Ok(turns)
}

/// Changes and publishes one old article after the other, one write a second, until it is dropped.
async fn write_steadily(server: &Server, token: &str) -> Outcome<()> {
    let oldest = server.get("/v1/articles?sort=published_at&limit=100").await?.json()?;
    let ids: Vec<_> =
        oldest["data"].as_array().into_iter().flatten().filter_map(|item| item["id"].as_str()).collect();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    for (round, id) in ids.iter().cycle().enumerate() {
        second.tick().await;
        let path = format!("/v1/articles/{id}");
        let patch = json!({"summary": format!("Diperbarui untuk kali ke-{round}.")});
        server.write(Method::PATCH, &path, token, Some(&patch)).await?;
        second.tick().await;
        server.write(Method::POST, &format!("{path}/publish"), token, None).await?;
    }
    Err("there is no article to write to".into())
}
