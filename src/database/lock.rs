//! Locks on names, for what no row stands for yet.

use aws_lc_rs::digest::{SHA256, digest};
use diesel::{
    QueryResult,
    sql_types::{Array, BigInt},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

diesel::define_sql_function! {
    /// Waits for a lock that the end of the transaction gives back.
    fn pg_advisory_xact_lock(key: BigInt);
}

diesel::define_sql_function! {
    /// A row for each element.
    fn unnest(keys: Array<BigInt>) -> BigInt;
}

diesel::define_sql_function! {
    /// Takes such a lock where nobody holds it; whether it did.
    fn pg_try_advisory_xact_lock(key: BigInt) -> diesel::sql_types::Bool;
}

/// Waits until no other transaction holds this name, and holds it until the end of this one.
///
/// # Errors
/// As any statement.
pub async fn hold_name(conn: &mut AsyncPgConnection, name: &str) -> QueryResult<()> {
    hold_names(conn, &[name.to_owned()]).await
}

/// The same for several names, in one statement. Whoever holds some of them waits for none that the other has: all are taken in one
/// order.
///
/// # Errors
/// As any statement.
pub async fn hold_names(conn: &mut AsyncPgConnection, names: &[String]) -> QueryResult<()> {
    let mut keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    keys.sort_unstable();
    diesel::select(pg_advisory_xact_lock(unnest(keys))).execute(conn).await.map(drop)
}

/// Holds this name until the end of the transaction, unless another one does; whether it is held now.
///
/// # Errors
/// As any statement.
pub async fn try_hold_name(conn: &mut AsyncPgConnection, name: &str) -> QueryResult<bool> {
    diesel::select(pg_try_advisory_xact_lock(key(name))).get_result(conn).await
}

fn key(name: &str) -> i64 {
    let hash = digest(&SHA256, name.as_bytes());
    hash.as_ref().first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}
