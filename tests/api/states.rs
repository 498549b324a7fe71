//! The states of an article: review, schedule, retraction, the trash.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures::future::join_all;
use serde_json::{Value, json};
use warta::{principal::Role, schema::events};

use crate::support::Server;

async fn draft(server: &Server, token: &str, title: &str) -> String {
    let body = json!({"title": title, "language": "id"});
    let made = server.post("/v1/articles", Some(token), body).await.expect(201);
    format!("/v1/articles/{}", made.body["id"].as_str().unwrap())
}

async fn kinds(server: &Server) -> Vec<String> {
    let mut conn = server.database.get().await.unwrap();
    let kinds = events::table.filter(events::subject_type.eq("article")).order(events::id);
    kinds.select(events::type_).load(&mut conn).await.unwrap()
}

#[tokio::test]
async fn a_story_goes_through_review() {
    let server = Server::start().await;
    let (writer, editor) = (server.sign_in(Role::Writer).await, server.sign_in(Role::Editor).await);
    let path = draft(&server, &writer, "Satu").await;
    let submitted = server.act(&format!("{path}/submit"), Some(&writer)).await.expect(200);
    assert_eq!(submitted.body["status"], "in_review");
    let editorial = &submitted.body["editorial"];
    assert_eq!(editorial["state"], "in_review");
    assert_eq!(editorial["actions"], json!(["edit", "publish", "schedule", "trash", "delete"]));
    assert_eq!(editorial["revision"], 1);
    let again = server.act(&format!("{path}/submit"), Some(&writer)).await;
    let again = again.expect_problem(409, "not-allowed-in-state");
    assert_eq!(again.body["state"], "in_review");
    assert_eq!(again.body["allowed"], editorial["actions"]);
    let queue = server.get("/v1/articles?draft=true&status=in_review", Some(&editor)).await;
    assert_eq!(queue.each("title"), ["Satu"]);
    // A patch that says what is there already is no change.
    let same = server.patch(&path, Some(&writer), json!({"title": "Satu", "tags": []})).await.expect(200);
    assert_eq!((&same.body, same.header("etag")), (&submitted.body, submitted.header("etag")));
    // What was under review was another text.
    let changed = server.patch(&path, Some(&writer), json!({"title": "Dua"})).await.expect(200);
    assert_eq!(changed.body["status"], "draft");
    server.act(&format!("{path}/submit"), Some(&writer)).await.expect(200);
    let published = server.act(&format!("{path}/publish"), Some(&editor)).await.expect(200);
    assert_eq!(published.body["editorial"]["has_unpublished_changes"], false);
    let changed = server.patch(&path, Some(&editor), json!({"title": "Tiga"})).await.expect(200);
    assert_eq!(changed.body["editorial"]["has_unpublished_changes"], true);
    assert_eq!(server.get(&path, None).await.body.get("editorial"), None);
}

#[tokio::test]
async fn a_scheduled_story_is_published_once_at_its_time() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let mut paths = Vec::new();
    for number in 0..12 {
        let path = draft(&server, &token, &format!("Kabar {number}")).await;
        let at = server.clock.now() + TimeDelta::minutes(10);
        let scheduled = server.post(&format!("{path}/publish"), editor, json!({"at": at})).await.expect(200);
        assert_eq!(scheduled.body["status"], "scheduled");
        assert_eq!(scheduled.body["editorial"]["scheduled_at"], json!(at));
        paths.push((path, at));
    }
    // What was agreed on is what is published.
    let refused = server.patch(&paths[0].0, editor, json!({"title": "x"})).await;
    assert_eq!(refused.expect_problem(409, "not-allowed-in-state").body["state"], "scheduled");
    let taken_back = server.act(&format!("{}/unschedule", paths[0].0), editor).await.expect(200);
    assert_eq!(taken_back.body["editorial"]["scheduled_at"], Value::Null);
    server.delete(&paths[1].0, editor).await.expect(204);
    assert_eq!(server.publish_due().await, 0);
    server.get(&paths[2].0, None).await.expect(404);

    server.clock.advance(TimeDelta::minutes(11));
    let published = join_all((0..4).map(|_| server.publish_due())).await;
    assert_eq!(published.iter().sum::<usize>(), 10);
    for (path, at) in &paths[2..] {
        let live = server.get(path, None).await.expect(200);
        assert_eq!(live.body["published_at"], json!(at));
    }
    for (path, _) in &paths[..2] {
        server.get(path, None).await.expect(404);
    }
    let kinds = kinds(&server).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "article.published").count(), 10);
}

#[tokio::test]
async fn a_change_of_a_live_story_can_wait_for_its_time() {
    let server = Server::start().await;
    let editor = server.sign_in(Role::Editor).await;
    let path = draft(&server, &editor, "Satu").await;
    let publish = format!("{path}/publish");
    let first = server.act(&publish, Some(&editor)).await.expect(200);
    server.patch(&path, Some(&editor), json!({"title": "Dua"})).await.expect(200);
    let at = server.clock.now() + TimeDelta::minutes(1);
    server.post(&publish, Some(&editor), json!({"at": at})).await.expect(200);
    assert_eq!(server.get(&path, None).await.body["title"], "Satu");
    server.clock.advance(TimeDelta::minutes(2));
    server.publish_due().await;
    let live = server.get(&path, None).await.expect(200);
    assert_eq!(live.body["title"], "Dua");
    assert_eq!(live.body["published_at"], first.body["published_at"]);
}

#[tokio::test]
async fn readers_of_a_retracted_story_are_told_why() {
    let server = Server::start().await;
    let editor = server.sign_in(Role::Editor).await;
    let path = draft(&server, &editor, "Satu").await;
    server.act(&format!("{path}/publish"), Some(&editor)).await.expect(200);
    let retract = format!("{path}/retract");
    // Without a body, too, it is the reason that is missing.
    for bodyless in
        [server.act(&retract, Some(&editor)).await, server.post(&retract, Some(&editor), json!({})).await]
    {
        let bodyless = bodyless.expect_problem(422, "invalid-body");
        assert_eq!(bodyless.faults(), [("/reason".to_owned(), "required".to_owned())]);
    }
    let faulty = server.post(&retract, Some(&editor), json!({"reason": " "})).await;
    assert_eq!(faulty.expect_problem(422, "invalid-body").faults()[0].0, "/reason");
    let retracted =
        server.post(&retract, Some(&editor), json!({"reason": "Angkanya keliru."})).await.expect(200);
    assert_eq!(retracted.body["editorial"]["state"], "retracted");
    assert_eq!(retracted.body["status"], "retracted");
    for address in [path.as_str(), "/v1/articles/satu"] {
        let gone = server.get(address, None).await.expect_problem(410, "retracted");
        assert_eq!(gone.body["reason"], "Angkanya keliru.");
        assert!(gone.body["retracted_at"].as_str().is_some());
    }
    assert_eq!(server.get("/v1/articles", None).await.each("id"), [""; 0]);
    let read = server.get(&path, Some(&editor)).await.expect(200);
    assert_eq!((&read.body["status"], &read.body["title"]), (&json!("retracted"), &json!("Satu")));
    assert_eq!(read.body["retraction"]["reason"], "Angkanya keliru.");
    server.act(&format!("{path}/publish"), Some(&editor)).await.expect_problem(409, "not-allowed-in-state");
    // The trash is no way around it.
    server.delete(&path, Some(&editor)).await.expect(204);
    server.get(&path, None).await.expect_problem(410, "retracted");
    let restored = server.act(&format!("{path}/restore"), Some(&editor)).await.expect(200);
    assert_eq!(restored.body["editorial"]["state"], "retracted");
    assert_eq!(restored.body["retraction"]["reason"], "Angkanya keliru.");
    server.get(&path, None).await.expect_problem(410, "retracted");
}

#[tokio::test]
async fn what_is_in_the_trash_comes_back_whole() {
    let server = Server::start().await;
    let (writer, editor) = (server.sign_in(Role::Writer).await, server.sign_in(Role::Editor).await);
    let path = draft(&server, &writer, "Satu").await;
    let before = server.get(&format!("{path}?draft=true"), Some(&writer)).await.expect(200);
    server.delete(&path, Some(&writer)).await.expect(204);
    for (token, seen) in [(&writer, 1), (&editor, 1), (&server.sign_in(Role::Writer).await, 0)] {
        let list = server.get("/v1/articles?trashed=true&count=true", Some(token)).await.expect(200);
        assert_eq!(list.body["total"], seen);
    }
    let trashed = server.get(&format!("{path}?trashed=true"), Some(&editor)).await.expect(200);
    assert_eq!(trashed.body["editorial"]["actions"], json!(["restore", "delete"]));
    let restored = server.act(&format!("{path}/restore"), Some(&editor)).await.expect(200);
    for member in ["title", "slug", "body", "tags", "status"] {
        assert_eq!(restored.body[member], before.body[member], "{member}");
    }
    server.act(&format!("{path}/restore"), Some(&editor)).await.expect_problem(409, "not-allowed-in-state");
    // Its place among its translations may be taken by then.
    server.delete(&path, Some(&editor)).await.expect(204);
    assert_eq!(
        kinds(&server).await,
        ["article.created", "article.trashed", "article.restored", "article.trashed"]
    );
}

#[tokio::test]
async fn an_address_that_readers_knew_leads_to_the_present_one() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let path = draft(&server, &token, "Satu").await;
    server.act(&format!("{path}/publish"), editor).await.expect(200);
    for slug in ["dua", "tiga"] {
        server.patch(&path, editor, json!({"slug": slug})).await.expect(200);
        // Until it is published, readers know nothing of it.
        server.get(&format!("/v1/articles/{slug}"), None).await.expect_problem(404, "not-found");
        server.act(&format!("{path}/publish"), editor).await.expect(200);
    }
    server.patch(&path, editor, json!({"slug": "rahasia"})).await.expect(200);
    for past in ["satu", "dua"] {
        let moved = server.get(&format!("/v1/articles/{past}"), None).await.expect(308);
        assert_eq!(moved.header("location"), "/v1/articles/tiga");
        assert_eq!(
            moved.header("cache-control"),
            "public, max-age=5, stale-while-revalidate=30, stale-if-error=600"
        );
    }
    server.get("/v1/articles/rahasia", None).await.expect_problem(404, "not-found");
    let taken = json!({"title": "x", "language": "id", "slug": "satu"});
    server.post("/v1/articles", editor, taken).await.expect_problem(409, "slug-taken");
    // Back to the first one: then the other leads there.
    server.patch(&path, editor, json!({"slug": "satu"})).await.expect(200);
    server.act(&format!("{path}/publish"), editor).await.expect(200);
    server.get("/v1/articles/satu", None).await.expect(200);
    assert_eq!(
        server.get("/v1/articles/tiga", None).await.expect(308).header("location"),
        "/v1/articles/satu"
    );
    server.act(&format!("{path}/unpublish"), editor).await.expect(200);
    server.get("/v1/articles/tiga", None).await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn the_first_publication_is_written_once() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let path = draft(&server, &token, "Satu").await;
    let publish = format!("{path}/publish");
    let first = json!({"at": "2024-08-17T10:00:00Z"});
    server.post(&publish, editor, first.clone()).await.expect(200);
    for action in ["nothing", "unpublish"] {
        if action == "unpublish" {
            server.act(&format!("{path}/unpublish"), editor).await.expect(200);
        }
        let refused = server.post(&publish, editor, json!({"at": "2024-08-16T10:00:00Z"})).await;
        let faults = refused.expect_problem(422, "invalid-body").faults();
        assert_eq!(faults, [("/at".to_owned(), "already_published".to_owned())], "{action}");
    }
    server.post(&publish, editor, first.clone()).await.expect(200);
    server.act(&format!("{path}/unpublish"), editor).await.expect(200);
    server.act(&publish, editor).await.expect(200);
    assert_eq!(server.get(&path, None).await.body["published_at"], first["at"]);
}

#[tokio::test]
async fn what_an_action_ends_besides_is_recorded() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let at = server.clock.now() + TimeDelta::minutes(10);
    let mut expected = Vec::new();
    for (action, body) in
        [("unpublish", json!({})), ("retract", json!({"reason": "Keliru."})), ("trash", json!({}))]
    {
        for pending in ["none", "in_review", "scheduled"] {
            let path = draft(&server, &token, &format!("{action} {pending}")).await;
            server.act(&format!("{path}/publish"), editor).await.expect(200);
            let mut details = body.clone();
            if pending != "none" {
                server.patch(&path, editor, json!({"summary": "Baru."})).await.expect(200);
                details["dropped"] = json!(pending);
            }
            match pending {
                "in_review" => drop(server.act(&format!("{path}/submit"), editor).await.expect(200)),
                "scheduled" => {
                    server.post(&format!("{path}/publish"), editor, json!({"at": at})).await.expect(200);
                    details["scheduled_at"] = json!(at);
                }
                _ => {}
            }
            match action {
                "trash" => drop(server.delete(&path, editor).await.expect(204)),
                "retract" => {
                    server.post(&format!("{path}/retract"), editor, body.clone()).await.expect(200);
                }
                _ => drop(server.act(&format!("{path}/{action}"), editor).await.expect(200)),
            }
            expected.push(details);
        }
    }
    let mut conn = server.database.get().await.unwrap();
    let ends = ["article.unpublished", "article.retracted", "article.trashed"];
    let found = events::table.filter(events::type_.eq_any(ends)).order(events::id).select(events::details);
    assert_eq!(found.load::<Value>(&mut conn).await.unwrap(), expected);
}
