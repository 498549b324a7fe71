//! Ids and references: a thing is named by its id or its slug.

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
    faults::Invalid,
    read_from_text,
    values::{FromText, Slug},
};

/// An id or a slug, as used in paths, filters and bodies.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Reference {
    /// A UUID in its hyphenated form.
    Id(Uuid),
    /// The slug of the thing.
    Slug(Slug),
}

impl Reference {
    /// Returns the id and the slug, of which one is set: a query compares with both.
    #[must_use]
    pub fn parts(&self) -> (Option<Uuid>, Option<&str>) {
        match self {
            Self::Id(id) => (Some(*id), None),
            Self::Slug(slug) => (None, Some(slug)),
        }
    }

    /// Returns `true` if the reference names the thing with this id and slug.
    #[must_use]
    pub fn names(&self, id: Uuid, slug: &str) -> bool {
        match self {
            Self::Id(named) => *named == id,
            Self::Slug(named) => **named == *slug,
        }
    }
}

/// Writes the reference as it is in a path.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => f.write_str(slug),
        }
    }
}

/// The id of something that has no slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Id(pub Uuid);

impl FromText for Id {
    fn from_text(text: String) -> Result<Self, Invalid> {
        hyphenated(&text)
            .map(Self)
            .ok_or_else(|| Invalid::new("invalid_id", "An id is a UUID with its hyphens."))
    }
}

impl TryFrom<String> for Id {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_text(in_path(text)?).map_err(|invalid| invalid.detail)
    }
}

read_from_text!(Id);

/// Parses a text that is a UUID with hyphens (RFC 9562, section 4).
fn hyphenated(text: &str) -> Option<Uuid> {
    (text.len() == uuid::fmt::Hyphenated::LENGTH).then(|| Uuid::try_parse(text).ok())?
}

/// Checks a text from a path. Each thing has one address there, so that letters which are compared without
/// case elsewhere have to be small.
fn in_path(text: String) -> Result<String, String> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("An address has small letters.".to_owned());
    }
    Ok(text)
}

/// Splits references into ids and slugs, for `= any(...)`.
#[must_use]
pub(crate) fn split(references: &[Reference]) -> (Vec<Uuid>, Vec<&str>) {
    let ids = references.iter().filter_map(|reference| reference.parts().0).collect();
    let slugs = references.iter().filter_map(|reference| reference.parts().1).collect();
    (ids, slugs)
}

impl FromText for Reference {
    fn from_text(text: String) -> Result<Self, Invalid> {
        match hyphenated(&text) {
            Some(id) => Ok(Self::Id(id)),
            None => Slug::from_text(text).map(Self::Slug),
        }
    }
}

impl TryFrom<String> for Reference {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_text(in_path(text)?).map_err(|invalid| invalid.detail)
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
