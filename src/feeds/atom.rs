//! Writes feeds as Atom (RFC 4287).

use atom_syndication::{Category, Content, Entry, Generator, Link, Person, Text, TextType};
use chrono::{DateTime, Utc};

use crate::{
    articles::{
        formats::urn,
        model::{
            article::{Article, Citation, CitationRole, Translation},
            image::Image,
        },
    },
    feeds::{Feed, content, xml},
    site::uri,
};

/// Writes a feed as an Atom document.
#[must_use]
pub(crate) fn write(feed: &Feed) -> String {
    let document = atom_syndication::Feed {
        title: text(&feed.title, None),
        id: feed.first_url.clone(),
        // Each feed must have a time; an empty feed always has the same one.
        updated: feed.updated().unwrap_or(DateTime::<Utc>::UNIX_EPOCH).fixed_offset(),
        // An entry without a byline takes the author of the feed.
        authors: vec![Person { name: feed.links.name(), uri: Some(feed.links.home()), ..Person::default() }],
        generator: Some(Generator { value: "Warta".to_owned(), ..Generator::default() }),
        links: [("self", &feed.url)]
            .into_iter()
            .chain(feed.next_url.iter().map(|url| ("next", url)))
            .map(|(rel, url)| page(rel, url))
            .chain([Link { rel: "alternate".to_owned(), ..link(&feed.links.home()) }])
            .collect(),
        lang: feed.language.clone(),
        entries: feed.articles.iter().map(|article| entry(feed, article)).collect(),
        ..atom_syndication::Feed::default()
    };
    xml(document.to_string())
}

fn entry(feed: &Feed, article: &Article) -> Entry {
    let language = Some(article.content.language.clone());
    let story = Link {
        rel: "alternate".to_owned(),
        hreflang: language.clone(),
        mime_type: Some("text/html".to_owned()),
        ..link(&feed.link(article))
    };
    let translation = |other: &Translation| Link {
        rel: "related".to_owned(),
        hreflang: Some(other.language.clone()),
        ..link(&feed.links.article(other.id, &other.slug, &other.language))
    };
    let links = std::iter::once(story)
        .chain(article.citations.iter().map(document))
        .chain(article.translations.iter().map(translation))
        .chain(article.content.image.as_ref().map(picture));
    Entry {
        title: text(&article.content.title, Some(&article.content.language)),
        id: urn(article.id),
        updated: article.updated_at.fixed_offset(),
        authors: article
            .content
            .byline
            .iter()
            .map(|name| Person { name: name.clone(), ..Person::default() })
            .collect(),
        categories: article
            .tags
            .iter()
            .map(|tag| Category { term: tag.slug.clone(), label: Some(tag.name.clone()), scheme: None })
            .collect(),
        links: links.collect(),
        published: article.published_at.map(|time| time.fixed_offset()),
        summary: (!article.content.summary.is_empty())
            .then(|| text(&article.content.summary, Some(&article.content.language))),
        content: Some(Content {
            lang: language,
            value: Some(content(article)),
            content_type: Some("html".to_owned()),
            ..Content::default()
        }),
        ..Entry::default()
    }
}

/// Returns the link to a cited document: `via` if the story comes from it, `related` if the story quotes it
/// or uses its data.
fn document(citation: &Citation) -> Link {
    let rel = match citation.role {
        CitationRole::Original | CitationRole::TranslatedFrom | CitationRole::PressRelease => "via",
        CitationRole::Quoted | CitationRole::Data => "related",
    };
    let title = format!("{}: {}", citation.source.name, citation.title);
    Link { rel: rel.to_owned(), title: Some(title), ..link(&uri(&citation.url)) }
}

fn picture(image: &Image) -> Link {
    let title = Some(image.alt.clone()).filter(|alt| !alt.is_empty());
    Link { rel: "enclosure".to_owned(), title, ..link(&uri(&image.url)) }
}

/// Returns the link to a page of the feed itself.
fn page(rel: &str, href: &str) -> Link {
    Link { rel: rel.to_owned(), mime_type: Some("application/atom+xml".to_owned()), ..link(href) }
}

fn link(href: &str) -> Link {
    Link { href: href.to_owned(), ..Link::default() }
}

fn text(value: &str, language: Option<&str>) -> Text {
    Text { value: value.to_owned(), base: None, lang: language.map(str::to_owned), r#type: TextType::Text }
}
