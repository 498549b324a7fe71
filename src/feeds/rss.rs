//! Writes feeds as RSS 2.0, with Dublin Core for properties that RSS has no element for, and Media RSS for
//! pictures.

use rss::{
    Category, Channel, Guid, Item, Source,
    extension::{Extension, ExtensionMap, dublincore::DublinCoreExtension},
};

use crate::{
    articles::{
        formats::urn,
        model::{article::Article, image::Image},
    },
    feeds::{Feed, content, origin, xml},
    site::uri,
};

const NAMESPACES: [(&str, &str); 2] =
    [("atom", "http://www.w3.org/2005/Atom"), ("media", "http://search.yahoo.com/mrss/")];

/// Writes a feed as an RSS document.
#[must_use]
pub(crate) fn write(feed: &Feed) -> String {
    let page = |(rel, url): (&str, &String)| {
        extension("atom:link", &[("rel", rel), ("href", url), ("type", "application/rss+xml")], None)
    };
    let pages = [("self", &feed.url)].into_iter().chain(feed.next_url.iter().map(|url| ("next", url)));
    let channel = Channel {
        title: feed.title.clone(),
        link: feed.links.home(),
        description: feed.title.clone(),
        language: feed.language.clone(),
        last_build_date: feed.updated().map(|time| time.to_rfc2822()),
        generator: Some("Warta".to_owned()),
        items: feed.articles.iter().map(|article| item(feed, article)).collect(),
        extensions: extensions(pages.map(page)),
        namespaces: NAMESPACES.map(|(prefix, name)| (prefix.to_owned(), name.to_owned())).into(),
        ..Channel::default()
    };
    xml(channel.to_string())
}

fn item(feed: &Feed, article: &Article) -> Item {
    let category = |name: &String| Category { name: name.clone(), domain: None };
    let updated = extension("atom:updated", &[], Some(article.updated_at.to_rfc3339()));
    Item {
        title: Some(article.content.title.clone()),
        link: Some(feed.link(article)),
        // Feed readers take the description for HTML.
        description: Some(quick_xml::escape::escape(&*article.content.summary).into_owned()),
        categories: article.tags.iter().map(|tag| category(&tag.name)).collect(),
        guid: Some(Guid { value: urn(article.id), permalink: false }),
        pub_date: article.published_at.map(|time| time.to_rfc2822()),
        source: origin(article)
            .map(|citation| Source { url: uri(&citation.url), title: Some(citation.source.name.clone()) }),
        content: Some(content(article)),
        dublin_core_ext: Some(DublinCoreExtension {
            creators: article.content.byline.iter().cloned().collect(),
            languages: vec![article.content.language.clone()],
            sources: article.citations.iter().map(|citation| uri(&citation.url)).collect(),
            ..DublinCoreExtension::default()
        }),
        extensions: extensions([updated].into_iter().chain(article.content.image.as_ref().map(picture))),
        ..Item::default()
    }
}

fn picture(image: &Image) -> Extension {
    let mut content = extension("media:content", &[("url", &uri(&image.url)), ("medium", "image")], None);
    let said = [("description", &image.alt), ("title", &image.caption), ("credit", &image.credit)];
    for (name, text) in said.into_iter().filter(|(_, text)| !text.is_empty()) {
        let child = extension(&format!("media:{name}"), &[], Some(text.clone()));
        content.children.insert(name.to_owned(), vec![child]);
    }
    content
}

/// Returns an element of another vocabulary; its name has the prefix.
fn extension(name: &str, attributes: &[(&str, &str)], value: Option<String>) -> Extension {
    Extension {
        name: name.to_owned(),
        value,
        attrs: attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Extension::default()
    }
}

fn extensions(elements: impl IntoIterator<Item = Extension>) -> ExtensionMap {
    let mut map = ExtensionMap::new();
    for element in elements {
        let (prefix, name) = element.name.split_once(':').unwrap_or_default();
        let (prefix, name) = (prefix.to_owned(), name.to_owned());
        map.entry(prefix).or_default().entry(name).or_default().push(element);
    }
    map
}
