//! What becomes of publications that fail, or whose worker is cut off in the middle.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{prelude::*, sql_types::Integer};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::json;
use warta::{
    principal::Role,
    schema::{events, failed_publications},
};

use crate::support::Server;

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

/// Whose statement waits for a lock.
const WAITING: &str =
    "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

#[tokio::test]
async fn a_worker_that_loses_its_connection_between_claim_and_commit_has_done_nothing() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let body = json!({"title": "Satu", "language": "id"});
    let made = server.post("/v1/articles", editor, body).await.expect(201);
    let path = made.header("location");
    let at = server.clock.now() + TimeDelta::minutes(1);
    let publish = format!("{path}/publish");
    let scheduled = server.post(&publish, editor, json!({"at": at})).await.expect(200);
    server.clock.advance(TimeDelta::minutes(2));

    // The worker claims the story, copies the draft, and then has to wait before it can write the event.
    let mut holder = server.database.get().await.unwrap();
    holder.batch_execute("begin; lock table events in access exclusive mode").await.unwrap();
    let cut_off = async {
        let mut conn = server.database.get().await.unwrap();
        for _ in 0..1500 {
            let waiting = diesel::sql_query(WAITING).load::<Backend>(&mut conn).await.unwrap();
            if let [Backend { pid }] = waiting.as_slice() {
                // Meanwhile another worker leaves it alone, and readers see nothing.
                assert_eq!(server.publish_due().await, 0);
                server.get(path, None).await.expect(404);
                let end = format!("select pg_terminate_backend({pid})");
                conn.batch_execute(&end).await.unwrap();
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the worker never waited");
    };
    let (outcome, ()) = futures::future::join(server.try_publish_next(), cut_off).await;
    assert!(outcome.unwrap(), "it was this story's turn");
    holder.batch_execute("rollback").await.unwrap();
    server.get(path, None).await.expect(404);
    let draft = server.get(&format!("{path}?draft=true"), editor).await.expect(200);
    assert_eq!((&draft.body, draft.header("etag")), (&scheduled.body, scheduled.header("etag")));

    assert_eq!(server.publish_due().await, 0, "it is left alone for a second");
    server.clock.advance(TimeDelta::seconds(1));
    assert_eq!(server.publish_due().await, 1);
    assert_eq!(server.get(path, None).await.expect(200).body["published_at"], json!(at));
    assert_eq!(server.publish_due().await, 0);
    let published = events::table.filter(events::type_.eq("article.published"));
    let published: i64 = published.count().get_result(&mut holder).await.unwrap();
    assert_eq!(published, 1);
}

/// Stories that are due a minute from now on, a minute apart, the first one named first.
async fn schedule(server: &Server, editor: Option<&str>, slugs: &[&str]) -> DateTime<Utc> {
    let begin = server.clock.now() + TimeDelta::minutes(1);
    for (place, slug) in (0..).zip(slugs) {
        let story = json!({"title": slug, "slug": slug, "language": "id"});
        server.post("/v1/articles", editor, story).await.expect(201);
        let at = begin + TimeDelta::minutes(1) * place;
        server.post(&format!("/v1/articles/{slug}/publish"), editor, json!({"at": at})).await.expect(200);
    }
    begin
}

async fn run(server: &Server, statements: &str) {
    server.database.get().await.unwrap().batch_execute(statements).await.unwrap();
}

/// Makes the publication of the story with this slug fail.
async fn refuse(server: &Server, slug: &str) {
    let statements = format!(
        "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$; \
         create trigger refuse before insert on editions for each row \
             when (new.kind = 'live' and new.slug = '{slug}') execute function refuse()"
    );
    run(server, &statements).await;
}

async fn failures(server: &Server) -> i64 {
    let mut conn = server.database.get().await.unwrap();
    failed_publications::table.count().get_result(&mut conn).await.unwrap()
}

#[tokio::test]
async fn a_publication_that_fails_holds_up_no_other_and_is_tried_again() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let at = schedule(&server, editor, &["satu", "dua", "tiga"]).await;
    refuse(&server, "satu").await;
    server.clock.stop();
    server.clock.advance(TimeDelta::minutes(4));
    let etag = server.get("/v1/articles/satu?draft=true", editor).await.expect(200).header("etag").to_owned();
    assert!(server.try_publish_next().await.unwrap(), "the first one fails");
    for slug in ["dua", "tiga"] {
        assert!(server.try_publish_next().await.unwrap());
        server.get(&format!("/v1/articles/{slug}"), None).await.expect(200);
    }
    assert!(!server.try_publish_next().await.unwrap());
    server.get("/v1/articles/satu", None).await.expect(404);

    // It is left alone for one second, two, four, and so on, but never for more than a minute.
    for pause in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        server.clock.advance(TimeDelta::seconds(pause) - TimeDelta::milliseconds(1));
        assert_eq!(server.publish_due().await, 0, "too early after {pause} seconds");
        server.clock.advance(TimeDelta::milliseconds(1));
        assert_eq!(server.publish_due().await, 1, "not tried after {pause} seconds");
    }
    server.get("/v1/articles/satu", None).await.expect(404);
    // Editors notice nothing.
    let draft = server.get("/v1/articles/satu?draft=true", editor).await.expect(200);
    assert_eq!((draft.header("etag"), &draft.body["status"]), (&*etag, &json!("scheduled")));

    run(&server, "drop trigger refuse on editions").await;
    assert_eq!(server.publish_due().await, 0);
    server.clock.advance(TimeDelta::minutes(1));
    assert_eq!(server.publish_due().await, 1);
    assert_eq!(server.get("/v1/articles/satu", None).await.expect(200).body["published_at"], json!(at));
    assert_eq!(failures(&server).await, 0, "nothing is kept of what was published");
}

#[tokio::test]
async fn a_new_schedule_has_not_failed_yet() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    schedule(&server, editor, &["satu"]).await;
    refuse(&server, "satu").await;
    server.clock.stop();
    server.clock.advance(TimeDelta::minutes(2));
    for _ in 0..6 {
        assert_eq!(server.publish_due().await, 1);
        server.clock.advance(TimeDelta::minutes(1));
    }
    assert_eq!(server.publish_due().await, 1);
    run(&server, "drop trigger refuse on editions").await;
    server.act("/v1/articles/satu/unschedule", editor).await.expect(200);
    let at = server.clock.now() + TimeDelta::seconds(5);
    server.post("/v1/articles/satu/publish", editor, json!({"at": at})).await.expect(200);
    assert_eq!(server.publish_due().await, 0);
    server.clock.advance(TimeDelta::seconds(5));
    assert_eq!(server.publish_due().await, 1);
    assert_eq!(server.get("/v1/articles/satu", None).await.expect(200).body["published_at"], json!(at));
}

#[tokio::test]
async fn a_story_that_somebody_saves_is_published_after_that_and_holds_up_nobody() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    schedule(&server, Some(&token), &["satu", "dua"]).await;
    server.clock.advance(TimeDelta::minutes(3));
    let mut editor = server.database.get().await.unwrap();
    let lock = "begin; select from articles where id = (select article_id from editions where slug = 'satu') for update";
    editor.batch_execute(lock).await.unwrap();
    let mut holder = server.database.get().await.unwrap();
    holder.batch_execute("begin; lock table events in access exclusive mode").await.unwrap();
    let meanwhile = async {
        let mut conn = server.database.get().await.unwrap();
        for _ in 0..1500 {
            if diesel::sql_query(WAITING).load::<Backend>(&mut conn).await.unwrap().len() == 1 {
                // The worker has the second story in hand, and nothing of the first one.
                let save = "select from editions where slug = 'satu' for update nowait; commit";
                editor.batch_execute(save).await.unwrap();
                holder.batch_execute("rollback").await.unwrap();
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the worker never waited");
    };
    let (outcome, ()) = futures::future::join(server.try_publish_next(), meanwhile).await;
    assert!(outcome.unwrap());
    server.get("/v1/articles/dua", None).await.expect(200);
    server.get("/v1/articles/satu", None).await.expect(404);
    assert_eq!(server.publish_due().await, 1);
    server.get("/v1/articles/satu", None).await.expect(200);
    assert_eq!(failures(&server).await, 0);
}

#[tokio::test]
async fn nothing_is_published_in_the_name_of_somebody_who_may_not_publish() {
    let server = Server::start().await;
    let admin = server.sign_in(Role::Admin).await;
    let other = server.sign_in(Role::Editor).await;
    // One is disabled, one becomes a writer; one is disabled and active again before the time.
    let changes = [json!({"active": false}), json!({"role": "writer"}), json!({"active": false})];
    let mut stories = Vec::new();
    for (number, change) in changes.iter().enumerate() {
        let email = format!("e{number}@example.org");
        let editor = server.editor(&email, Role::Editor).await;
        let token = server.token(&email).await;
        let slug = format!("kabar-{number}");
        let at = schedule(&server, Some(&token), &[&slug]).await;
        let path = format!("/v1/editors/{}", editor.id);
        server.patch(&path, Some(&admin), change.clone()).await.expect(200);
        if number == 2 {
            server.patch(&path, Some(&admin), json!({"active": true})).await.expect(200);
        }
        stories.push((format!("/v1/articles/{slug}"), at));
    }
    server.clock.advance(TimeDelta::minutes(2));
    assert_eq!(server.publish_due().await, 3);
    assert_eq!(server.publish_due().await, 0, "what is held is not looked at again");
    server.get(&stories[2].0, None).await.expect(200);
    for (path, at) in &stories[..2] {
        server.get(path, None).await.expect(404);
        let draft = server.get(&format!("{path}?draft=true"), Some(&other)).await.expect(200).body;
        let editorial = &draft["editorial"];
        assert_eq!(
            (&draft["status"], &editorial["scheduled_at"]),
            (&json!("scheduled"), &json!(at)),
            "{path}"
        );
        assert!(editorial["schedule_held_at"].is_string(), "{path}: {editorial}");
    }
    let mut conn = server.database.get().await.unwrap();
    let told = events::table.filter(events::type_.eq("article.schedule_held"));
    assert_eq!(told.count().get_result::<i64>(&mut conn).await.unwrap(), 2);

    // Somebody who may publishes the one, and schedules the other anew, for the same time.
    let (path, _) = &stories[0];
    let published = server.act(&format!("{path}/publish"), Some(&other)).await.expect(200);
    assert_eq!(published.body["editorial"]["schedule_held_at"], json!(null));
    server.get(path, None).await.expect(200);
    let (path, _) = &stories[1];
    let later = server.clock.now() + TimeDelta::minutes(1);
    let again = server.post(&format!("{path}/publish"), Some(&other), json!({"at": later})).await.expect(200);
    assert_eq!(again.body["editorial"]["schedule_held_at"], json!(null));
    server.clock.advance(TimeDelta::minutes(2));
    assert_eq!(server.publish_due().await, 1);
    server.get(path, None).await.expect(200);
}
