//! Sources: the publishers and organisations that stories come from.

pub(crate) mod api;
pub(crate) mod filter;
pub(crate) mod store;
pub(crate) mod workflow;

use chrono::{DateTime, Utc};
use deserr::Deserr;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    faults::Faults,
    http::{conditional::StateTag, reply::Representation},
    schema::sources,
    values::{Language, Line, Prose, Slug, WebUrl},
};

/// A publisher or an organisation that stories come from.
#[derive(Clone, Debug, Serialize, Queryable, ToSchema)]
pub(crate) struct Source {
    /// The id of the source.
    pub id: Uuid,
    /// The slug, which addresses have in place of the id.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// The name of the publisher or organisation.
    #[schema(example = "Kantor Berita Pesisir")]
    pub name: String,
    /// The address of its home page.
    #[schema(required, example = "https://pesisir.example/")]
    pub homepage_url: Option<String>,
    /// A description of the source; can be empty.
    #[schema(example = "Kantor berita daerah pesisir.")]
    pub description: String,
    /// The language that it publishes in.
    #[schema(required, example = "id")]
    pub language: Option<String>,
    /// The number of published articles that cite the source.
    #[schema(minimum = 0, example = 3)]
    pub article_count: i64,
    /// The time at which the source was created.
    pub created_at: DateTime<Utc>,
    /// The time of the last change.
    pub updated_at: DateTime<Utc>,
}

impl Representation for Source {
    fn state_tag(&self) -> Option<StateTag> {
        Some(StateTag::at(self.id, self.updated_at))
    }
}

/// The input for a new source.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Kantor Berita Pesisir", "homepage_url": "https://pesisir.example/", "language": "id"}))]
pub(crate) struct SourceInput {
    /// The name of the publisher or organisation.
    #[schema(inline)]
    pub name: Line<1, 200>,
    /// The slug; if it is left out, it is made from the name.
    #[deserr(default)]
    #[schema(inline)]
    pub slug: Option<Slug>,
    /// The address of its home page.
    #[deserr(default)]
    #[schema(inline)]
    pub homepage_url: Option<WebUrl>,
    /// A description of the source; can be empty.
    #[deserr(default)]
    #[schema(inline)]
    pub description: Option<Prose<1000>>,
    /// The language that it publishes in.
    #[deserr(default)]
    #[schema(inline)]
    pub language: Option<Language>,
}

impl SourceInput {
    /// The names of all members of the input.
    pub(crate) const MEMBERS: &[&str] = &["name", "slug", "homepage_url", "description", "language"];

    /// Returns the columns to write, with this slug.
    #[must_use]
    pub(crate) fn into_fields(self, slug: Slug) -> SourceFields {
        SourceFields {
            slug: slug.into(),
            name: self.name.into(),
            homepage_url: self.homepage_url.map(Into::into),
            description: self.description.map(Into::into).unwrap_or_default(),
            language: self.language.map(Into::into),
        }
    }
}

/// The columns of a source that editors write.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = sources, treat_none_as_null = true)]
pub struct SourceFields {
    slug: String,
    name: String,
    homepage_url: Option<String>,
    description: String,
    language: Option<String>,
}

impl Source {
    /// Returns the input that would create this source; a patch is applied to it.
    #[must_use]
    pub(crate) fn as_input(&self) -> Value {
        json!({
            "name": self.name,
            "slug": self.slug,
            "homepage_url": self.homepage_url,
            "description": self.description,
            "language": self.language,
        })
    }
}
