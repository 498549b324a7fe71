//! What readers saw, and when: one version for each publication.
//!
//! A version is a revision as it was put before the readers. It says nothing of who wrote, saved or published it.

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

/// A version of a story in the list of them.
#[derive(Clone, Debug, Serialize, ToSchema, Queryable)]
pub(crate) struct VersionItem {
    /// Counts the publications of the story, from 1.
    #[schema(minimum = 1, example = 2)]
    pub number: i32,
    /// When it went live in Warta, also where the article was dated back and has an earlier `published_at` itself.
    pub published_at: DateTime<Utc>,
    /// When the next version took its place; `null` for the newest. Readers may have seen neither for a while in between.
    #[schema(required)]
    pub superseded_at: Option<DateTime<Utc>>,
    /// The headline.
    #[schema(example = "Model bahasa terbuka kini memahami tujuh bahasa daerah")]
    pub title: String,
}

/// A version of a story: what readers saw. It does not change any more, but that another one supersedes it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Version {
    /// The article's id.
    pub article_id: Uuid,
    /// Counts the publications of the story, from 1.
    #[schema(minimum = 1, example = 2)]
    pub number: i32,
    /// When it went live in Warta, also where the article was dated back and has an earlier `published_at` itself.
    pub published_at: DateTime<Utc>,
    /// When the next version took its place; `null` for the newest. Readers may have seen neither for a while in between.
    #[schema(required)]
    pub superseded_at: Option<DateTime<Utc>>,
    /// What was written as it was read.
    #[serde(flatten)]
    pub content: Content,
    /// The text, in Markdown, as it was written.
    #[schema(example = "Tim peneliti **merilis** model itu pekan ini.")]
    pub body: String,
    /// The text as HTML, as it was then.
    #[schema(example = "<p>Tim peneliti <strong>merilis</strong> model itu pekan ini.</p>\n")]
    pub body_html: String,
    /// How the text came about; `null` where the newsroom did not say.
    #[schema(required)]
    pub provenance: Option<Disclosure>,
    /// The tags, in order, as they were called when it went live.
    pub tags: Vec<TagLink>,
    /// Where the story comes from, in order; the sources as they were called when it went live.
    pub citations: Vec<Citation>,
    /// The words of the text.
    #[schema(minimum = 0, example = 412)]
    pub word_count: i32,
    /// The minutes it takes to read, at 200 words a minute.
    #[schema(minimum = 0, example = 3)]
    pub reading_minutes: i32,
}

impl Representation for Version {}
