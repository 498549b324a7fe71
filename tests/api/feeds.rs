//! Feeds, as feed readers read them, and sitemaps, as search engines do.

use feed_rs::model::Feed;
use serde_json::{Value, json};

use crate::{
    representations::{HOSTILE, newsroom},
    support::{Answer, Server},
};

mod sitemaps;

const SITE: &str = "https://news.example/berita";

const ATOM: &str = "http://www.w3.org/2005/Atom";

const DUBLIN_CORE: &str = "http://purl.org/dc/elements/1.1/";

const MEDIA: &str = "http://search.yahoo.com/mrss/";

const FEEDS: [&str; 3] = ["/feeds/rss.xml", "/feeds/atom.xml", "/feeds/feed.json"];

/// Without what XML 1.0 cannot hold.
fn held(text: &str) -> String {
    let lost = ['\u{1}', '\u{b}', '\u{c}', '\u{fffe}'];
    text.chars().filter(|character| !lost.contains(character)).collect()
}

fn parsed(answer: &Answer) -> Feed {
    feed_rs::parser::parse(answer.text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {}", answer.text))
}

async fn titles(server: &Server, path: &str) -> Vec<String> {
    let feed = parsed(&server.get(path, None).await.expect(200));
    feed.entries.into_iter().map(|entry| entry.title.unwrap().content).collect()
}

#[tokio::test]
async fn a_feed_reader_finds_the_whole_story() {
    let (server, _) = newsroom(Some(SITE)).await;
    let own = server.get("/v1/articles/kabar", None).await.expect(200).body;
    for path in FEEDS {
        let answer = server.get(&format!("{path}?tag=riset&language=in"), None).await.expect(200);
        let feed = parsed(&answer);
        let exact = |text: &str| if path.ends_with("json") { text.to_owned() } else { held(text) };
        assert_eq!(feed.title.unwrap().content, "Riset & ]]> data – news.example");
        assert_eq!(feed.language.as_deref(), Some("id"), "{path}");
        let address = format!("{}{path}?tag=riset&language=in", server.base);
        assert!(answer.text.replace("&amp;", "&").contains(&address), "{path}: {}", answer.text);
        let [entry] = &feed.entries[..] else { panic!("{path}: {}", answer.text) };
        assert_eq!(entry.id, format!("urn:uuid:{}", own["id"].as_str().unwrap()));
        // feed-rs takes the title of an RSS item for HTML.
        let title = &entry.title.as_ref().unwrap().content;
        assert_eq!(title.trim(), exact(HOSTILE), "{path}");
        assert_eq!(entry.links[0].href, format!("{SITE}/id/kabar"), "{path}");
        let names: Vec<_> = entry.authors.iter().filter_map(|author| author.name.as_deref()).collect();
        assert_eq!(names, ["Redaksi & kawan"], "{path}");
        let tags: Vec<_> = entry.categories.iter().map(|it| it.label.as_ref().unwrap_or(&it.term)).collect();
        assert_eq!(tags, ["Riset & ]]> data"], "{path}");
        let summary = entry.summary.as_ref().unwrap().content.trim();
        let dek = exact(own["summary"].as_str().unwrap());
        // As an item of RSS has it, it is HTML.
        let dek = if path.contains("rss") { quick_xml::escape::escape(&dek).into_owned() } else { dek };
        assert_eq!(summary, dek, "{path}");
        let time = |time: Option<chrono::DateTime<chrono::Utc>>| time.unwrap().timestamp();
        let expected = |name: &str| {
            own[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp()
        };
        assert_eq!(time(entry.published), expected("published_at"), "{path}");
        assert_eq!(time(entry.updated.or(entry.published)), expected("updated_at"), "{path}");
        assert!(expected("updated_at") > expected("published_at"));
        if !path.contains("json") {
            assert_eq!(time(feed.updated), expected("updated_at"), "{path}");
        }
        let content = entry.content.as_ref().unwrap().body.as_ref().unwrap();
        let body = own["body_html"].as_str().unwrap();
        assert!(content.starts_with(exact(body).trim()), "{path}: {content}");
        assert!(content.contains("<h2>Koreksi</h2>"), "{path}: {content}");
        assert!(content.contains("Bukan &lt;enam&gt;, tetapi &amp; tujuh ]]&gt;."), "{path}: {content}");
        assert!(!content.contains("<script"), "{path}: {content}");
        assert!(answer.text.contains("https://pesisir.example/%C3%A9?a=1"), "{path}");
        assert!(answer.text.contains("https://images.example/a%7Cb%5B1%5D.jpg"), "{path}");
    }
}

#[tokio::test]
async fn each_format_says_where_a_story_comes_from() {
    let (server, _) = newsroom(Some(SITE)).await;
    let rss = server.get("/feeds/rss.xml", None).await.expect(200);
    assert_eq!(rss.header("content-type"), "application/rss+xml; charset=utf-8");
    let tree = roxmltree::Document::parse(&rss.text).unwrap();
    let items: Vec<_> = tree.descendants().filter(|node| node.has_tag_name("item")).collect();
    assert_eq!(items.len(), 2);
    let of = |node: roxmltree::Node<'_, '_>, name: &str| {
        node.children()
            .find(|child| child.tag_name().name() == name)
            .map(|child| child.text().unwrap_or_default().to_owned())
    };
    let item = items[1];
    let source = item.children().find(|child| child.has_tag_name("source")).unwrap();
    assert_eq!(source.attribute("url"), Some("https://pesisir.example/%C3%A9?a=1&b=%5B2%5D"));
    assert_eq!(source.text(), Some("Kantor <Berita> Pesisir"));
    assert_eq!(of(item, "title"), Some(held(HOSTILE)));
    assert_eq!(of(item, "language").as_deref(), Some("id"));
    let own = server.get("/v1/articles/kabar", None).await.expect(200).body;
    let instant = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap();
    let updated = of(item, "updated").unwrap();
    assert_eq!(instant(&updated), instant(own["updated_at"].as_str().unwrap()));
    let sources = item.children().filter(|child| child.has_tag_name((DUBLIN_CORE, "source")));
    assert_eq!(
        sources.filter_map(|source| source.text()).collect::<Vec<_>>(),
        [
            "https://pesisir.example/%C3%A9?a=1&b=%5B2%5D",
            "https://pesisir.example/asli",
            "https://pesisir.example/data",
        ]
    );
    let picture = item.children().find(|child| child.has_tag_name((MEDIA, "content"))).unwrap();
    assert_eq!(picture.attribute("url"), Some("https://images.example/a%7Cb%5B1%5D.jpg?%C3%A9"));
    // Of HTML, which a description is, the text.
    assert_eq!(of(item, "description").as_deref(), Some("Ringkasan &lt;b&gt;&amp;&lt;/b&gt; ]]&gt;"));
    let guid = item.children().find(|child| child.has_tag_name("guid")).unwrap();
    assert_eq!(guid.attribute("isPermaLink"), Some("false"));
    let itself = tree.descendants().find(|node| node.has_tag_name((ATOM, "link"))).unwrap();
    assert_eq!(itself.attribute("href"), Some(&*format!("{}/feeds/rss.xml", server.base)));

    let atom = server.get("/feeds/atom.xml", None).await.expect(200);
    assert_eq!(atom.header("content-type"), "application/atom+xml; charset=utf-8");
    let feed = parsed(&atom);
    let links = |rel: &str| -> Vec<_> {
        let links = feed.entries[1].links.iter().filter(|link| link.rel.as_deref() == Some(rel));
        links.map(|link| (link.href.as_str(), link.title.as_deref())).collect()
    };
    assert_eq!(
        links("via"),
        [
            (
                "https://pesisir.example/%C3%A9?a=1&b=%5B2%5D",
                Some("Kantor <Berita> Pesisir: Laporan <tahunan>")
            ),
            ("https://pesisir.example/asli", Some("Kantor <Berita> Pesisir: Asli")),
        ]
    );
    assert_eq!(links("enclosure"), [("https://images.example/a%7Cb%5B1%5D.jpg?%C3%A9", Some("Gambar"))]);
    assert_eq!(
        links("related"),
        [
            ("https://pesisir.example/data", Some("Kantor <Berita> Pesisir: Data")),
            ("https://news.example/berita/en/news", None),
        ]
    );
    let tree = roxmltree::Document::parse(&atom.text).unwrap();
    let entry = tree.descendants().filter(|node| node.has_tag_name((ATOM, "entry"))).nth(1).unwrap();
    let languages = |name: &str, attribute: &str| -> Vec<_> {
        let named = entry.children().filter(|child| child.has_tag_name((ATOM, name)));
        named.filter_map(|child| child.attribute(attribute)).map(str::to_owned).collect()
    };
    assert_eq!(languages("link", "hreflang"), ["id", "en"]);
    for name in ["title", "summary", "content"] {
        let named = entry.children().find(|child| child.has_tag_name((ATOM, name))).unwrap();
        assert_eq!(named.attribute(("http://www.w3.org/XML/1998/namespace", "lang")), Some("id"), "{name}");
    }

    let json = server.get("/feeds/feed.json", None).await.expect(200);
    assert_eq!(json.header("content-type"), "application/feed+json");
    let item = &json.body["items"][1];
    assert_eq!(item["external_url"], "https://pesisir.example/%C3%A9?a=1&b=%5B2%5D");
    assert_eq!(item["_warta"], json!({"citations": own["citations"], "corrections": own["corrections"]}));
    assert_eq!(item["summary"], own["summary"]);
    assert_eq!(item["language"], "id");
    assert_eq!(item["date_published"], own["published_at"]);
    assert_eq!(item["date_modified"], own["updated_at"]);
    assert_eq!(item["image"], "https://images.example/a%7Cb%5B1%5D.jpg?%C3%A9");
}

#[tokio::test]
async fn feeds_have_what_the_filters_let_through_and_nothing_that_is_hidden() {
    let (server, editor) = newsroom(None).await;
    let token = Some(editor.as_str());
    server.post("/v1/tags", token, json!({"name": "Kosong"})).await.expect(201);
    let hidden = json!({"title": "Rahasia", "slug": "rahasia", "language": "id", "tags": ["riset"]});
    server.post("/v1/articles", token, hidden).await.expect(201);
    server.patch("/v1/articles/news", token, json!({"title": "Not yet"})).await.expect(200);
    for path in FEEDS {
        for (query, count) in [
            ("", 2),
            ("?tag=riset", 1),
            ("?tag_none=riset", 1),
            ("?source=pesisir&language=en", 0),
            ("?cites=https://pesisir.example/asli", 1),
            ("?limit=1", 1),
            ("?published_before=2020-01-01T00:00:00Z", 0),
            ("?published_after=2999-01-01T00:00:00Z", 0),
            ("?updated_after=2999-01-01T00:00:00Z", 0),
            ("?tag_all=riset", 1),
            ("?tag_all=riset,kosong", 0),
            ("?language=en", 1),
            ("?q=news", 1),
            ("?q=rahasia", 0),
            ("?source=pesisir", 1),
            ("?tag=nothing", 0),
        ] {
            let path = format!("{path}{query}");
            assert_eq!(titles(&server, &path).await.len(), count, "{path}");
            let anyones = server.get(&path, None).await.expect(200).text;
            assert!(!anyones.contains("Rahasia") && !anyones.contains("Not yet"), "{path}");
            // Whoever signs in sees here what readers see.
            let editors = server.get(&path, token).await.expect(200);
            assert_eq!(editors.text, anyones);
            assert_eq!(editors.header("cache-control"), "private, no-store");
        }
        // Without a site, links lead here.
        let first = titles(&server, path).await;
        assert_eq!(first[0], "News", "the latest comes first");
        assert!(server.get(path, None).await.text.contains(&format!("{}/v1/articles/news", server.base)));
    }
    server.post("/v1/articles/kabar/retract", token, json!({"reason": "Keliru."})).await.expect(200);
    for path in FEEDS {
        assert_eq!(titles(&server, path).await, ["News"]);
    }
}

#[tokio::test]
async fn a_story_comes_from_what_it_rests_on_before_what_it_quotes() {
    let (server, editor) = newsroom(None).await;
    let citation = |role: &str| json!({"source": "pesisir", "url": format!("https://pesisir.example/{role}"), "title": role, "role": role});
    for (roles, expected) in [
        (vec!["quoted", "data", "original"], Some("https://pesisir.example/original")),
        (vec!["quoted", "data"], Some("https://pesisir.example/quoted")),
        (vec![], None),
    ] {
        let citations: Vec<_> = roles.iter().map(|role| citation(role)).collect();
        server.patch("/v1/articles/news", Some(&editor), json!({"citations": citations})).await.expect(200);
        server.act("/v1/articles/news/publish", Some(&editor)).await.expect(200);
        let json = server.get("/feeds/feed.json?language=en", None).await.expect(200).body;
        assert_eq!(json["items"][0].get("external_url").and_then(Value::as_str), expected, "{roles:?}");
        let rss = server.get("/feeds/rss.xml?language=en", None).await.expect(200).text;
        let tree = roxmltree::Document::parse(&rss).unwrap();
        let source = tree.descendants().find(|node| node.has_tag_name("source"));
        assert_eq!(source.and_then(|node| node.attribute("url")), expected, "{roles:?}");
    }
}

#[tokio::test]
async fn a_feed_is_called_after_what_it_is_about() {
    let (server, editor) = newsroom(Some(SITE)).await;
    server.post("/v1/tags", Some(&editor), json!({"name": "Kosong"})).await.expect(201);
    for path in FEEDS {
        for (query, title) in [
            ("", "news.example"),
            ("?tag=riset,kosong", "Kosong, Riset & ]]> data – news.example"),
            ("?tag_all=riset", "Riset & ]]> data – news.example"),
            ("?source=pesisir", "Kantor <Berita> Pesisir – news.example"),
            ("?tag=kosong&source=pesisir", "Kosong, Kantor <Berita> Pesisir – news.example"),
            ("?tag=nothing&language=en", "news.example"),
        ] {
            let feed = parsed(&server.get(&format!("{path}{query}"), None).await.expect(200));
            assert_eq!(feed.title.unwrap().content, title, "{path}{query}");
            let language = query.ends_with("=en").then_some("en");
            assert_eq!(feed.language.as_deref(), language, "{path}{query}");
        }
    }
}

#[tokio::test]
async fn what_a_feed_does_not_have_is_refused() {
    let (server, _) = newsroom(None).await;
    for path in FEEDS {
        for name in ["created_by", "draft", "trashed", "status", "sort", "count", "include"] {
            let answer =
                server.get(&format!("{path}?{name}=x"), None).await.expect_problem(400, "invalid-query");
            assert_eq!(answer.faults(), [(name.to_owned(), "unknown".to_owned())], "{path}");
        }
        let answer = server.get(&format!("{path}?draft=true&limit=0&tag="), None).await.expect(400);
        assert_eq!(answer.faults().len(), 3, "{}", answer.text);
    }
    for path in FEEDS {
        let answer = server.get(&format!("{path}?cursor=x"), None).await.expect(400);
        assert_eq!(answer.faults(), [("cursor".to_owned(), "invalid_cursor".to_owned())]);
    }
}

/// Publishes stories with this text, each with its number as its headline.
async fn publish(server: &Server, editor: &str, count: usize, body: &str) {
    for number in 0..count {
        let story = json!({"title": format!("Kabar {number}"), "language": "id", "slug": format!("k-{number}"), "body": body});
        server.post("/v1/articles", Some(editor), story).await.expect(201);
        server.act(&format!("/v1/articles/k-{number}/publish"), Some(editor)).await.expect(200);
    }
}

/// The pages of a feed, by its own links.
async fn pages(server: &Server, path: &str) -> Vec<Feed> {
    let mut next = Some(format!("{}{path}", server.base));
    let mut pages = Vec::new();
    while let Some(url) = next.take() {
        let answer = server.get(url.strip_prefix(&server.base).unwrap(), None).await.expect(200);
        let feed = parsed(&answer);
        let link = |rel: &str| {
            let link = feed.links.iter().find(|link| link.rel.as_deref() == Some(rel));
            link.map(|link| link.href.clone())
        };
        if path.contains(".json") {
            assert_eq!(answer.body["feed_url"], url);
            next = answer.body.get("next_url").and_then(Value::as_str).map(str::to_owned);
        } else {
            assert_eq!(link("self"), Some(url));
            next = link("next");
        }
        pages.push(feed);
        assert!(pages.len() <= 10, "it goes in a circle");
    }
    pages
}

fn titles_of(pages: &[Feed]) -> Vec<String> {
    let entries = pages.iter().flat_map(|page| &page.entries);
    entries.map(|entry| entry.title.clone().unwrap().content).collect()
}

#[tokio::test]
async fn a_feed_goes_on_until_the_last_story() {
    let (server, editor) = newsroom(None).await;
    publish(&server, &editor, 3, "Teks.").await;
    for path in FEEDS {
        let pages = pages(&server, &format!("{path}?limit=2&tag_none=nothing")).await;
        assert_eq!(pages.iter().map(|page| page.entries.len()).collect::<Vec<_>>(), [2, 2, 1], "{path}");
        let titles = titles_of(&pages);
        // What XML cannot hold is left out there.
        assert_eq!(
            (&titles[..4], titles.len()),
            (&["Kabar 2", "Kabar 1", "Kabar 0", "News"].map(String::from)[..], 5),
            "{path}"
        );
        if path.contains("atom") {
            assert!(pages.iter().all(|page| page.id == pages[0].id), "all pages are of one feed (RFC 5005)");
        }
    }
}

#[tokio::test]
async fn a_page_of_a_feed_ends_where_its_texts_get_long() {
    let (server, editor) = newsroom(None).await;
    // As Markdown and as HTML 440 kB: two of them fit.
    publish(&server, &editor, 5, &"Kata ".repeat(44_000)).await;
    for path in FEEDS {
        let pages = pages(&server, &format!("{path}?limit=100&tag_none=nothing")).await;
        assert_eq!(pages.iter().map(|page| page.entries.len()).collect::<Vec<_>>(), [2, 2, 3], "{path}");
        assert_eq!(titles_of(&pages)[..5], ["Kabar 4", "Kabar 3", "Kabar 2", "Kabar 1", "Kabar 0"], "{path}");
    }
}

#[tokio::test]
async fn an_empty_feed_is_a_feed_and_stays_the_same() {
    let server = Server::start().await;
    for path in FEEDS {
        let first = server.get(path, None).await.expect(200);
        assert!(parsed(&first).entries.is_empty());
        server.clock.advance(chrono::TimeDelta::days(1));
        let again = server.send("GET", path, &[("if-none-match", first.header("etag"))], None).await;
        assert_eq!(again.status, 304, "{path}");
    }
}
