//! The demo reader: its files, and that it has a word for what the API says. Chromium reads it in
//! `.ci/reader.mjs`.

use std::collections::BTreeSet;

use scraper::{Html, Selector};
use serde_json::Value;

use crate::support::Server;

const PARTS: [(&str, &str); 3] = [
    ("/", "text/html; charset=utf-8"),
    ("/reader.css", "text/css; charset=utf-8"),
    ("/reader.js", "text/javascript; charset=utf-8"),
];

async fn page(server: &Server) -> Html {
    Html::parse_document(&server.get("/", None).await.expect(200).text)
}

fn select<'a>(page: &'a Html, selector: &'a str) -> Vec<scraper::ElementRef<'a>> {
    let selector = Selector::parse(selector).unwrap();
    page.select(&selector).collect()
}

#[tokio::test]
async fn its_files_are_cached_and_asked_for_again() {
    let server = Server::start().await;
    for (path, media_type) in PARTS {
        let answer = server.get(path, None).await.expect(200);
        assert_eq!(answer.header("content-type"), media_type);
        assert!(answer.header("cache-control").starts_with("public, max-age="), "{path}");
        let tag = answer.header("etag").to_owned();
        assert!(tag.starts_with('"'), "{path}: {tag}");
        let again = server.send("GET", path, &[("if-none-match", &tag)], None).await.expect(304);
        assert_eq!((again.header("etag"), again.text.as_str()), (&*tag, ""));
        server.send("GET", path, &[("if-none-match", "\"other\"")], None).await.expect(200);
    }
}

#[tokio::test]
async fn nothing_runs_in_it_that_is_not_in_its_script() {
    let server = Server::start().await;
    let answer = server.get("/", None).await;
    assert_eq!(
        answer.header("content-security-policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: http: data:; \
         connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types warta"
    );
    let page = page(&server).await;
    // The policy would stop them, and the page would be broken.
    assert!(select(&page, "style, [style], base, iframe").is_empty());
    let scripts: Vec<_> = select(&page, "script").iter().map(|script| script.attr("src")).collect();
    assert_eq!(scripts, [Some("/reader.js"), None]);
    assert_eq!(select(&page, "#texts")[0].attr("type"), Some("application/json"));
    let handled = select(&page, "*")
        .iter()
        .flat_map(|element| element.value().attrs())
        .any(|(name, _)| name.starts_with("on"));
    assert!(!handled);
    for link in select(&page, "[href^='/'], [src^='/']") {
        let path = link.attr("href").or(link.attr("src")).unwrap();
        server.get(path, None).await.expect(200);
    }
}

#[tokio::test]
async fn its_address_says_what_it_shows_and_nothing_else() {
    let server = Server::start().await;
    let plain = server.get("/", None).await.expect(200).text;
    for query in [
        "article=tidak-ada",
        "tag=riset&language=id",
        "q=beras%20%26%20jagung&language=en",
        "article=..%2F%3Cscript%3E",
        "language=xx",
        "q=",
    ] {
        assert_eq!(server.get(&format!("/?{query}"), None).await.expect(200).text, plain, "{query}");
    }
    // Sites and mail append what they like.
    for query in ["page=2", "fbclid=1", "Tag=riset", "article=a&article=b", "q=%FF"] {
        assert_eq!(server.get(&format!("/?{query}"), None).await.expect(200).text, plain, "{query}");
    }
}

#[tokio::test]
async fn it_has_a_word_in_each_language_for_what_the_api_says() {
    let server = Server::start().await;
    let document = server.get("/openapi.json", None).await.body;
    let page = page(&server).await;
    let texts: Value = serde_json::from_str(&select(&page, "#texts")[0].text().collect::<String>()).unwrap();
    let words = |language: &str| -> BTreeSet<&str> {
        let words = texts[language].as_object().unwrap();
        assert!(words.values().all(|word| word.as_str().is_some_and(|word| !word.is_empty())));
        words.keys().map(String::as_str).collect()
    };
    assert_eq!(words("id"), words("en"));
    for schema in ["CitationRole", "ProvenanceKind", "CorrectionKind"] {
        for word in document["components"]["schemas"][schema]["enum"].as_array().into_iter().flatten() {
            assert!(words("id").contains(word.as_str().unwrap()), "the page has no word for {schema} {word}");
        }
    }
    for place in ["text", "label", "placeholder"] {
        for element in select(&page, &format!("[data-{place}]")) {
            let word = element.attr(&format!("data-{place}")).unwrap();
            assert!(words("id").contains(word), "the page has no word for {word}");
        }
    }
}
