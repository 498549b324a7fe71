//! Seals committed events: gives them their places in the chain.
//!
//! Transactions do not commit in the order in which they write. If writers took the numbers, a smaller number
//! could appear after a larger one that a client had already read. So events are numbered after they are
//! committed, by one sealer at a time across all instances; all numbers of a batch appear at once, and
//! nothing ever appears before them.

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

/// The maximum number of events that are sealed in one transaction.
const BATCH: i64 = 1000;

/// The pause between two rounds of an instance: a committed event is sealed within a second.
const PAUSE: Duration = Duration::from_millis(200);

/// The name of the lock that the sealer holds while it extends the chain.
const LOCK: &str = "events/seal";

/// Seals committed events, for as long as the future is polled.
pub async fn run(database: Database) {
    let mut complaint = Complaint::new("sealer");
    loop {
        let outcome = round(&database).instrument(tracing::info_span!("job", job = "sealer")).await;
        tokio::time::sleep(complaint.pause(&outcome, PAUSE)).await;
    }
}

/// Seals one batch, unless another instance is sealing. Returns `true` if there can be more events to seal.
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

/// Seals all events that were committed before the call; waits while another sealer is active.
///
/// # Errors
/// Returns an error if a statement fails, or if an event cannot be written in the form that is hashed. Events
/// that were sealed before the failure stay sealed.
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

/// Seals up to [`BATCH`] events, in the transaction that holds the lock. Returns how many it sealed.
async fn batch(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    // This comes after the lock: a statement sees what was committed before it began, so it sees what the
    // last sealer did.
    let mut head = store::head(conn).await?;
    let contents = store::unsealed(conn, BATCH).await?;
    let mut seals = Vec::with_capacity(contents.len());
    for content in &contents {
        head = content.after(head).ok_or_else(|| unwritable(content.id))?;
        seals.push((content.id, head));
    }
    store::seal(conn, &seals).await
}

/// Returns the error for an event that cannot be hashed. Only a row that was not written by Warta can be such
/// an event.
fn unwritable(id: uuid::Uuid) -> DieselError {
    let message = format!("the event {id} cannot be written in the form that is hashed");
    DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, Box::new(message))
}
