//! Accounts: what sign-in needs to know of an editor.

use chrono::{DateTime, Utc};
use diesel::{QueryResult, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use crate::{
    auth::{Role, sessions},
    clock::Clock,
    database::fragment::lower,
    events::{self, Actor, EventType, SubjectType},
    schema::editors,
};

/// An editor as sign-in sees them. It cannot be serialised, as it holds the password's hash.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = editors)]
pub struct Account {
    /// The editor's id.
    pub id: Uuid,
    /// The email, as it was written.
    pub email: String,
    /// The present role.
    pub role: Role,
    /// Whether the editor may sign in.
    pub active: bool,
    /// A PHC string.
    pub password_hash: String,
}

/// The account with this email, in whatever case.
///
/// # Errors
/// As any statement.
pub async fn find_by_email(conn: &mut AsyncPgConnection, email: &str) -> QueryResult<Option<Account>> {
    let query = editors::table.filter(lower(editors::email).eq(lower(email))).select(Account::as_select());
    query.first(conn).await.optional()
}

/// The account of this editor.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
pub async fn find(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Account> {
    editors::table.find(id).select(Account::as_select()).first(conn).await
}

/// Whether the account is still active and has the password that was verified, which took a while; if so, it stays so until
/// the end of the transaction.
///
/// # Errors
/// As any statement.
pub async fn hold(conn: &mut AsyncPgConnection, account: &Account) -> QueryResult<bool> {
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
pub async fn set_password(
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
