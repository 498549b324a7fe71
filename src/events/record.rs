//! Writes events to the record. It is separate from [`crate::audit::store`], because everything that changes
//! something needs only this part.

use chrono::{DateTime, Utc};
use diesel::{QueryResult, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::{Actor, EventType, SubjectType};
use crate::{clock::Clock, schema::events};

/// Writes one event. Call it in the transaction of the change.
///
/// `details` has the names of the changed fields and other facts, but never secrets. Numbers in it are whole.
pub async fn record(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    actor: &Actor,
    r#type: EventType,
    (subject_type, subject_id): (SubjectType, Uuid),
    details: Value,
) -> QueryResult<()> {
    diesel::insert_into(events::table)
        .values((
            events::id.eq(clock.new_id()),
            events::created_at.eq(now),
            events::type_.eq(r#type),
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
