//! Migrations of the database: embedded in the program, and run by one instance at a time.

use std::collections::BTreeSet;

use diesel::{
    QueryResult, QueryableByName,
    migration::{MigrationSource, MigrationVersion},
    pg::Pg,
    sql_query,
    sql_types::Text,
};
use diesel_async::{
    AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, async_connection_wrapper::AsyncConnectionWrapper,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{DatabaseError, DatabaseUrl};

/// Every migration that this program knows.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The key of the advisory lock that migrating instances queue for: "warta" in ASCII.
const LOCK: i64 = 0x77_61_72_74_61;

/// Runs the pending migrations, each in its own transaction, and returns their versions in order. Instances
/// that start together take turns; the second one finds nothing to do. If nothing is pending, it only reads.
///
/// # Errors
/// Returns [`DatabaseError::Newer`] if the database is ahead of this program, and another [`DatabaseError`]
/// if a step fails.
pub async fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, DatabaseError> {
    let pending = pending(url).await?;
    if pending.is_empty() {
        return Ok(pending);
    }
    if url.hosts.is_read_only() {
        let count = pending.len();
        return Err(DatabaseError::Migration(format!(
            "it takes no writes, and {count} migrations are pending"
        )));
    }
    locked(url, |harness| {
        refuse_newer(harness)?;
        versions(harness.run_pending_migrations(MIGRATIONS))
    })
    .await
}

/// Returns the versions of the migrations that [`migrate`] would run. It only reads.
///
/// # Errors
/// Returns the same errors as [`migrate`].
pub async fn pending(url: &DatabaseUrl) -> Result<Vec<String>, DatabaseError> {
    let known = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(failed)?;
    let known: Vec<_> = known.iter().map(|migration| migration.name().version().to_string()).collect();
    let mut connection = connect(url).await?;
    let applied = applied(&mut connection).await.map_err(|error| failed(error.into()))?;
    match applied.iter().find(|version| !known.contains(version)) {
        Some(version) => Err(DatabaseError::Newer { version: version.clone() }),
        None => Ok(known.into_iter().filter(|version| !applied.contains(version)).collect()),
    }
}

/// Returns the name by which people know a migration: its folder below `migrations/`.
#[must_use]
pub fn name(version: &str) -> String {
    let known = MigrationSource::<Pg>::migrations(&MIGRATIONS).unwrap_or_default();
    let found = known.iter().find(|migration| migration.name().version().to_string() == version);
    found.map_or_else(|| version.to_owned(), |migration| migration.name().to_string())
}

/// Returns the versions of the migrations that were run.
async fn applied(conn: &mut AsyncPgConnection) -> QueryResult<BTreeSet<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let table = "select table_name::text as version from information_schema.tables \
                 where table_name = '__diesel_schema_migrations' and table_schema = current_schema()";
    if sql_query(table).load::<Row>(conn).await?.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows = sql_query("select version from __diesel_schema_migrations").load::<Row>(conn).await?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// Reverts every migration, newest first: **all content is lost**. It is for tests of the `down.sql` files.
///
/// # Errors
/// Returns the same errors as [`migrate`].
pub async fn revert_all(url: &DatabaseUrl) -> Result<Vec<String>, DatabaseError> {
    locked(url, |harness| versions(harness.revert_all_migrations(MIGRATIONS))).await
}

type Harness = AsyncConnectionWrapper<AsyncPgConnection>;

/// Runs `work` while holding the lock, on a thread for blocking work, so that any kind of Tokio runtime can
/// be used. The lock belongs to the connection and ends with it, also when this process is killed.
async fn locked<T: Send + 'static>(
    url: &DatabaseUrl,
    work: impl FnOnce(&mut Harness) -> Result<T, DatabaseError> + Send + 'static,
) -> Result<T, DatabaseError> {
    let mut connection = connect(url).await?;
    let lock = format!("SELECT pg_advisory_lock({LOCK})");
    connection.batch_execute(&lock).await.map_err(|error| failed(error.into()))?;
    tokio::task::spawn_blocking(move || work(&mut Harness::from(connection)))
        .await
        .map_err(|error| failed(error.into()))?
}

async fn connect(url: &DatabaseUrl) -> Result<AsyncPgConnection, DatabaseError> {
    url.establish()
        .await
        .map_err(|error| DatabaseError::Connect { target: url.to_string(), cause: super::one_line(&error) })
}

fn refuse_newer(harness: &mut Harness) -> Result<(), DatabaseError> {
    let known = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(failed)?;
    let applied = harness.applied_migrations().map_err(failed)?;
    let unknown =
        |version: &MigrationVersion<'_>| known.iter().all(|known| known.name().version() != *version);
    match applied.into_iter().find(unknown) {
        Some(version) => Err(DatabaseError::Newer { version: version.to_string() }),
        None => Ok(()),
    }
}

type Outcome<T> = diesel::migration::Result<T>;

fn versions(outcome: Outcome<Vec<MigrationVersion<'_>>>) -> Result<Vec<String>, DatabaseError> {
    Ok(outcome.map_err(failed)?.iter().map(ToString::to_string).collect())
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> DatabaseError {
    DatabaseError::Migration(super::one_line(error.as_ref()))
}
