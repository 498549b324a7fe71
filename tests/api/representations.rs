//! One story in other vocabularies, as programs read them that know nothing of Warta.

use chrono::TimeDelta;
use serde_json::{Value, json};
use warta::principal::Role;
use yaml_rust2::Yaml;

use crate::support::{Answer, Server};

mod addresses;
mod ninjs;

/// A headline that no vocabulary may take for its own syntax.
pub(crate) const HOSTILE: &str = "]]> & <script>alert(1)</script> \"'`*_[a](b)# \u{1f600} \u{fffe} é: - {x}";

const SITE: &str = "https://news.example/berita";

/// A server with a story that has everything, and a translation; the token of an editor.
pub(crate) async fn newsroom(site: Option<&str>) -> (Server, String) {
    let server = match site {
        Some(site) => Server::with_site(site).await,
        None => Server::start().await,
    };
    let editor = server.sign_in(Role::Editor).await;
    let token = Some(editor.as_str());
    server.post("/v1/tags", token, json!({"name": "Riset & ]]> data", "slug": "riset"})).await.expect(201);
    let source = json!({"name": "Kantor <Berita> Pesisir", "slug": "pesisir", "homepage_url": "https://pesisir.example/é"});
    server.post("/v1/sources", token, source).await.expect(201);
    let story = json!({
        "title": HOSTILE,
        "slug": "kabar",
        "language": "id",
        "summary": "Ringkasan <b>&</b>\u{1}\u{b} ]]>",
        "body": "Isi **tebal** & \u{1}\u{c} ]]> <script>alert(1)</script>\n\n```\nlet x = \"]]>\";\n```\n",
        "image": {"url": "https://images.example/a|b[1].jpg?é", "alt": "Gambar", "caption": "Dua <nelayan>", "credit": "Warta & kawan"},
        "byline": "Redaksi & kawan",
        "provenance": {"kind": "ai_generated", "tool": "Penulis 1", "reviewed_by": "Redaksi"},
        "tags": ["riset"],
        "citations": [
            {"source": "pesisir", "url": "https://pesisir.example/é?a=1&b=[2]", "title": "Laporan <tahunan>", "role": "original"},
            {"source": "pesisir", "url": "https://pesisir.example/asli", "title": "Asli", "role": "translated_from"},
            {"source": "pesisir", "url": "https://pesisir.example/data", "title": "Data", "role": "data"},
        ],
    });
    server.post("/v1/articles", token, story).await.expect(201);
    let translation = json!({"title": "News", "slug": "news", "language": "en", "translation_of": "kabar"});
    server.post("/v1/articles", token, translation).await.expect(201);
    // Made, published and corrected at times that no vocabulary takes for each other, even in whole seconds.
    server.clock.advance(TimeDelta::minutes(1));
    for slug in ["kabar", "news"] {
        server.act(&format!("/v1/articles/{slug}/publish"), token).await.expect(200);
    }
    server.clock.advance(TimeDelta::minutes(1));
    let correction = json!({"kind": "correction", "text": "Bukan <enam>, tetapi & tujuh ]]>."});
    server.post("/v1/articles/kabar/corrections", token, correction).await.expect(201);
    (server, editor)
}

pub(crate) async fn read(server: &Server, path: &str, accept: &str) -> Answer {
    server.send("GET", path, &[("accept", accept)], None).await
}

async fn story(server: &Server, accept: &str) -> Answer {
    let answer = read(server, "/v1/articles/kabar", accept).await.expect(200);
    assert_eq!(answer.header("content-type").split(';').next().unwrap(), accept);
    answer
}

#[tokio::test]
async fn a_search_engine_reads_a_news_article() {
    let (server, _) = newsroom(Some(SITE)).await;
    let own = server.get("/v1/articles/kabar", None).await.expect(200).body;
    let answer = story(&server, "application/ld+json").await;
    let urn = |thing: &Value| format!("urn:uuid:{}", thing["id"].as_str().unwrap());
    let publisher = json!({
        "@type": "Organization",
        "@id": urn(&own["citations"][0]["source"]),
        "name": "Kantor <Berita> Pesisir",
        "url": "https://pesisir.example/%C3%A9",
    });
    let original = json!({
        "@type": "CreativeWork",
        "url": "https://pesisir.example/%C3%A9?a=1&b=%5B2%5D",
        "name": "Laporan <tahunan>",
        "publisher": publisher,
    });
    let translated = json!({"@type": "CreativeWork", "url": "https://pesisir.example/asli", "name": "Asli", "publisher": publisher});
    let data = json!({"@type": "CreativeWork", "url": "https://pesisir.example/data", "name": "Data", "publisher": publisher});
    assert_eq!(
        answer.body,
        json!({
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "@id": urn(&own),
            "url": format!("{SITE}/id/kabar"),
            "mainEntityOfPage": format!("{SITE}/id/kabar"),
            "headline": HOSTILE,
            "description": own["summary"],
            "articleBody": "Isi tebal & \u{1}\u{c} ]]> alert(1)\n\nlet x = \"]]>\";",
            "inLanguage": "id",
            "datePublished": own["published_at"],
            "dateModified": own["updated_at"],
            "version": own["version"],
            "creativeWorkStatus": "Published",
            "wordCount": own["word_count"],
            "timeRequired": "PT1M",
            "creditText": "Redaksi & kawan",
            "publisher": {
                "@type": "NewsMediaOrganization",
                "name": "news.example",
                "url": "https://news.example/berita/",
            },
            "keywords": ["Riset & ]]> data"],
            "image": {
                "@type": "ImageObject",
                "url": "https://images.example/a%7Cb%5B1%5D.jpg?%C3%A9",
                "description": "Gambar",
                "caption": "Dua <nelayan>",
                "creditText": "Warta & kawan",
            },
            "citation": [original, translated, data],
            "isBasedOn": [original, translated],
            "translationOfWork": [translated],
            "workTranslation": [{
                "@type": "NewsArticle",
                "@id": urn(&own["translations"][0]),
                "url": format!("{SITE}/en/news"),
                "inLanguage": "en",
            }],
            "correction": [{
                "@type": "CorrectionComment",
                "@id": urn(&own["corrections"][0]),
                "text": "Bukan <enam>, tetapi & tujuh ]]>.",
                "datePublished": own["corrections"][0]["created_at"],
            }],
            "digitalSourceType": "https://schema.org/TrainedAlgorithmicMediaDigitalSource",
        })
    );
}

#[tokio::test]
async fn a_page_generator_reads_markdown() {
    let (server, _) = newsroom(Some(SITE)).await;
    let own = server.get("/v1/articles/kabar", None).await.expect(200).body;
    let answer = story(&server, "text/markdown").await;
    assert_eq!(answer.header("content-type"), "text/markdown; charset=utf-8");
    let (yaml, markdown) = answer.text.strip_prefix("---\n").unwrap().split_once("---\n").unwrap();
    let front = &yaml_rust2::YamlLoader::load_from_str(yaml).unwrap()[0];
    for member in
        ["id", "slug", "language", "title", "summary", "byline", "status", "published_at", "updated_at"]
    {
        assert_eq!(front[member].as_str(), own[member].as_str(), "{member}");
        assert!(front[member].as_str().is_some(), "{member}");
    }
    assert_eq!(front["word_count"].as_i64(), own["word_count"].as_i64());
    assert_eq!(front["tags"].as_vec().unwrap(), &[Yaml::String("Riset & ]]> data".to_owned())]);
    assert_eq!(front["image"]["credit"].as_str(), Some("Warta & kawan"));
    assert_eq!(front["provenance"]["kind"].as_str(), Some("ai_generated"));
    assert_eq!(front["url"].as_str(), Some("https://news.example/berita/id/kabar"));
    assert_eq!(front["citations"][0]["source"]["name"].as_str(), Some("Kantor <Berita> Pesisir"));
    assert_eq!(front["corrections"][0]["text"].as_str(), own["corrections"][0]["text"].as_str());
    assert_eq!(front["translations"][0]["language"].as_str(), Some("en"));
    assert_eq!(front["translations"][0]["url"].as_str(), Some("https://news.example/berita/en/news"));
    assert_eq!(front["version"].as_i64(), own["version"].as_i64());
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new(markdown));
    let page = scraper::Html::parse_fragment(&html);
    let texts = |selector: &str| {
        let selector = scraper::Selector::parse(selector).unwrap();
        page.select(&selector).map(|element| element.text().collect::<String>()).collect::<Vec<_>>()
    };
    assert_eq!(texts("h1"), [HOSTILE]);
    let dek = own["summary"].as_str().unwrap();
    assert_eq!(texts("h1 + p > strong"), [dek.split_whitespace().collect::<Vec<_>>().join(" ")]);
    assert_eq!(texts("h2"), ["Koreksi", "Sumber"]);
    assert!(markdown.contains(own["body"].as_str().unwrap()), "{markdown}");
    let items = texts("li");
    assert!(items[0].ends_with(": Bukan <enam>, tetapi & tujuh ]]>."), "{items:?}");
    assert_eq!(items[1], "Kantor <Berita> Pesisir: Laporan <tahunan>");
    assert_eq!(items[2], "Kantor <Berita> Pesisir: Asli");
    assert!(html.contains("href=\"https://pesisir.example/%C3%A9?a=1&amp;b=%5B2%5D\""), "{html}");
}

#[tokio::test]
async fn a_client_gets_what_it_asks_for_or_is_told_what_there_is() {
    let (server, editor) = newsroom(None).await;
    let path = "/v1/articles/kabar";
    let plain = server.get(path, None).await.expect(200);
    assert_eq!(plain.header("content-type"), "application/json");
    let mut tags = vec![plain.header("etag").to_owned()];
    for media_type in ["application/ld+json", "application/ninjs+json", "text/markdown"] {
        let answer = story(&server, media_type).await;
        assert!(answer.text.contains(&format!("{}/v1/articles/kabar", server.base)), "{}", answer.text);
        for headers in [&answer.headers, &plain.headers] {
            assert_eq!(headers["vary"], "Authorization, Accept, Accept-Encoding");
            assert!(headers["cache-control"].to_str().unwrap().starts_with("public, "));
        }
        let tag = answer.header("etag").to_owned();
        assert!(!tags.contains(&tag), "{media_type}: {tag} is the tag of another representation");
        let known = [("accept", media_type), ("if-none-match", tag.as_str())];
        let again = server.send("GET", path, &known, None).await.expect(304);
        assert_eq!(again.header("vary"), "Authorization, Accept, Accept-Encoding");
        let other = [("accept", media_type), ("if-none-match", tags[0].as_str())];
        server.send("GET", path, &other, None).await.expect(200);
        let head = server.send("HEAD", path, &[("accept", media_type)], None).await.expect(200);
        assert_eq!(head.header("etag"), tag);
        tags.push(tag);
        // The draft's tag is as good as that of its JSON.
        let bearer = format!("Bearer {editor}");
        let headers = [("accept", media_type), ("authorization", bearer.as_str())];
        let draft = server.send("GET", &format!("{path}?draft=true"), &headers, None).await.expect(200);
        assert_eq!(draft.header("cache-control"), "private, no-store");
        let patch = json!({"note": media_type});
        server.patch_if(path, Some(&editor), draft.header("etag"), patch).await.expect(200);
    }
    let refused =
        read(&server, path, "text/html, application/xml;q=0.9").await.expect_problem(406, "not-acceptable");
    let available = ["application/json", "application/ld+json", "application/ninjs+json", "text/markdown"];
    assert_eq!(refused.body["available"], json!(available));
    read(&server, path, "*/*;q=0").await.expect_problem(406, "not-acceptable");
    for (accept, expected) in [
        ("application/json;q=0.5, text/markdown;q=0.9", "text/markdown; charset=utf-8"),
        ("application/json;q=0, */*;q=0.1", "application/ld+json"),
        ("application/ninjs+json;q=0.3, text/html", "application/ninjs+json"),
    ] {
        let answer = read(&server, path, accept).await.expect(200);
        assert_eq!(answer.header("content-type"), expected, "{accept}");
    }
}

#[tokio::test]
async fn what_readers_do_not_see_is_told_alike_in_each_form() {
    let (server, editor) = newsroom(Some(SITE)).await;
    let token = Some(editor.as_str());
    server.patch("/v1/articles/kabar", token, json!({"slug": "kini"})).await.expect(200);
    let forms = ["application/json", "application/ld+json", "application/ninjs+json", "text/markdown"];
    for form in forms {
        read(&server, "/v1/articles/kini", form).await.expect_problem(404, "not-found");
        read(&server, "/v1/articles/kabar?draft=true", form).await.expect_problem(401, "unauthenticated");
        read(&server, "/v1/articles/kabar?draft=x", form).await.expect_problem(400, "invalid-query");
    }
    server.act("/v1/articles/kini/publish", token).await.expect(200);
    for form in forms {
        let moved = read(&server, "/v1/articles/kabar", form).await.expect(308);
        assert_eq!(moved.header("location"), "/v1/articles/kini");
        assert_eq!(moved.header("vary"), "Authorization, Accept");
    }
    server.post("/v1/articles/kini/retract", token, json!({"reason": "Keliru."})).await.expect(200);
    for form in forms {
        let gone = read(&server, "/v1/articles/kini", form).await.expect_problem(410, "retracted");
        assert_eq!(gone.body["reason"], "Keliru.");
    }
    // Its translation does not tell of it any more.
    for form in forms {
        let other = read(&server, "/v1/articles/news", form).await.expect(200);
        assert!(!other.text.contains("kini") && !other.text.contains("kabar"), "{}", other.text);
    }
}

#[tokio::test]
async fn a_code_block_that_nobody_closed_ends_with_the_text() {
    let (server, editor) = newsroom(None).await;
    let path = "/v1/articles/kabar";
    for body in ["Isi.\n\n```\nlet x = 1;", "Isi.\n\n~~~~\n```\nlet x = 1;\n\n", "Isi.\n\n<!-- let x = 1;"] {
        server.patch(path, Some(&editor), json!({"body": body})).await.expect(200);
        server.act(&format!("{path}/publish"), Some(&editor)).await.expect(200);
        let text = story(&server, "text/markdown").await.text;
        let markdown = text.strip_prefix("---\n").unwrap().split_once("---\n").unwrap().1;
        let mut html = String::new();
        pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new(markdown));
        assert_eq!(html.matches("<h2>").count(), 2, "{markdown}");
        assert!(markdown.contains(body.trim_end()), "{markdown}");
    }
}

#[tokio::test]
async fn a_publication_with_a_name_is_called_by_it() {
    let server = Server::with_named_site(SITE, "Warta & ]]> Nusantara").await;
    let editor = server.sign_in(Role::Editor).await;
    let made = json!({"title": "Kabar", "slug": "kabar", "language": "id"});
    server.post("/v1/articles", Some(&editor), made).await.expect(201);
    server.act("/v1/articles/kabar/publish", Some(&editor)).await.expect(200);
    let linked = story(&server, "application/ld+json").await.body;
    assert_eq!(linked["publisher"]["name"], "Warta & ]]> Nusantara");
    let ninjs = story(&server, "application/ninjs+json").await.body;
    assert_eq!(ninjs["infoSources"][0]["name"], "Warta & ]]> Nusantara");
    let json = server.get("/feeds/feed.json", None).await.expect(200).body;
    assert_eq!(json["title"], "Warta & ]]> Nusantara");
    for path in ["/feeds/rss.xml", "/feeds/atom.xml", "/sitemap-news.xml"] {
        let text = server.get(path, None).await.expect(200).text;
        let document = roxmltree::Document::parse(&text).unwrap();
        let mut named =
            document.descendants().filter(|node| ["title", "name"].contains(&node.tag_name().name()));
        assert!(named.any(|node| node.text() == Some("Warta & ]]> Nusantara")), "{text}");
    }
}

/// What each form calls the state of a story, as an editor reads it.
async fn states(server: &Server, token: &str, path: &str) -> [String; 3] {
    let bearer = format!("Bearer {token}");
    let of = async |form: &str| {
        server.send("GET", path, &[("accept", form), ("authorization", &bearer)], None).await.expect(200)
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let markdown = of("text/markdown").await.text;
    let yaml = markdown.strip_prefix("---\n").unwrap().split_once("---\n").unwrap().0;
    let front = yaml_rust2::YamlLoader::load_from_str(yaml).unwrap();
    let ninjs = of("application/ninjs+json").await.body;
    for validator in ninjs::validators() {
        assert!(validator.is_valid(&ninjs), "{ninjs:#}");
    }
    [
        text(&of("application/ld+json").await.body["creativeWorkStatus"]),
        text(&ninjs["pubStatus"]),
        front[0]["status"].as_str().unwrap().to_owned(),
    ]
}

#[tokio::test]
async fn each_form_says_whether_readers_see_the_story() {
    let (server, editor) = newsroom(Some(SITE)).await;
    let (path, draft) = ("/v1/articles/kabar", "/v1/articles/kabar?draft=true");
    assert_eq!(states(&server, &editor, path).await, ["Published", "usable", "published"]);
    server.patch(path, Some(&editor), json!({"summary": "Lain."})).await.expect(200);
    assert_eq!(states(&server, &editor, draft).await, ["Draft", "withheld", "draft"]);
    assert_eq!(states(&server, &editor, path).await, ["Published", "usable", "published"]);
    server.post(&format!("{path}/retract"), Some(&editor), json!({"reason": "Keliru."})).await.expect(200);
    assert_eq!(states(&server, &editor, path).await, ["Retracted", "canceled", "retracted"]);
}

#[tokio::test]
async fn each_vocabulary_says_how_the_text_came_about() {
    let (server, editor) = newsroom(None).await;
    let path = "/v1/articles/news";
    for (kind, schema_org, iptc) in [
        ("human", "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation", "Digital creation"),
        (
            "ai_assisted",
            "https://schema.org/CompositeWithTrainedAlgorithmicMediaDigitalSource",
            "Edited using Generative AI",
        ),
        (
            "ai_generated",
            "https://schema.org/TrainedAlgorithmicMediaDigitalSource",
            "Created using Generative AI",
        ),
    ] {
        let provenance = match kind {
            "human" => json!({"kind": kind}),
            _ => json!({"kind": kind, "tool": "Penulis 1", "reviewed_by": "Redaksi"}),
        };
        server.patch(path, Some(&editor), json!({"provenance": provenance})).await.expect(200);
        server.act(&format!("{path}/publish"), Some(&editor)).await.expect(200);
        let own = server.get(path, None).await.expect(200).body;
        let linked = read(&server, path, "application/ld+json").await.expect(200).body;
        assert_eq!(linked["digitalSourceType"], schema_org, "{kind}");
        let ninjs = read(&server, path, "application/ninjs+json").await.expect(200).body;
        let code = &own["provenance"]["digital_source_type"];
        assert_eq!(ninjs["digitalSourceType"], json!({"name": iptc, "uri": code}), "{kind}");
    }
}
