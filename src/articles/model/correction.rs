//! What was set right in a story that readers had seen. It is public, and stays as it was written.

use chrono::{DateTime, Utc};
use deserr::Deserr;
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{faults::Faults, http::reply::Representation, schema::corrections, text_enum, values::Line};

/// How many corrections an article has at most: all of them stand in its JSON.
pub(crate) const MAX_CORRECTIONS: i64 = 100;

text_enum! {
    /// What a correction does.
    pub enum CorrectionKind {
        /// Something was wrong.
        Correction = "correction",
        /// Something could be misunderstood.
        Clarification = "clarification",
        /// Something happened since.
        Update = "update",
    }
}

/// What was set right in a story, for readers. It does not change.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, Queryable, Selectable)]
#[diesel(table_name = corrections)]
pub struct Correction {
    /// The correction's id.
    pub id: Uuid,
    /// What it does.
    pub kind: CorrectionKind,
    /// What was set right, and how.
    #[schema(example = "Versi sebelumnya menyebut enam bahasa daerah; yang benar tujuh.")]
    pub text: String,
    /// When readers were told.
    pub created_at: DateTime<Utc>,
}

impl Representation for Correction {}

/// What a correction is made from.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "kind": "correction",
    "text": "Versi sebelumnya menyebut enam bahasa daerah; yang benar tujuh."
}))]
pub(crate) struct CorrectionInput {
    /// What it does.
    pub kind: CorrectionKind,
    /// What was set right, and how, for readers.
    #[schema(inline)]
    pub text: Line<1, 2000>,
}
