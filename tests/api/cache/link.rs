//! What an instance does while it does not hear the database, and how it comes back.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use warta::principal::Role;

use super::{Desk, is_hit, read, warm};
use crate::support::{Line, Proxy, Server};

/// An instance with an editor, whose connections to the database can be closed.
async fn behind_a_line() -> (Desk, Proxy) {
    let (server, line) = Server::behind_a_line(Duration::from_secs(600)).await;
    let editor = server.sign_in(Role::Admin).await;
    (Desk { server, editor }, line)
}

async fn retitle(server: &Server, title: &str) {
    let mut conn = server.database.get().await.unwrap();
    conn.batch_execute(&format!("update editions set title = '{title}' where kind = 'live'")).await.unwrap();
}

#[tokio::test]
async fn an_instance_that_does_not_hear_does_not_use_its_cache() {
    let (desk, line) = behind_a_line().await;
    let story = desk.story("Lama", &[]).await;
    let server = &desk.server;
    warm(server, &story).await;
    warm(server, "/docs").await;
    line.set(Line::Deaf);
    server.linked(false).await;
    retitle(server, "Baru").await;
    assert_eq!(read(server, &story).await.expect(200).body["title"], "Baru");
    let before = server.cache.counts();
    assert!(!is_hit(server, &story).await);
    assert_eq!(server.cache.counts().bypassed, before.bypassed + 1);
    // Writes go on, and wait for nothing.
    desk.retitle(&story, "Lebih baru").await;
    assert_eq!(read(server, &story).await.expect(200).body["title"], "Lebih baru");

    line.set(Line::Open);
    server.linked(true).await;
    // It starts empty: also without what nothing touched.
    assert!(!is_hit(server, "/docs").await);
    assert!(!is_hit(server, &story).await);
    assert_eq!(read(server, &story).await.expect(200).body["title"], "Lebih baru");
    assert!(is_hit(server, &story).await);
    retitle(server, "Terbaru").await;
    server.cache.caught_up().await;
    assert_eq!(read(server, &story).await.expect(200).body["title"], "Terbaru");
}

#[tokio::test]
async fn a_link_that_is_cut_is_made_anew() {
    let (desk, line) = behind_a_line().await;
    let story = desk.story("Satu", &[]).await;
    let server = &desk.server;
    for round in 0..3 {
        warm(server, &story).await;
        line.set(Line::Deaf);
        server.linked(false).await;
        retitle(server, &format!("Judul {round}")).await;
        line.set(Line::Open);
        server.linked(true).await;
        assert_eq!(read(server, &story).await.expect(200).body["title"], format!("Judul {round}"));
    }
}

#[tokio::test]
async fn one_instance_hears_what_another_one_changed() {
    let desk = Desk::open().await;
    let story = desk.story("Satu", &[]).await;
    let other_story = desk.story("Lain", &[]).await;
    let other = desk.server.beside(1 << 20).await;
    for path in [&story, &other_story] {
        warm(&other, path).await;
    }
    for round in 0..20 {
        let title = format!("Judul {round}");
        desk.retitle(&story, &title).await;
        other.cache.caught_up().await;
        assert_eq!(read(&other, &story).await.expect(200).body["title"], title);
        assert!(is_hit(&other, &other_story).await);
    }
    // Without being asked, too: a notification comes by itself.
    desk.retitle(&story, "Akhirnya").await;
    for _ in 0..1000 {
        if read(&other, &story).await.expect(200).body["title"] == "Akhirnya" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the other instance did not hear");
}
