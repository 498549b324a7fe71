//! What somebody who means harm, or whose luck is bad, has tried.

use std::time::Duration;

use futures::future::{join, join_all};
use serde_json::json;
use warta::principal::Role;

use crate::support::Server;

#[tokio::test]
async fn a_new_slug_that_readers_have_not_seen_tells_other_authors_nothing() {
    let server = Server::start().await;
    let (editor, writer) = (server.sign_in(Role::Editor).await, server.sign_in(Role::Writer).await);
    let (editor, writer) = (Some(editor.as_str()), Some(writer.as_str()));
    let body = json!({"title": "Kabinet", "slug": "kabinet", "language": "id"});
    server.post("/v1/articles", editor, body).await.expect(201);
    server.act("/v1/articles/kabinet/publish", editor).await.expect(200);
    let secret = json!({"slug": "menteri-mundur"});
    server.patch("/v1/articles/kabinet", editor, secret).await.expect(200);

    let translate =
        |slug: &str| json!({"title": "Cabinet", "slug": "cabinet", "language": "en", "translation_of": slug});
    for slug in ["menteri-mundur", "no-such-slug"] {
        let path = format!("/v1/articles/{slug}");
        server.patch(&path, writer, json!({"byline": "x"})).await.expect_problem(404, "not-found");
        server.delete(&path, writer).await.expect_problem(404, "not-found");
        server.delete(&format!("{path}?permanent=true"), writer).await.expect_problem(404, "not-found");
        let refused = server.post("/v1/articles", writer, translate(slug)).await;
        assert_eq!(refused.expect(422).faults(), [("/translation_of".to_owned(), "not_found".to_owned())]);
    }
    // By the address that readers know, a writer may know that it is there.
    server.patch("/v1/articles/kabinet", writer, json!({"byline": "x"})).await.expect(403);
    server.post("/v1/articles", writer, translate("kabinet")).await.expect(201);
    server.patch("/v1/articles/menteri-mundur", editor, json!({"byline": "x"})).await.expect(200);
}

#[tokio::test]
async fn a_tag_can_be_deleted_while_its_articles_are_saved() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let articles = ["satu", "dua", "tiga", "empat"];
    for slug in articles {
        let body = json!({"title": slug, "slug": slug, "language": "id"});
        server.post("/v1/articles", editor, body).await.expect(201);
    }
    for round in 0..10 {
        let tags = ["a", "b"].map(|tag| format!("{tag}-{round}"));
        for tag in &tags {
            server.post("/v1/tags", editor, json!({"name": tag, "slug": tag})).await.expect(201);
        }
        for slug in articles {
            server.patch(&format!("/v1/articles/{slug}"), editor, json!({"tags": tags})).await.expect(200);
        }
        let server = &server;
        let saves = articles.map(|slug| async move {
            for number in 0..3 {
                let byline = json!({"byline": number.to_string()});
                server.patch(&format!("/v1/articles/{slug}"), editor, byline).await.expect(200);
            }
        });
        let deletions = tags.iter().map(|tag| async move {
            tokio::time::sleep(Duration::from_millis(round * 3)).await;
            server.delete(&format!("/v1/tags/{tag}"), editor).await.expect(204);
        });
        join(join_all(saves), join_all(deletions)).await;
    }
}

#[tokio::test]
async fn a_body_that_would_take_minutes_to_render_is_refused_and_holds_nobody_up() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Writer).await;
    let writer = Some(token.as_str());
    let body = json!({"title": "Dalam", "language": "xx-", "body": "> ".repeat(200_000)});
    let refused = server.post("/v1/articles", writer, body).await.expect_problem(422, "invalid-body");
    let expected = [("/body", "too_complex"), ("/language", "invalid_language")];
    assert_eq!(refused.faults(), expected.map(|(place, code)| (place.to_owned(), code.to_owned())));

    // An editor's patch without a body keeps what was rendered; `null` clears it.
    let body = json!({"title": "Dalam", "slug": "dalam", "language": "id", "body": "satu *dua*"});
    server.post("/v1/articles", writer, body).await.expect(201);
    let path = "/v1/articles/dalam";
    let changed = server.patch(path, writer, json!({"title": "Lebih dalam"})).await.expect(200);
    assert_eq!(changed.body["body_html"], "<p>satu <em>dua</em></p>\n");
    assert_eq!(changed.body["word_count"], 2);
    let cleared = server.patch(path, writer, json!({"body": null})).await.expect(200);
    assert_eq!((&cleared.body["body_html"], &cleared.body["word_count"]), (&json!(""), &json!(0)));
}
