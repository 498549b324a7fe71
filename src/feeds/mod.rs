//! Feeds and sitemaps: the published stories in the forms that feed readers and search engines fetch.
//!
//! | file | content |
//! |---|---|
//! | `mod` | the parts that all feeds share |
//! | [`query`] | the query parameters of a feed |
//! | [`rss`] | RSS 2.0 |
//! | [`atom`] | Atom (RFC 4287) |
//! | [`json`] | JSON Feed 1.1 |
//! | [`sitemap`] | sitemaps |
//! | [`store`] | SQL |
//! | [`api`] | HTTP |

pub(crate) mod api;
pub(crate) mod atom;
pub(crate) mod json;
pub(crate) mod query;
pub(crate) mod rss;
pub(crate) mod sitemap;
pub(crate) mod store;

use chrono::{DateTime, Utc};
use quick_xml::escape::escape;

use crate::{
    articles::{
        formats::headings::Words,
        model::article::{Article, Citation},
    },
    context::links::Links,
};

/// The latest stories that a query asks for, with the properties of the feed itself.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    /// The title: the names of the tags and sources that the feed is filtered by, and the name of the site.
    pub title: String,
    /// The address of this page of the feed.
    pub url: String,
    /// The address of the first page, which is also the address of the feed itself.
    pub first_url: String,
    /// The language of all stories; `None` unless the query asks for exactly one language.
    pub language: Option<String>,
    /// The stories with their bodies, latest first.
    pub articles: Vec<Article>,
    /// The address of the next page; `None` on the last page.
    pub next_url: Option<String>,
    /// The links to stories, to the front page and to this API.
    pub links: Links,
}

impl Feed {
    /// Returns the time of the last change of any of its stories; `None` if it has no story.
    #[must_use]
    pub(crate) fn updated(&self) -> Option<DateTime<Utc>> {
        self.articles.iter().map(|article| article.updated_at).max()
    }

    /// Returns the address of one of its stories for readers.
    #[must_use]
    pub(crate) fn link(&self, article: &Article) -> String {
        self.links.article(article.id, &article.content.slug, &article.content.language)
    }
}

/// Returns the text of a story as HTML, with its corrections below.
#[must_use]
pub(crate) fn content(article: &Article) -> String {
    let mut html = article.body_html.clone().unwrap_or_default();
    if !article.corrections.is_empty() {
        let heading = Words::of(&article.content.language).corrections;
        let item = |correction: &crate::articles::model::correction::Correction| {
            format!("<li>{}: {}</li>\n", correction.created_at.format("%Y-%m-%d"), escape(&*correction.text))
        };
        let items: String = article.corrections.iter().map(item).collect();
        html.push_str(&format!("\n<h2>{heading}</h2>\n<ul>\n{items}</ul>\n"));
    }
    html
}

/// Returns the document that a story comes from: the first one that it rests on, or else the first one that
/// it cites.
#[must_use]
pub(crate) fn origin(article: &Article) -> Option<&Citation> {
    let mut citations = article.citations.iter();
    citations.clone().find(|citation| citation.role.covers()).or_else(|| citations.next())
}

/// Returns an XML document without the characters that XML 1.0 cannot contain in any form (section 2.2).
#[must_use]
pub(crate) fn xml(document: String) -> String {
    let held = |character: char| !matches!(character, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if document.chars().all(held) { document } else { document.chars().filter(|it| held(*it)).collect() }
}
