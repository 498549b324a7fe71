//! Tags: the topics and sections that articles are filed under. A frontend's menu is made of them.

pub(crate) mod api;
pub(crate) mod filter;
pub(crate) mod store;
pub(crate) mod workflow;

use chrono::{DateTime, Utc};
use deserr::{DeserializeError, Deserr, ErrorKind, ValueKind, ValuePointerRef, take_cf_content};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};
use uuid::Uuid;

use crate::{
    faults::{Faults, Invalid},
    http::{conditional::StateTag, reply::Representation},
    schema::tags,
    values::{Line, Prose, Reference, Slug},
};

/// A topic or a section.
#[derive(Clone, Debug, Serialize, Queryable, ToSchema)]
pub(crate) struct Tag {
    /// The id of the tag.
    pub id: Uuid,
    /// The slug, which addresses have in place of the id.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// The name that readers see.
    #[schema(example = "Kebijakan")]
    pub name: String,
    /// A description of the topic or section; can be empty.
    #[schema(example = "Aturan, anggaran dan pengawasan.")]
    pub description: String,
    /// `true` if the tag is in the menu.
    #[schema(example = true)]
    pub menu: bool,
    /// Its place in the menu, the least first; `null` comes last.
    #[schema(required, minimum = 0, maximum = 32767, example = 10)]
    pub position: Option<i16>,
    /// The number of published articles that have the tag.
    #[schema(minimum = 0, example = 12)]
    pub article_count: i64,
    /// The time at which the tag was created.
    pub created_at: DateTime<Utc>,
    /// The time of the last change.
    pub updated_at: DateTime<Utc>,
}

impl Representation for Tag {
    fn state_tag(&self) -> Option<StateTag> {
        Some(StateTag::at(self.id, self.updated_at))
    }
}

/// The input for a new tag.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Kebijakan", "description": "Aturan, anggaran dan pengawasan.", "menu": true, "position": 10
}))]
pub(crate) struct TagInput {
    /// The name that readers see.
    #[schema(inline)]
    pub name: Line<1, 100>,
    /// The slug; if it is left out, it is made from the name.
    #[deserr(default)]
    #[schema(inline)]
    pub slug: Option<Slug>,
    /// A description of the topic or section; can be empty.
    #[deserr(default)]
    #[schema(inline)]
    pub description: Option<Prose<1000>>,
    /// `true` puts the tag into the menu; the default is `false`.
    #[deserr(default)]
    pub menu: Option<bool>,
    /// Its place in the menu, the least first; without one it comes last.
    #[deserr(default)]
    #[schema(inline)]
    pub position: Option<MenuPosition>,
}

/// A place in the menu: 0 to [`i16::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MenuPosition(i16);

impl Deserr<Faults> for MenuPosition {
    fn deserialize_from_value<V: deserr::IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Faults> {
        let in_range = match value {
            deserr::Value::Integer(number) => i16::try_from(number).ok(),
            deserr::Value::NegativeInteger(_) => None,
            actual => {
                let error = ErrorKind::IncorrectValueKind { actual, accepted: &[ValueKind::Integer] };
                return Err(take_cf_content(Faults::error(None, error, location)));
            }
        };
        in_range.map(Self).ok_or_else(|| {
            let detail = format!("Expected a whole number from 0 to {}.", i16::MAX);
            Faults::one(location, Invalid::new("out_of_range", detail))
        })
    }
}

impl PartialSchema for MenuPosition {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(i16::MAX)).into()
    }
}

impl ToSchema for MenuPosition {}

/// The input of a merge.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"into": "kebijakan"}))]
pub(crate) struct MergeInput {
    /// The tag that stays, by slug or id.
    #[schema(inline)]
    pub into: Reference,
}

impl TagInput {
    /// The names of all members of the input.
    pub(crate) const MEMBERS: &[&str] = &["name", "slug", "description", "menu", "position"];

    /// Returns the columns to write, with this slug.
    #[must_use]
    pub(crate) fn into_fields(self, slug: Slug) -> TagFields {
        TagFields {
            slug: slug.into(),
            name: self.name.into(),
            description: self.description.map(String::from).unwrap_or_default(),
            menu: self.menu.unwrap_or_default(),
            position: self.position.map(|position| position.0),
        }
    }
}

/// The columns of a tag that editors write.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = tags, treat_none_as_null = true)]
pub struct TagFields {
    slug: String,
    name: String,
    description: String,
    menu: bool,
    position: Option<i16>,
}

impl Tag {
    /// Returns the input that would create this tag; a patch is applied to it.
    #[must_use]
    pub(crate) fn as_input(&self) -> Value {
        json!({
            "name": self.name,
            "slug": self.slug,
            "description": self.description,
            "menu": self.menu,
            "position": self.position,
        })
    }
}
