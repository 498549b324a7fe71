//! Articles as ninjs 3.1, IPTC's JSON for news, as newsroom systems exchange it. Its schema allows no member that it does not name.

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

/// An article as ninjs 3.1 has it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NinjsNews)]
pub(crate) struct News {
    /// What this is valid against.
    pub standard: Standard,
    /// The article's id, as a URN.
    #[schema(example = "urn:uuid:0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77")]
    pub uri: String,
    /// `text`.
    #[schema(example = "text")]
    pub r#type: &'static str,
    /// `full`.
    #[schema(example = "full")]
    pub representation_type: &'static str,
    /// Which version of the story this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2")]
    pub version: Option<String>,
    /// When the article was made.
    pub first_created: DateTime<Utc>,
    /// When it was last changed, also by a correction.
    pub version_created: DateTime<Utc>,
    /// When readers first saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_created: Option<DateTime<Utc>>,
    /// `usable`; of a draft `withheld`, of a retracted story `canceled`.
    #[schema(example = "usable")]
    pub pub_status: &'static str,
    /// The language it is written in, a canonical BCP 47 tag.
    #[schema(example = "id")]
    pub language: String,
    /// Its slug.
    pub alt_ids: Vec<AltId>,
    /// The headline (`main`), and the line above it (`kicker`).
    pub headlines: Vec<Words>,
    /// The dek (`summary`), and what was set right since (`correction`, `clarification`, `update`).
    pub descriptions: Vec<Words>,
    /// The text, as HTML (`main`) and as Markdown (`source`).
    pub bodies: Vec<Words>,
    /// Whom readers are told that it is by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Its tags.
    pub subjects: Vec<Subject>,
    /// The documents that it cites, each with its role, and last who publishes it (`publisher`).
    pub info_sources: Vec<InfoSource>,
    /// The page where readers find it.
    pub renditions: Vec<Rendition>,
    /// The lead picture, and the same story in other languages.
    pub associations: Vec<Association>,
    /// How the text came about, in IPTC's vocabulary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digital_source_type: Option<SourceType>,
}

/// What a ninjs object is valid against.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NinjsStandard)]
pub(crate) struct Standard {
    /// `ninjs`.
    #[schema(example = "ninjs")]
    pub name: &'static str,
    /// `3.1`.
    #[schema(example = "3.1")]
    pub version: &'static str,
    /// Its JSON Schema.
    #[schema(example = "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#")]
    pub schema: &'static str,
}

/// Another identifier.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NinjsAltId)]
pub(crate) struct AltId {
    /// `slug`.
    #[schema(example = "slug")]
    pub role: &'static str,
    /// The identifier.
    pub value: String,
}

/// A text in a role.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NinjsText)]
pub(crate) struct Words {
    /// What it is for.
    #[schema(example = "main")]
    pub role: &'static str,
    /// Its media type.
    #[schema(example = "text/html")]
    pub content_type: &'static str,
    /// The words of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word_count: Option<i32>,
    /// The text.
    pub value: String,
}

/// A tag.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NinjsSubject)]
pub(crate) struct Subject {
    /// Its name.
    pub name: String,
    /// `about`.
    #[schema(example = "about")]
    pub rel: &'static str,
    /// The tag's id, as a URN.
    pub uri: String,
    /// Its slug.
    pub literal: String,
}

/// A document that is cited, or who publishes the story.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NinjsInfoSource)]
pub(crate) struct InfoSource {
    /// Whose document it is; of the publisher, its name.
    pub name: String,
    /// How the story uses it, or `publisher`.
    #[schema(example = "original")]
    pub role: &'static str,
    /// Where the document is; of the publisher, the front page.
    pub uri: String,
    /// The document's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub literal: Option<String>,
}

/// A form that something is in, at an address.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NinjsRendition)]
pub(crate) struct Rendition {
    /// `web` for a page, `original` for a picture.
    #[schema(example = "web")]
    pub name: &'static str,
    /// Where it is.
    #[schema(example = "https://news.example/id/model-bahasa-daerah")]
    pub href: String,
}

/// Something that belongs to the article.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NinjsAssociation)]
pub(crate) struct Association {
    /// What it is called here.
    pub name: String,
    /// `leadPicture` or `translation`.
    #[schema(example = "translation")]
    pub rel: &'static str,
    /// What names it: a picture's address, an article's id as a URN.
    pub uri: String,
    /// `picture` or `text`.
    #[schema(example = "text")]
    pub r#type: &'static str,
    /// The language it is written in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What a picture shows (`alt`), and the text below it (`caption`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub descriptions: Vec<Words>,
    /// Whose picture it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Where it is.
    pub renditions: Vec<Rendition>,
}

/// A concept of IPTC's vocabulary of digital source types.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NinjsSourceType)]
pub(crate) struct SourceType {
    /// Its name.
    #[schema(example = "Digital creation")]
    pub name: &'static str,
    /// Its code.
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
    /// An article that was read with its body.
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
