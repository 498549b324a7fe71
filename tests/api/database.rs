//! A database that is silent, slow, full, read-only or small, and what an instance makes of it.

mod hangups;
mod hosts;
mod proxy;
mod read_only;
mod silence;
mod small;
mod states;

use std::time::{Duration, Instant};

use diesel::{QueryableByName, sql_query, sql_types::BigInt};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::json;
use warta::{
    database::{Connection, Database, DatabaseUrl},
    principal::Role,
};

use crate::support::{Answer, Server};

/// Much longer than anything here may take, on a machine that is busy with something else.
const LONG: Duration = Duration::from_secs(60);

/// A connection beside the instance's own, under a name of its own.
async fn beside(url: &DatabaseUrl) -> Connection {
    let mut conn = Database::connect(url, 1).await.unwrap().get().await.unwrap();
    conn.batch_execute("set application_name = 'beside'").await.unwrap();
    conn
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn count(conn: &mut Connection, of: &str) -> i64 {
    sql_query(format!("select count(*) as count from {of}")).get_result::<Count>(conn).await.unwrap().count
}

/// The sessions of instances on the database of a connection.
const SESSIONS: &str = "pg_stat_activity where datname = current_database() and application_name = 'warta'";

/// A token and the address of a published story.
async fn published(server: &Server) -> (String, String) {
    let token = server.sign_in(Role::Editor).await;
    let story = json!({"title": "Kabar", "language": "id"});
    let answer = server.post("/v1/articles", Some(&token), story).await.expect(201);
    let address = answer.header("location").to_owned();
    server.post(&format!("{address}/publish"), Some(&token), json!({})).await.expect(200);
    (token, address)
}

async fn draft(server: &Server, token: &str) -> Answer {
    server.post("/v1/articles", Some(token), json!({"title": "Baru", "language": "id"})).await
}

/// Asks until the answer has this status, for a while; how long it took.
async fn until(status: u16, mut ask: impl AsyncFnMut() -> Answer) -> Duration {
    let since = Instant::now();
    loop {
        let answer = ask().await;
        if answer.status == status {
            return since.elapsed();
        }
        assert!(since.elapsed() < LONG, "still {}: {}", answer.status, answer.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
