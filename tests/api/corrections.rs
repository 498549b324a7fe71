//! Corrections: what was set right, for readers, for good.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::{Value, json};
use warta::{principal::Role, schema::events};

use crate::support::{Answer, Server};

/// A server with an editor and a story that readers see, and the story's path.
async fn newsroom() -> (Server, String, String) {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let body = json!({"title": "Satu", "language": "id"});
    let made = server.post("/v1/articles", Some(&token), body).await.expect(201);
    let path = format!("/v1/articles/{}", made.body["id"].as_str().unwrap());
    server.act(&format!("{path}/publish"), Some(&token)).await.expect(200);
    (server, token, path)
}

async fn correct(server: &Server, token: &str, path: &str, text: &str) -> Answer {
    let body = json!({"kind": "correction", "text": text});
    server.post(&format!("{path}/corrections"), Some(token), body).await
}

fn texts(article: &Value) -> Vec<&str> {
    article["corrections"].as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn readers_are_told_what_was_set_right() {
    let (server, token, path) = newsroom().await;
    let editor = Some(token.as_str());
    let before = server.get(&path, None).await.expect(200);
    assert_eq!(before.body["corrections"], json!([]));
    let draft = server.get(&format!("{path}?draft=true"), editor).await.expect(200);

    let made = correct(&server, &token, &path, "Yang benar tujuh.").await.expect(201);
    let correction = &made.body;
    assert_eq!(
        (&correction["kind"], &correction["text"]),
        (&json!("correction"), &json!("Yang benar tujuh."))
    );
    let read = server.get(made.header("location"), None).await.expect(200);
    assert_eq!((&read.body, read.header("etag")), (correction, made.header("etag")));

    let live = server.get(&path, None).await.expect(200);
    let list = server.get("/v1/articles", None).await.expect(200);
    let drafts = server.get("/v1/articles?draft=true", editor).await.expect(200);
    let present = server.get(&format!("{path}?draft=true"), editor).await.expect(200);
    for article in [&live.body, &list.body["data"][0], &drafts.body["data"][0], &present.body] {
        assert_eq!(article["corrections"], json!([correction]));
    }
    // What readers see has changed, for caches and for whoever asks what has.
    assert_ne!(live.header("etag"), before.header("etag"));
    assert_eq!(live.body["updated_at"], correction["created_at"]);
    assert!(live.body["updated_at"].as_str() > before.body["updated_at"].as_str());
    let since = format!("/v1/articles?updated_after={}", before.body["updated_at"].as_str().unwrap());
    assert_eq!(server.get(&since, None).await.each("title"), ["Satu"]);
    assert_eq!(live.body["published_at"], before.body["published_at"]);
    assert_eq!(live.body["version"], before.body["version"]);
    // What an editor works on has not: a change that was begun before is no stale one.
    assert_eq!(present.body["updated_at"], draft.body["updated_at"]);
    assert_eq!(present.body["status"], "published");
    server.patch_if(&path, editor, draft.header("etag"), json!({"title": "Dua"})).await.expect(200);

    let mut conn = server.database.get().await.unwrap();
    let recorded: Value = events::table
        .filter(events::type_.eq("article.corrected"))
        .select(events::details)
        .get_result(&mut conn)
        .await
        .unwrap();
    assert_eq!(recorded, json!({"correction_id": correction["id"], "kind": "correction"}));
}

#[tokio::test]
async fn corrections_are_walked_from_the_oldest() {
    let (server, token, path) = newsroom().await;
    for text in ["a", "b", "c", "d", "e"] {
        correct(&server, &token, &path, text).await.expect(201);
    }
    let list = format!("{path}/corrections?limit=2");
    let mut page = server.get(&format!("{list}&count=true"), None).await.expect(200);
    assert_eq!(page.body["total"], 5);
    let mut seen = Vec::new();
    loop {
        seen.extend(page.each("text").into_iter().map(str::to_owned));
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        page = server.get(&format!("{list}&cursor={cursor}"), None).await.expect(200);
    }
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    assert_eq!(texts(&server.get(&path, None).await.body), ["a", "b", "c", "d", "e"]);
    // Another story's are not found through this one.
    let other =
        server.post("/v1/articles", Some(&token), json!({"title": "Dua", "language": "id"})).await.body;
    let other = format!("/v1/articles/{}", other["id"].as_str().unwrap());
    server.act(&format!("{other}/publish"), Some(&token)).await.expect(200);
    let id = page.body["data"][0]["id"].as_str().unwrap();
    server.get(&format!("{path}/corrections/{id}"), None).await.expect(200);
    server.get(&format!("{other}/corrections/{id}"), None).await.expect_problem(404, "not-found");
    server.get(&format!("{path}/corrections/nothing"), None).await.expect_problem(404, "not-found");
    assert_eq!(server.get(&other, None).await.body["corrections"], json!([]));
}

#[tokio::test]
async fn a_correction_outlives_what_happens_to_its_story() {
    let (server, token, path) = newsroom().await;
    let editor = Some(token.as_str());
    let made = correct(&server, &token, &path, "Yang benar tujuh.").await.expect(201);
    let (list, one) = (format!("{path}/corrections"), made.header("location").to_owned());
    let publish = format!("{path}/publish");
    for (away, back) in [("unpublish", None), ("", Some("restore"))] {
        if away.is_empty() {
            server.delete(&path, editor).await.expect(204);
        } else {
            server.act(&format!("{path}/{away}"), editor).await.expect(200);
        }
        for gone in [&list, &one] {
            server.get(gone, None).await.expect_problem(404, "not-found");
            server.get(gone, editor).await.expect_problem(404, "not-found");
        }
        if let Some(back) = back {
            server.act(&format!("{path}/{back}"), editor).await.expect(200);
        }
        let draft = server.get(&format!("{path}?draft=true"), editor).await.expect(200);
        assert_eq!(texts(&draft.body), ["Yang benar tujuh."]);
        server.act(&publish, editor).await.expect(200);
        assert_eq!(texts(&server.get(&path, None).await.body), ["Yang benar tujuh."]);
        assert_eq!(server.get(&list, None).await.each("text"), ["Yang benar tujuh."]);
    }
    // An old address leads on, with what was asked for.
    server.patch(&path, editor, json!({"slug": "dua"})).await.expect(200);
    server.act(&publish, editor).await.expect(200);
    let moved = server.get("/v1/articles/satu/corrections?limit=3", None).await.expect(308);
    assert_eq!(moved.header("location"), "/v1/articles/dua/corrections?limit=3");
    let id = made.body["id"].as_str().unwrap();
    let moved = server.get(&format!("/v1/articles/satu/corrections/{id}"), None).await.expect(308);
    assert_eq!(moved.header("location"), format!("/v1/articles/dua/corrections/{id}"));

    server.post(&format!("{path}/retract"), editor, json!({"reason": "Keliru."})).await.expect(200);
    for gone in [&list, &one] {
        assert_eq!(server.get(gone, None).await.expect_problem(410, "retracted").body["reason"], "Keliru.");
        server.get(gone, editor).await.expect(200);
    }
    assert_eq!(texts(&server.get(&path, editor).await.body), ["Yang benar tujuh."]);
}

#[tokio::test]
async fn a_correction_is_for_what_readers_see() {
    let (server, token, path) = newsroom().await;
    let editor = Some(token.as_str());
    let corrections = format!("{path}/corrections");
    let body = json!({"kind": "update", "text": "Kabar."});
    let draft = server.get(&format!("{path}?draft=true"), editor).await.expect(200);
    assert!(draft.body["editorial"]["actions"].as_array().unwrap().contains(&json!("correct")));
    server.patch(&path, editor, json!({"title": "Dua"})).await.expect(200);
    let bearer = format!("Bearer {token}");
    let condition = [("authorization", bearer.as_str()), ("if-match", draft.header("etag"))];
    let stale = server.send("POST", &corrections, &condition, Some(body.clone())).await;
    let current = stale.expect_problem(412, "precondition-failed").header("etag").to_owned();
    let condition = [("authorization", bearer.as_str()), ("if-match", current.as_str())];
    server.send("POST", &corrections, &condition, Some(body.clone())).await.expect(201);
    // A draft with changes is still live.
    assert_eq!(server.get(&path, None).await.body["title"], "Satu");

    server.act(&format!("{path}/unpublish"), editor).await.expect(200);
    let refused = server.post(&corrections, editor, body).await.expect_problem(409, "not-allowed-in-state");
    assert_eq!(refused.body["state"], "draft");
    assert!(!refused.body["allowed"].as_array().unwrap().contains(&json!("correct")));
}

#[tokio::test]
async fn every_fault_of_a_correction_is_told() {
    let (server, token, path) = newsroom().await;
    let corrections = format!("{path}/corrections");
    let long = "a".repeat(2001);
    for (body, expected) in [
        (json!({}), vec![("/kind", "required"), ("/text", "required")]),
        (json!({"kind": "erratum", "text": " \n"}), vec![("/kind", "unknown_value"), ("/text", "blank")]),
        (json!({"kind": "update", "text": long}), vec![("/text", "too_long")]),
        (json!({"kind": "update", "text": "a\nb"}), vec![("/text", "control_character")]),
        (
            json!({"kind": null, "text": 7, "created_at": "2026-01-01T00:00:00Z", "id": "x"}),
            vec![
                ("/created_at", "unknown"),
                ("/id", "unknown"),
                ("/kind", "wrong_type"),
                ("/text", "wrong_type"),
            ],
        ),
    ] {
        let refused = server.post(&corrections, Some(&token), body.clone()).await;
        let expected: Vec<_> =
            expected.into_iter().map(|(place, code)| (place.to_owned(), code.to_owned())).collect();
        assert_eq!(refused.expect_problem(422, "invalid-body").faults(), expected, "{body}");
    }
    assert_eq!(server.get(&corrections, None).await.each("id"), [""; 0]);
    server.get(&format!("{corrections}?draft=true"), None).await.expect_problem(400, "invalid-query");
    server.get(&format!("{corrections}?cursor=x"), None).await.expect_problem(400, "invalid-query");
}

#[tokio::test]
async fn an_article_has_at_most_a_hundred_corrections() {
    let (server, token, path) = newsroom().await;
    for number in 0..100 {
        correct(&server, &token, &path, &format!("Nomor {number}")).await.expect(201);
    }
    let before = server.snapshot().await;
    let refused =
        correct(&server, &token, &path, "Satu lagi").await.expect_problem(409, "not-allowed-in-state");
    assert!(refused.body["detail"].as_str().unwrap().contains("100"));
    assert_eq!(refused.body["state"], "published");
    let allowed = ["edit", "publish", "unpublish", "retract", "trash", "delete"];
    assert_eq!(refused.body["allowed"], json!(allowed));
    assert_eq!(server.snapshot().await, before);
    assert_eq!(texts(&server.get(&path, None).await.body).len(), 100);
}

#[tokio::test]
async fn times_of_corrections_ascend_where_the_clock_does_not() {
    let (server, token, path) = newsroom().await;
    let editor = Some(token.as_str());
    server.clock.advance(TimeDelta::minutes(10));
    correct(&server, &token, &path, "a").await.expect(201);
    server.clock.advance(TimeDelta::minutes(-10));
    correct(&server, &token, &path, "b").await.expect(201);
    let corrected = server.get(&path, None).await.expect(200);
    assert_eq!(texts(&corrected.body), ["a", "b"]);
    server.patch(&path, editor, json!({"title": "Dua"})).await.expect(200);
    server.act(&format!("{path}/publish"), editor).await.expect(200);
    let published = server.get(&path, None).await.expect(200);
    assert!(published.body["updated_at"].as_str() > corrected.body["updated_at"].as_str());
}

#[tokio::test]
async fn no_statement_rewrites_a_correction() {
    let (server, token, path) = newsroom().await;
    let admin = server.sign_in(Role::Admin).await;
    correct(&server, &token, &path, "Yang benar tujuh.").await.expect(201);
    let mut conn = server.database.get().await.unwrap();
    for statement in [
        "update corrections set text = 'lain'",
        "update corrections set text = text",
        "delete from corrections",
        "truncate corrections",
        "truncate corrections, articles cascade",
    ] {
        let error = conn.batch_execute(statement).await.unwrap_err();
        assert!(error.to_string().contains("is refused"), "{statement}: {error}");
    }
    assert_eq!(texts(&server.get(&path, None).await.body), ["Yang benar tujuh."]);
    // They go with their article alone.
    server.delete(&format!("{path}?permanent=true"), Some(&admin)).await.expect(204);
    let left: i64 = warta::schema::corrections::table.count().get_result(&mut conn).await.unwrap();
    assert_eq!(left, 0);
}
