//! Articles as ninjs 3.1, IPTC's JSON for news, which newsroom systems exchange. Its schema allows no member
//! that it does not name.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    articles::{
        formats::urn,
        model::{
            article::{Article, Translation},
            image::Image,
            provenance::DigitalSourceType,
            state::Status,
        },
    },
    context::links::Links,
    site::uri,
};

/// An article in the format ninjs 3.1.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NinjsNews)]
pub(crate) struct News {
    /// The standard that this object is valid against.
    pub standard: Standard,
    /// The article's id, as a URN.
    #[schema(example = "urn:uuid:0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77")]
    pub uri: String,
    /// The type, always `text`.
    #[schema(example = "text")]
    pub r#type: &'static str,
    /// The type of representation, always `full`.
    #[schema(example = "full")]
    pub representation_type: &'static str,
    /// The number of this version of the story.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2")]
    pub version: Option<String>,
    /// The time at which the article was created.
    pub first_created: DateTime<Utc>,
    /// The time of the last change. A correction counts as a change.
    pub version_created: DateTime<Utc>,
    /// The time at which readers first saw the article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_created: Option<DateTime<Utc>>,
    /// The status of publication: `usable`, `withheld` for a draft, `canceled` for a retracted story.
    #[schema(example = "usable")]
    pub pub_status: &'static str,
    /// The language that the article is written in, a canonical BCP 47 tag.
    #[schema(example = "id")]
    pub language: String,
    /// Other identifiers: the slug of the article.
    pub alt_ids: Vec<AltId>,
    /// The headline (`main`), and the kicker above it (`kicker`).
    pub headlines: Vec<Words>,
    /// The dek (`summary`), and the corrections made since (`correction`, `clarification`, `update`).
    pub descriptions: Vec<Words>,
    /// The text, as HTML (`main`) and as Markdown (`source`).
    pub bodies: Vec<Words>,
    /// The author's name, as readers see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The tags of the article.
    pub subjects: Vec<Subject>,
    /// The documents that the article cites, each with its role, and last the publisher (`publisher`).
    pub info_sources: Vec<InfoSource>,
    /// The page at which readers find the article.
    pub renditions: Vec<Rendition>,
    /// The lead picture, and the same story in other languages.
    pub associations: Vec<Association>,
    /// The provenance of the text, in IPTC's vocabulary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digital_source_type: Option<SourceType>,
}

/// The standard that a ninjs object is valid against.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NinjsStandard)]
pub(crate) struct Standard {
    /// The name, always `ninjs`.
    #[schema(example = "ninjs")]
    pub name: &'static str,
    /// The version, always `3.1`.
    #[schema(example = "3.1")]
    pub version: &'static str,
    /// The address of its JSON Schema.
    #[schema(example = "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#")]
    pub schema: &'static str,
}

/// Another identifier of the article.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NinjsAltId)]
pub(crate) struct AltId {
    /// The role, always `slug`.
    #[schema(example = "slug")]
    pub role: &'static str,
    /// The identifier in this role.
    pub value: String,
}

/// A text with its role.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NinjsText)]
pub(crate) struct Words {
    /// The role of the text, such as `main` or `summary`.
    #[schema(example = "main")]
    pub role: &'static str,
    /// The media type of the text.
    #[schema(example = "text/html")]
    pub content_type: &'static str,
    /// The number of words in the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word_count: Option<i32>,
    /// The text, in its media type.
    pub value: String,
}

/// A tag of the article.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NinjsSubject)]
pub(crate) struct Subject {
    /// The name of the tag.
    pub name: String,
    /// The relation, always `about`.
    #[schema(example = "about")]
    pub rel: &'static str,
    /// The tag's id, as a URN.
    pub uri: String,
    /// The slug of the tag.
    pub literal: String,
}

/// A document that is cited, or the publisher of the story.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NinjsInfoSource)]
pub(crate) struct InfoSource {
    /// The name of the document's source, or of the publisher.
    pub name: String,
    /// The way in which the story uses the document, or `publisher`.
    #[schema(example = "original")]
    pub role: &'static str,
    /// The address of the document, or of the publisher's front page.
    pub uri: String,
    /// The title of the document; absent for the publisher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub literal: Option<String>,
}

/// A page or a picture, at its address.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NinjsRendition)]
pub(crate) struct Rendition {
    /// `web` for a page, `original` for a picture.
    #[schema(example = "web")]
    pub name: &'static str,
    /// The address of the page or picture.
    #[schema(example = "https://news.example/id/model-bahasa-daerah")]
    pub href: String,
}

/// Something that belongs to the article: its lead picture, or a translation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NinjsAssociation)]
pub(crate) struct Association {
    /// The name of the association: `picture`, or `translation-` followed by the language.
    pub name: String,
    /// The relation: `leadPicture` or `translation`.
    #[schema(example = "translation")]
    pub rel: &'static str,
    /// The identifier: the address of a picture, or the id of an article as a URN.
    pub uri: String,
    /// The type: `picture` or `text`.
    #[schema(example = "text")]
    pub r#type: &'static str,
    /// The language that the translation is written in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The texts of a picture: what it shows (`alt`), and the caption below it (`caption`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub descriptions: Vec<Words>,
    /// The credit: the person or organisation whose picture it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The page of the translation, or the picture.
    pub renditions: Vec<Rendition>,
}

/// A concept of IPTC's vocabulary of digital source types.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NinjsSourceType)]
pub(crate) struct SourceType {
    /// The name of the concept.
    #[schema(example = "Digital creation")]
    pub name: &'static str,
    /// The code of the concept.
    pub uri: DigitalSourceType,
}

impl Words {
    fn new(role: &'static str, content_type: &'static str, value: &str) -> Self {
        Self { role, content_type, word_count: None, value: value.to_owned() }
    }

    fn plain(role: &'static str, value: &str) -> Self {
        Self::new(role, "text/plain", value)
    }
}

impl News {
    /// Returns the ninjs object of an article that was read with its body.
    #[must_use]
    pub(crate) fn of(article: &Article, links: &Links) -> Self {
        let summary =
            (!article.content.summary.is_empty()).then(|| Words::plain("summary", &article.content.summary));
        let corrections = article.corrections.iter().map(|it| Words::plain(it.kind.as_str(), &it.text));
        let html = Words::new("main", "text/html", article.body_html.as_deref().unwrap_or_default());
        let markdown = Words::new("source", "text/markdown", article.body.as_deref().unwrap_or_default());
        let subjects = article.tags.iter().map(|tag| Subject {
            name: tag.name.clone(),
            rel: "about",
            uri: urn(tag.id),
            literal: tag.slug.clone(),
        });
        let info_sources = article.citations.iter().map(|citation| InfoSource {
            name: citation.source.name.clone(),
            role: citation.role.as_str(),
            uri: uri(&citation.url),
            literal: Some(citation.title.clone()),
        });
        let publisher =
            InfoSource { name: links.name(), role: "publisher", uri: links.home(), literal: None };
        let translations = article.translations.iter().map(|other| Association::translation(other, links));
        Self {
            standard: Standard {
                name: "ninjs",
                version: "3.1",
                schema: "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#",
            },
            uri: urn(article.id),
            r#type: "text",
            representation_type: "full",
            version: article.public_version.map(|version| version.to_string()),
            first_created: article.created_at,
            version_created: article.updated_at,
            content_created: article.published_at,
            pub_status: match article.status {
                Status::Published => "usable",
                Status::Retracted => "canceled",
                Status::Draft | Status::InReview | Status::Scheduled => "withheld",
            },
            language: article.content.language.clone(),
            alt_ids: vec![AltId { role: "slug", value: article.content.slug.clone() }],
            headlines: [("main", &article.content.title), ("kicker", &article.content.kicker)]
                .into_iter()
                .filter(|(_, text)| !text.is_empty())
                .map(|(role, text)| Words::plain(role, text))
                .collect(),
            descriptions: summary.into_iter().chain(corrections).collect(),
            bodies: vec![Words { word_count: Some(article.word_count), ..html }, markdown],
            by: article.content.byline.clone(),
            subjects: subjects.collect(),
            info_sources: info_sources.chain([publisher]).collect(),
            renditions: vec![Rendition {
                name: "web",
                href: links.article(article.id, &article.content.slug, &article.content.language),
            }],
            associations: article
                .content
                .image
                .iter()
                .map(Association::picture)
                .chain(translations)
                .collect(),
            digital_source_type: article.provenance.as_ref().map(|it| SourceType::of(it.digital_source_type)),
        }
    }
}

impl Association {
    fn picture(image: &Image) -> Self {
        let said = [("alt", &image.alt), ("caption", &image.caption)];
        let said = said.into_iter().filter(|(_, text)| !text.is_empty());
        Self {
            name: "picture".to_owned(),
            rel: "leadPicture",
            uri: uri(&image.url),
            r#type: "picture",
            language: None,
            descriptions: said.map(|(role, text)| Words::plain(role, text)).collect(),
            by: Some(image.credit.clone()).filter(|credit| !credit.is_empty()),
            renditions: vec![Rendition { name: "original", href: uri(&image.url) }],
        }
    }

    fn translation(other: &Translation, links: &Links) -> Self {
        Self {
            name: format!("translation-{}", other.language),
            rel: "translation",
            uri: urn(other.id),
            r#type: "text",
            language: Some(other.language.clone()),
            descriptions: Vec::new(),
            by: None,
            renditions: vec![Rendition {
                name: "web",
                href: links.article(other.id, &other.slug, &other.language),
            }],
        }
    }
}

impl SourceType {
    fn of(uri: DigitalSourceType) -> Self {
        let name = match uri {
            DigitalSourceType::DigitalCreation => "Digital creation",
            DigitalSourceType::CompositeWithTrainedAlgorithmicMedia => "Edited using Generative AI",
            DigitalSourceType::TrainedAlgorithmicMedia => "Created using Generative AI",
        };
        Self { name, uri }
    }
}
