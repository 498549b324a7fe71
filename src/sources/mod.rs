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
    /// The source's id.
    pub id: Uuid,
    /// The source's address.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// Its name.
    #[schema(example = "Kantor Berita Pesisir")]
    pub name: String,
    /// Its home page.
    #[schema(required, example = "https://pesisir.example/")]
    pub homepage_url: Option<String>,
    /// What it is.
    #[schema(example = "Kantor berita daerah pesisir.")]
    pub description: String,
    /// The language that it publishes in.
    #[schema(required, example = "id")]
    pub language: Option<String>,
    /// How many published articles cite it.
    #[schema(minimum = 0, example = 3)]
    pub article_count: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Representation for Source {
    fn state_tag(&self) -> Option<StateTag> {
        Some(StateTag::at(self.id, self.updated_at))
    }
}

/// What a source is made from.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Kantor Berita Pesisir", "homepage_url": "https://pesisir.example/", "language": "id"}))]
pub(crate) struct SourceInput {
    /// Its name.
    #[schema(inline)]
    pub name: Line<1, 200>,
    /// The source's address; made from the name where it is left out.
    #[deserr(default)]
    #[schema(inline)]
    pub slug: Option<Slug>,
    /// Its home page.
    #[deserr(default)]
    #[schema(inline)]
    pub homepage_url: Option<WebUrl>,
    /// What it is.
    #[deserr(default)]
    #[schema(inline)]
    pub description: Option<Prose<1000>>,
    /// The language that it publishes in.
    #[deserr(default)]
    #[schema(inline)]
    pub language: Option<Language>,
}

impl SourceInput {
    /// All members.
    pub(crate) const MEMBERS: &[&str] = &["name", "slug", "homepage_url", "description", "language"];

    /// The columns, with this slug.
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

/// What of a source is written.
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
    /// The input that would make it: what a patch is applied to.
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
