//! Readers walk the record while it grows: each event once, whatever order transactions commit in.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use diesel_async::{AnsiTransactionManager, RunQueryDsl, TransactionManager};
use futures::{StreamExt, future::join, stream};
use serde_json::{Value, json};
use warta::{
    audit::{seal, verify},
    database::{Connection, Database},
    events::{self, Actor, EventType, SubjectType},
    principal::Role,
};

use crate::support::{Answer, Server};

/// How many requests write.
const WRITES: usize = 300;

fn sequences(events: &[Value]) -> Vec<i64> {
    events.iter().map(|event| event["sequence"].as_i64().unwrap()).collect()
}

/// Walks from the beginning until `done`, and then to the end; by `after_sequence` from page to page, or by
/// cursors as far as these lead.
async fn walk(server: &Server, token: &str, by_cursor: bool, done: &AtomicBool) -> Vec<Value> {
    let mut seen: Vec<Value> = Vec::new();
    loop {
        // Asked before reading: what comes after the last page is then read by the next one.
        let last = done.load(Ordering::SeqCst);
        let after = sequences(&seen).last().copied().unwrap_or(0);
        let mut next = Some(format!("/v1/events?sort=sequence&limit=7&after_sequence={after}"));
        let mut found = 0;
        while let Some(path) = next.take() {
            let answer: Answer = server.get(&path, Some(token)).await.expect(200);
            let page = answer.body["data"].as_array().unwrap();
            found += page.len();
            seen.extend(page.iter().cloned());
            if by_cursor && let Some(cursor) = answer.body["next_cursor"].as_str() {
                next =
                    Some(format!("/v1/events?sort=sequence&limit=7&after_sequence={after}&cursor={cursor}"));
            }
        }
        if last && found == 0 {
            return seen;
        }
    }
}

/// An event in a transaction that is still open.
async fn open_event(server: &Server) -> Connection {
    let mut conn = server.database.get().await.unwrap();
    AnsiTransactionManager::begin_transaction(&mut *conn).await.unwrap();
    let (now, subject) = (server.clock.now(), (SubjectType::Instance, uuid::Uuid::nil()));
    events::record(&mut conn, &server.clock, now, &Actor::SYSTEM, EventType::DemoLoaded, subject, json!({}))
        .await
        .unwrap();
    conn
}

#[tokio::test]
async fn readers_of_a_growing_record_miss_nothing_and_see_nothing_twice() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    // Written first and committed last.
    let mut held = open_event(&server).await;
    let done = AtomicBool::new(false);
    let sealers: Vec<_> = (0..2).map(|_| tokio::spawn(seal::run(server.database.clone()))).collect();
    let writing = async {
        let made = stream::iter(0..WRITES).map(|number| {
            let name = json!({"name": format!("Tag {number}")});
            server.post("/v1/tags", Some(&token), name)
        });
        let made: Vec<_> =
            made.buffer_unordered(8).map(|answer| answer.expect(201).body["id"].clone()).collect().await;
        // All the others have their places by now.
        let latest = server.get("/v1/events?limit=1", Some(&token)).await.expect(200);
        assert_eq!(latest.body["data"][0]["sequence"], WRITES + 2);
        AnsiTransactionManager::commit_transaction(&mut *held).await.unwrap();
        done.store(true, Ordering::SeqCst);
        made
    };
    let reading = join(walk(&server, &token, false, &done), walk(&server, &token, true, &done));
    let (mut made, (one, other)) = join(writing, reading).await;
    for sealer in sealers {
        sealer.abort();
    }

    let expected: Vec<_> = (1..=i64::try_from(WRITES).unwrap() + 3).collect();
    assert_eq!(sequences(&one), expected, "a walk by after_sequence");
    assert_eq!(sequences(&other), expected, "a walk by cursors");
    assert_eq!(one, other);
    let last = one.last().unwrap();
    assert_eq!(last["type"], "demo.loaded", "what is committed last comes last, whenever it was written");
    let tags = one.iter().filter(|event| event["type"] == "tag.created");
    let mut recorded: Vec<_> = tags.map(|event| event["subject"]["id"].clone()).collect();
    recorded.sort_by_key(Value::to_string);
    made.sort_by_key(Value::to_string);
    assert_eq!(recorded, made);
    for pair in one.windows(2) {
        assert_eq!(pair[1]["previous_hash"], pair[0]["hash"]);
    }
    assert_is_whole(&server.database, expected.len()).await;
}

async fn assert_is_whole(database: &Database, events: usize) {
    match verify::verify(database, None).await.unwrap() {
        verify::Verdict::Whole { head, unsealed: 0 } => {
            assert_eq!(usize::try_from(head.sequence).unwrap(), events);
        }
        verdict => panic!("{verdict:?}"),
    }
}

#[tokio::test]
async fn many_sealers_make_one_chain_of_more_than_a_batch() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let mut conn = server.database.get().await.unwrap();
    let insert = "insert into events (id, created_at, type, subject_type, subject_id, details) \
         select gen_random_uuid(), now(), 'tag.created', 'tag', gen_random_uuid(), json_build_object('number', number) \
         from generate_series(1, 2500) number";
    diesel::sql_query(insert).execute(&mut conn).await.unwrap();
    drop(conn);
    let seal = async || seal::seal(&mut server.database.get().await.unwrap()).await.unwrap();
    futures::future::join_all((0..4).map(|_| seal())).await;
    assert_is_whole(&server.database, 2502).await;
    // In the order in which they were written.
    let last = server.get("/v1/events?limit=2", Some(&token)).await.expect(200);
    assert_eq!(last.body["data"][0]["details"], json!({"number": 2500}));
    assert_eq!(last.body["data"][1]["details"], json!({"number": 2499}));
}

#[tokio::test]
async fn writers_do_not_wait_for_the_sealer() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let mut held = server.database.get().await.unwrap();
    AnsiTransactionManager::begin_transaction(&mut *held).await.unwrap();
    warta::database::lock::hold_name(&mut held, "events/seal").await.unwrap();
    server.post("/v1/tags", Some(&token), json!({"name": "Riset"})).await.expect(201);
    // A reader does: otherwise the event of the write would not be there yet.
    let releasing = async {
        let waiting = "select from pg_locks where locktype = 'advisory' and not granted \
             and database = (select oid from pg_database where datname = current_database())";
        let mut attempts = 0;
        while diesel::sql_query(waiting).execute(&mut held).await.unwrap() == 0 {
            attempts += 1;
            assert!(attempts < 500, "the reader does not wait for whoever seals");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        AnsiTransactionManager::commit_transaction(&mut *held).await.unwrap();
    };
    let (answer, ()) = join(server.get("/v1/events?type=tag.created", Some(&token)), releasing).await;
    assert_eq!(answer.expect(200).each("type"), ["tag.created"]);
}
