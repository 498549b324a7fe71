//! Advisory locks on names, for things that have no row to lock yet.

use aws_lc_rs::digest::{SHA256, digest};
use diesel::{
    QueryResult,
    sql_types::{Array, BigInt},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

diesel::define_sql_function! {
    /// Waits for a lock that is released at the end of the transaction.
    fn pg_advisory_xact_lock(key: BigInt);
}

diesel::define_sql_function! {
    /// Returns a row for each element.
    fn unnest(keys: Array<BigInt>) -> BigInt;
}

diesel::define_sql_function! {
    /// Takes such a lock if nobody holds it, and returns true if it did.
    fn pg_try_advisory_xact_lock(key: BigInt) -> diesel::sql_types::Bool;
}

/// Waits until no other transaction holds this name, and holds it until the end of this transaction.
pub async fn hold_name(conn: &mut AsyncPgConnection, name: &str) -> QueryResult<()> {
    hold_names(conn, &[name.to_owned()]).await
}

/// Holds several names, as [`hold_name`] does, in one statement. They are always taken in the same order, so
/// two transactions cannot each wait for a name that the other holds.
pub async fn hold_names(conn: &mut AsyncPgConnection, names: &[String]) -> QueryResult<()> {
    let mut keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    keys.sort_unstable();
    diesel::select(pg_advisory_xact_lock(unnest(keys))).execute(conn).await.map(drop)
}

/// Holds this name until the end of the transaction if no other transaction holds it, and returns true if it
/// is held now.
pub async fn try_hold_name(conn: &mut AsyncPgConnection, name: &str) -> QueryResult<bool> {
    diesel::select(pg_try_advisory_xact_lock(key(name))).get_result(conn).await
}

fn key(name: &str) -> i64 {
    let hash = digest(&SHA256, name.as_bytes());
    hash.as_ref().first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}
