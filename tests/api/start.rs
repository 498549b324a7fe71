//! Starting and stopping, with the real program.

use diesel_async::RunQueryDsl;
use warta::database::{Database, migrations};

use crate::support::cluster::{empty_database, fresh_database};

#[tokio::test]
async fn counts_statements_and_discards_open_transactions() {
    let database = Database::connect(&fresh_database().await, 1).await.unwrap();
    assert_eq!(database.statements(), 0);
    let backend = async |sql: &str| {
        #[derive(diesel::QueryableByName)]
        struct Backend {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            pid: i32,
        }
        let mut connection = database.get().await.unwrap();
        let pid =
            diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result::<Backend>(&mut connection).await;
        diesel::sql_query(sql).execute(&mut connection).await.unwrap();
        pid.unwrap().pid
    };
    let first = backend("SELECT 1").await;
    assert_eq!(database.statements(), 2);
    assert_eq!(backend("SELECT 1").await, first, "connections are kept");

    // A request that is cancelled inside of a transaction.
    let cancelled = async {
        let mut connection = database.get().await.unwrap();
        let transaction = diesel_async::AsyncConnection::transaction(&mut *connection, async |connection| {
            diesel::sql_query("SELECT pg_sleep(10)").execute(connection).await
        });
        transaction.await.unwrap();
    };
    let limit = std::time::Duration::from_millis(100);
    tokio::time::timeout(limit, cancelled).await.unwrap_err();
    assert_ne!(backend("SELECT 1").await, first, "its connection is not given to the next request");
}

#[tokio::test]
async fn databases_are_independent() {
    let urls = futures::future::join_all((0..8).map(|_| fresh_database())).await;
    for url in urls {
        let database = Database::connect(&url, 1).await.unwrap();
        let mut connection = database.get().await.unwrap();
        diesel::sql_query("CREATE TABLE only_here ()").execute(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn instances_migrate_together_and_newer_databases_are_refused() {
    let url = empty_database().await;
    let together = futures::future::join_all((0..4).map(|_| migrations::migrate(&url))).await;
    let ran: Vec<_> = together.into_iter().flat_map(Result::unwrap).collect();
    let distinct: std::collections::HashSet<_> = ran.iter().collect();
    assert_eq!(ran.len(), distinct.len(), "each migration runs once");
    assert!(migrations::pending(&url).await.unwrap().is_empty());

    let database = Database::connect(&url, 1).await.unwrap();
    let future = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')";
    diesel::sql_query(future).execute(&mut database.get().await.unwrap()).await.unwrap();
    let error = migrations::migrate(&url).await.unwrap_err().to_string();
    assert!(error.contains("migrated by a newer Warta"), "{error}");
}
