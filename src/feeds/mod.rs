//! Feeds and sitemaps: what readers see, as feed readers and search engines fetch it.
//!
//! | file | what it has |
//! |---|---|
//! | `mod` | what every feed is made of |
//! | [`query`] | what a feed can be asked for |
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

/// The latest stories that a query asks for, and what is said of them as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    /// What its stories have in common, and whose they are.
    pub title: String,
    /// The address of this page of it.
    pub url: String,
    /// The address of its first page, which is the feed's own.
    pub first_url: String,
    /// The language of all its stories, where only one was asked for.
    pub language: Option<String>,
    /// Latest first, with their bodies.
    pub articles: Vec<Article>,
    /// The address of the next page.
    pub next_url: Option<String>,
    /// Where stories are.
    pub links: Links,
}

impl Feed {
    /// When the last of its stories was changed; `None` where it has none.
    #[must_use]
    pub(crate) fn updated(&self) -> Option<DateTime<Utc>> {
        self.articles.iter().map(|article| article.updated_at).max()
    }

    /// Where readers find one of its stories.
    #[must_use]
    pub(crate) fn link(&self, article: &Article) -> String {
        self.links.article(article.id, &article.content.slug, &article.content.language)
    }
}

/// The text of a story as HTML, and below it what was set right since.
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

/// The document that a story comes from: of those that it rests on the first, else the first that it cites.
#[must_use]
pub(crate) fn origin(article: &Article) -> Option<&Citation> {
    let mut citations = article.citations.iter();
    citations.clone().find(|citation| citation.role.covers()).or_else(|| citations.next())
}

/// An XML document without the characters that XML 1.0 cannot hold in any form (section 2.2).
#[must_use]
pub(crate) fn xml(document: String) -> String {
    let held = |character: char| !matches!(character, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if document.chars().all(held) { document } else { document.chars().filter(|it| held(*it)).collect() }
}
