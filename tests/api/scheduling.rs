//! What becomes of a publication whose worker is cut off in the middle.

use chrono::TimeDelta;
use diesel::{prelude::*, sql_types::Integer};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::json;
use warta::{auth::Role, schema::events};

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
    assert!(outcome.is_err(), "{outcome:?}");
    holder.batch_execute("rollback").await.unwrap();
    server.get(path, None).await.expect(404);
    let draft = server.get(&format!("{path}?draft=true"), editor).await.expect(200);
    assert_eq!((&draft.body, draft.header("etag")), (&scheduled.body, scheduled.header("etag")));

    assert_eq!(server.publish_due().await, 1);
    assert_eq!(server.get(path, None).await.expect(200).body["published_at"], json!(at));
    assert_eq!(server.publish_due().await, 0);
    let published = events::table.filter(events::type_.eq("article.published"));
    let published: i64 = published.count().get_result(&mut holder).await.unwrap();
    assert_eq!(published, 1);
}
