//! Accounts: what sign-in needs to know of an editor.

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
    /// The editor's id.
    pub id: Uuid,
    /// The email, as it was written.
    pub email: String,
    /// What others see of them.
    pub name: String,
    /// The present role.
    pub role: Role,
    /// Whether the editor may sign in.
    pub active: bool,
    /// A PHC string.
    pub password_hash: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How long a network is remembered from which an editor's password was right.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// How many such networks of an editor are.
const NETWORKS: i64 = 20;

/// The account with this email, in whatever case, and the networks from which its password was right.
///
/// # Errors
/// As any statement.
pub(crate) async fn find_by_email(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    email: &str,
) -> QueryResult<Option<(Account, Vec<Vec<u8>>)>> {
    // A clock that was ahead must not make one known for longer.
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

/// Remembers that the account's password was right from this network, and forgets the oldest ones.
///
/// # Errors
/// As any statement.
pub(crate) async fn remember_network(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    editor_id: Uuid,
    network: &[u8],
) -> QueryResult<()> {
    // Written once a day at most, or each sign-in would.
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

/// The account of this editor.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
pub(crate) async fn find(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Account> {
    editors::table.find(id).select(Account::as_select()).first(conn).await
}

/// Whether the account is still active and has the password that was verified, which took a while; if so, it stays so until
/// the end of the transaction.
///
/// # Errors
/// As any statement.
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

/// Stores a new password's hash, ends the editor's sessions but for the one `kept`, and records it. Call it in a transaction.
///
/// # Errors
/// As any statement.
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
