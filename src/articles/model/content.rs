//! The one list of the fields that readers see as editors wrote them. Articles, versions, revisions and
//! drafts contain it, and comparing, patching, publishing and restoring use it.
//!
//! Four parts are kept next to it: the body, which lists leave out; the provenance, which readers get with a
//! label; and the tags and citations, which are rows of their own.

use diesel::{pg::Pg, prelude::*};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{articles::model::image::Image, schema::editions, text_enum, values::Slug};

/// The fields of an edition that readers see as they were written.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Deserialize,
    Serialize,
    Queryable,
    Selectable,
    Insertable,
    AsChangeset,
    ToSchema,
)]
#[diesel(table_name = editions, treat_none_as_null = true)]
pub struct Content {
    /// The slug: the article's name in addresses.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// The language that the article is written in, a canonical BCP 47 tag.
    #[schema(example = "id")]
    pub language: String,
    /// The headline of the article.
    #[schema(example = "Model bahasa terbuka kini memahami tujuh bahasa daerah")]
    pub title: String,
    /// The kicker, a short line above the headline; empty if there is none.
    #[serde(default)]
    #[schema(required, example = "Riset")]
    pub kicker: String,
    /// The dek, a short summary of the story; empty if there is none.
    #[schema(example = "Peneliti merilis model kecil yang dilatih dari arsip radio komunitas.")]
    pub summary: String,
    /// The lead picture; `null` if there is none.
    #[schema(required)]
    pub image: Option<Image>,
    /// The author's name, as readers see it; `null` if none is given.
    #[schema(required, example = "Redaksi Warta")]
    pub byline: Option<String>,
}

impl Content {
    /// Returns the columns, in the order of the fields.
    #[must_use]
    pub fn columns() -> <Self as Selectable<Pg>>::SelectExpression {
        <Self as Selectable<Pg>>::construct_selection()
    }
}

text_enum! {
    /// A field of a draft, with the name that it has in `ArticleInput`.
    pub enum Field {
        /// The headline of the article.
        Title = "title",
        /// The slug of the article.
        Slug = "slug",
        /// The language that the article is written in.
        Language = "language",
        /// The kicker above the headline.
        Kicker = "kicker",
        /// The dek, a short summary.
        Summary = "summary",
        /// The text, in Markdown.
        Body = "body",
        /// The lead picture of the article.
        Image = "image",
        /// The author's name, as readers see it.
        Byline = "byline",
        /// The provenance of the text.
        Provenance = "provenance",
        /// The tags of the article.
        Tags = "tags",
        /// The documents that the story uses.
        Citations = "citations",
        /// The articles that tell the same story in other languages.
        TranslationOf = "translation_of",
    }
}
