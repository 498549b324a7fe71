//! What is recorded stays as it is, whoever asks Postgres for something else.

use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};
use serde_json::json;
use warta::{
    audit::seal,
    database::Connection,
    events::{self, Actor, EventType, SubjectType},
    principal::Role,
};

use super::{each, events};
use crate::support::Server;

async fn refused(conn: &mut Connection, sql: &str, words: &str) {
    let outcome = conn.batch_execute(sql).await;
    let error = outcome.expect_err(sql).to_string();
    assert!(error.contains(words), "{sql}: {error}");
}

#[tokio::test]
async fn events_are_neither_changed_nor_removed() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let mut conn = server.database.get().await.unwrap();
    seal::seal(&mut conn).await.unwrap();
    server.post("/v1/tags", Some(&token), json!({"name": "Riset"})).await.expect(201);

    let rules = "events are append-only";
    // The last event is not sealed yet, those before it are.
    for of in ["", "where sequence is null", "where sequence = 1"] {
        for change in [
            "details = '{}'",
            "details = details || '{\"x\": 1}'",
            "type = 'tag.deleted'",
            "actor_id = null",
            "created_at = created_at - interval '1 day'",
            "hash = null, sequence = null",
            "sequence = sequence + 100",
            "hash = sha256('x')",
            "sequence = 7, hash = sha256('x'), type = 'tag.deleted'",
            "sequence = 7, hash = sha256('x'), details = '{\"fields\": []}'",
        ] {
            refused(&mut conn, &format!("update events set {change} {of}"), rules).await;
        }
        refused(&mut conn, &format!("delete from events {of}"), rules).await;
    }
    refused(&mut conn, "truncate events", rules).await;
    refused(&mut conn, "truncate editors cascade", "never changed").await;
    refused(&mut conn, "update events set sequence = 7 where sequence is null", "events_seal_check").await;
    refused(
        &mut conn,
        "update events set sequence = 1, hash = sha256('x') where sequence is null",
        "events_sequence_key",
    )
    .await;
    let insert = |columns: &str, values: &str| {
        format!(
            "insert into events (id, created_at, type, subject_type, subject_id, details{columns}) \
             values (gen_random_uuid(), now(), 'tag.created', 'tag', gen_random_uuid(), '{{}}'{values})"
        )
    };
    let sealed = "events are sealed after";
    refused(&mut conn, &insert(", sequence, hash", ", 9, sha256('x')"), sealed).await;
    refused(&mut conn, &insert(", hash", ", sha256('x')"), sealed).await;
    let forever = insert("", "").replace("now()", "'infinity'");
    refused(&mut conn, &forever, "events_created_at_check").await;

    // A seal changes nothing but the seal, also not the way in which a number is written.
    let precise = insert("", "").replace("'{}'", "'{\"number\": 1.0}'");
    conn.batch_execute(&precise).await.unwrap();
    let rewritten = "update events set sequence = 7, hash = sha256('x'), details = '{\"number\": 1.00}' where details ? 'number'";
    refused(&mut conn, rewritten, rules).await;

    let found = events(&server, &token, "").await;
    let types = ["editor.created", "session.started", "tag.created", "tag.created"];
    assert_eq!(each(&found, "/type"), types);
}

#[tokio::test]
async fn an_event_is_there_with_its_change_or_not_at_all() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let before = events(&server, &token, "").await;
    let mut conn = server.database.get().await.unwrap();
    let outcome = conn.transaction(async |conn| {
        let subject = (SubjectType::Tag, server.clock.new_id());
        let now = server.clock.now();
        events::record(conn, &server.clock, now, &Actor::SYSTEM, EventType::TagCreated, subject, json!({}))
            .await?;
        diesel::sql_query("insert into tags (id) values (null)").execute(conn).await
    });
    outcome.await.unwrap_err();
    assert_eq!(events(&server, &token, "").await, before);
}
