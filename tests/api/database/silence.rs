//! A database that does not answer.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use warta::database::Database;

use super::{
    beside, draft,
    proxy::{Mood, Proxy},
    published, until,
};
use crate::support::{Server, cluster::fresh_database};

#[tokio::test]
async fn silence_is_503_within_seconds_and_is_over_when_it_is_over() {
    let url = fresh_database().await;
    let proxy = Proxy::start(&url).await;
    let server = Server::on(proxy.only(&url)).await;
    let (token, story) = published(&server).await;
    server.get(&story, None).await.expect(200);

    proxy.be(Mood::Silent);
    let since = Instant::now();
    let me = server.get("/v1/me", Some(&token));
    let (read, list, me, write) = futures::join!(
        server.get(&story, None),
        server.get("/v1/articles?limit=7", None),
        me,
        draft(&server, &token)
    );
    for answer in [read, list, me, write] {
        let answer = answer.expect_problem(503, "unavailable");
        answer.header("retry-after");
    }
    // Long before the limit of a statement: the server is asked whether it is there.
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
    // Another one, now that no connection is left.
    server.get(&story, None).await.expect_problem(503, "unavailable");

    proxy.be(Mood::Forwarding);
    until(200, async || server.get(&story, None).await).await;
    until(201, async || draft(&server, &token).await).await;
    let counts = server.database.counts();
    assert!(counts.discarded > 0 && counts.failed > 0, "{counts:?}");
    assert_eq!(counts.waiting, 0, "{counts:?}");
}

#[tokio::test]
async fn a_probe_has_its_own_limit() {
    let url = fresh_database().await;
    let proxy = Proxy::start(&url).await;
    let database = Database::connect(&proxy.only(&url), 1).await.unwrap();
    database.ping(Duration::from_secs(30)).await.unwrap();

    let ask = async |why: &str| {
        let since = Instant::now();
        database.ping(Duration::from_millis(500)).await.unwrap_err();
        assert!(since.elapsed() < Duration::from_secs(10), "{why}: {:?}", since.elapsed());
    };
    let held = database.get().await.unwrap();
    ask("no connection is free").await;
    drop(held);
    database.ping(Duration::from_secs(30)).await.unwrap();
    proxy.be(Mood::Silent);
    ask("nobody answers").await;
    ask("nobody answers, and nothing is left").await;
    proxy.be(Mood::Forwarding);
    let since = Instant::now();
    while let Err(error) = database.ping(Duration::from_secs(2)).await {
        assert!(since.elapsed() < super::LONG, "{error}");
    }
}

/// The server is there, but one connection to it is lost in between, as behind a proxy that was started anew.
#[tokio::test]
async fn a_statement_has_a_limit_at_our_end() {
    let url = fresh_database().await;
    let proxy = Proxy::start(&url).await;
    let database = Database::connect(&proxy.only(&url), 1).await.unwrap();
    database.ping(super::LONG).await.unwrap();
    proxy.be(Mood::ForgettingTheOld);
    let since = Instant::now();
    let error = database.get().await.unwrap().batch_execute("select 1").await.unwrap_err();
    let error = warta::error::ApiError::from(error);
    assert_eq!(error.kind(), warta::error::ProblemType::Unavailable, "{error:?}");
    // A little more than the server would let it take.
    assert!(
        since.elapsed() > Duration::from_secs(30) && since.elapsed() < 2 * super::LONG,
        "{:?}",
        since.elapsed()
    );
    database.get().await.unwrap().batch_execute("select 1").await.unwrap();
}

#[tokio::test]
async fn an_opening_outlives_the_request_that_wanted_it() {
    let url = fresh_database().await;
    let proxy = Proxy::start(&url).await;
    let database = Database::connect(&proxy.only(&url), 3).await.unwrap();
    database.ping(super::LONG).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut held = Vec::new();
    while database.counts().idle > 0 {
        held.push(database.get().await.unwrap());
    }
    assert!(held.len() < 3, "{database:?}");
    proxy.be(Mood::Slow(Duration::from_secs(1)));
    assert!(database.get_within(Duration::from_millis(50)).await.is_err());
    let since = Instant::now();
    while database.counts().idle == 0 {
        assert!(since.elapsed() < super::LONG, "{database:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let taken = proxy.taken();
    let mut conn = database.get().await.unwrap();
    conn.batch_execute("select 1").await.unwrap();
    assert_eq!(proxy.taken(), taken, "the one that was opened is used");
    assert_eq!(database.counts().in_use, held.len() + 1);
    drop((held, conn));
    assert_eq!(database.counts().in_use, 0);
}

/// Backends that are ended, as by an administrator or a crash.
#[tokio::test]
async fn connections_that_are_ended_are_thrown_away() {
    let server = Server::uncached().await;
    let (token, story) = published(&server).await;
    let mut other = beside(&server.url).await;
    for round in 0..3 {
        let reads = (0..4).map(|_| server.get("/v1/articles", None));
        futures::future::join_all(reads).await;
        let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
                   where datname = current_database() and application_name = 'warta'";
        other.batch_execute(end).await.unwrap();
        for _ in 0..4 {
            let answer = server.get(&story, None).await;
            assert!(matches!(answer.status, 200 | 503), "round {round}: {}", answer.text);
        }
        until(201, async || draft(&server, &token).await).await;
    }

    // Under a request.
    let mut lock = beside(&server.url).await;
    lock.batch_execute("begin; lock table articles in access exclusive mode").await.unwrap();
    let reading = server.get(&story, None);
    let ending = async {
        let waiting = "pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        while super::count(&mut other, waiting).await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
                   where datname = current_database() and wait_event_type = 'Lock'";
        other.batch_execute(end).await.unwrap();
    };
    let (answer, ()) = futures::join!(reading, ending);
    answer.expect_problem(503, "unavailable").header("retry-after");
    lock.batch_execute("rollback").await.unwrap();
    until(200, async || server.get(&story, None).await).await;
}
