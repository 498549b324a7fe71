//! What lists hide: neither elements, nor totals, nor counts, nor filters tell of it.

use serde_json::json;
use warta::principal::Role;

use super::{Newsroom, citing, walks::walk};

/// One story that readers see, and beside it one of every kind that they do not: never published, taken down,
/// in the trash before and after its publication. All of them have the same tag, source and language.
async fn with_hidden_stories() -> Newsroom {
    let room = Newsroom::open().await;
    let content = || json!({"tags": ["tag-a"], "citations": citing("source-a"), "body": "Rahasia."});
    room.story("terlihat", "2024-01-01T00:00:00Z", content()).await;
    room.draft("draf", content()).await;
    room.story("diturunkan", "2024-01-02T00:00:00Z", content()).await;
    room.server.act("/v1/articles/diturunkan/unpublish", Some(&room.editor)).await.expect(200);
    room.story("dibuang", "2024-01-03T00:00:00Z", content()).await;
    room.server.delete("/v1/articles/dibuang", Some(&room.editor)).await.expect(204);
    room.draft("dibuang dulu", content()).await;
    room.server.delete("/v1/articles/dibuang-dulu", Some(&room.editor)).await.expect(204);
    room
}

#[tokio::test]
async fn readers_get_live_stories_only() {
    let room = with_hidden_stories().await;
    let writer = room.server.sign_in(Role::Writer).await;
    // Not even those who may see drafts get them unasked.
    for token in [None, Some(writer.as_str()), Some(room.editor.as_str())] {
        for query in [
            "",
            "tag=tag-a",
            "tag_all=tag-a",
            "tag_none=tag-b",
            "source=source-a",
            "language=id",
            "published_after=2023-01-01T00:00:00Z",
            "published_before=2030-01-01T00:00:00Z",
            "updated_after=2023-01-01T00:00:00Z",
            "status=published",
            "sort=title",
            "sort=published_at",
            "sort=updated_at",
            "sort=-updated_at",
            "include=body",
        ] {
            assert_eq!(room.slugs(query, token).await, ["terlihat"], "{query}");
        }
        let page = room.list("limit=1", token).await;
        assert_eq!(page.body["next_cursor"], json!(null), "a cursor would tell that there is more");
        for path in ["/v1/tags/tag-a", "/v1/sources/source-a"] {
            assert_eq!(room.server.get(path, token).await.body["article_count"], 1, "{path}");
        }
        for path in ["/v1/tags", "/v1/sources"] {
            let element = room.server.get(path, token).await.body["data"][0].take();
            assert_eq!(element["article_count"], 1, "{path}");
        }
    }
}

#[tokio::test]
async fn a_change_that_is_not_published_is_not_told() {
    let room = with_hidden_stories().await;
    let patch = json!({"title": "Zzz", "slug": "zzz", "language": "en", "tags": ["tag-b"], "citations": citing("source-b")});
    room.server.patch("/v1/articles/terlihat", Some(&room.editor), patch).await.expect(200);
    room.story("tengah", "2024-06-01T00:00:00Z", json!({"title": "tengah"})).await;
    for (query, expected) in [
        ("tag=tag-a", "terlihat"),
        ("tag=tag-b", ""),
        ("tag_none=tag-a", "tengah"),
        ("tag_none=tag-b", "tengah terlihat"),
        ("source=source-a", "terlihat"),
        ("source=source-b", ""),
        ("language=en", ""),
        ("sort=title", "tengah terlihat"),
        ("sort=-updated_at", "tengah terlihat"),
    ] {
        assert_eq!(room.slugs(query, None).await.join(" "), expected, "{query}");
    }
    for (path, count) in [
        ("/v1/tags/tag-a", 1),
        ("/v1/tags/tag-b", 0),
        ("/v1/sources/source-a", 1),
        ("/v1/sources/source-b", 0),
    ] {
        assert_eq!(room.server.get(path, None).await.body["article_count"], count, "{path}");
    }
    room.server.get("/v1/articles/zzz", None).await.expect(404);
    room.server.get("/v1/articles/zzz", Some(&room.editor)).await.expect(404);
}

#[tokio::test]
async fn an_author_lists_own_drafts_only() {
    let room = with_hidden_stories().await;
    let ayu = room.server.editor("ayu@example.org", Role::Writer).await;
    let (one, other) = (room.server.token("ayu@example.org").await, room.server.sign_in(Role::Writer).await);
    let tagged = || json!({"tags": ["tag-a"], "citations": citing("source-a")});
    for title in ["ayu satu", "ayu dua"] {
        room.draft_by(&one, title, tagged()).await;
    }
    room.draft_by(&other, "budi satu", tagged()).await;
    room.draft_by(&one, "ayu buang", json!({})).await;
    room.server.delete("/v1/articles/ayu-buang", Some(&one)).await.expect(204);

    let by_ayu = format!("&created_by={}", ayu.id);
    for filter in ["", "&tag=tag-a", "&source=source-a", "&status=draft", "&language=id", &by_ayu] {
        let query = format!("draft=true&sort=title{filter}");
        assert_eq!(room.slugs(&query, Some(&one)).await, ["ayu-dua", "ayu-satu"], "{query}");
        let others: &[&str] = if filter == by_ayu { &[] } else { &["budi-satu"] };
        assert_eq!(room.slugs(&query, Some(&other)).await, others, "{query}");
    }
    let all = ["ayu-dua", "ayu-satu", "budi-satu", "diturunkan", "draf", "terlihat"];
    assert_eq!(room.slugs("draft=true&sort=title", Some(&room.editor)).await, all);

    // A position that someone else may see gives nothing that one may not.
    let page = room.list("draft=true&sort=title&limit=1", Some(&room.editor)).await;
    let rest = format!("draft=true&sort=title&cursor={}", page.body["next_cursor"].as_str().unwrap());
    assert_eq!(room.list(&rest, Some(&other)).await.each("slug"), ["budi-satu"]);
    assert_eq!(room.list(&rest, Some(&one)).await.each("slug"), ["ayu-satu"]);
    room.server.get(&format!("/v1/articles?{rest}"), None).await.expect(401);
    assert_eq!(walk(&room.server, "/v1/articles?draft=true", 1, Some(&one)).await.len(), 2);
}

#[tokio::test]
async fn translations_name_only_what_the_caller_may_see() {
    let room = Newsroom::open().await;
    let writer = room.server.sign_in(Role::Writer).await;
    room.story("asli", "2024-01-01T00:00:00Z", json!({})).await;
    let of = |language: &str| json!({"language": language, "translation_of": "asli"});
    room.story("english", "2024-01-02T00:00:00Z", of("en")).await;
    room.draft("javanese", of("jv")).await;
    room.draft_by(&writer, "sundanese", of("su")).await;
    room.story("balinese", "2024-01-03T00:00:00Z", of("ban")).await;
    room.server.act("/v1/articles/balinese/unpublish", Some(&room.editor)).await.expect(200);
    room.draft("acehnese", of("ace")).await;
    room.server.delete("/v1/articles/acehnese", Some(&room.editor)).await.expect(204);

    let languages = async |query: &str, slug: &str, token: Option<&str>| {
        let list = room.list(&format!("sort=title{query}"), token).await;
        let listed =
            list.body["data"].as_array().unwrap().iter().find(|article| article["slug"] == slug).unwrap();
        let query = query.trim_start_matches('&');
        let read = room.server.get(&format!("/v1/articles/{slug}?{query}"), token).await.expect(200);
        assert_eq!(read.body["translations"], listed["translations"], "{slug} {query}");
        let translations = read.body["translations"].as_array().unwrap();
        translations
            .iter()
            .map(|one| one["language"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (writer, editor) = (Some(writer.as_str()), Some(room.editor.as_str()));
    for token in [None, writer, editor] {
        assert_eq!(languages("", "asli", token).await, "en");
        assert_eq!(languages("", "english", token).await, "id");
    }
    assert_eq!(languages("&draft=true", "asli", editor).await, "ban en jv su");
    assert_eq!(languages("&draft=true", "javanese", editor).await, "ban en id su");
    assert_eq!(languages("&draft=true", "sundanese", writer).await, "en id");
}

#[tokio::test]
async fn the_statuses_partition_what_a_list_of_drafts_has() {
    let room = Newsroom::open().await;
    let editor = Some(room.editor.as_str());
    let act = async |slug: &str, action: &str, body: serde_json::Value| {
        let path = format!("/v1/articles/{slug}/{action}");
        room.server.post(&path, editor, body).await.expect(200);
    };
    room.draft("draf", json!({})).await;
    room.draft("tinjau", json!({})).await;
    room.server.act("/v1/articles/tinjau/submit", editor).await.expect(200);
    room.draft("terjadwal", json!({})).await;
    act("terjadwal", "publish", json!({"at": "2999-01-01T00:00:00Z"})).await;
    for slug in ["tayang", "diubah", "ditarik", "diubah-ditarik", "dibuang-ditarik"] {
        room.story(slug, "2024-01-01T00:00:00Z", json!({})).await;
        if slug.starts_with("diubah") {
            let patch = json!({"summary": "Baru."});
            room.server.patch(&format!("/v1/articles/{slug}"), editor, patch).await.expect(200);
        }
        if slug.ends_with("ditarik") {
            act(slug, "retract", json!({"reason": "Keliru."})).await;
        }
    }
    room.draft("dibuang", json!({})).await;
    for slug in ["dibuang", "dibuang-ditarik"] {
        room.server.delete(&format!("/v1/articles/{slug}"), editor).await.expect(204);
    }
    for (query, expected) in [
        ("draft=true&status=draft", "diubah draf"),
        ("draft=true&status=in_review", "tinjau"),
        ("draft=true&status=scheduled", "terjadwal"),
        ("draft=true&status=published", "tayang"),
        ("draft=true&status=retracted", "ditarik diubah-ditarik"),
        ("draft=true&status=published,retracted", "ditarik diubah-ditarik tayang"),
        ("trashed=true&status=draft", "dibuang"),
        ("trashed=true&status=published", ""),
        ("trashed=true&status=retracted", "dibuang-ditarik"),
    ] {
        assert_eq!(room.slugs(&format!("{query}&sort=title"), editor).await.join(" "), expected, "{query}");
    }
    let all = "draft=true&sort=title&status=draft,in_review,scheduled,published,retracted";
    assert_eq!(room.slugs(all, editor).await, room.slugs("draft=true&sort=title", editor).await);
}

#[tokio::test]
async fn an_article_count_is_of_what_readers_see() {
    let room = with_hidden_stories().await;
    let editor = Some(room.editor.as_str());
    let content = || json!({"tags": ["tag-a"], "citations": citing("source-a")});
    room.draft("terjadwal", content()).await;
    let at = json!({"at": "2999-01-01T00:00:00Z"});
    room.server.post("/v1/articles/terjadwal/publish", editor, at).await.expect(200);
    room.draft("tinjau", content()).await;
    room.server.act("/v1/articles/tinjau/submit", editor).await.expect(200);
    room.story("ditarik", "2024-01-04T00:00:00Z", content()).await;
    let reason = json!({"reason": "Keliru."});
    room.server.post("/v1/articles/ditarik/retract", editor, reason).await.expect(200);
    // Two citations of one source are one article.
    let twice = json!([citing("source-a")[0], citing("source-a")[0]]);
    room.story("dua", "2024-01-05T00:00:00Z", json!({"tags": ["tag-a"], "citations": twice})).await;
    for token in [None, editor] {
        for path in ["/v1/tags/tag-a", "/v1/sources/source-a"] {
            assert_eq!(room.server.get(path, token).await.body["article_count"], 2, "{path}");
        }
    }
}
