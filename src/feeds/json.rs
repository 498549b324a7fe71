//! JSON Feed 1.1.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    articles::{
        formats::urn,
        model::{
            article::{Article, Citation},
            correction::Correction,
        },
    },
    feeds::{Feed, content, origin},
    site::uri,
};

/// A feed (JSON Feed 1.1).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct JsonFeed {
    /// The version of JSON Feed.
    #[schema(example = "https://jsonfeed.org/version/1.1")]
    pub version: &'static str,
    /// What its stories have in common, and whose they are.
    #[schema(example = "Riset – news.example")]
    pub title: String,
    /// The front page.
    #[schema(example = "https://news.example/")]
    pub home_page_url: String,
    /// The feed's own address.
    #[schema(example = "https://cms.example/feeds/feed.json?tag=riset")]
    pub feed_url: String,
    /// The language of all its stories, where only one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "id")]
    pub language: Option<String>,
    /// The next page; not on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "https://cms.example/feeds/feed.json?tag=riset&cursor=eyJ0aW1lIjoiMjAyNi0wOC0xN1QxMDowMDowMFoifQ"
    )]
    pub next_url: Option<String>,
    /// The stories, latest first.
    pub items: Vec<JsonFeedItem>,
}

/// A story in a feed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct JsonFeedItem {
    /// The article's id, as a URN.
    #[schema(example = "urn:uuid:0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77")]
    pub id: String,
    /// Where readers find it.
    #[schema(example = "https://news.example/id/model-bahasa-daerah")]
    pub url: String,
    /// The document that it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://pesisir.example/laporan/2026/model-bahasa")]
    pub external_url: Option<String>,
    /// The headline.
    pub title: String,
    /// The text, and what was set right since.
    pub content_html: String,
    /// The dek.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The lead picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://images.warta.example/nelayan.jpg")]
    pub image: Option<String>,
    /// When readers first saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_published: Option<DateTime<Utc>>,
    /// When it was last changed, also by a correction.
    pub date_modified: DateTime<Utc>,
    /// Whom readers are told that it is by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<JsonFeedAuthor>,
    /// The names of its tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The language it is written in, a canonical BCP 47 tag.
    #[schema(example = "id")]
    pub language: String,
    /// What JSON Feed has no member for.
    #[serde(rename = "_warta")]
    pub warta: JsonFeedExtension,
}

/// Who wrote a story in a feed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct JsonFeedAuthor {
    /// The byline.
    pub name: String,
}

/// What an article has besides, as it has it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct JsonFeedExtension {
    /// Where the story comes from.
    pub citations: Vec<Citation>,
    /// What was set right since readers first saw it.
    pub corrections: Vec<Correction>,
}

impl JsonFeed {
    /// A feed.
    #[must_use]
    pub(crate) fn of(feed: &Feed) -> Self {
        Self {
            version: "https://jsonfeed.org/version/1.1",
            title: feed.title.clone(),
            home_page_url: feed.links.home(),
            feed_url: feed.url.clone(),
            language: feed.language.clone(),
            next_url: feed.next_url.clone(),
            items: feed.articles.iter().map(|article| JsonFeedItem::of(feed, article)).collect(),
        }
    }
}

impl JsonFeedItem {
    fn of(feed: &Feed, article: &Article) -> Self {
        Self {
            id: urn(article.id),
            url: feed.link(article),
            external_url: origin(article).map(|citation| uri(&citation.url)),
            title: article.content.title.clone(),
            content_html: content(article),
            summary: article.content.summary.clone(),
            image: article.content.image.as_ref().map(|image| uri(&image.url)),
            date_published: article.published_at,
            date_modified: article.updated_at,
            authors: article
                .content
                .byline
                .iter()
                .map(|name| JsonFeedAuthor { name: name.clone() })
                .collect(),
            tags: article.tags.iter().map(|tag| tag.name.clone()).collect(),
            language: article.content.language.clone(),
            warta: JsonFeedExtension {
                citations: article.citations.clone(),
                corrections: article.corrections.clone(),
            },
        }
    }
}
