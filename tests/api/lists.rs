//! Lists of articles: what filters leave, alone and together.

mod edges;
mod visibility;
mod walks;

pub(crate) use self::walks::walk;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use warta::principal::Role;

use crate::support::{Answer, Server};

/// A server with somebody who may do everything but manage people.
struct Newsroom {
    server: Server,
    editor: String,
}

impl Newsroom {
    /// With the tags `tag-a`, `tag-b` and `tag-c`, and the sources `source-a` and `source-b`.
    async fn open() -> Self {
        let server = Server::start().await;
        let editor = server.sign_in(Role::Editor).await;
        for tag in ["Tag A", "Tag B", "Tag C"] {
            server.post("/v1/tags", Some(&editor), json!({"name": tag})).await.expect(201);
        }
        for source in ["Source A", "Source B"] {
            server.post("/v1/sources", Some(&editor), json!({"name": source})).await.expect(201);
        }
        Self { server, editor }
    }

    /// Makes a draft in somebody's name; the answer.
    async fn draft_by(&self, token: &str, title: &str, more: Value) -> Answer {
        let mut body = json!({"title": title, "language": "id"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.server.post("/v1/articles", Some(token), body).await.expect(201)
    }

    async fn draft(&self, title: &str, more: Value) -> String {
        self.draft_by(&self.editor, title, more).await.body["slug"].as_str().unwrap().to_owned()
    }

    async fn publish(&self, slug: &str, at: &str) -> Answer {
        let path = format!("/v1/articles/{slug}/publish");
        self.server.post(&path, Some(&self.editor), json!({"at": at})).await.expect(200)
    }

    /// Makes an article that readers see since then; its slug.
    async fn story(&self, title: &str, at: &str, more: Value) -> String {
        let slug = self.draft(title, more).await;
        self.publish(&slug, at).await;
        slug
    }

    async fn list(&self, query: &str, token: Option<&str>) -> Answer {
        self.server.get(&format!("/v1/articles?{query}"), token).await.expect(200)
    }

    /// The slugs that a query gives to someone, and its `total`, which must say the same.
    async fn slugs(&self, query: &str, token: Option<&str>) -> Vec<String> {
        let answer = self.list(&format!("{query}&count=true&limit=100"), token).await;
        let slugs: Vec<_> = answer.each("slug").into_iter().map(str::to_owned).collect();
        assert_eq!(answer.body["total"], slugs.len(), "total of {query}");
        slugs
    }
}

/// A citation of a document that no other story has.
fn citing(source: &str) -> Value {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let url = format!("https://source.example/{}", NEXT.fetch_add(1, Ordering::Relaxed));
    json!([{"source": source, "url": url, "title": "Laporan"}])
}

/// Four stories, in the order that readers get them, and one of them cited and tagged by nothing.
async fn four_stories() -> Newsroom {
    let room = Newsroom::open().await;
    let one = json!({"tags": ["tag-a"], "citations": citing("source-a")});
    room.story("satu", "2024-01-01T00:00:00Z", one).await;
    let two = json!({"tags": ["tag-a", "tag-b"], "citations": citing("source-b"), "language": "in"});
    room.story("dua", "2024-02-01T00:00:00Z", two).await;
    let both = json!([citing("source-a")[0], citing("source-b")[0], citing("source-a")[0]]);
    let three = json!({"tags": ["tag-b", "tag-c"], "citations": both, "language": "en"});
    room.story("tiga", "2024-03-01T00:00:00Z", three).await;
    room.story("empat", "2024-04-01T00:00:00Z", json!({"language": "EN-us"})).await;
    room
}

#[tokio::test]
async fn each_filter_leaves_what_it_says() {
    let room = four_stories().await;
    let id = async |path: &str| {
        room.server.get(path, None).await.expect(200).body["id"].as_str().unwrap().to_owned()
    };
    let (tag_a, source_b) = (id("/v1/tags/tag-a").await, id("/v1/sources/source-b").await);
    let nobody = uuid::Uuid::nil();
    for (query, expected) in [
        ("", "empat tiga dua satu"),
        ("tag=tag-a", "dua satu"),
        (&format!("tag={tag_a}"), "dua satu"),
        (&format!("tag={}", tag_a.to_uppercase()), "dua satu"),
        ("tag=tag-a,tag-c", "tiga dua satu"),
        (&format!("tag=tag-c,{tag_a},tag-c"), "tiga dua satu"),
        ("tag=nothing-has-this", ""),
        (&format!("tag={nobody}"), ""),
        ("tag=nothing-has-this,tag-c", "tiga"),
        ("tag_all=tag-a,tag-b", "dua"),
        (&format!("tag_all=tag-b,{tag_a}"), "dua"),
        ("tag_all=tag-a,tag-c", ""),
        ("tag_all=tag-a,nothing-has-this", ""),
        ("tag_none=tag-a", "empat tiga"),
        (&format!("tag_none={tag_a},tag-c"), "empat"),
        ("tag_none=nothing-has-this", "empat tiga dua satu"),
        ("source=source-a", "tiga satu"),
        (&format!("source={source_b}"), "tiga dua"),
        ("source=source-a,source-b", "tiga dua satu"),
        ("source=nothing-has-this", ""),
        ("language=id", "dua satu"),
        ("language=in", "dua satu"),
        ("language=IN,en", "tiga dua satu"),
        ("language=en-US", "empat"),
        ("language=en-us", "empat"),
        ("language=jv", ""),
        // Exclusive, to the microsecond, whatever the offset.
        ("published_after=2024-02-01T00:00:00Z", "empat tiga"),
        ("published_after=2024-01-31T23:59:59.999999Z", "empat tiga dua"),
        ("published_after=2024-02-01T06:59:59%2B07:00", "empat tiga dua"),
        ("published_before=2024-02-01T00:00:00Z", "satu"),
        ("published_before=2024-02-01T00:00:00.000001Z", "dua satu"),
        ("published_after=2024-01-01T00:00:00Z&published_before=2024-04-01T00:00:00Z", "tiga dua"),
        ("status=published", "empat tiga dua satu"),
    ] {
        assert_eq!(room.slugs(query, None).await.join(" "), expected, "{query}");
    }
}

#[tokio::test]
async fn filters_add_up() {
    let room = four_stories().await;
    for (query, expected) in [
        ("tag=tag-a&source=source-b", "dua"),
        ("tag=tag-a&tag=tag-b", "400"),
        ("tag=tag-a,tag-b&tag_none=tag-c", "dua satu"),
        ("tag_all=tag-b&tag_none=tag-a", "tiga"),
        ("tag=tag-a&tag_none=tag-a", ""),
        (
            "tag=tag-b&language=id&source=source-b&published_after=2024-01-15T00:00:00Z&status=published",
            "dua",
        ),
        ("tag=tag-b&language=en&published_before=2024-03-01T00:00:00Z", ""),
        ("language=id,en&sort=title", "dua satu tiga"),
        ("tag=", "400"),
        ("tag=tag-a,", "400"),
        ("source=,", "400"),
        ("language=nonsense_", "400"),
        ("published_after=2024", "400"),
        ("sort=slug", "400"),
        ("sort=relevance", "400"),
        ("limit=0", "400"),
        ("limit=101", "400"),
        ("status=draft", "400"),
        ("include=secrets", "400"),
        ("created_by.email=x", "400"),
        ("nothing=1", "400"),
    ] {
        if expected == "400" {
            let answer = room.server.get(&format!("/v1/articles?{query}"), None).await;
            let answer = answer.expect_problem(400, "invalid-query");
            let name = query.split('=').next().unwrap();
            assert_eq!(answer.body["errors"][0]["parameter"], name, "{query}");
        } else {
            assert_eq!(room.slugs(query, None).await.join(" "), expected, "{query}");
        }
    }
}

#[tokio::test]
async fn updated_after_follows_what_readers_see() {
    let room = four_stories().await;
    let seen = room.list("sort=updated_at", None).await;
    let (slugs, times) = (seen.each("slug"), seen.each("updated_at"));
    assert_eq!(slugs, ["satu", "dua", "tiga", "empat"]);
    assert_eq!(
        room.slugs(&format!("updated_after={}&sort=updated_at", times[1]), None).await,
        ["tiga", "empat"]
    );
    assert!(room.slugs(&format!("updated_after={}", times[3]), None).await.is_empty());

    let patch = json!({"summary": "Baru."});
    room.server.patch("/v1/articles/satu", Some(&room.editor), patch).await.expect(200);
    let after = format!("updated_after={}", times[3]);
    assert!(room.slugs(&after, None).await.is_empty(), "an unpublished change is not told");
    assert_eq!(room.slugs(&format!("{after}&draft=true"), Some(&room.editor)).await, ["satu"]);
    room.server.act("/v1/articles/satu/publish", Some(&room.editor)).await.expect(200);
    assert_eq!(room.slugs(&after, None).await, ["satu"]);
    assert_eq!(room.slugs("", None).await, ["empat", "tiga", "dua", "satu"], "its first publication stands");
}

#[tokio::test]
async fn drafts_have_statuses_and_authors() {
    let room = Newsroom::open().await;
    let writer = room.server.editor("ayu@example.org", Role::Writer).await;
    let token = room.server.token("ayu@example.org").await;
    room.draft_by(&token, "punya ayu", json!({"tags": ["tag-a"]})).await;
    room.story("tayang", "2024-01-01T00:00:00Z", json!({"tags": ["tag-a"]})).await;
    room.story("diubah", "2024-02-01T00:00:00Z", json!({})).await;
    room.server
        .patch("/v1/articles/diubah", Some(&room.editor), json!({"tags": ["tag-a"]}))
        .await
        .expect(200);
    let editor = Some(room.editor.as_str());
    let by_creator = format!("created_by={}", writer.id);
    for (query, expected) in [
        ("draft=true", "punya-ayu diubah tayang"),
        ("draft=false", "diubah tayang"),
        ("draft=true&status=draft", "punya-ayu diubah"),
        ("draft=true&status=published", "tayang"),
        ("draft=true&status=draft,published", "punya-ayu diubah tayang"),
        ("draft=true&status=in_review,scheduled", ""),
        ("draft=true&tag=tag-a", "punya-ayu diubah tayang"),
        ("tag=tag-a", "tayang"),
        ("draft=true&tag_none=tag-a", ""),
        ("draft=true&published_after=2024-01-15T00:00:00Z", "diubah"),
        (&by_creator, ""),
        (&format!("{by_creator}&draft=true"), "punya-ayu"),
        (&format!("{by_creator},{}&draft=true&status=draft", uuid::Uuid::nil()), "punya-ayu"),
    ] {
        assert_eq!(room.slugs(query, editor).await.join(" "), expected, "{query}");
    }
    room.publish("punya-ayu", "2024-03-01T00:00:00Z").await;
    assert_eq!(room.slugs(&by_creator, Some(&token)).await, ["punya-ayu"]);
    room.server.get(&format!("/v1/articles?{by_creator}"), None).await.expect(401);
    room.server.get("/v1/articles?draft=true", None).await.expect(401);
    room.server.get("/v1/articles?created_by=ayu", editor).await.expect(400);
}

/// The sizes of the pages of a list, and all slugs in its order.
async fn walked(room: &Newsroom, query: &str, token: Option<&str>) -> (Vec<usize>, Vec<String>) {
    let (mut sizes, mut slugs, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let more = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let answer = room.list(&format!("{query}{more}"), token).await.expect(200);
        let page = answer.body["data"].as_array().unwrap();
        sizes.push(page.len());
        slugs.extend(page.iter().map(|article| article["slug"].as_str().unwrap().to_owned()));
        match answer.body["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return (sizes, slugs),
        }
    }
}

#[tokio::test]
async fn a_page_with_texts_ends_where_they_get_long() {
    let room = Newsroom::open().await;
    // As Markdown and as HTML: one that has a page to itself, then such as fit on one by twos, then short
    // ones.
    let bodies = [1_000_000, 220_000, 220_000, 220_000, 10, 10, 700_000];
    for (number, length) in bodies.iter().enumerate() {
        let body = "kata satu ".repeat(length / 10);
        room.story(
            &format!("Kabar {number}"),
            &format!("2026-08-0{}T10:00:00Z", 9 - number),
            json!({"body": body}),
        )
        .await;
    }
    let all: Vec<String> = (0..bodies.len()).map(|number| format!("kabar-{number}")).collect();
    let reversed: Vec<String> = all.iter().rev().cloned().collect();
    for (query, token, sizes, order) in [
        ("include=body&limit=100", None, vec![1, 2, 3, 1], &all),
        ("include=body&limit=2", None, vec![1, 2, 2, 1, 1], &all),
        ("include=body&limit=100&sort=published_at", None, vec![1, 4, 1, 1], &reversed),
        ("include=body&limit=100&sort=title", None, vec![1, 2, 3, 1], &all),
        ("include=body&limit=100&q=kata&sort=-published_at", None, vec![1, 2, 3, 1], &all),
        ("include=body&limit=100&draft=true&sort=title", Some(&*room.editor), vec![1, 2, 3, 1], &all),
        ("limit=100", None, vec![7], &all),
    ] {
        assert_eq!(walked(&room, query, token).await, (sizes, order.clone()), "{query}");
    }
    let counted = room.list("include=body&limit=100&count=true", None).await.expect(200).body;
    assert_eq!((counted["data"].as_array().unwrap().len(), &counted["total"]), (1, &json!(7)));
}

#[tokio::test]
async fn the_body_comes_where_it_is_asked_for() {
    let room = Newsroom::open().await;
    let slug = room.story("satu", "2024-01-01T00:00:00Z", json!({"body": "Satu *dua*."})).await;
    let item = room.list("", None).await.body["data"][0].take();
    assert!(item.get("body").is_none() && item.get("body_html").is_none());
    let mut whole = room.list("include=body", None).await.body["data"][0].take();
    assert_eq!(whole, room.server.get(&format!("/v1/articles/{slug}"), None).await.body);
    assert_eq!(whole["body_html"], "<p>Satu <em>dua</em>.</p>\n");
    let members = whole.as_object_mut().unwrap();
    members.retain(|name, _| !name.starts_with("body"));
    assert_eq!(whole, item, "nothing else differs");
}
