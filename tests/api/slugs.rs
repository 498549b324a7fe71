//! The slugs that an article keeps, and how an old one is freed.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use warta::{principal::Role, schema::events};

use crate::support::Server;

async fn create(server: &Server, token: &str, slug: &str) {
    let body = json!({"title": slug, "slug": slug, "language": "id"});
    server.post("/v1/articles", Some(token), body).await.expect(201);
}

/// Publishes the article under this slug.
async fn publish_as(server: &Server, token: &str, article: &str, slug: &str) {
    server.patch(&format!("/v1/articles/{article}"), Some(token), json!({"slug": slug})).await.expect(200);
    server.act(&format!("/v1/articles/{slug}/publish"), Some(token)).await.expect(200);
}

#[tokio::test]
async fn an_old_slug_stays_with_its_story_until_an_editor_frees_it() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    create(&server, &token, "satu").await;
    create(&server, &token, "lain").await;
    for (article, slug) in [("satu", "satu"), ("satu", "dua"), ("dua", "tiga")] {
        publish_as(&server, &token, article, slug).await;
    }
    server.patch("/v1/articles/tiga", editor, json!({"slug": "empat"})).await.expect(200);
    let known = server.get("/v1/articles/tiga/slugs?count=true", editor).await.expect(200);
    let expected =
        [("dua", false, true), ("empat", true, false), ("satu", false, true), ("tiga", true, true)];
    let expected = expected
        .map(|(slug, current, known)| json!({"slug": slug, "current": current, "known_to_readers": known}));
    assert_eq!(known.body, json!({"data": expected, "next_cursor": null, "total": 4}));
    let first = server.get("/v1/articles/satu/slugs?limit=3", editor).await.expect(200);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let next = server.get(&format!("/v1/articles/satu/slugs?limit=3&cursor={cursor}"), editor).await;
    assert_eq!(next.expect(200).each("slug"), ["tiga"]);

    let before = server.snapshot().await;
    for current in ["tiga", "empat"] {
        let refused = server.delete(&format!("/v1/articles/satu/slugs/{current}"), editor).await;
        refused.expect_problem(409, "slug-in-use");
    }
    for missing in ["satu/slugs/lain", "satu/slugs/A", "satu/slugs/%00", "lain/slugs/satu"] {
        server.delete(&format!("/v1/articles/{missing}"), editor).await.expect_problem(404, "not-found");
    }
    assert_eq!(server.snapshot().await, before);

    assert_eq!(
        server.get("/v1/articles/satu", None).await.expect(308).header("location"),
        "/v1/articles/tiga"
    );
    let id = server.get("/v1/articles/tiga", None).await.expect(200).body["id"].clone();
    let refused = server.patch("/v1/articles/lain", editor, json!({"slug": "satu"})).await;
    let detail = refused.expect_problem(409, "slug-taken").body["detail"].as_str().unwrap().to_owned();
    let way = format!("/v1/articles/{}/slugs/satu", id.as_str().unwrap());
    assert!(detail.ends_with(&format!("DELETE {way}")), "{detail}");
    server.delete(&way, editor).await.expect(204);
    server.get("/v1/articles/satu", None).await.expect_problem(404, "not-found");
    server.delete(&way, editor).await.expect_problem(404, "not-found");
    // The other old one still leads on, and the freed one is another story's from now on.
    server.get("/v1/articles/dua", None).await.expect(308);
    publish_as(&server, &token, "lain", "satu").await;
    assert_eq!(server.get("/v1/articles/satu", None).await.expect(200).body["title"], "lain");

    let mut conn = server.database.get().await.unwrap();
    let freed = events::table.filter(events::type_.eq("article.slug_freed"));
    let freed: Vec<(uuid::Uuid, Value)> =
        freed.select((events::subject_id, events::details)).load(&mut conn).await.unwrap();
    assert_eq!(freed, [(id.as_str().unwrap().parse().unwrap(), json!({"slug": "satu"}))]);
}

#[tokio::test]
async fn who_keeps_an_old_slug_is_told_only_to_those_who_may_know() {
    let server = Server::start().await;
    let (token, writer) = (server.sign_in(Role::Editor).await, server.sign_in(Role::Writer).await);
    let (editor, writer) = (Some(token.as_str()), Some(writer.as_str()));
    create(&server, &token, "satu").await;
    for (article, slug) in [("satu", "satu"), ("satu", "dua")] {
        publish_as(&server, &token, article, slug).await;
    }
    let taken = async |who: Option<&str>, slug: &str| {
        let body = json!({"title": "x", "language": "en", "slug": slug});
        let refused = server.post("/v1/articles", who, body).await.expect_problem(409, "slug-taken");
        let fault = refused.body["errors"][0]["detail"].clone();
        assert_eq!(fault, refused.body["detail"]);
        fault.as_str().unwrap().to_owned()
    };
    let plain = "Another article has this slug.";
    // While the story is before the readers, everybody is led on from the old slug.
    assert!(taken(writer, "satu").await.contains("DELETE /v1/articles/"));
    assert!(taken(editor, "satu").await.contains("DELETE /v1/articles/"));
    assert_eq!(taken(editor, "dua").await, plain, "a present slug cannot be freed");
    server.act("/v1/articles/dua/unpublish", editor).await.expect(200);
    assert_eq!(taken(writer, "satu").await, plain);
    assert!(taken(editor, "satu").await.contains("DELETE /v1/articles/"));
    server.delete("/v1/articles/dua", editor).await.expect(204);
    assert_eq!(taken(writer, "satu").await, plain);
    assert_eq!(taken(editor, "satu").await, plain, "in the trash it cannot be freed");
}
