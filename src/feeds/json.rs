//! Writes feeds as JSON Feed 1.1.

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

/// A feed in JSON Feed 1.1.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct JsonFeed {
    /// The version of JSON Feed, as a URL.
    #[schema(example = "https://jsonfeed.org/version/1.1")]
    pub version: &'static str,
    /// The title: the names of the tags and sources that the feed is filtered by, and the name of the site.
    #[schema(example = "Riset – news.example")]
    pub title: String,
    /// The address of the front page.
    #[schema(example = "https://news.example/")]
    pub home_page_url: String,
    /// The address of this page of the feed.
    #[schema(example = "https://cms.example/feeds/feed.json?tag=riset")]
    pub feed_url: String,
    /// The language of all stories; absent unless the feed is filtered by exactly one language.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "id")]
    pub language: Option<String>,
    /// The address of the next page; absent on the last page.
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
    /// The id of the article, as a URN.
    #[schema(example = "urn:uuid:0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77")]
    pub id: String,
    /// The address of the story for readers.
    #[schema(example = "https://news.example/id/model-bahasa-daerah")]
    pub url: String,
    /// The address of the document that the story comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://pesisir.example/laporan/2026/model-bahasa")]
    pub external_url: Option<String>,
    /// The headline of the story.
    pub title: String,
    /// The text of the story as HTML, and its corrections.
    pub content_html: String,
    /// The dek, a short summary of the story.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The address of the lead picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://images.warta.example/nelayan.jpg")]
    pub image: Option<String>,
    /// The time of the first publication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_published: Option<DateTime<Utc>>,
    /// The time of the last change or correction.
    pub date_modified: DateTime<Utc>,
    /// The authors that the byline names to readers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<JsonFeedAuthor>,
    /// The names of the tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The language of the story, a canonical BCP 47 tag.
    #[schema(example = "id")]
    pub language: String,
    /// The properties for which JSON Feed has no member.
    #[serde(rename = "_warta")]
    pub warta: JsonFeedExtension,
}

/// The author of a story in a feed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct JsonFeedAuthor {
    /// The byline of the story.
    pub name: String,
}

/// Additional properties of an article, in the same form as in the article itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct JsonFeedExtension {
    /// The documents that the story cites, with their sources.
    pub citations: Vec<Citation>,
    /// The corrections that were made since the first publication.
    pub corrections: Vec<Correction>,
}

impl JsonFeed {
    /// Returns the JSON form of a feed.
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
