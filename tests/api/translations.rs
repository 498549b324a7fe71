//! Translations: one story, an article in each language.

use serde_json::json;
use warta::auth::Role;

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
