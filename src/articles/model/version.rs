//! The versions of a story: what readers saw, and when. Each publication makes one version.
//!
//! A version is a revision as it was published. It does not say who wrote, saved or published it.

use chrono::{DateTime, Utc};
use diesel::Queryable;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    articles::model::{
        article::{Citation, TagLink},
        content::Content,
        provenance::Disclosure,
    },
    http::reply::Representation,
};

/// A version of a story in the list of its versions.
#[derive(Clone, Debug, Serialize, ToSchema, Queryable)]
pub(crate) struct VersionItem {
    /// The number of the version: it counts the publications of the story, from 1.
    #[schema(minimum = 1, example = 2)]
    pub number: i32,
    /// The time at which the version went live in Warta, even if the article was dated back and has an
    /// earlier `published_at`.
    pub published_at: DateTime<Utc>,
    /// The time at which the next version took its place; `null` for the newest version. In between, there
    /// can be a time in which readers saw neither.
    #[schema(required)]
    pub superseded_at: Option<DateTime<Utc>>,
    /// The headline of the version.
    #[schema(example = "Model bahasa terbuka kini memahami tujuh bahasa daerah")]
    pub title: String,
}

/// A version of a story, as readers saw it. It never changes; a later version can supersede it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Version {
    /// The id of the article.
    pub article_id: Uuid,
    /// The number of the version: it counts the publications of the story, from 1.
    #[schema(minimum = 1, example = 2)]
    pub number: i32,
    /// The time at which the version went live in Warta, even if the article was dated back and has an
    /// earlier `published_at`.
    pub published_at: DateTime<Utc>,
    /// The time at which the next version took its place; `null` for the newest version. In between, there
    /// can be a time in which readers saw neither.
    #[schema(required)]
    pub superseded_at: Option<DateTime<Utc>>,
    /// The fields that readers saw as they were written.
    #[serde(flatten)]
    pub content: Content,
    /// The text as it was written, in Markdown.
    #[schema(example = "Tim peneliti **merilis** model itu pekan ini.")]
    pub body: String,
    /// The text as HTML, as it was then.
    #[schema(example = "<p>Tim peneliti <strong>merilis</strong> model itu pekan ini.</p>\n")]
    pub body_html: String,
    /// The provenance of the text; `null` if the newsroom did not say.
    #[schema(required)]
    pub provenance: Option<Disclosure>,
    /// The tags, in order, with the names that they had when the version went live.
    pub tags: Vec<TagLink>,
    /// The documents that the story used, in order. Their sources have the names that they had when the
    /// version went live.
    pub citations: Vec<Citation>,
    /// The number of words in the text.
    #[schema(minimum = 0, example = 412)]
    pub word_count: i32,
    /// The reading time in minutes, at 200 words a minute, rounded up.
    #[schema(minimum = 0, example = 3)]
    pub reading_minutes: i32,
}

impl Representation for Version {}
