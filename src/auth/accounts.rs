//! Accounts: the part of an editor that sign-in needs to know.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{QueryResult, dsl::array, prelude::*, sql_types};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use crate::{
    auth::{email::composed, sessions},
    clock::Clock,
    database::sql::lower,
    events::{self, Actor, EventType, SubjectType},
    principal::Role,
    schema::{editors, sign_in_networks},
};

/// An editor as sign-in sees them. It cannot be serialised, as it holds the password's hash.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = editors)]
pub struct Account {
    /// The id of the editor.
    pub id: Uuid,
    /// The email, as it was written.
    pub email: String,
    /// The name that others see.
    pub name: String,
    /// The role that the editor has now.
    pub role: Role,
    /// True if the editor can sign in.
    pub active: bool,
    /// The password's hash, as a PHC string.
    pub password_hash: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The time for which a network from which an editor's password was right is remembered.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// The greatest number of such networks that are kept for an editor.
const NETWORKS: i64 = 20;

/// Returns the account with this email, ignoring case, and the networks from which its password was right.
pub(crate) async fn find_by_email(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    email: &str,
) -> QueryResult<Option<(Account, Vec<Vec<u8>>)>> {
    // A network that was stored while a clock was ahead must not count for longer.
    let fresh = sign_in_networks::right_at.between(now - REMEMBERED, now + TimeDelta::days(1));
    let networks = sign_in_networks::table
        .filter(sign_in_networks::editor_id.eq(editors::id))
        .filter(fresh)
        .select(sign_in_networks::network);
    editors::table
        .filter(lower(editors::email).eq(lower(composed(email))))
        .select((Account::as_select(), array(networks)))
        .first(conn)
        .await
        .optional()
}

/// Remembers that the account's password was right from this network, and forgets the oldest networks.
pub(crate) async fn remember_network(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    editor_id: Uuid,
    network: &[u8],
) -> QueryResult<()> {
    // The row is written once a day at most; otherwise each sign-in would write it.
    diesel::sql_query(
        "with remembered as ( \
             insert into sign_in_networks as known (editor_id, network, right_at) values ($1, $2, $3) \
             on conflict (editor_id, network) do update set right_at = excluded.right_at \
             where known.right_at not between excluded.right_at - interval '1 day' and excluded.right_at \
             returning network \
         ) \
         delete from sign_in_networks where editor_id = $1 and network in ( \
             select network from sign_in_networks \
             where editor_id = $1 and network <> $2 and exists (select from remembered) \
             order by right_at desc offset $4 \
         )",
    )
    .bind::<sql_types::Uuid, _>(editor_id)
    .bind::<sql_types::Binary, _>(network)
    .bind::<sql_types::Timestamptz, _>(now)
    .bind::<sql_types::BigInt, _>(NETWORKS - 1)
    .execute(conn)
    .await
    .map(drop)
}

/// Returns the account of this editor.
///
/// # Errors
/// Returns [`diesel::NotFound`] if there is no such editor.
pub(crate) async fn find(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Account> {
    editors::table.find(id).select(Account::as_select()).first(conn).await
}

/// Returns true if the account is still active and has the password that was verified, as verifying takes a
/// while. If so, it stays so until the end of the transaction.
pub(crate) async fn hold(conn: &mut AsyncPgConnection, account: &Account) -> QueryResult<bool> {
    // Not FOR UPDATE: that would also wait for, and deadlock with, rows that only refer to the editor.
    let held: Option<Uuid> = editors::table
        .find(account.id)
        .filter(editors::active)
        .filter(editors::password_hash.eq(&account.password_hash))
        .select(editors::id)
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    Ok(held.is_some())
}

/// Stores a new password's hash, ends the editor's sessions except `kept`, and records the change. Call it in
/// a transaction.
pub(crate) async fn set_password(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    actor: &Actor,
    editor_id: Uuid,
    password_hash: &str,
    kept: Option<Uuid>,
) -> QueryResult<()> {
    diesel::update(editors::table.find(editor_id))
        .set(editors::password_hash.eq(password_hash))
        .execute(conn)
        .await?;
    sessions::end_all(conn, editor_id, kept).await?;
    let subject = (SubjectType::Editor, editor_id);
    events::record(conn, clock, now, actor, EventType::PasswordChanged, subject, json!({})).await
}
