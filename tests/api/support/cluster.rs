//! A Postgres for the tests: one throw-away cluster per test process, or the server that `TEST_DATABASE_URL`
//! names; in it a migrated template, and a copy of it for each test.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tokio::sync::{Mutex, OnceCell};
use warta::database::{
    Database, DatabaseUrl,
    embedded::{Embedded, EmbeddedOptions},
    migrations,
};

/// Starts every name of a test's database. With `TEST_DATABASE_URL`, those of earlier runs are dropped at the
/// start: one run at a time per server.
const PREFIX: &str = "warta_test_";

struct Cluster {
    /// A database to give commands from; never a test's.
    admin: DatabaseUrl,
    /// Kept for its guard, which deletes the cluster when this process ends.
    _embedded: Option<Embedded>,
    /// Copying a template needs it unused: one copy at a time.
    copying: Mutex<()>,
}

async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    CLUSTER.get_or_init(start).await
}

async fn start() -> Cluster {
    let given = std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty());
    let (admin, embedded) = match given {
        Some(url) => (url.parse().expect("TEST_DATABASE_URL"), None),
        None => {
            let options = EmbeddedOptions { throw_away: true, ..EmbeddedOptions::default() };
            let embedded = Embedded::start(options).await.expect("a throw-away Postgres");
            (embedded.url().clone(), Some(embedded))
        }
    };
    for name in left_over(&admin).await {
        // One that another run still uses stays.
        let _ = command(&admin, &format!("DROP DATABASE IF EXISTS \"{name}\"")).await;
    }
    let template = format!("{PREFIX}template");
    command(&admin, &format!("CREATE DATABASE {template}")).await.expect("the template database");
    migrations::migrate(&admin.with_database(&template)).await.expect("migrations");
    Cluster { admin, _embedded: embedded, copying: Mutex::new(()) }
}

/// A migrated, empty database that no one else uses.
pub(crate) async fn fresh_database() -> DatabaseUrl {
    copy(&format!("TEMPLATE {PREFIX}template")).await
}

/// A database without a table, for tests of the migrations themselves.
pub(crate) async fn empty_database() -> DatabaseUrl {
    copy("TEMPLATE template0").await
}

async fn copy(of: &str) -> DatabaseUrl {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let cluster = cluster().await;
    let name = format!("{PREFIX}{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let _copying = cluster.copying.lock().await;
    // A connection that has just left the template may linger in the server for a moment.
    for _ in 0..50 {
        match command(&cluster.admin, &format!("CREATE DATABASE {name} {of}")).await {
            Err(error) if error.contains("being accessed by other users") => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            outcome => {
                outcome.expect("a database for this test");
                return cluster.admin.with_database(&name);
            }
        }
    }
    panic!("the template database stays in use");
}

/// Each command has its own connection: tests have runtimes of their own, and a connection lives in one.
async fn command(admin: &DatabaseUrl, sql: &str) -> Result<(), String> {
    let mut connection = connection(admin).await;
    connection.batch_execute(sql).await.map_err(|error| error.to_string())
}

async fn connection(url: &DatabaseUrl) -> impl std::ops::DerefMut<Target = AsyncPgConnection> {
    let database = Database::connect(url, 1).await.expect("the test server");
    database.get().await.expect("a connection")
}

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = diesel::sql_types::Text)]
    datname: String,
}

async fn left_over(admin: &DatabaseUrl) -> Vec<String> {
    let query = format!("SELECT datname::text FROM pg_database WHERE starts_with(datname, '{PREFIX}')");
    let names = diesel::sql_query(query).load::<Name>(&mut *connection(admin).await).await;
    names.expect("the server's databases").into_iter().map(|name| name.datname).collect()
}
