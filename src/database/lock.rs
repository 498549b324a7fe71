//! Locks on names, for what no row stands for yet.

use aws_lc_rs::digest::{SHA256, digest};
use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

diesel::define_sql_function! {
    /// Waits for a lock that the end of the transaction gives back.
    fn pg_advisory_xact_lock(key: diesel::sql_types::BigInt);
}

/// Waits until no other transaction holds this name, and holds it until the end of this one.
///
/// # Errors
/// As any statement.
pub async fn hold_name(conn: &mut AsyncPgConnection, name: &str) -> QueryResult<()> {
    let hash = digest(&SHA256, name.as_bytes());
    let key = hash.as_ref().first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes));
    diesel::select(pg_advisory_xact_lock(key)).execute(conn).await.map(drop)
}
