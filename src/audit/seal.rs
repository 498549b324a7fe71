//! Sealing: what gives committed events their places in the chain.
//!
//! Transactions commit in another order than they write, so no number that a writer could take is one that readers can walk by: a
//! smaller one may appear behind them. So events are numbered after they are committed, by one sealer at a time across all instances;
//! all numbers of a batch appear at once, and nothing ever appears before them.

use std::time::Duration;

use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error as DieselError},
};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use tracing::Instrument;

use crate::audit::store;
use crate::{
    database::{
        Database,
        lock::{hold_name, try_hold_name},
    },
    error::{ApiResult, complaint::Complaint},
};

/// The most events that are sealed in one transaction.
const BATCH: i64 = 1000;

/// How often an instance looks: what is committed is sealed within a second.
const PAUSE: Duration = Duration::from_millis(200);

/// The name of the lock that whoever extends the chain holds.
const LOCK: &str = "events/seal";

/// Seals what is committed, for as long as it is polled.
pub async fn run(database: Database) {
    let mut complaint = Complaint::new("sealer");
    loop {
        let outcome = round(&database).instrument(tracing::info_span!("job", job = "sealer")).await;
        tokio::time::sleep(complaint.pause(&outcome, PAUSE)).await;
    }
}

/// One batch, unless another instance is at it; whether there may be more.
async fn round(database: &Database) -> ApiResult<bool> {
    let mut conn = database.get().await?;
    if !store::has_unsealed(&mut conn).await? {
        return Ok(false);
    }
    let sealed = conn
        .transaction(async |conn| if try_hold_name(conn, LOCK).await? { batch(conn).await } else { Ok(0) })
        .await?;
    Ok(sealed == BATCH)
}

/// Seals all that was committed before the call; waits for whoever is at it.
///
/// # Errors
/// As any statement. What is sealed until then stays so.
pub async fn seal(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    while store::has_unsealed(conn).await? {
        let sealed = conn
            .transaction(async |conn| {
                hold_name(conn, LOCK).await?;
                batch(conn).await
            })
            .await?;
        if sealed < BATCH {
            break;
        }
    }
    Ok(())
}

/// Seals up to [`BATCH`] events in the transaction that holds the lock; how many.
async fn batch(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    // After the lock: a statement sees what was committed before it began, so also what the last sealer did.
    let mut head = store::head(conn).await?;
    let contents = store::unsealed(conn, BATCH).await?;
    let mut seals = Vec::with_capacity(contents.len());
    for content in &contents {
        head = content.after(head).ok_or_else(|| unwritable(content.id))?;
        seals.push((content.id, head));
    }
    store::seal(conn, &seals).await
}

/// Only what others put into the table can be such.
fn unwritable(id: uuid::Uuid) -> DieselError {
    let message = format!("the event {id} cannot be written in the form that is hashed");
    DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, Box::new(message))
}
