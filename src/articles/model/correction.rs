//! The corrections of an article, which say what was set right after readers had seen the story. A correction
//! is public and stays as it was written.

use chrono::{DateTime, Utc};
use deserr::Deserr;
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{faults::Faults, http::reply::Representation, schema::corrections, text_enum, values::Line};

/// The most corrections that an article can have. The article's JSON contains all of them.
pub(crate) const MAX_CORRECTIONS: i64 = 100;

text_enum! {
    /// The kind of a correction.
    pub enum CorrectionKind {
        /// Something in the story was wrong.
        Correction = "correction",
        /// Something in the story could be misunderstood.
        Clarification = "clarification",
        /// Something happened after the story was published.
        Update = "update",
    }
}

/// A correction of a story, for readers. It never changes.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, Queryable, Selectable)]
#[diesel(table_name = corrections)]
pub struct Correction {
    /// The id of the correction.
    pub id: Uuid,
    /// The kind of the correction.
    pub kind: CorrectionKind,
    /// The text, which says what was set right and how.
    #[schema(example = "Versi sebelumnya menyebut enam bahasa daerah; yang benar tujuh.")]
    pub text: String,
    /// The time at which readers were told.
    pub created_at: DateTime<Utc>,
}

impl Representation for Correction {}

/// A correction, as a client writes it.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "kind": "correction",
    "text": "Versi sebelumnya menyebut enam bahasa daerah; yang benar tujuh."
}))]
pub(crate) struct CorrectionInput {
    /// The kind of the correction.
    pub kind: CorrectionKind,
    /// The text for readers, which says what was set right and how.
    #[schema(inline)]
    pub text: Line<1, 2000>,
}
