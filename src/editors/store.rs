//! Editors in Postgres.

use chrono::{DateTime, Utc};
use diesel::{QueryResult, pg::Pg, prelude::*, result::Error as DieselError};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use serde_json::json;
use uuid::Uuid;

use super::{Changes, Editor, Name};
use crate::{
    auth::{
        accounts,
        email::{Email, composed},
        sessions,
    },
    clock::{self, Clock},
    database::sql::lower,
    error::{ApiError, ApiResult, ProblemType, violated},
    events::{self, Actor, EventType, SubjectType},
    faults::Fault,
    pagination::TextPosition,
    principal::Role,
    schema::editors,
};

/// A new editor, valid, with the password hashed.
pub struct NewEditor {
    /// What they sign in with.
    pub email: Email,
    /// What others see of them.
    pub name: Name,
    /// What they may do.
    pub role: Role,
    /// A PHC string.
    pub password_hash: String,
}

/// An editor whose row is locked until the end of the transaction, and with it those of all admins who can act.
pub struct Locked {
    /// The editor.
    pub editor: Editor,
    /// Whether there are other admins who can act.
    other_admins: bool,
}

/// The editor with this id.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
pub async fn find(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Editor> {
    editors::table.find(id).select(Editor::as_select()).first(conn).await
}

/// The editor with this email, in whatever case.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
pub async fn find_by_email(conn: &mut AsyncPgConnection, email: &str) -> QueryResult<Editor> {
    let query = editors::table.filter(lower(editors::email).eq(lower(composed(email))));
    query.select(Editor::as_select()).first(conn).await
}

/// Up to `rows` editors in the order of their names, from after a position.
///
/// # Errors
/// As any statement.
pub async fn list(
    conn: &mut AsyncPgConnection,
    rows: i64,
    after: Option<TextPosition>,
) -> QueryResult<Vec<Editor>> {
    let mut query = editors::table.select(Editor::as_select()).into_boxed::<Pg>();
    if let Some(TextPosition { text, id }) = after {
        query = query
            .filter(lower(editors::name).ge(lower(text.clone())))
            .filter(lower(editors::name).gt(lower(text)).or(editors::id.gt(id)));
    }
    query.order((lower(editors::name), editors::id)).limit(rows).load(conn).await
}

/// How many editors there are.
///
/// # Errors
/// As any statement.
pub async fn count(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    editors::table.count().get_result(conn).await
}

/// Adds an editor, and records it.
///
/// # Errors
/// `409` where the email is taken; as any statement.
pub async fn create(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    actor: &Actor,
    new: NewEditor,
) -> ApiResult<Editor> {
    conn.transaction(async |conn| {
        let editor: Editor = diesel::insert_into(editors::table)
            .values((
                editors::id.eq(clock.new_id()),
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
            .map_err(taken)?;
        let details = json!({"role": editor.role});
        events::record(
            conn,
            clock,
            now,
            actor,
            EventType::EditorCreated,
            (SubjectType::Editor, editor.id),
            details,
        )
        .await?;
        Ok(editor)
    })
    .await
}

/// Adds the first editor, only while there is none; `None` where there is. Instances that start together make one.
///
/// # Errors
/// As any statement.
pub async fn create_first(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    new: NewEditor,
) -> ApiResult<Option<Editor>> {
    conn.transaction(async |conn| {
        // Nobody else can add one until this is done; reading goes on.
        conn.batch_execute("lock table editors in exclusive mode").await?;
        if count(conn).await? > 0 {
            return Ok(None);
        }
        create(conn, clock, now, &Actor::SYSTEM, new).await.map(Some)
    })
    .await
}

/// Locks an editor for a change. Call it in a transaction.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
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

/// Changes a locked editor, and their password to the one of this hash; ends their sessions but the one `kept` where the
/// password changes, and all of them where they may not sign in any more; records it.
///
/// # Errors
/// `409` where the email is taken, or the last admin would be gone; as any statement.
pub async fn update(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    actor: &Actor,
    locked: Locked,
    (changes, password_hash): (Changes, Option<String>),
    kept: Option<Uuid>,
) -> ApiResult<Editor> {
    let Locked { editor, other_admins } = locked;
    let changes = changes.of(&editor);
    let fields = changes.fields();
    if changes.retire(&editor) && !other_admins {
        return Err(ApiError::new(
            ProblemType::LastAdmin,
            "This is the last admin who can sign in; make another one first.",
        ));
    }
    if fields.is_empty() && password_hash.is_none() {
        return Ok(editor);
    }
    let disabled = changes.active == Some(false);
    let updated_at = editors::updated_at.eq(clock::after(editor.updated_at, now));
    let changed = diesel::update(editors::table.find(editor.id))
        .set((changes, updated_at))
        .returning(Editor::as_returning())
        .get_result(conn)
        .await
        .map_err(taken)?;
    if !fields.is_empty() {
        let details = json!({"fields": fields});
        events::record(
            conn,
            clock,
            now,
            actor,
            EventType::EditorUpdated,
            (SubjectType::Editor, editor.id),
            details,
        )
        .await?;
    }
    if let Some(hash) = password_hash {
        accounts::set_password(conn, clock, now, actor, editor.id, &hash, kept).await?;
    }
    if disabled {
        sessions::end_all(conn, editor.id, None).await?;
    }
    Ok(changed)
}

/// Sets an editor's password to the one of this hash, and ends all their sessions.
///
/// # Errors
/// [`diesel::NotFound`] as `404`; as any statement.
pub async fn set_password(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    actor: &Actor,
    id: Uuid,
    password_hash: String,
) -> ApiResult<Editor> {
    change(conn, clock, now, actor, id, (Changes::default(), Some(password_hash))).await
}

/// Disables an editor, and ends all their sessions.
///
/// # Errors
/// `404`; `409` where it is the last admin; as any statement.
pub async fn disable(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    actor: &Actor,
    id: Uuid,
) -> ApiResult<Editor> {
    let changes = Changes { active: Some(false), ..Changes::default() };
    change(conn, clock, now, actor, id, (changes, None)).await
}

async fn change(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    actor: &Actor,
    id: Uuid,
    what: (Changes, Option<String>),
) -> ApiResult<Editor> {
    conn.transaction(async |conn| {
        let locked = lock(conn, id).await?;
        update(conn, clock, now, actor, locked, what, None).await
    })
    .await
}

fn taken(error: DieselError) -> ApiError {
    if violated(&error, "editors_email_key") {
        let detail = "Another editor has this email.";
        ApiError::new(ProblemType::EmailTaken, detail).with_fault(Fault::at("/email", "taken", detail))
    } else {
        error.into()
    }
}
