//! What else there is to read.

use serde_json::{Value, json};

use super::{Newsroom, article};

impl Newsroom {
    /// Two tags and two sources.
    async fn furnish(&self) {
        for name in ["Tag A", "Tag B"] {
            self.server.post("/v1/tags", Some(&self.editor), json!({"name": name})).await.expect(201);
        }
        for name in ["Source A", "Source B"] {
            self.server.post("/v1/sources", Some(&self.editor), json!({"name": name})).await.expect(201);
        }
    }

    /// A story with tags, that cites documents.
    async fn tied(&self, title: &str, language: &str, tags: &[&str], cited: &[(&str, &str)]) -> String {
        let citation = |(source, url): &(&str, &str)| json!({"source": source, "url": url, "title": "Laporan", "role": "data"});
        let mut story = article(title, language, "", "");
        story["tags"] = json!(tags);
        story["citations"] = cited.iter().map(citation).collect();
        self.story(story).await
    }

    async fn related(&self, path: &str, query: &str) -> String {
        let answer = self.server.get(&format!("{path}/related{query}"), None).await.expect(200);
        assert_eq!(answer.body["next_cursor"], Value::Null);
        answer.each("slug").join(" ")
    }
}

#[tokio::test]
async fn shared_documents_come_first_then_sources_tags_and_words() {
    let room = Newsroom::open().await;
    room.furnish().await;
    let (one, two) = ("https://a.example/1", "https://a.example/2");
    let story = room
        .tied("Harga beras naik", "id", &["tag-a", "tag-b"], &[("source-a", one), ("source-b", two)])
        .await;
    room.tied("satu dokumen", "en", &[], &[("source-a", "http://A.example:80/1/#bagian")]).await;
    room.tied("dua dokumen", "id", &[], &[("source-a", one), ("source-b", two)]).await;
    room.tied("satu sumber", "id", &[], &[("source-a", "https://a.example/lain")]).await;
    room.tied("dua tag", "id", &["tag-a", "tag-b"], &[]).await;
    room.tied("one tag in english", "en", &["tag-a"], &[]).await;
    room.tied("satu tag", "id", &["tag-b"], &[]).await;
    room.tied("satu tag harga", "id", &["tag-a"], &[]).await;
    room.tied("harga", "id", &[], &[]).await;
    room.tied("beras harga", "id", &[], &[]).await;
    room.tied("harga lama", "id", &[], &[]).await;
    room.tied("harga in english", "en", &[], &[]).await;
    room.tied("lain", "id", &[], &[]).await;
    let expected = "dua-dokumen satu-dokumen satu-sumber dua-tag satu-tag-harga satu-tag one-tag-in-english beras-harga harga-lama harga";
    assert_eq!(room.related(&story, "?limit=20").await, expected);
    assert_eq!(room.related(&story, "").await, "dua-dokumen satu-dokumen satu-sumber dua-tag satu-tag-harga");
    assert_eq!(room.related(&story, "?limit=1").await, "dua-dokumen");
    assert_eq!(room.related("/v1/articles/lain", "").await, "");
}

#[tokio::test]
async fn only_what_readers_see_is_related_and_never_the_story_itself() {
    let room = Newsroom::open().await;
    room.furnish().await;
    let document = [("source-a", "https://a.example/1")];
    let story = room.tied("beras", "id", &["tag-a"], &document).await;
    let mut translation = article("rice", "en", "", "");
    translation["translation_of"] = json!("beras");
    translation["tags"] = json!(["tag-a"]);
    room.story(translation).await;
    let mut draft = article("beras rahasia", "id", "", "");
    draft["tags"] = json!(["tag-a"]);
    draft["citations"] =
        json!([{"source": "source-a", "url": "https://a.example/1", "title": "Laporan", "role": "data"}]);
    let draft = room.draft(draft).await;
    for title in ["beras ditarik", "beras turun", "beras dibuang"] {
        room.tied(title, "id", &["tag-a"], &document).await;
    }
    assert_eq!(room.related(&story, "").await, "beras-dibuang beras-turun beras-ditarik");
    let retract = json!({"reason": "Keliru."});
    room.server.post("/v1/articles/beras-ditarik/retract", Some(&room.editor), retract).await.expect(200);
    room.act("/v1/articles/beras-turun", "unpublish").await;
    room.server.delete("/v1/articles/beras-dibuang", Some(&room.editor)).await.expect(204);
    assert_eq!(room.related(&story, "").await, "");
    room.act(&draft, "publish").await;
    assert_eq!(room.related(&story, "").await, "beras-rahasia");
    // What the draft is being changed to ties nothing.
    let change = json!({"tags": [], "citations": [], "title": "Kabar"});
    room.server.patch(&draft, Some(&room.editor), change).await.expect(200);
    assert_eq!(room.related(&story, "").await, "beras-rahasia");
    room.act(&draft, "publish").await;
    assert_eq!(room.related(&story, "").await, "");
}

#[tokio::test]
async fn the_address_leads_where_that_of_the_article_does() {
    let room = Newsroom::open().await;
    let story = room.story(article("beras", "id", "", "")).await;
    for (query, code) in [
        ("limit=0", "out_of_range"),
        ("limit=21", "out_of_range"),
        ("limit=%2B1", "out_of_range"),
        ("cursor=a", "unknown"),
    ] {
        let answer = room.server.get(&format!("{story}/related?{query}"), None).await;
        assert_eq!(answer.expect_problem(400, "invalid-query").faults()[0].1, code, "{query}");
    }
    room.server.get("/v1/articles/tidak-ada/related", None).await.expect_problem(404, "not-found");
    let draft = room.draft(article("rahasia", "id", "", "")).await;
    room.server.get(&format!("{draft}/related"), Some(&room.editor)).await.expect_problem(404, "not-found");
    room.server.patch(&story, Some(&room.editor), json!({"slug": "padi"})).await.expect(200);
    room.act(&story, "publish").await;
    let moved = room.server.get("/v1/articles/beras/related", None).await.expect(308);
    assert_eq!(moved.header("location"), "/v1/articles/padi/related");
    let retract = json!({"reason": "Keliru."});
    room.server.post("/v1/articles/padi/retract", Some(&room.editor), retract).await.expect(200);
    room.server.get("/v1/articles/padi/related", None).await.expect_problem(410, "retracted");
}
