//! What is kept of each save.

use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Article, Citation, Image, TagLink, provenance::Provenance};
use crate::{stored_as_jsonb, values::Slug};

/// A draft's content as it was saved. It is complete by itself: tags and sources have the names that they had then.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct Snapshot {
    /// The headline.
    pub title: String,
    /// The article's address.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// The language it is written in, a canonical BCP 47 tag.
    #[schema(example = "id")]
    pub language: String,
    /// The dek.
    pub summary: String,
    /// The text, in Markdown.
    pub body: String,
    /// The lead picture.
    #[schema(required)]
    pub image: Option<Image>,
    /// Who wrote it, for readers.
    #[schema(required)]
    pub byline: Option<String>,
    /// How the text came about.
    #[serde(default)]
    #[schema(required)]
    pub provenance: Option<Provenance>,
    /// The tags, in order.
    pub tags: Vec<TagLink>,
    /// Where the story comes from, in order.
    pub citations: Vec<Citation>,
}

stored_as_jsonb!(Snapshot);

impl From<Article> for Snapshot {
    fn from(article: Article) -> Self {
        Self {
            title: article.title,
            slug: article.slug,
            language: article.language,
            summary: article.summary,
            body: article.body.unwrap_or_default(),
            image: article.image,
            byline: article.byline,
            provenance: article.provenance,
            tags: article.tags,
            citations: article.citations,
        }
    }
}

impl Snapshot {
    /// The input that would make this content: what a patch is applied to. Translations are not in it: they are a relation, not
    /// content.
    #[must_use]
    pub fn as_input(&self) -> Value {
        let citation = |citation: &Citation| {
            json!({
                "source": citation.source.id,
                "url": citation.url,
                "title": citation.title,
                "role": citation.role,
            })
        };
        json!({
            "title": self.title,
            "slug": self.slug,
            "language": self.language,
            "summary": self.summary,
            "body": self.body,
            "image": self.image,
            "byline": self.byline,
            "provenance": self.provenance,
            "tags": self.tags.iter().map(|tag| tag.id).collect::<Vec<_>>(),
            "citations": self.citations.iter().map(citation).collect::<Vec<_>>(),
        })
    }
}
