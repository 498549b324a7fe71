//! The record: what is written, who reads it, and what it can be asked for.

mod append_only;
mod walks;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use warta::{events::EventType, principal::Role};

use crate::support::{Answer, Article, Cast, PASSWORD, Server, operations};

/// The events that a query gives, oldest first.
async fn events(server: &Server, token: &str, query: &str) -> Vec<Value> {
    let path = format!("/v1/events?sort=sequence&limit=100&count=true{query}");
    let mut answer = server.get(&path, Some(token)).await.expect(200);
    let Value::Array(events) = answer.body["data"].take() else { panic!("no list: {}", answer.text) };
    assert_eq!(answer.body["total"], events.len(), "total of {query}");
    events
}

fn each<'a>(events: &'a [Value], pointer: &str) -> Vec<&'a str> {
    events.iter().map(|event| event.pointer(pointer).unwrap().as_str().unwrap_or("null")).collect()
}

#[tokio::test]
async fn an_event_says_what_was_done_to_what_by_whom_and_in_which_request() {
    let server = Server::start().await;
    let ayu = server.editor("ayu@example.org", Role::Editor).await;
    let token = server.token("ayu@example.org").await;
    let made = server.post("/v1/tags", Some(&token), json!({"name": "Riset"})).await.expect(201);
    let patch = json!({"description": "Tentang riset.", "name": "Penelitian"});
    let changed = server.patch("/v1/tags/riset", Some(&token), patch).await.expect(200);
    let request = |answer: &Answer| answer.header("x-request-id").to_owned();

    let found = events(&server, &token, &format!("&subject={}", made.body["id"].as_str().unwrap())).await;
    assert_eq!(each(&found, "/type"), ["tag.created", "tag.updated"]);
    assert_eq!(each(&found, "/request_id"), [request(&made), request(&changed)]);
    assert_eq!(found[1]["actor"], json!({"id": ayu.id, "name": "ayu@example.org"}));
    assert_eq!(found[1]["subject"], json!({"type": "tag", "id": made.body["id"]}));
    assert_eq!(found[1]["details"], json!({"fields": ["description", "name"]}));
    assert_eq!(found[1]["previous_hash"], found[0]["hash"]);
    assert_eq!(found[1]["sequence"].as_i64(), found[0]["sequence"].as_i64().map(|sequence| sequence + 1));

    let all = events(&server, &token, "").await;
    assert_eq!(each(&all, "/type"), ["editor.created", "session.started", "tag.created", "tag.updated"]);
    assert_eq!(all[0]["previous_hash"], "0".repeat(64));
    assert_eq!(
        (&all[0]["sequence"], &all[0]["actor"], &all[0]["request_id"]),
        (&json!(1), &json!(null), &json!(null))
    );
    // The newest first, where nothing else is asked for.
    let newest = server.get("/v1/events", Some(&token)).await.expect(200);
    assert_eq!(newest.each("hash"), each(&all, "/hash").into_iter().rev().collect::<Vec<_>>());
}

/// What is no change of anything: a pair of tokens for the next one.
const UNRECORDED: [&str; 1] = ["refresh"];

#[tokio::test]
async fn every_write_is_recorded_and_no_secret_with_it() {
    let server = Server::start().await;
    let mut cast = Cast::of(&server).await;
    let reader = server.sign_in(Role::Editor).await;
    let mut wrong = Vec::new();
    for operation in operations() {
        if operation.method == "GET" {
            continue;
        }
        let request = cast.prepare(&server, &operation, Article::fit_for(operation.id)).await;
        let answer = request.send(&server, Some(&cast.admin), "").await;
        assert!(answer.status < 300, "{}: {}", operation.id, answer.text);
        let latest = server.get("/v1/events?limit=5", Some(&reader)).await.expect(200);
        let recorded: Vec<_> = latest.body["data"].as_array().unwrap().iter().collect();
        let own = |event: &&&Value| event["request_id"] == answer.header("x-request-id");
        let own: Vec<_> = recorded.iter().filter(own).collect();
        if own.is_empty() != UNRECORDED.contains(&operation.id) {
            wrong.push(format!("{}: {own:?}", operation.id));
        }
        for event in own {
            let known = EventType::ALL.iter().any(|known| event["type"] == known.as_str());
            assert!(known, "{event}");
            if operation.method == "PATCH" && event["type"] != "editor.password_changed" {
                let fields =
                    event["details"]["fields"].as_array().unwrap_or_else(|| panic!("no fields: {event}"));
                let sent = request.body.as_ref().unwrap().as_object().unwrap();
                assert!(
                    !fields.is_empty()
                        && fields.iter().all(|field| sent.contains_key(field.as_str().unwrap()))
                );
            }
        }
        let secrets = [PASSWORD, "argon2", "wr_", "eyJ", "@example.org"];
        let details: Vec<_> = recorded.iter().map(|event| event["details"].to_string()).collect();
        for secret in secrets {
            assert!(!details.iter().any(|details| details.contains(secret)), "{}: {details:?}", operation.id);
        }
        if operation.id == "logout" {
            cast = Cast::of(&server).await;
        }
    }
    assert!(wrong.is_empty(), "a write without an event, or the other way round:\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_fails_is_not_recorded() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    server.post("/v1/tags", Some(&token), json!({"name": "Riset"})).await.expect(201);
    server.post("/v1/tags", Some(&token), json!({"name": "Lain"})).await.expect(201);
    let before = events(&server, &token, "").await;
    let taken = json!({"slug": "riset", "name": "x"});
    server.post("/v1/tags", Some(&token), taken.clone()).await.expect_problem(409, "slug-taken");
    server.patch("/v1/tags/lain", Some(&token), taken).await.expect_problem(409, "slug-taken");
    server.patch("/v1/tags/lain", Some(&token), json!({"nama": "x"})).await.expect(422);
    server.patch_if("/v1/tags/lain", Some(&token), "\"1.x\"", json!({"name": "x"})).await.expect(412);
    server.delete("/v1/tags/nothing", Some(&token)).await.expect(404);
    server.post("/v1/editors", Some(&token), json!({})).await.expect(403);
    assert_eq!(events(&server, &token, "").await, before);
}

#[tokio::test]
async fn each_filter_leaves_what_it_says() {
    let server = Server::start().await;
    let ayu = server.editor("ayu@example.org", Role::Editor).await;
    let budi = server.editor("budi@example.org", Role::Admin).await;
    let (one, other) = (server.token("ayu@example.org").await, server.token("budi@example.org").await);
    let mut times: Vec<DateTime<Utc>> = Vec::new();
    let mut tick = || {
        server.clock.advance(TimeDelta::seconds(1));
        times.push(server.clock.now());
        server.clock.advance(TimeDelta::seconds(1));
    };
    tick();
    let tag = server.post("/v1/tags", Some(&one), json!({"name": "Riset"})).await.expect(201);
    server.post("/v1/sources", Some(&other), json!({"name": "Pesisir"})).await.expect(201);
    tick();
    let story = json!({"title": "Kabar", "language": "id"});
    let story = server.post("/v1/articles", Some(&other), story).await.expect(201);
    server.act("/v1/articles/kabar/publish", Some(&one)).await.expect(200);
    server.patch("/v1/tags/riset", Some(&other), json!({"name": "Ilmu"})).await.expect(200);

    let all = events(&server, &one, "").await;
    let exact = all[4]["created_at"].as_str().unwrap();
    let (tag, story) = (tag.body["id"].as_str().unwrap(), story.body["id"].as_str().unwrap());
    let time = |index: usize| times[index].to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    for (query, expected) in [
        (String::new(), "1 2 3 4 5 6 7 8 9"),
        (format!("&subject={tag}"), "5 9"),
        (format!("&subject={}", tag.to_uppercase()), "5 9"),
        (format!("&subject={story}"), "7 8"),
        (format!("&subject={}", ayu.id), "1 3"),
        (format!("&subject={}", uuid::Uuid::nil()), ""),
        ("&subject_type=tag".to_owned(), "5 9"),
        ("&subject_type=article".to_owned(), "7 8"),
        ("&subject_type=source".to_owned(), "6"),
        ("&subject_type=editor".to_owned(), "1 2 3 4"),
        ("&subject_type=instance".to_owned(), ""),
        (format!("&actor={}", ayu.id), "3 5 8"),
        (format!("&actor={}", budi.id), "4 6 7 9"),
        ("&type=tag.created".to_owned(), "5"),
        ("&type=article.published,tag.updated,tag.deleted".to_owned(), "8 9"),
        ("&type=tag.deleted".to_owned(), ""),
        (format!("&created_after={}", time(0)), "5 6 7 8 9"),
        (format!("&created_before={}", time(1)), "1 2 3 4 5 6"),
        (format!("&created_after={}&created_before={}", time(0), time(1)), "5 6"),
        (format!("&created_before={exact}"), "1 2 3 4"),
        (format!("&created_after={exact}"), "6 7 8 9"),
        ("&after_sequence=0".to_owned(), "1 2 3 4 5 6 7 8 9"),
        ("&after_sequence=7".to_owned(), "8 9"),
        ("&after_sequence=9223372036854775807".to_owned(), ""),
        (format!("&subject={tag}&actor={}", ayu.id), "5"),
        (format!("&subject_type=tag&type=tag.updated&actor={}&after_sequence=8", budi.id), "9"),
        (format!("&subject_type=tag&type=tag.updated&actor={}", ayu.id), ""),
    ] {
        let found = events(&server, &one, &query).await;
        let found: Vec<_> = found.iter().map(|event| event["sequence"].to_string()).collect();
        assert_eq!(found.join(" "), expected, "{query}");
        let newest = format!("/v1/events?sort=-sequence&limit=100{query}");
        let newest = server.get(&newest, Some(&one)).await.expect(200);
        let newest: Vec<_> = newest.body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["sequence"].to_string())
            .collect();
        assert_eq!(newest.into_iter().rev().collect::<Vec<_>>(), found, "{query}, newest first");
    }
}

#[tokio::test]
async fn a_filter_that_cannot_be_applied_is_refused() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let many = vec!["tag.created"; 21].join(",");
    for (query, parameter, code) in [
        ("subject=", "subject", "invalid_id"),
        ("subject=riset", "subject", "invalid_id"),
        ("actor=ayu@example.org", "actor", "invalid_id"),
        ("subject_type=", "subject_type", "unknown_value"),
        ("subject_type=tags", "subject_type", "unknown_value"),
        ("type=", "type", "empty_element"),
        ("type=tag.created,", "type", "empty_element"),
        ("type=tag.exploded", "type", "unknown_value"),
        ("type=tag.created,TAG.UPDATED", "type", "unknown_value"),
        (&format!("type={many}"), "type", "too_many"),
        ("created_after=kemarin", "created_after", "invalid_time"),
        ("created_before=2026-08-17", "created_before", "invalid_time"),
        ("after_sequence=", "after_sequence", "out_of_range"),
        ("after_sequence=-1", "after_sequence", "out_of_range"),
        ("after_sequence=%2B1", "after_sequence", "out_of_range"),
        ("after_sequence=01", "after_sequence", "out_of_range"),
        ("after_sequence=1.5", "after_sequence", "out_of_range"),
        ("after_sequence=9223372036854775808", "after_sequence", "out_of_range"),
        ("sort=created_at", "sort", "unknown_value"),
        ("cursor=x", "cursor", "invalid_cursor"),
        ("request_id=x", "request_id", "unknown"),
    ] {
        let answer = server.get(&format!("/v1/events?{query}"), Some(&token)).await;
        let answer = answer.expect_problem(400, "invalid-query");
        assert_eq!(answer.faults(), [(parameter.to_owned(), code.to_owned())], "{query}");
    }
}
