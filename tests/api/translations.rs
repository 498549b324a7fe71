//! Translations: one story, an article in each language.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use warta::{principal::Role, schema::events};

use crate::support::{Answer, Server};

async fn article(server: &Server, token: &str, title: &str, language: &str, of: Option<&str>) -> Answer {
    let body = json!({"title": title, "language": language, "translation_of": of});
    server.post("/v1/articles", Some(token), body).await.expect(201)
}

fn languages(answer: &Answer) -> Vec<&str> {
    let translations = answer.body["translations"].as_array().unwrap();
    translations.iter().map(|translation| translation["language"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn translations_name_each_other_once_readers_see_both() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    article(&server, &token, "Satu", "id", None).await;
    let one = article(&server, &token, "One", "en", Some("satu")).await;
    assert_eq!(languages(&one), ["id"]);
    article(&server, &token, "Siji", "jv", Some("one")).await;
    server.act("/v1/articles/satu/publish", editor).await.expect(200);
    server.act("/v1/articles/one/publish", editor).await.expect(200);
    assert_eq!(languages(&server.get("/v1/articles/satu", None).await), ["en"]);
    assert_eq!(languages(&server.get("/v1/articles/satu?draft=true", editor).await), ["en", "jv"]);

    // A relation that changes in a draft changes for readers when it is published.
    server.patch("/v1/articles/one", editor, json!({"translation_of": null})).await.expect(200);
    assert_eq!(languages(&server.get("/v1/articles/satu", None).await), ["en"]);
    server.act("/v1/articles/one/publish", editor).await.expect(200);
    assert_eq!(languages(&server.get("/v1/articles/satu", None).await), [""; 0]);
    server.patch("/v1/articles/one", editor, json!({"translation_of": "siji"})).await.expect(200);
    server.patch("/v1/articles/one", editor, json!({"summary": "still one"})).await.expect(200);
    assert_eq!(languages(&server.get("/v1/articles/one?draft=true", editor).await), ["id", "jv"]);
}

#[tokio::test]
async fn a_story_has_one_article_in_a_language() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    article(&server, &token, "Satu", "id", None).await;
    let make = || {
        let body = json!({"title": "One", "language": "en", "translation_of": "satu"});
        server.post("/v1/articles", editor, body)
    };
    let answers = futures::future::join_all((0..4).map(|_| make())).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422, 422, 422]);
    let taken = [("/language".to_owned(), "taken".to_owned())];
    assert_eq!(make().await.expect_problem(422, "invalid-body").faults(), taken);
    let refused = server.patch("/v1/articles/one", editor, json!({"language": "in"})).await;
    assert_eq!(refused.expect_problem(422, "invalid-body").faults(), taken);
    let refused = server.patch("/v1/articles/satu", editor, json!({"translation_of": "satu"})).await;
    let itself = [("/translation_of".to_owned(), "itself".to_owned())];
    assert_eq!(refused.expect_problem(422, "invalid-body").faults(), itself);
    // The trash holds no place.
    server.delete("/v1/articles/one", editor).await.expect(204);
    make().await.expect(201);
}

#[tokio::test]
async fn readers_see_one_article_of_a_story_in_a_language() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    article(&server, &token, "Satu", "id", None).await;
    server.act("/v1/articles/satu/publish", editor).await.expect(200);
    // The draft leaves the language that readers still see it in.
    server.patch("/v1/articles/satu", editor, json!({"language": "jv"})).await.expect(200);
    article(&server, &token, "Dua", "id", Some("satu")).await;
    let before = server.snapshot().await;
    for body in [json!({}), json!({"at": "2024-01-01T00:00:00Z"}), json!({"at": "2999-01-01T00:00:00Z"})] {
        let refused = server.post("/v1/articles/dua/publish", editor, body).await;
        assert_eq!(refused.expect_problem(409, "conflict").body["detail"], TAKEN);
    }
    assert_eq!(server.snapshot().await, before);
    // It is free as soon as readers do not see the other one in it any more.
    server.act("/v1/articles/satu/publish", editor).await.expect(200);
    server.act("/v1/articles/dua/publish", editor).await.expect(200);
    assert_eq!(languages(&server.get("/v1/articles/dua", None).await), ["jv"]);
    // An article is not in its own way.
    server.patch("/v1/articles/dua", editor, json!({"summary": "Baru."})).await.expect(200);
    server.act("/v1/articles/dua/publish", editor).await.expect(200);
    // What was taken back holds no place.
    server.patch("/v1/articles/dua", editor, json!({"language": "ban"})).await.expect(200);
    article(&server, &token, "Tiga", "id", Some("satu")).await;
    server.act("/v1/articles/tiga/publish", editor).await.expect_problem(409, "conflict");
    server.post("/v1/articles/dua/retract", editor, json!({"reason": "Keliru."})).await.expect(200);
    server.act("/v1/articles/tiga/publish", editor).await.expect(200);
}

const TAKEN: &str = "Readers see another article of the story in `id` already.";

#[tokio::test]
async fn a_due_article_that_cannot_be_published_is_a_draft_again_and_holds_up_nobody() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    article(&server, &token, "Satu", "jv", None).await;
    article(&server, &token, "Dua", "id", Some("satu")).await;
    article(&server, &token, "Lain", "id", None).await;
    server.act("/v1/articles/satu/publish", editor).await.expect(200);
    let at = server.clock.now() + TimeDelta::minutes(2);
    for (slug, at) in [("dua", at), ("lain", at + TimeDelta::minutes(1))] {
        server.post(&format!("/v1/articles/{slug}/publish"), editor, json!({"at": at})).await.expect(200);
    }
    let mut conn = server.database.get().await.unwrap();
    // As it may have been left before there was the rule: nothing that can be asked for leads here.
    let late = "update editions set language = 'id' where kind = 'live' and slug = 'satu'";
    diesel::sql_query(late).execute(&mut conn).await.unwrap();

    server.clock.advance(TimeDelta::minutes(5));
    assert_eq!(server.publish_due().await, 2, "one is refused, the other one published");
    assert_eq!(server.publish_due().await, 0, "it is not tried again");
    server.get("/v1/articles/lain", None).await.expect(200);
    server.get("/v1/articles/dua", None).await.expect_problem(404, "not-found");
    let draft = server.get("/v1/articles/dua?draft=true", editor).await.expect(200);
    assert_eq!(draft.body["editorial"]["state"], "draft");
    assert_eq!(draft.body["editorial"]["scheduled_at"], json!(null));
    let failed = events::table.filter(events::type_.eq("article.schedule_failed"));
    let details: Vec<serde_json::Value> = failed.select(events::details).load(&mut conn).await.unwrap();
    assert_eq!(details, [json!({"revision": 1, "scheduled_at": at, "reason": TAKEN})]);
}
