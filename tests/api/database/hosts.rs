//! A URL that names several servers.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use tokio::net::TcpListener;
use warta::database::Database;

use super::{
    LONG, beside, draft,
    proxy::{Mood, Proxy, deaf},
    published, until,
};
use crate::support::{Server, cluster::fresh_database};

#[tokio::test]
async fn a_host_that_takes_connections_and_says_nothing_is_passed_over() {
    let url = fresh_database().await;
    let (dead, _keeping) = deaf().await;
    let good = Proxy::start(&url).await;
    let url = Proxy::url(&url, &[dead, good.port()], "target_session_attrs=read-write");
    let since = Instant::now();
    let server = Server::on(url).await;
    assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
    let (token, story) = published(&server).await;
    // All of them are lost, again and again: the silent one is not waited for each time.
    let mut other = beside(&server.url).await;
    for _ in 0..3 {
        let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
                   where datname = current_database() and application_name = 'warta'";
        other.batch_execute(end).await.unwrap();
        let took = until(200, async || server.get(&story, None).await).await;
        assert!(took < Duration::from_secs(20), "{took:?}");
        until(201, async || draft(&server, &token).await).await;
    }
}

#[tokio::test]
async fn a_host_that_refuses_is_passed_over() {
    let url = fresh_database().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refusing = listener.local_addr().unwrap().port();
    drop(listener);
    let good = Proxy::start(&url).await;
    let database = Database::connect(&Proxy::url(&url, &[refusing, good.port()], ""), 1).await.unwrap();
    database.ping(LONG).await.unwrap();
    let error = Database::connect(&Proxy::url(&url, &[refusing, refusing], ""), 1).await.unwrap_err();
    let told = error.to_string();
    assert_eq!(told.matches(&format!("127.0.0.1:{refusing}: ")).count(), 2, "each with its reason: {told}");
}

#[tokio::test]
async fn the_second_host_is_used_when_the_first_falls_silent_and_kept_when_it_is_back() {
    let url = fresh_database().await;
    let (first, second) = (Proxy::start(&url).await, Proxy::start(&url).await);
    let both = Proxy::url(&url, &[first.port(), second.port()], "target_session_attrs=read-write");
    let server = Server::on(both).await;
    let (token, story) = published(&server).await;
    assert_eq!(second.taken(), 0, "the first host is the first");

    first.be(Mood::Silent);
    let took = until(201, async || draft(&server, &token).await).await;
    assert!(took < Duration::from_secs(30), "{took:?}");
    until(200, async || server.get(&story, None).await).await;

    first.be(Mood::Forwarding);
    // Whoever tried it while it was silent finds it there now, and is done with it.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let taken = first.taken();
    let mut other = beside(&server.url).await;
    let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
               where datname = current_database() and application_name = 'warta'";
    for _ in 0..3 {
        other.batch_execute(end).await.unwrap();
        until(201, async || draft(&server, &token).await).await;
    }
    assert_eq!(first.taken(), taken, "its return changes nothing");
}
