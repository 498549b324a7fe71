//! Public versions: what readers saw, and when.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::{Value, json};
use warta::principal::Role;

use crate::support::Server;

async fn newsroom() -> (Server, String) {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    (server, token)
}

/// A story that readers see; its path.
async fn live(server: &Server, token: &str, title: &str) -> String {
    let body = json!({"title": title, "language": "id", "body": "Satu **dua**."});
    let made = server.post("/v1/articles", Some(token), body).await.expect(201);
    let path = format!("/v1/articles/{}", made.body["id"].as_str().unwrap());
    server.act(&format!("{path}/publish"), Some(token)).await.expect(200);
    path
}

fn numbers(list: &Value) -> Vec<i64> {
    list["data"].as_array().unwrap().iter().map(|version| version["number"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn each_publication_is_a_version() {
    let (server, token) = newsroom().await;
    let editor = Some(token.as_str());
    server.post("/v1/tags", editor, json!({"name": "Riset"})).await.expect(201);
    server.post("/v1/sources", editor, json!({"name": "Kantor Berita"})).await.expect(201);
    let body = json!({
        "title": "Satu", "language": "id", "summary": "Ringkasan.", "body": "Satu **dua** tiga.", "byline": "Redaksi",
        "image": {"url": "https://images.warta.example/a.jpg"}, "tags": ["riset"],
        "citations": [{"source": "kantor-berita", "url": "https://pesisir.example/1", "title": "Laporan"}],
    });
    server.post("/v1/articles", editor, body).await.expect(201);
    let (path, publish) = ("/v1/articles/satu", "/v1/articles/satu/publish");
    let first = server.act(publish, editor).await.expect(200);
    assert_eq!(first.body.get("version"), None, "a draft is no version");
    let before = server.get(path, None).await.expect(200);
    assert_eq!(before.body["version"], 1);

    server.patch(path, editor, json!({"title": "Dua", "body": "Empat.", "tags": []})).await.expect(200);
    let list = server.get("/v1/articles/satu/versions?count=true", None).await.expect(200);
    assert_eq!((numbers(&list.body), &list.body["total"]), (vec![1], &json!(1)), "a draft is no version");
    server.act(publish, editor).await.expect(200);
    server.act(publish, editor).await.expect(200);
    // Whatever becomes of the names.
    server.patch("/v1/tags/riset", editor, json!({"name": "Penelitian"})).await.expect(200);
    server.patch("/v1/sources/kantor-berita", editor, json!({"name": "Lain"})).await.expect(200);

    let list = server.get("/v1/articles/satu/versions", None).await.expect(200);
    let (newest, oldest) = (&list.body["data"][0], &list.body["data"][1]);
    assert_eq!(numbers(&list.body), [2, 1]);
    assert_eq!((&newest["title"], &oldest["title"]), (&json!("Dua"), &json!("Satu")));
    assert_eq!(oldest["superseded_at"], newest["published_at"]);
    assert_eq!(newest["superseded_at"], Value::Null);
    assert!(newest["published_at"].as_str() > oldest["published_at"].as_str());

    let version = server.get("/v1/articles/satu/versions/1", None).await.expect(200);
    for member in [
        "slug",
        "title",
        "language",
        "summary",
        "body",
        "body_html",
        "image",
        "byline",
        "provenance",
        "tags",
        "citations",
        "word_count",
        "reading_minutes",
        "published_at",
    ] {
        assert_eq!(version.body[member], before.body[member], "{member}");
    }
    assert_eq!(version.body["article_id"], before.body["id"]);
    assert_eq!(version.body["superseded_at"], newest["published_at"]);
    assert_eq!(
        version.header("cache-control"),
        "public, max-age=5, stale-while-revalidate=30, stale-if-error=600"
    );
    let known = [("if-none-match", version.header("etag"))];
    server.send("GET", "/v1/articles/satu/versions/1", &known, None).await.expect(304);
    let now = server.get(path, None).await.expect(200);
    let newest = server.get("/v1/articles/satu/versions/2", None).await.expect(200);
    assert_eq!((&now.body["version"], &newest.body["body_html"]), (&json!(2), &now.body["body_html"]));
}

#[tokio::test]
async fn a_version_has_the_names_that_readers_saw() {
    let (server, token) = newsroom().await;
    let editor = Some(token.as_str());
    for name in ["Riset", "Pasar"] {
        server.post("/v1/tags", editor, json!({"name": name})).await.expect(201);
    }
    server.post("/v1/sources", editor, json!({"name": "Kantor Berita"})).await.expect(201);
    let body = json!({
        "title": "Satu", "language": "id", "tags": ["pasar", "riset"],
        "citations": [{"source": "kantor-berita", "url": "https://pesisir.example/1", "title": "Laporan"}],
    });
    server.post("/v1/articles", editor, body).await.expect(201);
    // After the text was saved, and before anybody sees it.
    server.patch("/v1/tags/riset", editor, json!({"name": "Penelitian"})).await.expect(200);
    server.post("/v1/tags", editor, json!({"name": "Ekonomi"})).await.expect(201);
    server.post("/v1/tags/pasar/merge", editor, json!({"into": "ekonomi"})).await.expect(200);
    let source = json!({"name": "Pesisir", "homepage_url": "https://pesisir.example/"});
    server.patch("/v1/sources/kantor-berita", editor, source).await.expect(200);
    server.act("/v1/articles/satu/publish", editor).await.expect(200);
    let seen = server.get("/v1/articles/satu", None).await.expect(200).body;
    let names: Vec<_> = seen["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    assert_eq!(names, ["Ekonomi", "Penelitian"]);
    // And after that.
    server.patch("/v1/tags/riset", editor, json!({"name": "Sains"})).await.expect(200);
    server.patch("/v1/sources/kantor-berita", editor, json!({"name": "Lain"})).await.expect(200);
    server.delete("/v1/tags/ekonomi", editor).await.expect(204);

    let version = server.get("/v1/articles/satu/versions/1", None).await.expect(200).body;
    assert_eq!((&version["tags"], &version["citations"]), (&seen["tags"], &seen["citations"]));
    // The revision keeps what they were called when it was saved.
    let revision = server.get("/v1/articles/satu/revisions/1", editor).await.expect(200).body;
    assert_eq!(revision["content"]["tags"][0]["name"], "Pasar");
    assert_eq!(revision["content"]["citations"][0]["source"]["name"], "Kantor Berita");
}

#[tokio::test]
async fn a_version_says_nothing_of_the_newsroom() {
    let (server, token) = newsroom().await;
    let path = live(&server, &token, "Satu").await;
    server.patch(&path, Some(&token), json!({"title": "Rahasia"})).await.expect(200);
    let list = server.get(&format!("{path}/versions"), None).await.expect(200);
    let version = server.get(&format!("{path}/versions/1"), None).await.expect(200);
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&list.body["data"][0]), ["number", "published_at", "superseded_at", "title"]);
    let mut expected = [
        "article_id",
        "number",
        "published_at",
        "superseded_at",
        "slug",
        "language",
        "title",
        "kicker",
        "summary",
        "body",
        "body_html",
        "image",
        "byline",
        "provenance",
        "tags",
        "citations",
        "word_count",
        "reading_minutes",
    ];
    expected.sort_unstable();
    let mut found = names(&version.body);
    found.sort();
    assert_eq!(found, expected);
    for text in [&list.text, &version.text] {
        assert!(!text.contains("Rahasia") && !text.contains("@example.org"), "{text}");
    }
}

#[tokio::test]
async fn a_publication_at_its_time_or_once_more_is_a_version_too() {
    let (server, token) = newsroom().await;
    let editor = Some(token.as_str());
    let body = json!({"title": "Satu", "language": "id"});
    let made = server.post("/v1/articles", editor, body).await.expect(201);
    let path = format!("/v1/articles/{}", made.body["id"].as_str().unwrap());
    let (publish, versions) = (format!("{path}/publish"), format!("{path}/versions"));
    // Dated back, it went live here when it did.
    let at = json!({"at": "2020-05-01T00:00:00Z"});
    server.post(&publish, editor, at).await.expect(200);
    let version = server.get(&format!("{versions}/1"), None).await.expect(200);
    assert!(version.body["published_at"].as_str() > Some("2026"), "{}", version.text);
    assert_eq!(server.get(&path, None).await.body["published_at"], "2020-05-01T00:00:00Z");

    server.act(&format!("{path}/unpublish"), editor).await.expect(200);
    server.get(&versions, None).await.expect_problem(404, "not-found");
    let at = server.clock.now() + TimeDelta::minutes(1);
    server.post(&publish, editor, json!({"at": at})).await.expect(200);
    server.clock.advance(TimeDelta::minutes(2));
    assert_eq!(server.publish_due().await, 1);
    let list = server.get(&versions, None).await.expect(200);
    assert_eq!((numbers(&list.body), list.each("title")), (vec![2, 1], vec!["Satu", "Satu"]));
    assert!(list.body["data"][0]["published_at"].as_str() > at.to_rfc3339().get(..19));
    assert_eq!(server.get(&path, None).await.body["version"], 2);
}

#[tokio::test]
async fn versions_are_walked_from_the_newest() {
    let (server, token) = newsroom().await;
    let path = live(&server, &token, "Satu").await;
    for number in 2..=5 {
        server.patch(&path, Some(&token), json!({"title": format!("Nomor {number}")})).await.expect(200);
        server.act(&format!("{path}/publish"), Some(&token)).await.expect(200);
    }
    let list = format!("{path}/versions?limit=2");
    let mut page = server.get(&list, None).await.expect(200);
    let mut seen = Vec::new();
    loop {
        seen.extend(numbers(&page.body));
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        page = server.get(&format!("{list}&cursor={cursor}"), None).await.expect(200);
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    for number in ["0", "-1", "6", "x", "1.0", "01", "+1", "99999999999"] {
        server.get(&format!("{path}/versions/{number}"), None).await.expect_problem(404, "not-found");
    }
    server.get(&format!("{path}/versions/1?draft=true"), None).await.expect_problem(400, "invalid-query");
    server.get(&format!("{path}/versions?sort=number"), None).await.expect_problem(400, "invalid-query");
    let other = live(&server, &token, "Lain").await;
    let cursor = server.get(&list, None).await.body["next_cursor"].as_str().unwrap().to_owned();
    let foreign = format!("{other}/versions?cursor={cursor}");
    server.get(&foreign, None).await.expect_problem(400, "invalid-query");
}

#[tokio::test]
async fn what_is_taken_down_is_taken_down_in_every_version() {
    let (server, token) = newsroom().await;
    let (editor, writer) = (Some(token.as_str()), server.sign_in(Role::Writer).await);
    let path = live(&server, &token, "Satu").await;
    let (list, one, publish) =
        (format!("{path}/versions"), format!("{path}/versions/1"), format!("{path}/publish"));
    let gone = async || {
        for address in [&list, &one] {
            for viewer in [None, Some(writer.as_str()), editor] {
                server.get(address, viewer).await.expect_problem(404, "not-found");
            }
        }
    };
    server.act(&format!("{path}/unpublish"), editor).await.expect(200);
    gone().await;
    server.act(&publish, editor).await.expect(200);
    server.get(&one, None).await.expect(200);
    server.delete(&path, editor).await.expect(204);
    gone().await;
    server.act(&format!("{path}/restore"), editor).await.expect(200);
    gone().await;
    server.patch(&path, editor, json!({"slug": "dua"})).await.expect(200);
    server.act(&publish, editor).await.expect(200);

    // An old address leads on, with what was asked for.
    let moved = server.get("/v1/articles/satu/versions?limit=3", None).await.expect(308);
    assert_eq!(moved.header("location"), "/v1/articles/dua/versions?limit=3");
    let moved = server.get("/v1/articles/satu/versions/2", None).await.expect(308);
    assert_eq!(moved.header("location"), "/v1/articles/dua/versions/2");
    assert_eq!(server.get("/v1/articles/dua/versions/2", None).await.expect(200).body["slug"], "satu");

    server.post(&format!("{path}/retract"), editor, json!({"reason": "Keliru."})).await.expect(200);
    for address in [&list, &one] {
        let told = server.get(address, None).await.expect_problem(410, "retracted");
        assert_eq!(told.body["reason"], "Keliru.");
        assert!(told.body["retracted_at"].as_str().is_some());
        server.get(address, editor).await.expect(200);
    }
}

#[tokio::test]
async fn a_version_keeps_the_html_that_readers_got() {
    let (server, token) = newsroom().await;
    let body = json!({"title": "Satu", "language": "id", "body": "Satu."});
    server.post("/v1/articles", Some(&token), body).await.expect(201);
    // As another renderer made it.
    let mut conn = server.database.get().await.unwrap();
    conn.batch_execute("update editions set body_html = '<p>Dulu.</p>', word_count = 7").await.unwrap();
    server.act("/v1/articles/satu/publish", Some(&token)).await.expect(200);
    let version = server.get("/v1/articles/satu/versions/1", None).await.expect(200);
    assert_eq!(
        (&version.body["body_html"], &version.body["body"]),
        (&json!("<p>Dulu.</p>"), &json!("Satu."))
    );
    assert_eq!(version.body["word_count"], 7);
}

#[tokio::test]
async fn no_statement_rewrites_a_version() {
    let (server, token) = newsroom().await;
    let admin = server.sign_in(Role::Admin).await;
    let path = live(&server, &token, "Satu").await;
    let before = server.get(&format!("{path}/versions/1"), None).await.expect(200);
    let mut conn = server.database.get().await.unwrap();
    for (statement, reason) in [
        ("update versions set body_html = 'lain'", "is refused"),
        ("update versions set published_at = published_at", "is refused"),
        ("delete from editions where kind = 'live'; delete from versions", "is refused"),
        ("truncate versions cascade", "is refused"),
        ("update editions set public_version = null where kind = 'live'", "editions_public_version_check"),
        ("update editions set public_version = 2 where kind = 'live'", "editions_public_version_fkey"),
        ("update editions set public_version = 1 where kind = 'draft'", "editions_public_version_check"),
    ] {
        let error = conn.batch_execute(statement).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{statement}: {error}");
    }
    let after = server.get(&format!("{path}/versions/1"), None).await.expect(200);
    assert_eq!(after.text, before.text);
    // They go with their article alone.
    server.delete(&format!("{path}?permanent=true"), Some(&admin)).await.expect(204);
    let left: i64 = warta::schema::versions::table.count().get_result(&mut conn).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn what_was_live_before_there_were_versions_is_the_first_one() {
    let (server, token) = newsroom().await;
    let editor = Some(token.as_str());
    let path = live(&server, &token, "Satu").await;
    let taken_back = live(&server, &token, "Dua").await;
    server.post(&format!("{taken_back}/retract"), editor, json!({"reason": "Keliru."})).await.expect(200);
    server.post("/v1/articles", editor, json!({"title": "Konsep", "language": "id"})).await.expect(201);
    server.patch(&path, editor, json!({"title": "Berubah"})).await.expect(200);
    let before = server.get(&format!("{path}/versions/1"), None).await.expect(200);
    let retracted = server.get(&format!("{taken_back}/versions/1"), editor).await.expect(200);
    let mut conn = server.database.get().await.unwrap();
    for script in [
        include_str!("../../migrations/2026-11-24-000310_names/down.sql"),
        include_str!("../../migrations/2026-11-23-000800_corrections/down.sql"),
        include_str!("../../migrations/2026-11-23-000800_corrections/up.sql"),
        include_str!("../../migrations/2026-11-24-000310_names/up.sql"),
    ] {
        conn.batch_execute(script).await.unwrap();
    }
    let after = server.get(&format!("{path}/versions/1"), None).await.expect(200);
    assert_eq!(after.body, before.body);
    let kept = server.get(&format!("{taken_back}/versions/1"), editor).await.expect(200);
    assert_eq!(kept.body, retracted.body);
    server.act(&format!("{path}/publish"), editor).await.expect(200);
    let list = server.get(&format!("{path}/versions"), None).await.expect(200);
    assert_eq!(list.each("title"), ["Berubah", "Satu"]);
}
