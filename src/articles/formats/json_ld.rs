//! Articles as schema.org's `NewsArticle` in JSON-LD, as search engines read it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    articles::{
        formats::urn,
        model::{
            article::{Article, Citation, CitationRole, SourceLink},
            correction::Correction,
            image::Image,
            markdown,
            provenance::DigitalSourceType,
            state::Status,
        },
    },
    context::links::Links,
    site::uri,
};

/// An article, in the words of schema.org (JSON-LD).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewsArticle {
    /// The vocabulary.
    #[serde(rename = "@context")]
    #[schema(example = "https://schema.org")]
    pub context: &'static str,
    /// `NewsArticle`.
    #[serde(rename = "@type")]
    #[schema(example = "NewsArticle")]
    pub r#type: &'static str,
    /// The article's id, as a URN.
    #[serde(rename = "@id")]
    #[schema(example = "urn:uuid:0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77")]
    pub id: String,
    /// Where readers find it.
    #[schema(example = "https://news.example/id/model-bahasa-daerah")]
    pub url: String,
    /// The page that it is the main thing on.
    #[schema(example = "https://news.example/id/model-bahasa-daerah")]
    pub main_entity_of_page: String,
    /// The headline.
    pub headline: String,
    /// The line above it.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub alternative_headline: String,
    /// The dek.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The text, without any markup.
    pub article_body: String,
    /// The language it is written in, a canonical BCP 47 tag.
    #[schema(example = "id")]
    pub in_language: String,
    /// When readers first saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_published: Option<DateTime<Utc>>,
    /// When it was last changed, also by a correction.
    pub date_modified: DateTime<Utc>,
    /// Which version of the story this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// `Published`, `Retracted`, or of a draft `Draft`.
    #[schema(example = "Published")]
    pub creative_work_status: &'static str,
    /// The words of the text.
    pub word_count: i32,
    /// The time it takes to read, as an ISO 8601 duration.
    #[schema(example = "PT3M")]
    pub time_required: String,
    /// Whom readers are told that it is by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_text: Option<String>,
    /// Who publishes it.
    pub publisher: Publisher,
    /// The names of its tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// The lead picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageObject>,
    /// Every document that it cites.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub citation: Vec<CreativeWork>,
    /// The documents that it rests on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub is_based_on: Vec<CreativeWork>,
    /// The documents that it is a translation of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub translation_of_work: Vec<CreativeWork>,
    /// The same story in other languages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub work_translation: Vec<TranslatedWork>,
    /// What was set right, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub correction: Vec<CorrectionComment>,
    /// How the text came about: schema.org's name for IPTC's code or, where it has none, IPTC's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://schema.org/TrainedAlgorithmicMediaDigitalSource")]
    pub digital_source_type: Option<&'static str>,
}

/// A picture, in the words of schema.org.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageObject {
    /// `ImageObject`.
    #[serde(rename = "@type")]
    #[schema(example = "ImageObject")]
    pub r#type: &'static str,
    /// Where the picture is.
    #[schema(example = "https://images.warta.example/nelayan.jpg")]
    pub url: String,
    /// What it shows.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The text below it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub caption: String,
    /// Whose picture it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub credit_text: String,
}

/// A document, in the words of schema.org.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreativeWork {
    /// `CreativeWork`.
    #[serde(rename = "@type")]
    #[schema(example = "CreativeWork")]
    pub r#type: &'static str,
    /// Where the document is.
    #[schema(example = "https://pesisir.example/laporan/2026/model-bahasa")]
    pub url: String,
    /// Its title.
    pub name: String,
    /// Whose document it is.
    pub publisher: Organization,
}

/// The publication, in the words of schema.org.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Publisher {
    /// `NewsMediaOrganization`.
    #[serde(rename = "@type")]
    #[schema(example = "NewsMediaOrganization")]
    pub r#type: &'static str,
    /// What it is called.
    #[schema(example = "Warta Nusantara")]
    pub name: String,
    /// Its front page.
    #[schema(example = "https://news.example/")]
    pub url: String,
}

/// A source, in the words of schema.org.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Organization {
    /// `Organization`.
    #[serde(rename = "@type")]
    #[schema(example = "Organization")]
    pub r#type: &'static str,
    /// The source's id, as a URN.
    #[serde(rename = "@id")]
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its home page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The same story in another language, in the words of schema.org.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TranslatedWork {
    /// `NewsArticle`.
    #[serde(rename = "@type")]
    #[schema(example = "NewsArticle")]
    pub r#type: &'static str,
    /// The article's id, as a URN.
    #[serde(rename = "@id")]
    pub id: String,
    /// Where readers find it.
    pub url: String,
    /// The language it is written in.
    #[schema(example = "en")]
    pub in_language: String,
}

/// What was set right, in the words of schema.org.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CorrectionComment {
    /// `CorrectionComment`.
    #[serde(rename = "@type")]
    #[schema(example = "CorrectionComment")]
    pub r#type: &'static str,
    /// The correction's id, as a URN.
    #[serde(rename = "@id")]
    pub id: String,
    /// What was set right, and how.
    pub text: String,
    /// When readers were told.
    pub date_published: DateTime<Utc>,
}

impl NewsArticle {
    /// An article that was read with its body.
    #[must_use]
    pub(crate) fn of(article: &Article, links: &Links) -> Self {
        let url = links.article(article.id, &article.content.slug, &article.content.language);
        let works = |used: &dyn Fn(CitationRole) -> bool| {
            article.citations.iter().filter(|citation| used(citation.role)).map(CreativeWork::of).collect()
        };
        let translated = |other: &crate::articles::model::article::Translation| TranslatedWork {
            r#type: "NewsArticle",
            id: urn(other.id),
            url: links.article(other.id, &other.slug, &other.language),
            in_language: other.language.clone(),
        };
        Self {
            context: "https://schema.org",
            r#type: "NewsArticle",
            id: urn(article.id),
            main_entity_of_page: url.clone(),
            url,
            headline: article.content.title.clone(),
            alternative_headline: article.content.kicker.clone(),
            description: article.content.summary.clone(),
            article_body: markdown::plain(article.body.as_deref().unwrap_or_default()),
            in_language: article.content.language.clone(),
            date_published: article.published_at,
            date_modified: article.updated_at,
            version: article.public_version,
            creative_work_status: match article.status {
                Status::Published => "Published",
                Status::Retracted => "Retracted",
                Status::Draft | Status::InReview | Status::Scheduled => "Draft",
            },
            word_count: article.word_count,
            time_required: format!("PT{}M", article.reading_minutes),
            credit_text: article.content.byline.clone(),
            publisher: Publisher { r#type: "NewsMediaOrganization", name: links.name(), url: links.home() },
            keywords: article.tags.iter().map(|tag| tag.name.clone()).collect(),
            image: article.content.image.as_ref().map(ImageObject::of),
            citation: works(&|_| true),
            is_based_on: works(&CitationRole::covers),
            translation_of_work: works(&|role| role == CitationRole::TranslatedFrom),
            work_translation: article.translations.iter().map(translated).collect(),
            correction: article.corrections.iter().map(CorrectionComment::of).collect(),
            digital_source_type: article
                .provenance
                .as_ref()
                .map(|provenance| name(provenance.digital_source_type)),
        }
    }
}

/// What schema.org calls it. It has no name for what people made without a camera or a drawing.
fn name(source: DigitalSourceType) -> &'static str {
    match source {
        DigitalSourceType::DigitalCreation => source.as_str(),
        DigitalSourceType::CompositeWithTrainedAlgorithmicMedia => {
            "https://schema.org/CompositeWithTrainedAlgorithmicMediaDigitalSource"
        }
        DigitalSourceType::TrainedAlgorithmicMedia => {
            "https://schema.org/TrainedAlgorithmicMediaDigitalSource"
        }
    }
}

impl ImageObject {
    fn of(image: &Image) -> Self {
        Self {
            r#type: "ImageObject",
            url: uri(&image.url),
            description: image.alt.clone(),
            caption: image.caption.clone(),
            credit_text: image.credit.clone(),
        }
    }
}

impl CreativeWork {
    fn of(citation: &Citation) -> Self {
        Self {
            r#type: "CreativeWork",
            url: uri(&citation.url),
            name: citation.title.clone(),
            publisher: Organization::of(&citation.source),
        }
    }
}

impl Organization {
    fn of(source: &SourceLink) -> Self {
        Self {
            r#type: "Organization",
            id: urn(source.id),
            name: source.name.clone(),
            url: source.homepage_url.as_deref().map(uri),
        }
    }
}

impl CorrectionComment {
    fn of(correction: &Correction) -> Self {
        Self {
            r#type: "CorrectionComment",
            id: urn(correction.id),
            text: correction.text.clone(),
            date_published: correction.created_at,
        }
    }
}
