//! Migrations: embedded in the program, run by one instance at a time.

use diesel::{migration::MigrationVersion, pg::Pg};
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection, async_connection_wrapper::AsyncConnectionWrapper,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{DatabaseError, DatabaseUrl};

/// Every migration that this program knows.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Names the advisory lock that migrating instances queue for: "warta" in ASCII.
const LOCK: i64 = 0x77_61_72_74_61;

/// Runs the pending migrations, each in its own transaction, and returns their versions in order. Instances that start
/// together take turns; whoever comes second finds nothing to do.
///
/// # Errors
/// [`DatabaseError::Newer`] when the database is ahead of this program; else what failed.
pub async fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, DatabaseError> {
    locked(url, |harness| {
        refuse_newer(harness)?;
        versions(harness.run_pending_migrations(MIGRATIONS))
    })
    .await
}

/// The versions of the migrations that [`migrate`] would run.
///
/// # Errors
/// As [`migrate`].
pub async fn pending(url: &DatabaseUrl) -> Result<Vec<String>, DatabaseError> {
    locked(url, |harness| {
        refuse_newer(harness)?;
        let pending = harness.pending_migrations(MIGRATIONS).map_err(failed)?;
        Ok(pending.iter().map(|migration| migration.name().version().to_string()).collect())
    })
    .await
}

/// Takes back every migration, newest first: **all content is lost**. For tests of the `down.sql` files.
///
/// # Errors
/// As [`migrate`].
pub async fn revert_all(url: &DatabaseUrl) -> Result<Vec<String>, DatabaseError> {
    locked(url, |harness| versions(harness.revert_all_migrations(MIGRATIONS))).await
}

type Harness = AsyncConnectionWrapper<AsyncPgConnection>;

/// Runs `work` on a thread for blocking work, so that any kind of Tokio runtime will do, while holding the lock. The lock
/// belongs to the connection: it goes with it, also when this process is killed.
async fn locked<T: Send + 'static>(
    url: &DatabaseUrl,
    work: impl FnOnce(&mut Harness) -> Result<T, DatabaseError> + Send + 'static,
) -> Result<T, DatabaseError> {
    let mut connection = url.establish().await.map_err(|error| DatabaseError::Connect {
        target: url.to_string(),
        cause: super::one_line(&error),
    })?;
    let lock = format!("SELECT pg_advisory_lock({LOCK})");
    connection.batch_execute(&lock).await.map_err(|error| failed(error.into()))?;
    tokio::task::spawn_blocking(move || work(&mut Harness::from(connection)))
        .await
        .map_err(|error| failed(error.into()))?
}

fn refuse_newer(harness: &mut Harness) -> Result<(), DatabaseError> {
    use diesel::migration::MigrationSource;

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
