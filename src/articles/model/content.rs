//! The fields that editors write and readers see as they are written: the one list of them. Articles, versions, revisions and drafts hold
//! it, and what is compared, patched, published and restored goes by it.
//!
//! The body (which lists leave out), the provenance (which readers get with a label), tags and citations (which are rows of their own) stand
//! beside it.

use diesel::{pg::Pg, prelude::*};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{articles::model::image::Image, schema::editions, text_enum, values::Slug};

/// The fields of an edition that are written as they are read.
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
    /// The article's address.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// The language it is written in, a canonical BCP 47 tag.
    #[schema(example = "id")]
    pub language: String,
    /// The headline.
    #[schema(example = "Model bahasa terbuka kini memahami tujuh bahasa daerah")]
    pub title: String,
    /// The line above the headline; empty where there is none.
    #[serde(default)]
    #[schema(required, example = "Riset")]
    pub kicker: String,
    /// The dek.
    #[schema(example = "Peneliti merilis model kecil yang dilatih dari arsip radio komunitas.")]
    pub summary: String,
    /// The lead picture.
    #[schema(required)]
    pub image: Option<Image>,
    /// Who wrote it, for readers.
    #[schema(required, example = "Redaksi Warta")]
    pub byline: Option<String>,
}

impl Content {
    /// Its columns, in the order of its fields.
    #[must_use]
    pub fn columns() -> <Self as Selectable<Pg>>::SelectExpression {
        <Self as Selectable<Pg>>::construct_selection()
    }
}

text_enum! {
    /// A field of a draft, as `ArticleInput` names it.
    pub enum Field {
        /// The headline.
        Title = "title",
        /// The article's address.
        Slug = "slug",
        /// The language it is written in.
        Language = "language",
        /// The line above the headline.
        Kicker = "kicker",
        /// The dek.
        Summary = "summary",
        /// The text.
        Body = "body",
        /// The lead picture.
        Image = "image",
        /// Who wrote it, for readers.
        Byline = "byline",
        /// How the text came about.
        Provenance = "provenance",
        /// The tags.
        Tags = "tags",
        /// Where the story comes from.
        Citations = "citations",
        /// Which articles have the same story in other languages.
        TranslationOf = "translation_of",
    }
}
