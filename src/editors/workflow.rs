//! What happens to an editor in one transaction: the change itself, the end of sessions, and the events.

use chrono::{DateTime, Utc};
use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use serde_json::json;
use uuid::Uuid;

use super::{
    Changes, Editor,
    store::{self, Locked, NewEditor},
};
use crate::{
    auth::{accounts, sessions},
    clock::{self, Clock},
    error::{ApiError, ApiResult, ProblemType, violated},
    events::{self, Actor, EventType, SubjectType},
    faults::Fault,
};

/// Adds an editor, and records it.
///
/// # Errors
/// `409` where the email is taken.
pub async fn create(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    actor: &Actor,
    new: NewEditor,
) -> ApiResult<Editor> {
    conn.transaction(async |conn| {
        let editor = store::insert(conn, clock.new_id(), new, now).await.map_err(email_conflict)?;
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

/// Adds the first editor, only while there is none; `None` where there is. Instances that start together make
/// one.
pub async fn create_first(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    new: NewEditor,
) -> ApiResult<Option<Editor>> {
    conn.transaction(async |conn| {
        store::lock_all(conn).await?;
        if store::count(conn).await? > 0 {
            return Ok(None);
        }
        create(conn, clock, now, &Actor::SYSTEM, new).await.map(Some)
    })
    .await
}

/// Changes a locked editor, and their password to the one of this hash; ends their sessions but the one
/// `kept` where the password changes, and all of them where they may not sign in any more; records it.
///
/// # Errors
/// `409` where the email is taken, or the last admin would be gone.
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
    let updated_at = clock::after(editor.updated_at, now);
    let changed = store::update(conn, editor.id, changes, updated_at).await.map_err(email_conflict)?;
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
/// [`diesel::NotFound`] as `404`.
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
/// `404`; `409` where it is the last admin.
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
        let locked = store::lock(conn, id).await?;
        update(conn, clock, now, actor, locked, what, None).await
    })
    .await
}

fn email_conflict(error: DieselError) -> ApiError {
    if violated(&error, "editors_email_key") {
        let detail = "Another editor has this email.";
        ApiError::new(ProblemType::EmailTaken, detail).with_fault(Fault::at("/email", "taken", detail))
    } else {
        error.into()
    }
}
