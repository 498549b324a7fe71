//! The response cache: it answers as if it were not there, only faster.

mod bounds;
mod coherence;
mod link;
mod nothing;
mod races;

use serde_json::{Value, json};
use warta::principal::Role;

use crate::support::{Answer, Server};

/// An instance with an editor.
struct Desk {
    server: Server,
    editor: String,
}

impl Desk {
    async fn open() -> Self {
        let server = Server::start().await;
        let editor = server.sign_in(Role::Admin).await;
        Self { server, editor }
    }

    async fn make(&self, path: &str, body: Value) -> Answer {
        self.server.post(path, Some(&self.editor), body).await.expect(201)
    }

    /// Publishes a story with these tags; its path.
    async fn story(&self, title: &str, tags: &[&str]) -> String {
        let body = json!({"title": title, "language": "id", "body": "Isi.", "tags": tags});
        let path = self.make("/v1/articles", body).await.header("location").to_owned();
        self.act(&path, "publish").await;
        path
    }

    async fn act(&self, path: &str, action: &str) {
        self.server.act(&format!("{path}/{action}"), Some(&self.editor)).await.expect(200);
    }

    async fn retitle(&self, path: &str, title: &str) {
        self.server.patch(path, Some(&self.editor), json!({"title": title})).await.expect(200);
        self.act(path, "publish").await;
    }
}

/// What a reader gets.
async fn read(server: &Server, path: &str) -> Answer {
    server.get(path, None).await
}

/// Whether a reader gets an address from memory.
async fn is_hit(server: &Server, path: &str) -> bool {
    let before = server.cache.counts().hits;
    read(server, path).await.expect(200);
    server.cache.counts().hits > before
}

/// Reads an address, so that it is in memory.
async fn warm(server: &Server, path: &str) {
    read(server, path).await.expect(200);
    assert!(is_hit(server, path).await, "{path} is not kept");
}

#[tokio::test]
async fn what_was_asked_for_is_answered_from_memory() {
    let desk = Desk::open().await;
    let story = desk.story("Satu", &[]).await;
    let first = read(&desk.server, &story).await.expect(200);
    let before = desk.server.database.statements();
    let again = read(&desk.server, &story).await.expect(200);
    assert_eq!(desk.server.database.statements(), before);
    assert_eq!(again.text, first.text);
    let but_the_moment = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        headers.remove("x-request-id");
        headers.remove("date");
        headers
    };
    assert_eq!(but_the_moment(&again), but_the_moment(&first));
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    let named = desk.server.send("GET", &story, &[("x-request-id", "mine")], None).await;
    assert_eq!(named.header("x-request-id"), "mine");
    let head = desk.server.send("HEAD", &story, &[], None).await.expect(200);
    assert_eq!((head.text.as_str(), head.header("etag")), ("", first.header("etag")));
    assert_eq!(head.header("content-length"), first.text.len().to_string());
    assert_eq!(desk.server.database.statements(), before);
}

#[tokio::test]
async fn the_order_of_parameters_makes_no_difference_and_their_values_do() {
    let desk = Desk::open().await;
    desk.story("Satu", &[]).await;
    desk.story("Dua", &[]).await;
    warm(&desk.server, "/v1/articles?language=id&limit=1").await;
    assert!(is_hit(&desk.server, "/v1/articles?limit=1&language=id").await);
    assert!(is_hit(&desk.server, "/v1/articles?&limit=1&&language=id&").await);
    for other in
        ["/v1/articles?limit=1", "/v1/articles?language=id&limit=2", "/v1/articles?language=en&limit=1"]
    {
        assert!(!is_hit(&desk.server, other).await, "{other}");
    }
    read(&desk.server, "/v1/articles?limit=1&limit=1").await.expect_problem(400, "invalid-query");
}

#[tokio::test]
async fn a_path_that_looks_like_parameters_is_another_address() {
    let desk = Desk::open().await;
    warm(&desk.server, "/v1/articles?limit=1").await;
    for path in
        ["/v1/articles&limit=1", "/v1/articles&limit=1&", "/v1/articleslimit=1&", "/v1/articles%3Flimit=1"]
    {
        read(&desk.server, path).await.expect_problem(404, "not-found");
    }
    assert!(is_hit(&desk.server, "/v1/articles?limit=1").await);
}

#[tokio::test]
async fn whatever_form_is_wanted_what_has_only_one_is_answered_from_memory() {
    let desk = Desk::open().await;
    let story = desk.story("Satu", &[]).await.replace("/articles/", "/%61rticles/");
    for (path, accept) in [
        (story.as_str(), "application/json"),
        ("/feeds/rss.xml", "application/rss+xml"),
        ("/v1/articles", "text/markdown, text/html;q=0.9"),
        ("/v1/tags", "application/ld+json"),
        ("/problems", "text/html"),
        ("/%761/sources", "application/json"),
    ] {
        let before = desk.server.cache.counts().hits;
        for hits in [0, 1] {
            desk.server.send("GET", path, &[("accept", accept)], None).await.expect(200);
            assert_eq!(desk.server.cache.counts().hits, before + hits, "{path}");
        }
    }
    // And not in the form that somebody else wanted.
    let other = desk.server.send("GET", &story, &[("accept", "application/ld+json")], None).await.expect(200);
    assert_eq!(other.header("content-type"), "application/ld+json");
}

#[tokio::test]
async fn each_form_and_each_host_has_an_answer_of_its_own() {
    let desk = Desk::open().await;
    let story = desk.story("Satu", &[]).await;
    let ask = async |path: &str, name: &str, value: &str| {
        desk.server.send("GET", path, &[(name, value)], None).await.expect(200)
    };
    for _ in 0..2 {
        for media_type in
            ["application/json", "application/ld+json", "application/ninjs+json", "text/markdown"]
        {
            let answer = ask(&story, "accept", media_type).await;
            assert!(answer.header("content-type").starts_with(media_type), "{media_type}");
        }
        for host in ["satu.example", "dua.example"] {
            let feed = ask("/feeds/rss.xml", "host", host).await;
            assert!(feed.text.contains(&format!("http://{host}/")), "{host}: {}", feed.text);
            let headers = [("host", host), ("accept", "application/ld+json")];
            let linked = desk.server.send("GET", &story, &headers, None).await.expect(200);
            assert!(linked.text.contains(&format!("http://{host}/")), "{host}");
        }
    }
    // What has no such link is the same for all.
    let hits = desk.server.cache.counts().hits;
    for host in ["satu.example", "tiga.example"] {
        assert_eq!(ask(&story, "host", host).await.body["title"], "Satu");
    }
    assert_eq!(desk.server.cache.counts().hits, hits + 2);
    let refused = desk.server.send("GET", &story, &[("accept", "text/html")], None).await;
    refused.expect_problem(406, "not-acceptable");
}

#[tokio::test]
async fn nobody_gets_what_another_ones_token_showed() {
    let desk = Desk::open().await;
    let story = desk.story("Satu", &[]).await;
    let (server, token) = (&desk.server, Some(desk.editor.as_str()));
    server.patch(&story, token, json!({"title": "Rahasia"})).await.expect(200);
    let entries = server.cache.counts().entries;
    let draft = format!("{story}?draft=true");
    server.get(&draft, token).await.expect(200);
    server.get("/v1/articles?draft=true", token).await.expect(200);
    server.get("/v1/me", token).await.expect(200);
    let link = desk.make(&format!("{story}/preview-links"), json!({})).await;
    let preview = format!("{draft}&preview={}", link.body["token"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(server.get(&preview, None).await.expect(200).body["title"], "Rahasia");
    }
    assert_eq!(server.cache.counts().entries, entries, "something was kept");
    for path in [draft.as_str(), "/v1/articles?draft=true", "/v1/me"] {
        read(server, path).await.expect_problem(401, "unauthenticated");
    }
    // And the other way round: who comes with a token is looked at, also where everybody's answer is there.
    warm(server, &story).await;
    let hits = server.cache.counts().hits;
    server.get(&story, Some("no.token.this")).await.expect_problem(401, "unauthenticated");
    assert!(server.get(&story, token).await.expect(200).header("cache-control").contains("no-store"));
    assert_eq!(server.cache.counts().hits, hits);
}

#[tokio::test]
async fn what_is_only_for_the_moment_is_not_kept() {
    let desk = Desk::open().await;
    let entries = desk.server.cache.counts().entries;
    for path in ["/tiada", "/v1/articles?cursor=x", "/v1/articles/Bukan_slug", "/v1/articles/satu?nope=1"] {
        for _ in 0..2 {
            let answer = read(&desk.server, path).await;
            assert!(answer.status >= 400);
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
    }
    for path in ["/livez", "/readyz", "/metrics", "/sitemap-news.xml", "/.well-known/jwks.json"] {
        for _ in 0..2 {
            assert!(!is_hit(&desk.server, path).await, "{path}");
        }
    }
    assert_eq!(desk.server.cache.counts().entries, entries);
}

#[tokio::test]
async fn others_append_what_they_like_to_feeds_and_pages_and_probes() {
    let desk = Desk::open().await;
    desk.story("Satu", &[]).await;
    for path in [
        "/",
        "/docs",
        "/docs/scalar.js",
        "/reader.js",
        "/problems",
        "/problems/not-found",
        "/openapi.json",
        "/sitemap.xml",
        "/sitemap-1.xml",
        "/feeds/rss.xml",
        "/feeds/atom.xml?language=id",
        "/feeds/feed.json?limit=1",
    ] {
        let plain = read(&desk.server, path).await.expect(200);
        let entries = desk.server.cache.counts().entries;
        let mark = if path.contains('?') { '&' } else { '?' };
        for appended in
            ["fbclid=1", "utm_source=a&utm_source=b", "%FF=1", "a%20b", "=", "p%72eview=x", "Limit=1"]
        {
            let path = format!("{path}{mark}{appended}");
            let before = desk.server.cache.counts().hits;
            let answer = read(&desk.server, &path).await.expect(200);
            assert_eq!((&answer.text, answer.header("etag")), (&plain.text, plain.header("etag")), "{path}");
            assert!(
                ["/docs/scalar.js", "/openapi.json"].iter().any(|large| path.starts_with(large))
                    || desk.server.cache.counts().hits > before,
                "{path}"
            );
        }
        assert_eq!(desk.server.cache.counts().entries, entries, "{path}");
    }
    for probe in ["/livez?x=1", "/readyz?x=1&x=2", "/metrics?name=a", "/sitemap-news.xml?x=1"] {
        read(&desk.server, probe).await.expect(200);
    }
    // What is known is read as strictly as ever, however it is written.
    for path in [
        "/feeds/rss.xml?l%69mit=0",
        "/feeds/rss.xml?limit=1&limit=1",
        "/feeds/atom.xml?tag=",
        "/feeds/rss.xml?draft=true",
    ] {
        read(&desk.server, path).await.expect_problem(400, "invalid-query");
    }
    assert!(!is_hit(&desk.server, "/feeds/rss.xml?l%69mit=1").await);
    // And so is what has no parameters.
    let strict = read(&desk.server, "/.well-known/jwks.json?x=1").await.expect_problem(400, "invalid-query");
    assert!(!strict.text.contains("are ."), "{}", strict.text);
}

#[tokio::test]
async fn what_is_too_long_is_refused_also_where_the_answer_is_there() {
    let desk = Desk::open().await;
    warm(&desk.server, "/v1/articles").await;
    let long = "a".repeat(33 * 1024);
    let answer = desk.server.send("GET", "/v1/articles", &[("x-long", &long)], None).await;
    answer.expect_problem(431, "headers-too-large");
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let server = Server::uncached().await;
    for _ in 0..3 {
        read(&server, "/v1/articles").await.expect(200);
    }
    let counts = server.cache.counts();
    assert_eq!((counts.hits, counts.misses, counts.bypassed, counts.entries), (0, 0, 0, 0));
    assert!(!read(&server, "/metrics").await.text.contains("warta_cache"));
}

#[tokio::test]
async fn what_it_does_is_counted() {
    let desk = Desk::open().await;
    let story = desk.story("Satu", &[]).await;
    for _ in 0..3 {
        read(&desk.server, &story).await.expect(200);
    }
    let metrics = read(&desk.server, "/metrics").await.text;
    let counts = desk.server.cache.counts();
    for line in [
        "warta_cache_hits_total 2".to_owned(),
        "warta_cache_entries 1".to_owned(),
        "warta_cache_link_up 1".to_owned(),
        format!("warta_cache_bytes {}", counts.bytes),
        // Also those from memory.
        "http_request_duration_seconds_count{method=\"GET\",route=\"/v1/articles/{article}\",status=\"200\"} 3"
            .to_owned(),
    ] {
        assert!(metrics.lines().any(|found| found == line), "no {line} in {metrics}");
    }
}

#[tokio::test]
async fn a_cdn_is_told_what_an_answer_is_made_of() {
    let desk = Desk::open().await;
    let tag = desk.make("/v1/tags", json!({"name": "Riset"})).await.body["id"].as_str().unwrap().to_owned();
    let source = desk.make("/v1/sources", json!({"name": "Pesisir"})).await;
    let source = source.body["id"].as_str().unwrap().to_owned();
    let citation =
        json!({"source": "pesisir", "url": "https://pesisir.example/1", "title": "Laporan", "role": "data"});
    let body = json!({"title": "Satu", "language": "id", "tags": ["riset"], "citations": [citation]});
    let made = desk.make("/v1/articles", body).await;
    let (path, id) = (made.header("location").to_owned(), made.body["id"].as_str().unwrap().to_owned());
    desk.act(&path, "publish").await;
    for (path, keys) in [
        (path.as_str(), vec![format!("article:{id}"), format!("source:{source}"), format!("tag:{tag}")]),
        ("/v1/articles", vec![format!("article:{id}"), "articles".into(), "lists".into()]),
        (
            "/v1/articles?tag=riset",
            vec![format!("article:{id}"), format!("articles:tag:{tag}"), "lists".into()],
        ),
        (
            "/feeds/atom.xml?language=id",
            vec![format!("article:{id}"), "articles:language:id".into(), "lists".into()],
        ),
        (
            "/v1/sources/pesisir/articles",
            vec![format!("article:{id}"), format!("articles:source:{source}"), "lists".into()],
        ),
        ("/v1/tags", vec!["articles".into(), "tags".into()]),
        ("/v1/tags/riset", vec![format!("articles:tag:{tag}"), format!("tag:{tag}")]),
        ("/sitemap.xml", vec!["articles".into(), "lists".into()]),
    ] {
        for _ in 0..2 {
            let answer = read(&desk.server, path).await.expect(200);
            assert_eq!(answer.header("surrogate-key"), keys.join(" "), "{path}");
            assert_eq!(answer.header("cache-tag"), keys.join(","), "{path}");
        }
        let mine = desk.server.get(path, Some(&desk.editor)).await.expect(200);
        assert!(
            !mine.headers.contains_key("surrogate-key") && !mine.headers.contains_key("cache-tag"),
            "{path}"
        );
    }
}
