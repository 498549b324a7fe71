//! What an instance does while it does not hear the database, and how it comes back.

use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use warta::database::Database;

use super::{Desk, is_hit, read, warm};
use crate::support::Server;

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Ends the connections that listen; with `for_good` so that no new one can be made.
async fn cut(server: &Server, for_good: bool) {
    let mut conn = server.database.get().await.unwrap();
    let name = sql_query("select current_database()::text as name")
        .get_result::<Name>(&mut conn)
        .await
        .unwrap()
        .name;
    // Not from within.
    let elsewhere = Database::connect(&server.url.with_database("postgres"), 1).await.unwrap();
    let allow = format!("alter database \"{name}\" with allow_connections {}", !for_good);
    elsewhere.get().await.unwrap().batch_execute(&allow).await.unwrap();
    // An empty command is what a listening connection sends.
    let end = "select pg_terminate_backend(pid) from pg_stat_activity \
               where datname = current_database() and query in ('', 'listen warta') and pid <> pg_backend_pid()";
    conn.batch_execute(end).await.unwrap();
}

async fn retitle(server: &Server, title: &str) {
    let mut conn = server.database.get().await.unwrap();
    conn.batch_execute(&format!("update editions set title = '{title}' where kind = 'live'")).await.unwrap();
}

#[tokio::test]
async fn an_instance_that_does_not_hear_does_not_use_its_cache() {
    let desk = Desk::open().await;
    let story = desk.story("Lama", &[]).await;
    let server = &desk.server;
    warm(server, &story).await;
    warm(server, "/docs").await;
    cut(server, true).await;
    server.linked(false).await;
    retitle(server, "Baru").await;
    assert_eq!(read(server, &story).await.expect(200).body["title"], "Baru");
    let before = server.cache.counts();
    assert!(!is_hit(server, &story).await);
    assert_eq!(server.cache.counts().bypassed, before.bypassed + 1);
    // Writes go on, and wait for nothing.
    desk.retitle(&story, "Lebih baru").await;
    assert_eq!(read(server, &story).await.expect(200).body["title"], "Lebih baru");

    cut(server, false).await;
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
    let desk = Desk::open().await;
    let story = desk.story("Satu", &[]).await;
    let server = &desk.server;
    for round in 0..3 {
        warm(server, &story).await;
        cut(server, false).await;
        server.linked(false).await;
        retitle(server, &format!("Judul {round}")).await;
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
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the other instance did not hear");
}
