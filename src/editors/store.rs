//! Editors in Postgres.

use chrono::{DateTime, Utc};
use diesel::{QueryResult, pg::Pg, prelude::*, result::Error as DieselError};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::{Changes, Editor, Name};
use crate::database::keyset::ascending;
use crate::{
    auth::email::{Email, composed},
    database::sql::lower,
    pagination::TextPosition,
    principal::Role,
    schema::editors,
};

/// A new editor, valid, with the password hashed.
pub struct NewEditor {
    /// The email to sign in with.
    pub email: Email,
    /// The name that others see.
    pub name: Name,
    /// The role of the editor.
    pub role: Role,
    /// The hash of the password, a PHC string.
    pub password_hash: String,
}

/// An editor whose row is locked until the end of the transaction, and with it those of all admins who can
/// act.
pub struct Locked {
    /// The editor whose row is locked.
    pub editor: Editor,
    /// `true` if there are other active admins.
    pub(super) other_admins: bool,
}

/// Finds the editor with this id.
///
/// # Errors
/// [`diesel::NotFound`].
pub async fn find(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Editor> {
    editors::table.find(id).select(Editor::as_select()).first(conn).await
}

/// Finds the editor with this email; case is ignored.
///
/// # Errors
/// [`diesel::NotFound`].
pub async fn find_by_email(conn: &mut AsyncPgConnection, email: &str) -> QueryResult<Editor> {
    let query = editors::table.filter(lower(editors::email).eq(lower(composed(email))));
    query.select(Editor::as_select()).first(conn).await
}

/// Reads up to `rows` editors by name, from after a position.
pub async fn list(
    conn: &mut AsyncPgConnection,
    rows: i64,
    after: Option<TextPosition>,
) -> QueryResult<Vec<Editor>> {
    let query = editors::table.select(Editor::as_select()).into_boxed::<Pg>();
    let after = after.map(|after| (lower(after.text), after.id));
    ascending!(query, lower(editors::name), editors::id, after).limit(rows).load(conn).await
}

/// Counts all editors.
pub async fn count(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    editors::table.count().get_result(conn).await
}

/// Adds the row of an editor.
///
/// # Errors
/// The constraint `editors_email_key` if the email is taken.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    new: NewEditor,
    now: DateTime<Utc>,
) -> QueryResult<Editor> {
    diesel::insert_into(editors::table)
        .values((
            editors::id.eq(id),
            editors::email.eq(String::from(new.email)),
            editors::name.eq(String::from(new.name)),
            editors::role.eq(new.role),
            editors::password_hash.eq(new.password_hash),
            editors::created_at.eq(now),
            editors::updated_at.eq(now),
        ))
        .returning(Editor::as_returning())
        .get_result(conn)
        .await
}

/// Keeps others from adding editors until the end of the transaction; reading goes on.
pub(super) async fn lock_all(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    conn.batch_execute("lock table editors in exclusive mode").await
}

/// Locks an editor for a change. Call it in a transaction.
///
/// # Errors
/// [`diesel::NotFound`].
pub async fn lock(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Locked> {
    let acting_admin = editors::active.and(editors::role.eq(Role::Admin));
    let locked: Vec<Editor> = editors::table
        .filter(editors::id.eq(id).or(acting_admin))
        // One order for all, or two changes of admins could wait for each other.
        .order(editors::id)
        .select(Editor::as_select())
        .for_no_key_update()
        .load(conn)
        .await?;
    let (named, others): (Vec<_>, Vec<_>) = locked.into_iter().partition(|editor| editor.id == id);
    let editor = named.into_iter().next().ok_or(DieselError::NotFound)?;
    Ok(Locked { editor, other_admins: !others.is_empty() })
}

/// Writes the changes of an editor.
///
/// # Errors
/// The constraint `editors_email_key` if the email is taken.
pub(super) async fn update(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    changes: Changes,
    now: DateTime<Utc>,
) -> QueryResult<Editor> {
    diesel::update(editors::table.find(id))
        .set((changes, editors::updated_at.eq(now)))
        .returning(Editor::as_returning())
        .get_result(conn)
        .await
}
