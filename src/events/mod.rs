//! The record of what changed: one line for each change, written in the transaction that made it.
//!
//! Writers only insert, so that none waits for another. [`crate::audit`] then seals what is committed, proves it and shows it.

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

/// One line of the record: something that was changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Event {
    /// Its place in the record, from 1 and without a gap.
    #[schema(minimum = 1, example = 12)]
    pub sequence: i64,
    /// The event's id.
    pub id: Uuid,
    /// What happened. More types may come.
    #[schema(value_type = EventType)]
    pub r#type: String,
    /// When it happened.
    pub created_at: DateTime<Utc>,
    /// Who did it; `null` for the command line and the instance itself.
    #[schema(required)]
    pub actor: Option<EditorLink>,
    /// The X-Request-Id of the request that did it, where one did.
    #[schema(required, example = "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77")]
    pub request_id: Option<String>,
    /// What it happened to.
    pub subject: Subject,
    /// What changed: the names of fields, and what else belongs to the type. Never a secret.
    #[schema(value_type = Object, example = json!({"fields": ["title", "summary"]}))]
    pub details: Value,
    /// SHA-256 over the event and the hash before it, in lower-case hexadecimal.
    #[schema(
        min_length = 64,
        max_length = 64,
        example = "667a40a2db8729a5c15cd4947980b6fed5b10eeaceda3861d48d3af47050c079"
    )]
    pub hash: String,
    /// The hash of the event before; 64 zeros before the first one.
    #[schema(
        min_length = 64,
        max_length = 64,
        example = "3b7e1d0c5f8a92464e0d7c1b5a3f9e8276d4c0b1a2938475f6e5d4c3b2a19080"
    )]
    pub previous_hash: String,
}

/// An editor, to those who see what the editor did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EditorLink {
    /// The editor's id.
    pub id: Uuid,
    /// What the editor is called now.
    #[schema(example = "Ayu Lestari")]
    pub name: String,
}

/// What something happened to. It may be gone by now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Subject {
    /// What it is.
    #[schema(value_type = SubjectType)]
    pub r#type: String,
    /// Its id.
    pub id: Uuid,
}

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
