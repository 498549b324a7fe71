//! Tags and sources.

use futures::future::join_all;
use serde_json::{Value, json};
use warta::principal::Role;

use crate::support::Server;

#[tokio::test]
async fn a_tag_is_made_renamed_and_deleted_off_its_articles() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let made = server.post("/v1/tags", editor, json!({"name": "Bahasa Daerah"})).await.expect(201);
    assert_eq!(made.header("location"), "/v1/tags/bahasa-daerah");
    let read = server.get("/v1/tags/bahasa-daerah", None).await.expect(200);
    assert_eq!(read.body, made.body);
    assert_eq!(read.header("etag"), made.header("etag"));

    let body = json!({"title": "Satu", "language": "id", "tags": [made.body["id"]]});
    server.post("/v1/articles", editor, body).await.expect(201);
    assert_eq!(server.get("/v1/tags/bahasa-daerah", editor).await.body["article_count"], 0);
    server.act("/v1/articles/satu/publish", editor).await.expect(200);
    assert_eq!(server.get("/v1/tags/bahasa-daerah", None).await.body["article_count"], 1);

    let patch = json!({"name": "Bahasa", "slug": null, "description": "Tentang bahasa."});
    let changed =
        server.patch_if("/v1/tags/bahasa-daerah", editor, made.header("etag"), patch).await.expect(200);
    assert_eq!(changed.body["slug"], "bahasa");
    let stale = server.patch_if("/v1/tags/bahasa", editor, made.header("etag"), json!({"name": "x"})).await;
    assert_eq!(stale.expect_problem(412, "precondition-failed").header("etag"), changed.header("etag"));
    assert_eq!(server.patch("/v1/tags/bahasa", editor, json!({"slug": null})).await.body["slug"], "bahasa");
    assert_eq!(server.get("/v1/articles/satu", None).await.body["tags"][0]["name"], "Bahasa");

    server.delete("/v1/tags/bahasa", editor).await.expect(204);
    assert_eq!(server.get("/v1/articles/satu", None).await.body["tags"], json!([]));
    server.get("/v1/tags/bahasa", None).await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn a_source_that_is_cited_stays() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let body = json!({"name": "Kantor Berita", "homepage_url": "https://kb.example/", "language": "IN"});
    let made = server.post("/v1/sources", editor, body).await.expect(201);
    assert_eq!(made.body["language"], "id");
    let citation = |url: &str| json!({"source": "kantor-berita", "url": url, "title": "Dokumen"});
    for title in ["Satu", "Dua"] {
        let citations = [1, 2].map(|number| citation(&format!("https://kb.example/{title}/{number}")));
        let body = json!({"title": title, "language": "id", "citations": citations});
        let article = server.post("/v1/articles", editor, body).await.expect(201);
        assert_eq!(article.body["citations"][0]["role"], "original");
    }
    server.act("/v1/articles/satu/publish", editor).await.expect(200);
    assert_eq!(server.get("/v1/sources/kantor-berita", None).await.body["article_count"], 1);
    let refused =
        server.delete("/v1/sources/kantor-berita", editor).await.expect_problem(409, "source-cited");
    assert_eq!(refused.body["article_count"], 2);
    let cleared = json!({"homepage_url": null, "language": null});
    let cleared = server.patch("/v1/sources/kantor-berita", editor, cleared).await.expect(200);
    assert_eq!((&cleared.body["homepage_url"], &cleared.body["language"]), (&Value::Null, &Value::Null));
    for title in ["satu", "dua"] {
        server.patch(&format!("/v1/articles/{title}"), editor, json!({"citations": []})).await.expect(200);
    }
    // Readers still see it cited.
    server.delete("/v1/sources/kantor-berita", editor).await.expect_problem(409, "source-cited");
    server.act("/v1/articles/satu/publish", editor).await.expect(200);
    server.delete("/v1/sources/kantor-berita", editor).await.expect(204);
}

#[tokio::test]
async fn names_may_repeat_and_slugs_may_not() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    for (path, problem) in [("/v1/tags", "slug-taken"), ("/v1/sources", "slug-taken")] {
        let made = join_all((0..6).map(|_| server.post(path, editor, json!({"name": "Sama"})))).await;
        let mut slugs: Vec<_> = made.iter().map(|made| made.body["slug"].as_str().unwrap()).collect();
        slugs.sort_unstable();
        assert_eq!(slugs, ["sama", "sama-2", "sama-3", "sama-4", "sama-5", "sama-6"]);
        let given = json!({"name": "Lain", "slug": "sama"});
        let refused = server.post(path, editor, given).await.expect_problem(409, problem);
        assert_eq!(refused.faults(), [("/slug".to_owned(), "taken".to_owned())]);
        let to_taken = json!({"slug": "sama-2"});
        server.patch(&format!("{path}/sama"), editor, to_taken).await.expect_problem(409, problem);
        let faults = json!({"name": "", "slug": "X", "description": "a\u{0}", "nope": 1});
        let refused = server.post(path, editor, faults).await.expect_problem(422, "invalid-body");
        let places: Vec<_> = refused.faults().into_iter().map(|(place, _)| place).collect();
        assert_eq!(places, ["/description", "/name", "/nope", "/slug"]);
    }
}

#[tokio::test]
async fn an_author_takes_back_a_source_of_their_own_that_nobody_uses() {
    let server = Server::start().await;
    let (writer, other) = (server.sign_in(Role::Writer).await, server.sign_in(Role::Writer).await);
    let editor = server.sign_in(Role::Editor).await;
    for (name, maker) in [("Pesisir", &writer), ("Gunung", &editor)] {
        server.post("/v1/sources", Some(maker), json!({"name": name})).await.expect(201);
    }
    server.delete("/v1/sources/gunung", Some(&writer)).await.expect_problem(403, "forbidden");
    server.delete("/v1/sources/pesisir", Some(&other)).await.expect_problem(403, "forbidden");

    // Somebody else's draft uses it, of which its maker may not know how many there are.
    let cites = json!({
        "title": "Kabar", "language": "id",
        "citations": [{"source": "pesisir", "url": "https://pesisir.example/1", "title": "Laporan"}],
    });
    let draft =
        server.post("/v1/articles", Some(&other), cites).await.expect(201).header("location").to_owned();
    let used = server.delete("/v1/sources/pesisir", Some(&writer)).await.expect_problem(409, "source-cited");
    assert_eq!(used.body["article_count"], 0);
    let used = server.delete("/v1/sources/pesisir", Some(&editor)).await.expect_problem(409, "source-cited");
    assert_eq!(used.body["article_count"], 1);

    server.patch(&draft, Some(&other), json!({"citations": []})).await.expect(200);
    server.delete("/v1/sources/pesisir", Some(&writer)).await.expect(204);
    server.get("/v1/sources/pesisir", None).await.expect(404);
}
