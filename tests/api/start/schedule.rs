//! The schedule while instances are killed.
//!
//! Each publication is held up by a lock of the test, so that a kill always falls in the middle of one, and
//! not by chance: between its claim and its commit, where nothing must be left of it, or while it commits,
//! where all of it is there although nobody is left to be told.

use std::{collections::BTreeMap, process::Command, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures::future::join_all;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use uuid::Uuid;
use warta::{
    clock::Clock,
    database::{Connection, Database},
};

use super::{
    data_dir,
    first::Visitor,
    instances::{EMAIL, PASSWORD, external},
    program::Program,
};

const STORIES: usize = 60;
const KILLS: usize = 12;

/// The locks that a publication waits for: when its event is written, and when it commits.
const GATES: [i64; 2] = [1, 2];

const MAKE_GATES: &str = "
    create function gate() returns trigger language plpgsql as $$
    begin
        perform pg_advisory_xact_lock_shared(tg_argv[0]::bigint);
        return new;
    end $$;
    create trigger gate before insert on events for each row
        when (new.type = 'article.published') execute function gate(1);
    create constraint trigger gate after update on articles deferrable initially deferred for each row
        when (new.first_published_at is distinct from old.first_published_at) execute function gate(2)";

async fn close(conn: &mut Connection, gate: i64) {
    conn.batch_execute(&format!("select pg_advisory_lock({gate})")).await.unwrap();
}

async fn open(conn: &mut Connection, gate: i64) {
    conn.batch_execute(&format!("select pg_advisory_unlock({gate})")).await.unwrap();
}

/// How an instance is started whose connections are called by this name.
fn named(start: &Command, name: &str) -> Command {
    let mut named = Command::new(start.get_program());
    for (variable, value) in start.get_envs() {
        match value {
            Some(value) => named.env(variable, value),
            None => named.env_remove(variable),
        };
    }
    let url = start.get_envs().find(|(variable, _)| *variable == "DATABASE_URL").unwrap().1.unwrap();
    named.env("DATABASE_URL", format!("{} application_name={name}", url.to_str().unwrap()));
    named
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn count(conn: &mut Connection, query: &str) -> i64 {
    diesel::sql_query(query).get_result::<Count>(conn).await.unwrap().count
}

/// Waits until a query counts at least so many.
async fn until(conn: &mut Connection, least: i64, query: &str) {
    // Far longer than it takes; a test that waits for ever tells nothing.
    for _ in 0..1500 {
        if count(conn, query).await >= least {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never {least}: {query}");
}

const PUBLISHED: &str = "select count(*) from events where type = 'article.published'";

fn held_up(name: &str) -> String {
    format!(
        "select count(*) from pg_stat_activity where datname = current_database() and application_name = '{name}' \
         and wait_event_type = 'Lock' and wait_event = 'advisory'"
    )
}

/// Drafts that are due over three seconds from now on; each path with its time.
async fn schedule(visitor: &Visitor<'_>) -> Vec<(String, DateTime<Utc>)> {
    let token = &visitor.sign_in(EMAIL, PASSWORD).await.unwrap();
    let make = async |number: usize| {
        let story =
            json!({"title": format!("Kabar {number}"), "slug": format!("kabar-{number}"), "language": "id"});
        assert_eq!(visitor.post("/v1/articles", token, &story).await.status(), 201);
        format!("/v1/articles/kabar-{number}")
    };
    let paths = join_all((0..STORIES).map(make)).await;
    let begin = Clock::default().now() + TimeDelta::seconds(1);
    let schedule = async |(number, path): (i32, String)| {
        let at = begin + TimeDelta::milliseconds(50) * number;
        let answer = visitor.post(&format!("{path}/publish"), token, &json!({"at": at})).await;
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(body["status"], "scheduled", "{body}");
        (path, at)
    };
    join_all((0..).zip(paths).map(schedule)).await
}

#[derive(QueryableByName)]
struct Event {
    #[diesel(sql_type = SqlUuid)]
    subject_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
}

#[tokio::test]
async fn instances_that_are_killed_in_the_middle_publish_each_story_once() {
    let folder = data_dir();
    let start = external(&folder).await;
    let url = start.get_envs().find(|(name, _)| *name == "DATABASE_URL").unwrap().1.unwrap();
    let database = Database::connect(&url.to_str().unwrap().parse().unwrap(), 2).await.unwrap();
    let (mut keeper, mut conn) = (database.get().await.unwrap(), database.get().await.unwrap());
    let mut instances = ["satu-0".to_owned(), "dua-0".to_owned()].map(|name| {
        let program = Program::start(&mut named(&start, &name));
        (name, program)
    });
    keeper.batch_execute(MAKE_GATES).await.unwrap();
    let gate_of = |kill: usize| GATES[kill / 2 % 2];
    close(&mut keeper, gate_of(1)).await;
    let stories = schedule(&Visitor::of(&instances[0].1)).await;

    for kill in 1..=KILLS {
        // Both have a story in hand.
        for (name, _) in &instances {
            until(&mut conn, 1, &held_up(name)).await;
        }
        let before = count(&mut conn, PUBLISHED).await;
        let (name, victim) = &mut instances[kill % 2];
        victim.kill(Signal::SIGKILL);
        assert_eq!(victim.ended(), None);
        // The other one finishes its own, and perhaps takes over.
        open(&mut keeper, gate_of(kill)).await;
        until(&mut conn, before + 1, PUBLISHED).await;
        close(&mut keeper, gate_of(kill + 1)).await;
        *name = format!("{}-{kill}", name.split('-').next().unwrap());
        *victim = Program::start(&mut named(&start, name));
    }
    let left = i64::try_from(STORIES).unwrap() - count(&mut conn, PUBLISHED).await;
    assert!(left > 1, "there was nothing left to race for");
    open(&mut keeper, gate_of(KILLS + 1)).await;
    until(&mut conn, 0, "select -count(*) as count from editions where status = 'scheduled'").await;

    let visitor = Visitor::of(&instances[0].1);
    let mut events: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    let query =
        "select subject_id, type as kind from events where subject_type = 'article' order by created_at, id";
    for event in diesel::sql_query(query).load::<Event>(&mut conn).await.unwrap() {
        events.entry(event.subject_id).or_default().push(event.kind);
    }
    assert_eq!(events.len(), STORIES);
    for (path, at) in stories {
        let story = visitor.get(&path, "").await;
        assert_eq!(story["published_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap(), at, "{path}");
        let id: Uuid = story["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(events[&id], ["article.created", "article.scheduled", "article.published"], "{path}");
    }
    // Made, scheduled, published: each counts one change, and nothing else did.
    assert_eq!(count(&mut conn, "select count(*) from articles where version <> 3").await, 0);
}
