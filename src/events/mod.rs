//! The record of what changed: one line for each change, written in the transaction that made it.

use chrono::{DateTime, Utc};
use diesel::{QueryResult, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::{clock::Clock, schema::events};

/// Who did something.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The signed-in editor; `None` for the command line and the first start.
    pub editor_id: Option<Uuid>,
    /// The request that it happened in.
    pub request_id: Option<String>,
}

impl Actor {
    /// The process itself: the command line, the first start.
    pub const SYSTEM: Self = Self { editor_id: None, request_id: None };
}

/// Writes one event; call it in the transaction of the change.
///
/// `kind` is what happened, such as `tag.created`; `subject` the type and id of what it happened to; `details` the names of the
/// changed fields and the like, never secrets.
///
/// # Errors
/// As any statement.
pub async fn record(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    actor: &Actor,
    kind: &'static str,
    (subject_type, subject_id): (&'static str, Uuid),
    details: Value,
) -> QueryResult<()> {
    diesel::insert_into(events::table)
        .values((
            events::id.eq(clock.new_id()),
            events::created_at.eq(now),
            events::type_.eq(kind),
            events::actor_id.eq(actor.editor_id),
            events::request_id.eq(actor.request_id.as_deref()),
            events::subject_type.eq(subject_type),
            events::subject_id.eq(subject_id),
            events::details.eq(details),
        ))
        .execute(conn)
        .await
        .map(drop)
}
