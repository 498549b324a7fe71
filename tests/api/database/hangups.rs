//! Clients that hang up before they are answered.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{LONG, SESSIONS, beside, count, published, until};
use crate::support::Server;

#[tokio::test]
async fn what_nobody_waits_for_is_cancelled_and_the_pool_keeps_its_size() {
    let server = Server::uncached().await;
    let (_, story) = published(&server).await;
    // What a transaction sees of other sessions is what it saw first.
    let (mut lock, mut other) = (beside(&server.url).await, beside(&server.url).await);
    lock.batch_execute("begin; lock table articles in access exclusive mode").await.unwrap();
    let waiting = "pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let address = server.base.strip_prefix("http://").unwrap();
    let size = i64::try_from(server.database.counts().limit).unwrap();
    let mut most = 0;
    let mut clients_sent = server.connections.counts().accepted;
    for _ in 0..5 {
        let mut clients = Vec::new();
        for _ in 0..12 {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(format!("GET {story} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await.unwrap();
            // Gone at once, as whoever does not read what was sent: a client that only says that it sends no
            // more may wait.
            socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
            clients.push(client);
        }
        clients_sent += 12;
        let since = Instant::now();
        // What was reset before it was accepted is another matter.
        while count(&mut other, waiting).await == 0 || server.connections.counts().accepted < clients_sent {
            assert!(since.elapsed() < LONG, "nobody waits for the lock");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(clients);
        for _ in 0..10 {
            most = most.max(count(&mut other, SESSIONS).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    // With the one that listens for the cache.
    assert!(most <= size + 1, "{most} sessions of a pool of {size}");
    let since = Instant::now();
    while count(&mut other, waiting).await > 0 {
        assert!(since.elapsed() < Duration::from_secs(20), "a statement goes on that nobody waits for");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(server.database.counts().cancelled > 0, "{:?}", server.database.counts());
    lock.batch_execute("rollback").await.unwrap();
    until(200, async || server.get(&story, None).await).await;
    assert!(count(&mut other, SESSIONS).await <= size + 1);
}
