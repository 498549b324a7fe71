//! Nothing that one story holds makes a search slow.

use std::time::{Duration, Instant};

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures::{StreamExt, stream};
use serde_json::json;
use warta::principal::Role;

use crate::support::Server;

/// Longer than a search may take; the limit that matters is the server's own, which is a `503`.
const LONG: Duration = Duration::from_secs(20);

async fn run(server: &Server, sql: &str) {
    server.database.get().await.unwrap().batch_execute(sql).await.unwrap();
}

async fn published(server: &Server, token: Option<&str>, count: usize) {
    let made = stream::iter(0..count).map(async |number| {
        let story = json!({"title": format!("Judul {number}"), "language": "id", "body": "Kata."});
        let made = server.post("/v1/articles", token, story).await.expect(201);
        server.act(&format!("{}/publish", made.header("location")), token).await.expect(200);
    });
    made.buffer_unordered(4).collect::<Vec<_>>().await;
}

#[tokio::test]
async fn marks_in_rows_from_before_do_no_harm() {
    let server = Server::uncached().await;
    let token = server.sign_in(Role::Editor).await;
    let token = Some(token.as_str());
    published(&server, token, 1).await;
    let marks = |count: usize| format!("repeat(U&'\\0344', {count}) || repeat(U&'\\0323', {count})");
    let other = |count: usize| format!("repeat(U&'\\06DF', {count}) || repeat(U&'\\05B0', {count})");
    let started = Instant::now();
    // As no input can be any more, and as a body can be whose tags stand between the marks.
    run(
        &server,
        &format!(
            "update editions set body_html = '<p>kata ' || {} || ' satu ' || {} || repeat(U&'\\06DF\\06DF\\05B0<b></b>', 20000) \
             || '</p>', summary = {}",
            marks(20_000),
            other(20_000),
            other(500)
        ),
    )
    .await;
    for path in ["/v1/articles?q=kata", "/v1/articles?q=kata&sort=relevance", "/v1/articles?q=satu"] {
        let found = server.get(path, None).await.expect(200);
        assert_eq!(found.body["data"].as_array().unwrap().len(), 1, "{path}");
    }
    assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
    // What was found by its accents is found as before.
    let folded = diesel::sql_query(
        "select search_fold(U&'Re\\0301sume\\0301 \\05E9\\05B8\\05DC\\05D5\\05DD')::text as folded",
    );
    let row: Folded = folded.get_result(&mut server.database.get().await.unwrap()).await.unwrap();
    assert_eq!(row.folded, "Resume \u{5e9}\u{5b8}\u{5dc}\u{5d5}\u{5dd}");
}

#[derive(diesel::QueryableByName)]
struct Folded {
    #[diesel(sql_type = diesel::sql_types::Text)]
    folded: String,
}

#[tokio::test]
async fn a_long_page_of_long_stories_is_searched_in_time() {
    let server = Server::uncached().await;
    let token = server.sign_in(Role::Editor).await;
    published(&server, Some(&token), 100).await;
    run(&server, "update editions set body_html = '<p>' || repeat('kata satu dua tiga ', 5000) || '</p>' where kind = 'live'").await;
    let found = server.get("/v1/articles?q=satu&limit=100&sort=relevance", None).await.expect(200);
    let found = found.body["data"].as_array().unwrap();
    assert_eq!(found.len(), 100);
    for article in found {
        assert!(article["highlight"]["snippet"].as_str().unwrap().contains("<mark>satu</mark>"), "{article}");
    }
    // A word at the end of a long text is found, and marked where the page is short.
    run(&server, "update editions set body_html = body_html || '<p>akhirnya</p>' where kind = 'live' and title = 'Judul 7'").await;
    let found = server.get("/v1/articles?q=akhirnya", None).await.expect(200);
    let snippet = found.body["data"][0]["highlight"]["snippet"].as_str().unwrap();
    assert!(snippet.contains("<mark>akhirnya</mark>"), "{snippet}");
}
