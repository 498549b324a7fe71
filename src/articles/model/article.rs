//! The article as answers represent it, with its tags, citations, translations and what only editors see.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Ref, RefOr, schema::Schema},
};
use uuid::Uuid;

use crate::articles::model::{content::Content, highlight::Highlight, provenance::Disclosure};
use crate::articles::model::{
    correction::Correction,
    state::{Action, State, Status},
};
use crate::{
    events::EditorLink,
    http::{conditional::StateTag, reply::Representation},
    surrogate::SurrogateKeys,
    text_enum,
    values::Slug,
};

text_enum! {
    /// The way in which a story uses a document.
    pub enum CitationRole {
        /// The story is based on the document.
        Original = "original",
        /// The story is a translation of the document.
        TranslatedFrom = "translated_from",
        /// The story quotes the document.
        Quoted = "quoted",
        /// The story uses the document's figures.
        Data = "data",
        /// The document is a statement that its source gave to the press.
        PressRelease = "press_release",
    }
}

impl CitationRole {
    /// The roles in which a story covers a document. If another story has the document in one of these roles,
    /// the same story is told twice.
    pub const COVERING: [Self; 2] = [Self::Original, Self::TranslatedFrom];

    /// Returns `true` for the roles in [`Self::COVERING`].
    #[must_use]
    pub fn covers(self) -> bool {
        Self::COVERING.contains(&self)
    }
}

/// An article with the content of one of its editions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Article {
    /// The id of the article.
    pub id: Uuid,
    /// The fields that readers see as they were written.
    #[serde(flatten)]
    pub content: Content,
    /// The text as it was written, in Markdown (CommonMark with tables, footnotes and strikethrough).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required, value_type = String, example = "Tim peneliti **merilis** model itu pekan ini.")]
    pub body: Option<String>,
    /// The text as HTML, without anything that can run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required, value_type = String, example = "<p>Tim peneliti <strong>merilis</strong> model itu pekan ini.</p>\n")]
    pub body_html: Option<String>,
    /// The provenance of the text; `null` if the newsroom does not say.
    #[schema(required)]
    pub provenance: Option<Disclosure>,
    /// The tags, in the order that the article gives them.
    pub tags: Vec<TagLink>,
    /// The documents that the story uses, in the order that the article gives them.
    pub citations: Vec<Citation>,
    /// The articles that tell the same story in other languages.
    pub translations: Vec<Translation>,
    /// The corrections made since readers first saw the story, oldest first; at most 100.
    pub corrections: Vec<Correction>,
    /// The status of this edition.
    pub status: Status,
    /// The number of this version of the story; present only in what readers see. This version stays readable
    /// at `/v1/articles/{article}/versions/{number}`.
    #[serde(rename = "version", skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, example = 2)]
    pub public_version: Option<i32>,
    /// The number of words in the text.
    #[schema(minimum = 0, example = 412)]
    pub word_count: i32,
    /// The reading time in minutes, at 200 words a minute, rounded up.
    #[schema(minimum = 0, example = 3)]
    pub reading_minutes: i32,
    /// The time at which it was first published; `null` in a draft while readers cannot see the article.
    #[schema(required)]
    pub published_at: Option<DateTime<Utc>>,
    /// The time at which this edition was last changed. In what readers see, a correction counts as a change.
    pub updated_at: DateTime<Utc>,
    /// The time at which the article was created.
    pub created_at: DateTime<Utc>,
    /// The retraction with its reason; present only if the story was retracted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retraction: Option<Retraction>,
    /// The data that editors work with; present only in a draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub editorial: Option<Editorial>,
    /// The number of changes of the article, for the draft's ETag; `None` in a live edition.
    #[serde(skip)]
    pub version: Option<i64>,
    /// The matches of the search; present only in a list with `q`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub highlight: Option<Highlight>,
    /// The rank of the article in the search; present only in a list with `q`.
    #[serde(skip)]
    pub rank: Option<f32>,
}

impl Representation for Article {
    fn state_tag(&self) -> Option<StateTag> {
        self.version.map(|count| StateTag { of: self.id, count })
    }
}

impl Article {
    /// Returns the surrogate keys of the article as readers see it: its own, and those of its translations,
    /// tags and sources.
    #[must_use]
    pub fn keys(&self) -> SurrogateKeys {
        SurrogateKeys::none()
            .and("article", self.id)
            .and_all("article", self.translations.iter().map(|translation| translation.id))
            .and_all("tag", self.tags.iter().map(|tag| tag.id))
            .and_all("source", self.citations.iter().map(|citation| citation.source.id))
    }
}

/// An article in a list: the same as [`Article`], but `body` and `body_html` are present only if
/// `include=body` asks for them.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct ArticleItem(pub Article);

impl PartialSchema for ArticleItem {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::AllOf(mut parts)) = Article::schema() else {
            return Article::schema();
        };
        for part in &mut parts.items {
            if let RefOr::T(Schema::Object(own)) = part {
                own.required.retain(|name| !name.starts_with("body"));
                own.properties.insert("highlight".to_owned(), Ref::from_schema_name("Highlight").into());
            }
        }
        parts.description = Some(
            "An article in a list: `body` and `body_html` are present only with `include=body`, `highlight` only with `q`."
                .to_owned(),
        );
        Schema::AllOf(parts).into()
    }
}

impl ToSchema for ArticleItem {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Article::schemas(schemas);
        Highlight::schemas(schemas);
        schemas.push(("Highlight".to_owned(), Highlight::schema()));
    }
}

/// The retraction of a story.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Retraction {
    /// The reason, as readers are told it.
    #[schema(example = "Angka utama dalam berita ini ternyata dikarang oleh narasumbernya.")]
    pub reason: String,
    /// The time of the retraction.
    pub retracted_at: DateTime<Utc>,
}

/// The data of an article that only editors see.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Editorial {
    /// The state of the article as a whole.
    pub state: State,
    /// The actions that the state allows. The caller's role decides as well. `schedule` is `publish` with a
    /// time in the future, `trash` is `DELETE`, and `delete` is `DELETE` with `permanent=true`.
    pub actions: Vec<Action>,
    /// The editor who made the article.
    pub created_by: EditorLink,
    /// The number of the draft's newest revision.
    #[schema(minimum = 1, example = 3)]
    pub revision: i32,
    /// If `true`, readers see the article, but the draft has changes that they do not see.
    pub has_unpublished_changes: bool,
    /// The time at which the draft will be published; `null` if it is not scheduled.
    #[schema(required)]
    pub scheduled_at: Option<DateTime<Utc>>,
    /// The time since which the schedule is held; `null` if it is not. A schedule is held if its time has
    /// come, but the editor who set it may no longer publish. Somebody who may has to publish the draft or
    /// schedule it again.
    #[schema(required)]
    pub schedule_held_at: Option<DateTime<Utc>>,
}

/// A tag on an article.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct TagLink {
    /// The id of the tag.
    pub id: Uuid,
    /// The slug of the tag.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// The name that readers see.
    #[schema(example = "Riset")]
    pub name: String,
}

/// A document of a source that a story uses.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Citation {
    /// The source that the document is from.
    pub source: SourceLink,
    /// The address of the document.
    #[schema(example = "https://pesisir.example/laporan/2026/model-bahasa")]
    pub url: String,
    /// The title of the document.
    #[schema(example = "Laporan tahunan model bahasa daerah")]
    pub title: String,
    /// The way in which the story uses the document.
    pub role: CitationRole,
}

/// A source that an article cites.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct SourceLink {
    /// The id of the source.
    pub id: Uuid,
    /// The slug of the source.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// The name of the source.
    #[schema(example = "Kantor Berita Pesisir")]
    pub name: String,
    /// The address of the source's home page; `null` if none is given.
    #[schema(required, example = "https://pesisir.example/")]
    pub homepage_url: Option<String>,
}

/// An article that tells the same story in another language.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Translation {
    /// The id of the article.
    pub id: Uuid,
    /// The slug of the article.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// The language that the article is written in.
    #[schema(example = "en")]
    pub language: String,
}
