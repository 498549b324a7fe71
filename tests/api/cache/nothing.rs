//! That there is nothing at an address, or nothing any more, or that it is elsewhere, is kept as any answer
//! is.

use serde_json::json;

use super::{Desk, read, warm};
use crate::support::{Answer, Server};

/// Reads an address twice; fails where the second answer is not from memory, or another one.
async fn kept(server: &Server, path: &str, status: u16) -> Answer {
    let first = read(server, path).await.expect(status);
    let (statements, hits) = (server.database.statements(), server.cache.counts().hits);
    let again = read(server, path).await.expect(status);
    assert_eq!(server.database.statements(), statements, "{path}");
    assert_eq!(server.cache.counts().hits, hits + 1, "{path}");
    let request = |answer: &Answer| answer.header("x-request-id").to_owned();
    assert_ne!(request(&again), request(&first));
    assert_eq!(again.text.replace(&request(&again), ""), first.text.replace(&request(&first), ""));
    if status != 308 {
        assert_eq!(again.body["request_id"], request(&again));
        assert_eq!(again.header("content-type"), "application/problem+json");
    }
    let mut headers = again.headers.clone();
    headers.insert("x-request-id", first.headers["x-request-id"].clone());
    headers.insert("date", first.headers["date"].clone());
    assert_eq!(headers, first.headers, "{path}");
    assert!(again.header("cache-control").starts_with("public, max-age=5"), "{path}");
    assert!(again.header("vary").contains("Authorization"), "{path}");
    again
}

#[tokio::test]
async fn what_is_not_there_is_kept_until_it_may_be() {
    let desk = Desk::open().await;
    for (path, keys) in [
        ("/v1/articles/satu", "articles"),
        ("/v1/articles/satu/versions", "articles"),
        ("/v1/articles/satu/related?limit=1", "articles"),
        ("/v1/articles/0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77", "articles"),
        ("/v1/tags/riset", "tags"),
        ("/v1/sources/pesisir", "sources"),
        ("/v1/sources/pesisir/articles", "sources"),
        ("/sitemap-2.xml", "articles"),
    ] {
        let answer = kept(&desk.server, path, 404).await;
        assert_eq!((answer.header("surrogate-key"), answer.header("cache-tag")), (keys, keys), "{path}");
        // Not for whoever comes with a token, nor the other way round.
        let mine = desk.server.get(path, Some(&desk.editor)).await.expect(404);
        assert!(
            !mine.headers.contains_key("surrogate-key") && mine.header("cache-control").contains("no-store")
        );
    }
    desk.make("/v1/tags", json!({"name": "Riset"})).await;
    desk.make("/v1/sources", json!({"name": "Pesisir"})).await;
    let story = desk.story("Satu", &["riset"]).await;
    for path in [
        "/v1/tags/riset",
        "/v1/sources/pesisir/articles",
        "/v1/sources/pesisir",
        &story,
        "/v1/articles/satu/versions",
    ] {
        read(&desk.server, path).await.expect(200);
    }
    // What an article does not have, it may come to have.
    kept(&desk.server, &format!("{story}/versions/2"), 404).await;
    desk.retitle(&story, "Dua").await;
    read(&desk.server, &format!("{story}/versions/2")).await.expect(200);
}

#[tokio::test]
async fn what_moved_and_what_was_taken_back_is_kept_until_that_changes() {
    let desk = Desk::open().await;
    let story = desk.story("Satu", &[]).await;
    warm(&desk.server, &story).await;
    let id = read(&desk.server, &story).await.body["id"].as_str().unwrap().to_owned();
    desk.server.patch(&story, Some(&desk.editor), json!({"slug": "dua"})).await.expect(200);
    desk.act(&story, "publish").await;
    let moved = kept(&desk.server, &story, 308).await;
    assert_eq!(moved.header("location"), "/v1/articles/dua");
    assert_eq!(moved.header("surrogate-key"), format!("article:{id}"));
    assert_eq!(
        kept(&desk.server, &format!("{story}/versions"), 308).await.header("location"),
        "/v1/articles/dua/versions"
    );
    desk.server.patch("/v1/articles/dua", Some(&desk.editor), json!({"slug": "tiga"})).await.expect(200);
    desk.act("/v1/articles/dua", "publish").await;
    assert_eq!(kept(&desk.server, &story, 308).await.header("location"), "/v1/articles/tiga");
    // A slug that is freed leads nowhere.
    desk.server.delete("/v1/articles/tiga/slugs/satu", Some(&desk.editor)).await.expect(204);
    kept(&desk.server, &story, 404).await;

    let retract = json!({"reason": "Keliru."});
    desk.server.post("/v1/articles/tiga/retract", Some(&desk.editor), retract).await.expect(200);
    let gone = kept(&desk.server, "/v1/articles/tiga", 410).await.expect_problem(410, "retracted");
    assert_eq!(
        (gone.body["reason"].as_str(), gone.header("surrogate-key")),
        (Some("Keliru."), &*format!("article:{id}"))
    );
    desk.server.delete("/v1/articles/tiga?permanent=true", Some(&desk.editor)).await.expect(204);
    kept(&desk.server, "/v1/articles/tiga", 404).await;

    desk.make("/v1/tags", json!({"name": "Riset"})).await;
    desk.server.patch("/v1/tags/riset", Some(&desk.editor), json!({"slug": "ilmu"})).await.expect(200);
    assert_eq!(kept(&desk.server, "/v1/tags/riset", 308).await.header("location"), "/v1/tags/ilmu");
    desk.server.delete("/v1/tags/ilmu", Some(&desk.editor)).await.expect(204);
    kept(&desk.server, "/v1/tags/riset", 404).await;
}

#[tokio::test]
async fn a_storm_on_dead_addresses_pushes_nothing_out() {
    const ROOM: u64 = 1 << 20;
    let server = Server::caching(ROOM).await;
    let alive = ["/v1/articles", "/v1/articles?q=kata", "/v1/tags?menu=true"];
    for path in alive {
        warm(&server, path).await;
    }
    let before = server.cache.counts();
    for number in 0..300 {
        read(&server, &format!("/v1/articles/tiada-{number}")).await.expect(404);
    }
    let counts = server.cache.counts();
    assert!(counts.bytes - before.bytes <= ROOM / 16, "{counts:?}");
    assert!(counts.entries > before.entries + 10, "{counts:?}");
    assert!(counts.evictions > before.evictions, "{counts:?}");
    for path in alive {
        let hits = server.cache.counts().hits;
        read(&server, path).await.expect(200);
        assert_eq!(server.cache.counts().hits, hits + 1, "{path} was pushed out");
    }
}
