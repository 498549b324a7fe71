//! A server that allows fewer connections than the pool wants.

use diesel_async::SimpleAsyncConnection;
use warta::database::{Database, DatabaseUrl};

use super::{beside, published};
use crate::support::{Server, cluster::fresh_database};

/// The same database for a role that may have so many connections.
async fn limited(url: &DatabaseUrl, connections: u32) -> DatabaseUrl {
    let role = format!("small_{}", url.database().unwrap());
    let mut conn = beside(url).await;
    let make = format!(
        "drop role if exists {role}; create role {role} login connection limit {connections}; \
         grant all on all tables in schema public to {role}; grant all on all sequences in schema public to {role}"
    );
    conn.batch_execute(&make).await.unwrap();
    let pairs = url.expose();
    let (before, rest) = pairs.split_once("user='").unwrap();
    let (_, after) = rest.split_once('\'').unwrap();
    format!("{before}user='{role}'{after}").parse().unwrap()
}

#[tokio::test]
async fn requests_wait_for_the_connections_there_are() {
    let url = fresh_database().await;
    // The pool of the tests wants four, and what listens wants one.
    let server = Server::on(limited(&url, 3).await).await;
    let (token, story) = published(&server).await;
    for _ in 0..3 {
        let reads = (0..40).map(|_| server.get(&story, None));
        let writes = (0..10).map(|_| super::draft(&server, &token));
        let (reads, writes) =
            futures::join!(futures::future::join_all(reads), futures::future::join_all(writes));
        let count = |answers: &[crate::support::Answer], status| {
            answers.iter().filter(|answer| answer.status == status).count()
        };
        assert_eq!((count(&reads, 200), count(&writes, 201)), (40, 10), "{:?}", server.database.counts());
    }
    let counts = server.database.counts();
    assert!(counts.open <= 3 && counts.failed > 0, "{counts:?}");
}

/// The lanes of the workers share what there is.
#[tokio::test]
async fn no_lane_is_left_without() {
    let url = limited(&fresh_database().await, 2).await;
    let database = Database::connect_in_lanes(&url, 8, 3).await.unwrap();
    // A connection that somebody else opened is good while they are there.
    let end = std::sync::Arc::new(tokio::sync::Barrier::new(3));
    let thread = |database: Database| {
        let end = std::sync::Arc::clone(&end);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            database.settle();
            runtime.block_on(async {
                let work = (0..50).map(async |_| {
                    let mut conn = database.get().await.map_err(|error| error.to_string())?;
                    conn.batch_execute("select pg_sleep(0.002)").await.map_err(|error| error.to_string())
                });
                let done = futures::future::join_all(work).await;
                end.wait().await;
                done.into_iter().collect::<Result<Vec<_>, _>>().map(|done| done.len())
            })
        })
    };
    let threads: Vec<_> = (0..3).map(|_| thread(database.clone())).collect();
    let done = tokio::task::spawn_blocking(|| {
        threads.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(done.await.unwrap(), [Ok(50), Ok(50), Ok(50)]);
}
