//! Writes sitemaps (sitemaps.org), with the translations of each story, and the sitemap of the latest news.

use std::io;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

use super::xml;
use crate::{articles::store::Place, context::links::Links};

/// The maximum number of stories in one sitemap, as the protocol sets it.
pub(crate) const PAGE: i64 = 50_000;

/// The maximum number of stories in the sitemap of the latest news, as search engines set it.
pub(crate) const MAX_NEWS: i64 = 1000;

/// The media type of sitemaps.
pub(crate) const MEDIA_TYPE: &str = "application/xml; charset=utf-8";

const SITEMAP: (&str, &str) = ("xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9");
const XHTML: (&str, &str) = ("xmlns:xhtml", "http://www.w3.org/1999/xhtml");
const NEWS: (&str, &str) = ("xmlns:news", "http://www.google.com/schemas/sitemap-news/0.9");

type Xml = Writer<Vec<u8>>;

/// Returns the number of sitemaps that so many stories need.
#[must_use]
pub(crate) fn pages(stories: i64) -> i64 {
    (stories + PAGE - 1) / PAGE
}

/// Writes the index of so many sitemaps.
///
/// # Errors
/// No error can happen, because it is written into memory.
pub(crate) fn index(pages: i64, links: &Links) -> io::Result<String> {
    document("sitemapindex", &[SITEMAP], |xml| {
        (1..=pages).try_for_each(|number| {
            let address = links.here(&format!("/sitemap-{number}.xml"));
            element(xml, "sitemap", |xml| text(xml, "loc", &address))
        })
    })
}

/// Writes a sitemap of these stories.
///
/// # Errors
/// No error can happen, because it is written into memory.
pub(crate) fn write(places: &[Place], links: &Links) -> io::Result<String> {
    document("urlset", &[SITEMAP, XHTML], |xml| {
        places.iter().try_for_each(|place| {
            let address = links.article(place.id, &place.slug, &place.language);
            element(xml, "url", |xml| {
                text(xml, "loc", &address)?;
                text(xml, "lastmod", &place.updated_at.to_rfc3339())?;
                if place.translations.is_empty() {
                    return Ok(());
                }
                // Each translation names all of them, also itself: search engines believe only what both
                // sides say.
                alternate(xml, &place.language, &address)?;
                place.translations.iter().try_for_each(|other| {
                    alternate(xml, &other.language, &links.article(other.id, &other.slug, &other.language))
                })
            })
        })
    })
}

/// Writes the sitemap of the latest news.
///
/// # Errors
/// No error can happen, because it is written into memory.
pub(crate) fn news(places: &[Place], links: &Links) -> io::Result<String> {
    let name = links.name();
    document("urlset", &[SITEMAP, NEWS], |xml| {
        places.iter().try_for_each(|place| {
            let address = links.article(place.id, &place.slug, &place.language);
            element(xml, "url", |xml| {
                text(xml, "loc", &address)?;
                element(xml, "news:news", |xml| {
                    element(xml, "news:publication", |xml| {
                        text(xml, "news:name", &name)?;
                        text(xml, "news:language", news_language(&place.language))
                    })?;
                    let published = place.published_at.unwrap_or(place.updated_at);
                    text(xml, "news:publication_date", &published.to_rfc3339())?;
                    text(xml, "news:title", &place.title)
                })
            })
        })
    })
}

/// Returns the language in the form of the protocol: an ISO 639 code, except that Chinese has the country of
/// its script.
fn news_language(tag: &str) -> &str {
    match tag.split_once('-') {
        Some(("zh", rest)) if ["Hant", "TW", "HK", "MO"].iter().any(|part| rest.contains(part)) => "zh-tw",
        Some(("zh", _)) => "zh-cn",
        None if tag == "zh" => "zh-cn",
        Some((language, _)) => language,
        None => tag,
    }
}

fn document(
    root: &str,
    namespaces: &[(&str, &str)],
    content: impl FnOnce(&mut Xml) -> io::Result<()>,
) -> io::Result<String> {
    let mut writer = Writer::new(Vec::new());
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let element = writer.create_element(root).with_attributes(namespaces.iter().copied());
    element.write_inner_content(content)?;
    String::from_utf8(writer.into_inner()).map(xml).map_err(io::Error::other)
}

fn element(xml: &mut Xml, name: &str, content: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<()> {
    xml.create_element(name).write_inner_content(content).map(drop)
}

fn text(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(text)).map(drop)
}

fn alternate(xml: &mut Xml, language: &str, address: &str) -> io::Result<()> {
    let attributes = [("rel", "alternate"), ("hreflang", language), ("href", address)];
    xml.create_element("xhtml:link").with_attributes(attributes).write_empty().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sitemap_is_full_at_fifty_thousand() {
        let counts = [0, 1, 50_000, 50_001, 100_000, 100_001].map(pages);
        assert_eq!(counts, [0, 1, 1, 2, 2, 3]);
    }

    #[test]
    fn languages_are_those_of_the_protocol() {
        for (tag, code) in [
            ("id", "id"),
            ("en-US", "en"),
            ("zh", "zh-cn"),
            ("zh-Hant", "zh-tw"),
            ("zh-TW", "zh-tw"),
            ("zh-Hans-SG", "zh-cn"),
        ] {
            assert_eq!(news_language(tag), code);
        }
    }
}
