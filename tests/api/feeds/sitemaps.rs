//! Sitemaps.

use std::collections::HashSet;

use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use roxmltree::{Document, Node};
use serde_json::json;
use warta::principal::Role;

use super::{HOSTILE, SITE, held, newsroom};
use crate::support::Server;

const SITEMAP: &str = "http://www.sitemaps.org/schemas/sitemap/0.9";
const NEWS: &str = "http://www.google.com/schemas/sitemap-news/0.9";

async fn read(server: &Server, path: &str) -> String {
    let answer = server.get(path, None).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/xml; charset=utf-8");
    assert!(answer.header("cache-control").starts_with("public, "));
    answer.text
}

/// The texts of all elements of this name.
fn texts<'a>(document: &'a Document<'_>, namespace: &'static str, name: &'static str) -> Vec<&'a str> {
    let named = document.descendants().filter(move |node| node.has_tag_name((namespace, name)));
    named.map(|node| node.text().unwrap()).collect()
}

#[tokio::test]
async fn a_sitemap_has_every_story_with_its_translations() {
    let (server, editor) = newsroom(Some(SITE)).await;
    let token = Some(editor.as_str());
    let alone = json!({"title": "Sendiri", "slug": "sendiri", "language": "jv"});
    server.post("/v1/articles", token, alone).await.expect(201);
    let before = read(&server, "/sitemap.xml").await;
    assert!(!before.contains("sendiri"), "{before}");
    server.act("/v1/articles/sendiri/publish", token).await.expect(200);
    let text = read(&server, "/sitemap.xml").await;
    assert_eq!(read(&server, "/sitemap-1.xml").await, text);
    let document = Document::parse(&text).unwrap();
    assert!(document.root_element().has_tag_name((SITEMAP, "urlset")));
    let expected = ["id/kabar", "en/news", "jv/sendiri"].map(|path| format!("{SITE}/{path}"));
    assert_eq!(texts(&document, SITEMAP, "loc"), expected);
    let own = server.get("/v1/articles/kabar", None).await.body;
    let modified: chrono::DateTime<chrono::Utc> = texts(&document, SITEMAP, "lastmod")[0].parse().unwrap();
    assert_eq!(json!(modified), own["updated_at"]);
    let alternates = |url: Node<'_, '_>| -> Vec<_> {
        let links =
            url.children().filter(|child| child.has_tag_name(("http://www.w3.org/1999/xhtml", "link")));
        links
            .map(|link| {
                (link.attribute("hreflang").unwrap().to_owned(), link.attribute("href").unwrap().to_owned())
            })
            .collect()
    };
    let mut urls = document.descendants().filter(|node| node.has_tag_name((SITEMAP, "url"))).map(alternates);
    let both = [("en", "news"), ("id", "kabar")]
        .map(|(language, slug)| (language.to_owned(), format!("{SITE}/{language}/{slug}")));
    for _ in 0..2 {
        let mut found = urls.next().unwrap();
        found.sort();
        assert_eq!(found, both);
    }
    assert_eq!(urls.next().unwrap(), []);
    for path in [
        "/sitemap-0.xml",
        "/sitemap-2.xml",
        "/sitemap-x.xml",
        "/sitemap--1.xml",
        "/sitemap-01.xml",
        "/sitemap-+1.xml",
        "/sitemap-99999999999.xml",
        "/sitemap-4294967295.xml",
    ] {
        server.get(path, None).await.expect_problem(404, "not-found");
    }
    assert_eq!(
        read(&server, "/sitemap.xml?x=1").await,
        read(&server, "/sitemap.xml").await,
        "others append to it"
    );
}

#[tokio::test]
async fn the_news_of_two_days_are_in_their_own() {
    let (server, _) = newsroom(Some(SITE)).await;
    let text = read(&server, "/sitemap-news.xml").await;
    let document = Document::parse(&text).unwrap();
    assert_eq!(texts(&document, NEWS, "title"), ["News", &held(HOSTILE)]);
    assert_eq!(texts(&document, NEWS, "language"), ["en", "id"]);
    assert_eq!(texts(&document, NEWS, "name"), ["news.example"; 2]);
    // The second one was corrected since.
    for (place, slug) in ["news", "kabar"].into_iter().enumerate() {
        let own = server.get(&format!("/v1/articles/{slug}"), None).await.body;
        let published: chrono::DateTime<chrono::Utc> =
            texts(&document, NEWS, "publication_date")[place].parse().unwrap();
        assert_eq!(json!(published), own["published_at"], "{slug}");
    }
    // Up to the end of the second day.
    server.clock.advance(TimeDelta::days(2) - TimeDelta::minutes(10));
    let text = read(&server, "/sitemap-news.xml").await;
    assert_eq!(text.matches("<url>").count(), 2);
    server.clock.advance(TimeDelta::minutes(11));
    let story = json!({"title": "Baru", "slug": "baru", "language": "zh-Hant"});
    // The other session has ended meanwhile.
    let editor = server.sign_in(Role::Editor).await;
    server.post("/v1/articles", Some(&editor), story).await.expect(201);
    server.act("/v1/articles/baru/publish", Some(&editor)).await.expect(200);
    let text = read(&server, "/sitemap-news.xml").await;
    let document = Document::parse(&text).unwrap();
    assert_eq!(texts(&document, SITEMAP, "loc"), [format!("{SITE}/zh-Hant/baru")]);
    assert_eq!(texts(&document, NEWS, "language"), ["zh-tw"]);
}

#[tokio::test]
async fn past_fifty_thousand_stories_there_is_an_index() {
    let (server, _) = newsroom(Some(SITE)).await;
    // Without triggers, and then with the statistics that a table of this size has.
    let fill = async |rows: String| {
        let statements = format!(
            "set session_replication_role = replica; {rows}; set session_replication_role = default; analyze"
        );
        server.database.get().await.unwrap().batch_execute(&statements).await.unwrap();
    };
    let copies = |from: u32, to: u32| {
        format!(
            "with made as (select ('01000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id, n from generate_series({from}, {to}) n), \
             a as (insert into articles select (jsonb_populate_record(a, jsonb_build_object('id', made.id))).* from made, articles a \
                   where a.id = (select article_id from editions where slug = 'news' and kind = 'live') returning id) \
             insert into editions (article_id, kind, status, slug, language, title, summary, body, body_html, translation_group_id, \
                 word_count, reading_minutes, revision, published_at, updated_at, public_version) \
             select made.id, e.kind, e.status, 's-' || made.n, e.language, e.title, e.summary, e.body, e.body_html, made.id, \
                 e.word_count, e.reading_minutes, e.revision, e.published_at, e.updated_at, e.public_version \
             from made, editions e where e.slug = 'news' and e.kind = 'live'"
        )
    };
    fill(copies(1, 49_998)).await;
    let text = read(&server, "/sitemap.xml").await;
    assert_eq!(text.matches("<url>").count(), 50_000);
    fill(copies(49_999, 50_001)).await;
    let text = read(&server, "/sitemap.xml").await;
    let document = Document::parse(&text).unwrap();
    assert!(document.root_element().has_tag_name((SITEMAP, "sitemapindex")));
    let expected = [1, 2].map(|number| format!("{}/sitemap-{number}.xml", server.base));
    assert_eq!(texts(&document, SITEMAP, "loc"), expected);
    let first = read(&server, "/sitemap-1.xml").await;
    assert_eq!(first.matches("<url>").count(), 50_000);
    // The parts together have each story once, and the first one has what readers saw first.
    let document = Document::parse(&first).unwrap();
    let mut all: Vec<_> = texts(&document, SITEMAP, "loc").into_iter().map(str::to_owned).collect();
    assert_eq!(all[0], format!("{SITE}/id/kabar"));
    let second = read(&server, "/sitemap-2.xml").await;
    let document = Document::parse(&second).unwrap();
    let expected = ["en/s-50000", "en/s-50001", "en/news"].map(|path| format!("{SITE}/{path}"));
    assert_eq!(texts(&document, SITEMAP, "loc"), expected);
    all.extend(expected);
    let each: HashSet<_> = all.iter().collect();
    assert_eq!((all.len(), each.len()), (50_003, 50_003));
    // A story that comes later changes no part that is full.
    let editor = server.sign_in(Role::Editor).await;
    let story = json!({"title": "Baru", "slug": "baru", "language": "id"});
    server.post("/v1/articles", Some(&editor), story).await.expect(201);
    server.act("/v1/articles/baru/publish", Some(&editor)).await.expect(200);
    assert_eq!(read(&server, "/sitemap-1.xml").await, first);
    assert!(read(&server, "/sitemap-2.xml").await.contains("/id/baru<"));
    server.get("/sitemap-3.xml", None).await.expect_problem(404, "not-found");
    let news = read(&server, "/sitemap-news.xml").await;
    assert_eq!(news.matches("<url>").count(), 1000);
}
