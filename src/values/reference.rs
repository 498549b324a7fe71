//! A thing named by its id or its slug.

use std::fmt;

use serde::Deserialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};
use uuid::Uuid;

use crate::{
    http::faults::Invalid,
    read_from_text,
    values::{FromText, Slug},
};

/// An id or a slug, as it stands in paths, filters and bodies.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Reference {
    /// A UUID in its hyphenated form.
    Id(Uuid),
    /// A slug.
    Slug(Slug),
}

impl Reference {
    /// The id and the slug, of which one is set: what a query compares with.
    #[must_use]
    pub fn parts(&self) -> (Option<Uuid>, Option<&str>) {
        match self {
            Self::Id(id) => (Some(*id), None),
            Self::Slug(slug) => (None, Some(slug)),
        }
    }

    /// Whether it names the thing with this id and slug.
    #[must_use]
    pub fn names(&self, id: Uuid, slug: &str) -> bool {
        match self {
            Self::Id(named) => *named == id,
            Self::Slug(named) => **named == *slug,
        }
    }
}

/// As it stands in a path.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => f.write_str(slug),
        }
    }
}

/// The id of something that has no slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(pub Uuid);

impl FromText for Id {
    fn from_text(text: String) -> Result<Self, Invalid> {
        Uuid::try_parse(&text).map(Self).map_err(|_| Invalid::new("invalid_id", "An id is a UUID."))
    }
}

read_from_text!(Id);

/// Splits references into ids and slugs, for `= any(...)`.
#[must_use]
pub fn split(references: &[Reference]) -> (Vec<Uuid>, Vec<&str>) {
    let ids = references.iter().filter_map(|reference| reference.parts().0).collect();
    let slugs = references.iter().filter_map(|reference| reference.parts().1).collect();
    (ids, slugs)
}

impl FromText for Reference {
    fn from_text(text: String) -> Result<Self, Invalid> {
        // Only the hyphenated form: each thing has one address.
        match (text.len(), Uuid::try_parse(&text)) {
            (36, Ok(id)) => Ok(Self::Id(id)),
            _ => Slug::from_text(text).map(Self::Slug),
        }
    }
}

impl TryFrom<String> for Reference {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_text(text).map_err(|invalid| invalid.detail)
    }
}

read_from_text!(Reference);

impl PartialSchema for Reference {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(Slug::MAX))
            .description(Some("An id (UUID) or a slug."))
            .into()
    }
}

impl ToSchema for Reference {}
