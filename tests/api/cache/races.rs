//! What happens while an answer is being computed.

use std::{pin::pin, time::Duration};

use diesel_async::SimpleAsyncConnection;
use futures::future::join_all;
use serde_json::json;

use super::{Desk, is_hit, read, warm};
use crate::support::Server;

/// Keeps every article from being read whole until it is committed.
const BLOCK: &str = "begin; lock table corrections in access exclusive mode";

/// Waits until so many requests wait for somebody else's computation.
async fn joined(server: &Server, count: u64) {
    for _ in 0..1000 {
        if server.cache.counts().joined == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", server.cache.counts());
}

/// Waits until a statement waits for a lock.
async fn blocked(server: &Server) {
    let waiting = "do $$ begin loop exit when exists (select from pg_locks l join pg_database d on d.oid = l.database \
                   where d.datname = current_database() and not granted); perform pg_sleep(0.01); end loop; end $$";
    server.database.get().await.unwrap().batch_execute(waiting).await.unwrap();
}

#[tokio::test]
async fn a_hundred_who_ask_at_once_make_one_query() {
    let desk = Desk::open().await;
    let story = desk.story("Satu", &[]).await;
    let server = &desk.server;
    let before = server.database.statements();
    read(server, &story).await.expect(200);
    let of_one = server.database.statements() - before;
    desk.retitle(&story, "Dua").await;

    let mut lock = server.database.get().await.unwrap();
    lock.batch_execute(BLOCK).await.unwrap();
    let before = server.database.statements();
    let asking = join_all((0..100).map(|_| read(server, &story)));
    let unblocking = async {
        joined(server, 99).await;
        lock.batch_execute("commit").await.unwrap();
    };
    let (answers, ()) = tokio::join!(asking, unblocking);
    for answer in answers {
        assert_eq!(answer.expect(200).body["title"], "Dua");
    }
    // And the commit here.
    assert_eq!(server.database.statements() - before, of_one + 1);
}

#[tokio::test]
async fn who_waits_for_somebody_who_goes_away_gets_an_answer() {
    let desk = Desk::open().await;
    let story = desk.story("Satu", &[]).await;
    let server = &desk.server;
    let mut lock = server.database.get().await.unwrap();
    lock.batch_execute(BLOCK).await.unwrap();
    let url = format!("{}{story}", server.base);
    let first = tokio::spawn(async move { reqwest::get(url).await });
    blocked(server).await;
    let waiting = join_all((0..3).map(|_| read(server, &story)));
    let leaving = async {
        joined(server, 3).await;
        first.abort();
        tokio::time::sleep(Duration::from_millis(100)).await;
        lock.batch_execute("commit").await.unwrap();
    };
    let (answers, ()) = tokio::join!(waiting, leaving);
    for answer in answers {
        assert_eq!(answer.expect(200).body["title"], "Satu");
    }
    assert!(is_hit(server, &story).await);
}

#[tokio::test]
async fn what_cannot_be_shared_is_computed_for_each() {
    let desk = Desk::open().await;
    let server = &desk.server;
    let mut lock = server.database.get().await.unwrap();
    lock.batch_execute("begin; lock table article_slugs in access exclusive mode").await.unwrap();
    let asking = join_all((0..5).map(|_| read(server, "/v1/articles/tiada")));
    let unblocking = async {
        joined(server, 4).await;
        lock.batch_execute("commit").await.unwrap();
    };
    let (answers, ()) = tokio::join!(asking, unblocking);
    let mut ids: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.expect_problem(404, "not-found").header("x-request-id").to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

/// A feed that begins with the name of a tag, which is read before its stories are.
const FEED: &str = "/feeds/rss.xml?tag=lama";

/// Renames the tag while somebody reads the feed, and waits until the instance heard of it.
async fn overtake(server: &Server) {
    blocked(server).await;
    let mut change = server.database.get().await.unwrap();
    change.batch_execute("update tags set name = 'Baru'").await.unwrap();
    server.cache.caught_up().await;
}

#[tokio::test]
async fn an_answer_that_a_change_overtook_is_not_kept() {
    let desk = Desk::open().await;
    desk.make("/v1/tags", json!({"name": "Lama"})).await;
    let server = &desk.server;
    let mut lock = server.database.get().await.unwrap();
    lock.batch_execute(BLOCK).await.unwrap();
    let overtaking = async {
        overtake(server).await;
        lock.batch_execute("commit").await.unwrap();
    };
    let (overtaken, ()) = tokio::join!(read(server, FEED), overtaking);
    assert!(overtaken.expect(200).text.contains("Lama"), "the change came too early for this test");
    assert!(read(server, FEED).await.expect(200).text.contains("Baru"));
}

#[tokio::test]
async fn who_asks_after_a_change_does_not_get_what_was_begun_before() {
    let desk = Desk::open().await;
    desk.make("/v1/tags", json!({"name": "Lama"})).await;
    let server = &desk.server;
    let mut lock = server.database.get().await.unwrap();
    lock.batch_execute(BLOCK).await.unwrap();
    let later = async {
        overtake(server).await;
        let misses = server.cache.counts().misses;
        let unblocking = async {
            // Where it joined, it will not miss: then it waits no longer than the test does.
            for _ in 0..500 {
                if server.cache.counts().misses > misses {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            lock.batch_execute("commit").await.unwrap();
        };
        tokio::join!(read(server, FEED), unblocking).0
    };
    let (early, late) = tokio::join!(read(server, FEED), later);
    assert!(early.expect(200).text.contains("Lama"), "the change came too early for this test");
    assert!(late.expect(200).text.contains("Baru"));
    assert_eq!(server.cache.counts().joined, 0);
    assert!(read(server, FEED).await.expect(200).text.contains("Baru"));
}

#[tokio::test]
async fn what_is_published_while_its_tag_gets_another_name_is_seen_by_that_name() {
    let desk = Desk::open().await;
    for name in ["Riset", "Laut"] {
        desk.make("/v1/tags", json!({"name": name})).await;
    }
    let story = desk.story("Satu", &["laut"]).await;
    let (server, list) = (&desk.server, "/v1/articles?tag=riset");
    let retract = json!({"reason": "Keliru."});
    server.post(&format!("{story}/retract"), Some(&desk.editor), retract).await.expect(200);
    let mut publishing = server.database.get().await.unwrap();
    let publish = "begin; update editions set status = 'published', retracted_at = null, retraction_reason = null where kind = 'live'";
    publishing.batch_execute(publish).await.unwrap();
    server.post("/v1/tags/riset/merge", Some(&desk.editor), json!({"into": "laut"})).await.expect(200);
    warm(server, list).await;
    assert!(read(server, list).await.each("title").is_empty());
    publishing.batch_execute("commit").await.unwrap();
    server.cache.caught_up().await;
    assert_eq!(read(server, list).await.each("title"), ["Satu"]);
}

#[tokio::test]
async fn of_two_translations_that_appear_at_once_each_shows_the_other() {
    let desk = Desk::open().await;
    let [one, other] = [desk.story("Satu", &[]).await, desk.story("Dua", &[]).await];
    let server = &desk.server;
    let join = |slug: &str| {
        format!(
            "update editions set translation_group_id = '00000000-0000-7000-8000-000000000000' \
             where slug = '{slug}' and kind = 'live'"
        )
    };
    let (mut early, mut late) = (server.database.get().await.unwrap(), server.database.get().await.unwrap());
    early.batch_execute(&format!("begin; {}", join("satu"))).await.unwrap();
    let mut joining = pin!(async {
        late.batch_execute(&join("dua")).await.unwrap();
        server.cache.caught_up().await;
        read(server, &other).await.expect(200);
    });
    let overtook = tokio::select! {
        () = &mut joining => true,
        () = blocked(server) => false,
    };
    early.batch_execute("commit").await.unwrap();
    if !overtook {
        joining.as_mut().await;
    }
    server.cache.caught_up().await;
    for path in [&one, &other] {
        let translations = read(server, path).await.expect(200).body["translations"].clone();
        assert_eq!(translations.as_array().unwrap().len(), 1, "{path}");
    }
}
