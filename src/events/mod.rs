//! The record of changes: one line for each change, written in the transaction that made it.
//!
//! Writers only insert, so that none waits for another. [`crate::audit`] then seals the committed events,
//! proves them and shows them.

mod record;
mod types;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

pub use self::{
    record::record,
    types::{EventType, SubjectType},
};

/// One event of the record: something that was changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Event {
    /// The place of the event in the record, from 1 and without gaps.
    #[schema(minimum = 1, example = 12)]
    pub sequence: i64,
    /// The id of the event.
    pub id: Uuid,
    /// The type of the event. More types can be added.
    #[schema(value_type = EventType)]
    pub r#type: String,
    /// The time of the change.
    pub created_at: DateTime<Utc>,
    /// The editor who made the change; `null` for the command line and the instance itself.
    #[schema(required)]
    pub actor: Option<EditorLink>,
    /// The `X-Request-Id` of the request that made the change; `null` if no request made it.
    #[schema(required, example = "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77")]
    pub request_id: Option<String>,
    /// The thing that was changed.
    pub subject: Subject,
    /// The details of the change: the names of the changed fields, and other members that depend on the type.
    /// They never contain a secret.
    #[schema(value_type = Object, example = json!({"fields": ["title", "summary"]}))]
    pub details: Value,
    /// SHA-256 over the event and the hash of the event before it, in lower-case hexadecimal.
    #[schema(
        min_length = 64,
        max_length = 64,
        example = "667a40a2db8729a5c15cd4947980b6fed5b10eeaceda3861d48d3af47050c079"
    )]
    pub hash: String,
    /// The hash of the event before it; 64 zeros for the first event.
    #[schema(
        min_length = 64,
        max_length = 64,
        example = "3b7e1d0c5f8a92464e0d7c1b5a3f9e8276d4c0b1a2938475f6e5d4c3b2a19080"
    )]
    pub previous_hash: String,
}

/// An editor, as others see who made a change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EditorLink {
    /// The id of the editor.
    pub id: Uuid,
    /// The present name of the editor.
    #[schema(example = "Ayu Lestari")]
    pub name: String,
}

/// The thing that was changed. It can have been deleted since.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Subject {
    /// The type of the thing.
    #[schema(value_type = SubjectType)]
    pub r#type: String,
    /// The id of the thing.
    pub id: Uuid,
}

/// The one who made a change: an editor, or the process itself.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The signed-in editor; `None` for the command line and the first start.
    pub editor_id: Option<Uuid>,
    /// The id of the request that made the change; `None` if no request made it.
    pub request_id: Option<String>,
}

impl Actor {
    /// The process itself: the command line or the first start.
    pub const SYSTEM: Self = Self { editor_id: None, request_id: None };
}
