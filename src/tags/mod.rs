//! Tags: the topics and sections that articles are filed under. A frontend's menu is made of them.

pub mod api;
pub mod store;

use chrono::{DateTime, Utc};
use deserr::Deserr;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    http::{faults::Faults, reply::Representation},
    schema::tags,
    values::{Line, Prose, Slug},
};

/// A topic or a section.
#[derive(Clone, Debug, Serialize, Queryable, ToSchema)]
pub struct Tag {
    /// The tag's id.
    pub id: Uuid,
    /// The tag's address.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// What readers see.
    #[schema(example = "Kebijakan")]
    pub name: String,
    /// What the tag is about.
    #[schema(example = "Aturan, anggaran dan pengawasan.")]
    pub description: String,
    /// How many published articles have it.
    #[schema(minimum = 0, example = 12)]
    pub article_count: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Representation for Tag {
    fn version(&self) -> Option<i64> {
        Some(self.updated_at.timestamp_micros())
    }
}

/// What a tag is made from.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Kebijakan", "description": "Aturan, anggaran dan pengawasan."}))]
pub struct TagInput {
    /// What readers see.
    #[schema(inline)]
    pub name: Line<1, 100>,
    /// The tag's address; made from the name where it is left out.
    #[deserr(default)]
    #[schema(inline)]
    pub slug: Option<Slug>,
    /// What the tag is about.
    #[deserr(default)]
    #[schema(inline)]
    pub description: Option<Prose<1000>>,
}

impl TagInput {
    /// All members.
    pub const MEMBERS: &[&str] = &["name", "slug", "description"];

    /// The columns, with this slug.
    #[must_use]
    pub fn into_fields(self, slug: Slug) -> TagFields {
        TagFields {
            slug: slug.into(),
            name: self.name.into(),
            description: self.description.map(String::from).unwrap_or_default(),
        }
    }
}

/// What of a tag is written.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = tags)]
pub struct TagFields {
    slug: String,
    name: String,
    description: String,
}

impl Tag {
    /// The input that would make it: what a patch is applied to.
    #[must_use]
    pub fn as_input(&self) -> Value {
        json!({"name": self.name, "slug": self.slug, "description": self.description})
    }
}
