//! Citations: which stories rest on which documents, and what is covered already.

mod duplicates;

use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use warta::{principal::Role, schema::citations};

use crate::support::{Answer, Server};

/// A server with an editor, and the sources `pesisir` and `kota`.
struct Desk {
    server: Server,
    editor: String,
}

impl Desk {
    async fn open() -> Self {
        let server = Server::start().await;
        let editor = server.sign_in(Role::Editor).await;
        for name in ["Pesisir", "Kota"] {
            server.post("/v1/sources", Some(&editor), json!({"name": name})).await.expect(201);
        }
        Self { server, editor }
    }

    fn editor(&self) -> Option<&str> {
        Some(&self.editor)
    }

    /// Makes a draft that cites this document of `pesisir`, whoever covers it; its slug.
    async fn draft(&self, title: &str, url: &str, more: Value) -> String {
        let mut body = story(title, &[(url, "original")]);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.server.post("/v1/articles?allow_duplicate=true", self.editor(), body).await;
        made.expect(201).body["slug"].as_str().unwrap().to_owned()
    }

    async fn live(&self, title: &str, url: &str, more: Value) -> String {
        let slug = self.draft(title, url, more).await;
        self.act(&slug, "publish").await;
        slug
    }

    async fn act(&self, slug: &str, action: &str) -> Answer {
        self.server.act(&format!("/v1/articles/{slug}/{action}"), self.editor()).await.expect(200)
    }

    /// The slugs of a list, whose total must say the same.
    async fn slugs(&self, path: &str, token: Option<&str>) -> String {
        let separator = if path.contains('?') { '&' } else { '?' };
        let list =
            self.server.get(&format!("{path}{separator}count=true&sort=title"), token).await.expect(200);
        let slugs = list.each("slug");
        assert_eq!(list.body["total"], slugs.len(), "total of {path}");
        slugs.join(" ")
    }

    async fn citing(&self, url: &str, more: &str, token: Option<&str>) -> String {
        self.slugs(&format!("/v1/articles?cites={}{more}", encoded(url)), token).await
    }
}

/// An article that cites documents of `pesisir` in these roles.
fn story(title: &str, documents: &[(&str, &str)]) -> Value {
    let citation = |(url, role): &(&str, &str)| json!({"source": "pesisir", "url": url, "title": "Laporan", "role": role});
    let citations: Vec<_> = documents.iter().map(citation).collect();
    json!({"title": title, "language": "id", "citations": citations})
}

fn encoded(url: &str) -> String {
    utf8_percent_encode(url, NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn a_document_is_found_however_its_address_is_written() {
    let desk = Desk::open().await;
    let written = "HTTP://Pesisir.example:80/laporan/%7ebudi/?id=7&utm_source=surat#bab-2";
    desk.live("satu", written, json!({})).await;
    desk.live("dua", "https://pesisir.example/laporan/x/../~budi?id=7", json!({"language": "en"})).await;
    desk.live("tiga", "https://pesisir.example/laporan/~budi?id=8", json!({})).await;
    desk.draft("empat", "https://pesisir.example/laporan/~budi/?id=7&", json!({})).await;
    for url in [
        written,
        "https://pesisir.example/laporan/~budi?id=7",
        "https://pesisir.example/laporan/~budi//?id=7&fbclid=x",
    ] {
        assert_eq!(desk.citing(url, "", None).await, "dua satu", "{url}");
        assert_eq!(desk.citing(url, "&draft=true", desk.editor()).await, "dua empat satu", "{url}");
        assert_eq!(desk.citing(url, "&language=en", None).await, "dua", "{url}");
        assert_eq!(desk.citing(url, "&source=pesisir,kota", None).await, "dua satu", "{url}");
        assert_eq!(desk.citing(url, "&source=kota", None).await, "", "{url}");
    }
    for url in [
        "https://pesisir.example/laporan/~BUDI?id=7",
        "https://www.pesisir.example/laporan/~budi?id=7",
        "https://pesisir.example/",
    ] {
        assert_eq!(desk.citing(url, "&draft=true", desk.editor()).await, "", "{url}");
    }
    let read = desk.server.get("/v1/articles/satu", None).await.expect(200);
    assert_eq!(read.body["citations"][0]["url"], written, "it stays as it was written");

    // A page and the next one.
    let first = format!("/v1/articles?cites={}&limit=1&sort=title", encoded(written));
    let page = desk.server.get(&first, None).await.expect(200);
    let cursor = page.body["next_cursor"].as_str().unwrap();
    let next = desk.server.get(&format!("{first}&cursor={cursor}"), None).await.expect(200);
    assert_eq!((page.each("slug"), next.each("slug")), (vec!["dua"], vec!["satu"]));
    assert_eq!(next.body["next_cursor"], Value::Null);
    let other =
        format!("/v1/articles?cites={}&limit=1&sort=title&cursor={cursor}", encoded("https://a.example"));
    desk.server.get(&other, None).await.expect_problem(400, "invalid-query");

    for (url, code) in [
        ("", "invalid_url"),
        ("pesisir.example", "invalid_url"),
        ("ftp://a.example", "invalid_url"),
        ("https://a b", "invalid_url"),
    ] {
        let refused = desk.server.get(&format!("/v1/articles?cites={}", encoded(url)), None).await;
        assert_eq!(
            refused.expect_problem(400, "invalid-query").faults(),
            [("cites".to_owned(), code.to_owned())]
        );
    }
    let long = format!("/v1/articles?cites=https://a.example/{}", "a".repeat(2000));
    let refused = desk.server.get(&long, None).await.expect_problem(400, "invalid-query");
    assert_eq!(refused.faults(), [("cites".to_owned(), "too_long".to_owned())]);
}

#[tokio::test]
async fn a_document_finds_only_what_the_caller_may_see() {
    let desk = Desk::open().await;
    let (old, new) = ("https://pesisir.example/lama", "https://pesisir.example/baru");
    desk.live("satu", old, json!({})).await;
    let changed = json!({"citations": story("", &[(new, "data")])["citations"]});
    desk.server.patch("/v1/articles/satu", desk.editor(), changed).await.expect(200);
    for hidden in ["diturunkan", "dibuang", "ditarik"] {
        desk.live(hidden, old, json!({})).await;
    }
    desk.act("diturunkan", "unpublish").await;
    desk.server.delete("/v1/articles/dibuang", desk.editor()).await.expect(204);
    let reason = json!({"reason": "Keliru."});
    desk.server.post("/v1/articles/ditarik/retract", desk.editor(), reason).await.expect(200);
    let writer = desk.server.sign_in(Role::Writer).await;
    let own = story("punya sendiri", &[(old, "quoted")]);
    desk.server.post("/v1/articles", Some(&writer), own).await.expect(201);

    for token in [None, Some(writer.as_str()), desk.editor()] {
        assert_eq!(desk.citing(old, "", token).await, "satu");
        assert_eq!(desk.citing(new, "", token).await, "");
        for list in [old, new] {
            let source = format!("/v1/sources/pesisir/articles?cites={}", encoded(list));
            assert_eq!(desk.slugs(&source, token).await, if list == old { "satu" } else { "" });
        }
    }
    assert_eq!(desk.citing(old, "&draft=true", Some(&writer)).await, "punya-sendiri");
    assert_eq!(desk.citing(old, "&draft=true", desk.editor()).await, "ditarik diturunkan punya-sendiri");
    assert_eq!(desk.citing(new, "&draft=true", desk.editor()).await, "satu");
    assert_eq!(desk.citing(old, "&trashed=true", desk.editor()).await, "dibuang");
    desk.act("satu", "publish").await;
    assert_eq!(desk.citing(old, "", None).await, "");
    assert_eq!(desk.citing(new, "", None).await, "satu");
}

#[tokio::test]
async fn a_source_lists_the_articles_that_cite_it() {
    let desk = Desk::open().await;
    let both = json!([
        {"source": "kota", "url": "https://kota.example/1", "title": "Satu"},
        {"source": "pesisir", "url": "https://pesisir.example/9", "title": "Dua"},
    ]);
    desk.live("satu", "https://pesisir.example/1", json!({})).await;
    desk.live("dua", "https://pesisir.example/2", json!({"language": "en"})).await;
    desk.live("tiga", "https://pesisir.example/3", json!({"citations": both})).await;
    desk.draft("empat", "https://pesisir.example/4", json!({})).await;
    desk.live("lima", "https://pesisir.example/5", json!({"citations": []})).await;
    let id = desk.server.get("/v1/sources/pesisir", None).await.body["id"].as_str().unwrap().to_owned();
    let list =
        async |query: &str, token| desk.slugs(&format!("/v1/sources/pesisir/articles{query}"), token).await;
    assert_eq!(list("", None).await, "dua satu tiga");
    assert_eq!(list("?draft=true", desk.editor()).await, "dua empat satu tiga");
    assert_eq!(list("?language=en", None).await, "dua");
    assert_eq!(list("?cites=https://kota.example/1", None).await, "tiga");
    assert_eq!(desk.slugs(&format!("/v1/sources/{id}/articles"), None).await, "dua satu tiga");
    assert_eq!(desk.slugs("/v1/sources/kota/articles", None).await, "tiga");
    // The same as the filter gives, cursors apart.
    let here = desk.server.get("/v1/sources/pesisir/articles", None).await.expect(200);
    assert_eq!(here.body, desk.server.get("/v1/articles?source=pesisir", None).await.body);
    let page = desk.server.get("/v1/sources/pesisir/articles?limit=2", None).await.expect(200);
    let cursor = page.body["next_cursor"].as_str().unwrap();
    assert!(page.header("link").starts_with("</v1/sources/pesisir/articles?limit=2&cursor="));
    let rest = desk.server.get(&format!("/v1/sources/pesisir/articles?limit=2&cursor={cursor}"), None).await;
    assert_eq!((page.each("slug"), rest.each("slug")), (vec!["tiga", "dua"], vec!["satu"]));
    let foreign = format!("/v1/sources/kota/articles?limit=2&cursor={cursor}");
    desk.server.get(&foreign, None).await.expect_problem(400, "invalid-query");

    for (query, place, code) in [
        ("?source=kota", "source", "unknown"),
        ("?source=", "source", "unknown"),
        ("?nope=1", "nope", "unknown"),
        ("?limit=0", "limit", "out_of_range"),
        ("?status=draft", "status", "needs_draft"),
    ] {
        let refused = desk.server.get(&format!("/v1/sources/pesisir/articles{query}"), None).await;
        let refused = refused.expect_problem(400, "invalid-query");
        assert_eq!(refused.faults(), [(place.to_owned(), code.to_owned())], "{query}");
    }
    let both = desk.server.get("/v1/sources/pesisir/articles?source=kota&limit=0", None).await;
    assert_eq!(both.expect_problem(400, "invalid-query").faults().len(), 2);
    for path in
        ["/v1/sources/tidak-ada/articles", "/v1/sources/01a205c5-a045-7573-862a-fb9bac1cbfa9/articles"]
    {
        desk.server.get(path, None).await.expect_problem(404, "not-found");
    }
    desk.server
        .get("/v1/sources/pesisir/articles?draft=true", None)
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_migration_gives_keys_to_what_is_there() {
    let desk = Desk::open().await;
    let addresses = [
        "https://pesisir.example",
        "http://pesisir.example/",
        "HTTPS://Pesisir.EXAMPLE:443/Laporan//#bab",
        "https://pesisir.example:8080/laporan?",
        "https://pesisir.example/laporan/?id=7&b=A#bab?x",
        "https://pesisir.example?id=7",
    ];
    for (number, address) in addresses.into_iter().enumerate() {
        desk.live(&format!("kabar {number}"), address, json!({})).await;
    }
    let mut conn = desk.server.database.get().await.unwrap();
    let rows = || citations::table.order((citations::article_id, citations::kind));
    let keys = rows().select((citations::url, citations::document_key));
    let exact: Vec<(String, Vec<u8>)> = keys.load(&mut conn).await.unwrap();
    assert_eq!(exact.len(), 2 * addresses.len());
    conn.batch_execute(include_str!("../../migrations/2026-11-23-000700_documents/down.sql")).await.unwrap();
    conn.batch_execute(include_str!("../../migrations/2026-11-23-000700_documents/up.sql")).await.unwrap();
    let made: Vec<(String, Vec<u8>)> = keys.load(&mut conn).await.unwrap();
    assert_eq!(made, exact);
}
