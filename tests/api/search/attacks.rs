//! Searches that somebody made to break something.

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::json;

use super::{Newsroom, article, encoded};

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused_and_says_why() {
    let room = Newsroom::open().await;
    room.story(article("the story", "en", "", "the")).await;
    let long = "a".repeat(201);
    for (query, place, code) in [
        ("q=", "q", "blank"),
        ("q=%20%09", "q", "blank"),
        ("q=a%00b", "q", "control_character"),
        ("q=a%0Ab", "q", "control_character"),
        ("q=%FF", "q", "invalid_encoding"),
        (&format!("q={long}"), "q", "too_long"),
        ("q=a&q=b", "q", "repeated"),
        ("q=-story", "q", "nothing_to_find"),
        ("q=-the%20-story", "q", "nothing_to_find"),
        ("q=story%20or%20-the%20or%20-b&language=id", "q", "nothing_to_find"),
        ("q=-", "q", "nothing_to_find"),
        ("q=%22", "q", "nothing_to_find"),
        ("q=%25%25", "q", "nothing_to_find"),
        ("q=()&sort=relevance", "q", "nothing_to_find"),
        ("q=the&language=en", "q", "nothing_to_find"),
        ("q=the%20a%20%22of%20the%22&language=en,en-GB", "q", "nothing_to_find"),
        (&format!("q={}story", "-".repeat(40)), "q", "too_complex"),
        ("sort=relevance", "sort", "needs_q"),
    ] {
        let answer = room.server.get(&format!("/v1/articles?{query}"), None).await;
        let answer = answer.expect_problem(400, "invalid-query");
        assert_eq!(answer.faults(), [(place.to_owned(), code.to_owned())], "{query}");
    }
    // It is a word elsewhere.
    assert_eq!(room.found("the", "", None).await, "");
    assert_eq!(room.found("the story", "", None).await, "the-story");
}

#[tokio::test]
async fn operators_and_quotes_do_no_harm() {
    let room = Newsroom::open().await;
    room.story(article("beras", "id", "", "")).await;
    let nested = "\"(".repeat(100);
    for q in [
        "beras & | !",
        "beras <-> beras",
        "beras:*",
        "'beras'",
        "beras'; drop table editions --",
        "be\\ras",
        "%",
        "_",
        "\"beras",
        "beras\"",
        "--beras beras",
        "-\"\" beras",
        "or",
        "or or or",
        "beras or",
        "!beras",
        "*",
        "$1",
        "{}",
        "\u{202e}beras",
        "\u{2028}",
        "👩‍🚀",
        "ﷺ",
        "\u{10ffff}",
        "a\u{301}\u{301}\u{301}",
        "<mark>",
        "&amp;",
        &nested,
        &"ﷺ".repeat(200),
        &"-".repeat(200),
        &"a-".repeat(100),
        &"a ".repeat(100),
        &"語".repeat(200),
    ] {
        for more in ["", "&sort=relevance", "&language=id", "&language=en&count=true"] {
            let answer = room.search(q, more, None).await;
            assert!(matches!(answer.status, 200 | 400), "{q:?}{more}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_long_text_is_saved_and_its_beginning_is_found() {
    let room = Newsroom::open().await;
    let different =
        |letter: char| (0..60_000).map(|n| format!("{letter}{n:x}")).collect::<Vec<_>>().join("-");
    let wide = |n: u32| char::from_u32(0x20000 + n % 40_000).unwrap();
    for (title, body) in [
        ("kata", (0..90_000).map(|n| format!("k{n:x}")).collect::<Vec<_>>().join(" ")),
        ("sambung", different('s')),
        ("lebar", (0..120_000).flat_map(|n| [wide(n), wide(n * 7), ' ']).take(340_000).collect()),
        ("surat", (0..50_000).map(|n| format!("a{n:x}@b{n:x}.example")).collect::<Vec<_>>().join(" ")),
        ("ligatur", "ﷺ ".repeat(200_000)),
        ("sebaris", "k".repeat(1_000_000)),
    ] {
        room.story(article(title, "id", "", &body)).await;
        assert_eq!(room.found(title, "", None).await, title);
    }
    assert_eq!(room.found("k1f", "", None).await, "kata");
    assert_eq!(room.found("k15000", "", None).await, "", "the limit is told in the migration");
}

#[tokio::test]
async fn a_search_that_takes_too_long_is_given_up() {
    let room = Newsroom::open().await;
    let mut other = room.server.database.get().await.unwrap();
    other.batch_execute("begin; lock table editions in access exclusive mode").await.unwrap();
    let answer = room.search("beras", "", None).await.expect_problem(503, "unavailable");
    answer.header("retry-after");
    other.batch_execute("rollback").await.unwrap();
    assert_eq!(room.found("beras", "", None).await, "");
    // Only searches are that short of time.
    let patience = "select current_setting('statement_timeout') as setting";
    for _ in 0..4 {
        let mut conn = room.server.database.get().await.unwrap();
        let rows: Vec<Setting> = diesel::sql_query(patience).load(&mut conn).await.unwrap();
        assert_eq!(rows[0].setting, "30s");
    }
}

#[derive(diesel::QueryableByName)]
struct Setting {
    #[diesel(sql_type = diesel::sql_types::Text)]
    setting: String,
}

#[tokio::test]
async fn a_source_of_articles_is_searched_alike() {
    let room = Newsroom::open().await;
    room.server.post("/v1/sources", Some(&room.editor), json!({"name": "Pesisir"})).await.expect(201);
    let mut cited = article("beras", "id", "", "");
    cited["citations"] =
        json!([{"source": "pesisir", "url": "https://pesisir.example/1", "title": "Laporan"}]);
    room.story(cited).await;
    room.story(article("beras lain", "id", "", "")).await;
    let path = |q: &str| format!("/v1/sources/pesisir/articles?q={}&sort=relevance&count=true", encoded(q));
    let answer = room.server.get(&path("beras"), None).await.expect(200);
    assert_eq!(answer.each("slug"), ["beras"]);
    assert_eq!(answer.body["data"][0]["highlight"]["title"], "<mark>beras</mark>");
    assert_eq!(room.server.get(&path("gula"), None).await.expect(200).body["total"], 0);
}
