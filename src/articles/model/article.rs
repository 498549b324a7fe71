//! What an article is in answers.

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
    /// How a story uses a document.
    pub enum CitationRole {
        /// The story rests on it.
        Original = "original",
        /// The story is a translation of it.
        TranslatedFrom = "translated_from",
        /// The story quotes it.
        Quoted = "quoted",
        /// The story uses its figures.
        Data = "data",
        /// A statement that its source gave to the press.
        PressRelease = "press_release",
    }
}

impl CitationRole {
    /// The roles in which a story covers a document: another story with it in one of them is told twice.
    pub const COVERING: [Self; 2] = [Self::Original, Self::TranslatedFrom];

    /// Whether it is one of them.
    #[must_use]
    pub fn covers(self) -> bool {
        Self::COVERING.contains(&self)
    }
}

/// An article, as one of its editions has it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Article {
    /// The article's id.
    pub id: Uuid,
    /// What is written as it is read.
    #[serde(flatten)]
    pub content: Content,
    /// The text, in Markdown (CommonMark with tables, footnotes and strikethrough), as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required, value_type = String, example = "Tim peneliti **merilis** model itu pekan ini.")]
    pub body: Option<String>,
    /// The text as HTML without anything that can run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required, value_type = String, example = "<p>Tim peneliti <strong>merilis</strong> model itu pekan ini.</p>\n")]
    pub body_html: Option<String>,
    /// How the text came about; `null` where the newsroom does not say.
    #[schema(required)]
    pub provenance: Option<Disclosure>,
    /// The tags, in the order that the article gives them.
    pub tags: Vec<TagLink>,
    /// Where the story comes from, in the order that the article gives them.
    pub citations: Vec<Citation>,
    /// The same story in other languages.
    pub translations: Vec<Translation>,
    /// What was set right since readers first saw the story, oldest first; at most 100.
    pub corrections: Vec<Correction>,
    /// Where this edition stands.
    pub status: Status,
    /// Which version of the story this is; only of what readers see. `/v1/articles/{article}/versions/{number}` stays the same.
    #[serde(rename = "version", skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, example = 2)]
    pub public_version: Option<i32>,
    /// The words of the text.
    #[schema(minimum = 0, example = 412)]
    pub word_count: i32,
    /// The minutes it takes to read, at 200 words a minute.
    #[schema(minimum = 0, example = 3)]
    pub reading_minutes: i32,
    /// When readers first saw it; `null` for a draft of what they cannot see.
    #[schema(required)]
    pub published_at: Option<DateTime<Utc>>,
    /// When this edition was last changed; of what readers see, also by a correction.
    pub updated_at: DateTime<Utc>,
    /// When the article was made.
    pub created_at: DateTime<Utc>,
    /// That the story was taken back, and why; only where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retraction: Option<Retraction>,
    /// What editors work with; only of a draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub editorial: Option<Editorial>,
    /// Counts the article's changes, for the draft's ETag; not of a live edition.
    #[serde(skip)]
    pub version: Option<i64>,
    /// What a search found in it; only in a list with `q`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub highlight: Option<Highlight>,
    /// How well it fits a search; only in a list with `q`.
    #[serde(skip)]
    pub rank: Option<f32>,
}

impl Representation for Article {
    fn state_tag(&self) -> Option<StateTag> {
        self.version.map(|count| StateTag { of: self.id, count })
    }
}

impl Article {
    /// What the article as readers see it is made of.
    #[must_use]
    pub fn keys(&self) -> SurrogateKeys {
        SurrogateKeys::none()
            .and("article", self.id)
            .and_all("article", self.translations.iter().map(|translation| translation.id))
            .and_all("tag", self.tags.iter().map(|tag| tag.id))
            .and_all("source", self.citations.iter().map(|citation| citation.source.id))
    }
}

/// An article in a list: the same as [`Article`], with `body` and `body_html` only where `include=body` asked for them.
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
            "An article in a list: `body` and `body_html` are there only with `include=body`, `highlight` only with `q`."
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

/// That a story was taken back.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Retraction {
    /// Why.
    #[schema(example = "Angka utama dalam berita ini ternyata dikarang oleh narasumbernya.")]
    pub reason: String,
    /// When.
    pub retracted_at: DateTime<Utc>,
}

/// What editors work with.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Editorial {
    /// Where the article stands as a whole.
    pub state: State,
    /// What the state allows. Whether the caller may do it depends on the role besides. `schedule` is `publish` with a time to
    /// come, `trash` is `DELETE`, `delete` is `DELETE` with `permanent=true`.
    pub actions: Vec<Action>,
    /// Who made the article.
    pub created_by: EditorLink,
    /// The number of the draft's newest revision.
    #[schema(minimum = 1, example = 3)]
    pub revision: i32,
    /// Whether the draft has changes that readers, who see the article, do not see.
    pub has_unpublished_changes: bool,
    /// When the draft is to be published.
    #[schema(required)]
    pub scheduled_at: Option<DateTime<Utc>>,
    /// Since when the schedule is held: its time came, and who had set it may not publish any more. Somebody who may has to publish the
    /// draft, or to schedule it anew.
    #[schema(required)]
    pub schedule_held_at: Option<DateTime<Utc>>,
}

/// A tag on an article.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct TagLink {
    /// The tag's id.
    pub id: Uuid,
    /// The tag's address.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// What readers see.
    #[schema(example = "Riset")]
    pub name: String,
}

/// Where a story comes from: a document of a source.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Citation {
    /// Whose document it is.
    pub source: SourceLink,
    /// Where the document is.
    #[schema(example = "https://pesisir.example/laporan/2026/model-bahasa")]
    pub url: String,
    /// The document's title.
    #[schema(example = "Laporan tahunan model bahasa daerah")]
    pub title: String,
    /// How the story uses it.
    pub role: CitationRole,
}

/// A source that an article cites.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct SourceLink {
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
}

/// The same story in another language.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Translation {
    /// The article's id.
    pub id: Uuid,
    /// The article's address.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// The language it is written in.
    #[schema(example = "en")]
    pub language: String,
}
