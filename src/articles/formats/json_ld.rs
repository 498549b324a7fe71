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

/// An article in the vocabulary of schema.org (JSON-LD).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewsArticle {
    /// The address of the vocabulary.
    #[serde(rename = "@context")]
    #[schema(example = "https://schema.org")]
    pub context: &'static str,
    /// The type, always `NewsArticle`.
    #[serde(rename = "@type")]
    #[schema(example = "NewsArticle")]
    pub r#type: &'static str,
    /// The article's id, as a URN.
    #[serde(rename = "@id")]
    #[schema(example = "urn:uuid:0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77")]
    pub id: String,
    /// The address at which readers find the article.
    #[schema(example = "https://news.example/id/model-bahasa-daerah")]
    pub url: String,
    /// The page that has the article as its main content.
    #[schema(example = "https://news.example/id/model-bahasa-daerah")]
    pub main_entity_of_page: String,
    /// The headline of the article.
    pub headline: String,
    /// The kicker, a short line above the headline.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub alternative_headline: String,
    /// The dek, a short summary of the story.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The text, without any markup.
    pub article_body: String,
    /// The language that the article is written in, a canonical BCP 47 tag.
    #[schema(example = "id")]
    pub in_language: String,
    /// The time at which readers first saw the article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_published: Option<DateTime<Utc>>,
    /// The time of the last change. A correction counts as a change.
    pub date_modified: DateTime<Utc>,
    /// The number of this version of the story.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// The status: `Published`, `Retracted`, or `Draft` for a draft.
    #[schema(example = "Published")]
    pub creative_work_status: &'static str,
    /// The number of words in the text.
    pub word_count: i32,
    /// The reading time, as an ISO 8601 duration.
    #[schema(example = "PT3M")]
    pub time_required: String,
    /// The author's name, as readers see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_text: Option<String>,
    /// The publication that publishes the article.
    pub publisher: Publisher,
    /// The names of the article's tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// The lead picture of the article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageObject>,
    /// All documents that the article cites.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub citation: Vec<CreativeWork>,
    /// The documents that the article is based on or translates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub is_based_on: Vec<CreativeWork>,
    /// The documents that the article is a translation of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub translation_of_work: Vec<CreativeWork>,
    /// The articles that tell the same story in other languages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub work_translation: Vec<TranslatedWork>,
    /// The corrections of the story, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub correction: Vec<CorrectionComment>,
    /// The provenance of the text: schema.org's name for IPTC's code or, if it has none, IPTC's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://schema.org/TrainedAlgorithmicMediaDigitalSource")]
    pub digital_source_type: Option<&'static str>,
}

/// A picture in the vocabulary of schema.org.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageObject {
    /// The type, always `ImageObject`.
    #[serde(rename = "@type")]
    #[schema(example = "ImageObject")]
    pub r#type: &'static str,
    /// The address of the picture.
    #[schema(example = "https://images.warta.example/nelayan.jpg")]
    pub url: String,
    /// The alternative text: what the picture shows.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The caption below the picture.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub caption: String,
    /// The credit: the person or organisation whose picture it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub credit_text: String,
}

/// A document in the vocabulary of schema.org.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreativeWork {
    /// The type, always `CreativeWork`.
    #[serde(rename = "@type")]
    #[schema(example = "CreativeWork")]
    pub r#type: &'static str,
    /// The address of the document.
    #[schema(example = "https://pesisir.example/laporan/2026/model-bahasa")]
    pub url: String,
    /// The title of the document.
    pub name: String,
    /// The source that the document is from.
    pub publisher: Organization,
}

/// The publication in the vocabulary of schema.org.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Publisher {
    /// The type, always `NewsMediaOrganization`.
    #[serde(rename = "@type")]
    #[schema(example = "NewsMediaOrganization")]
    pub r#type: &'static str,
    /// The name of the publication.
    #[schema(example = "Warta Nusantara")]
    pub name: String,
    /// The address of the front page.
    #[schema(example = "https://news.example/")]
    pub url: String,
}

/// A source in the vocabulary of schema.org.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Organization {
    /// The type, always `Organization`.
    #[serde(rename = "@type")]
    #[schema(example = "Organization")]
    pub r#type: &'static str,
    /// The source's id, as a URN.
    #[serde(rename = "@id")]
    pub id: String,
    /// The name of the source.
    pub name: String,
    /// The address of the source's home page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// An article that tells the same story in another language, in the vocabulary of schema.org.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TranslatedWork {
    /// The type, always `NewsArticle`.
    #[serde(rename = "@type")]
    #[schema(example = "NewsArticle")]
    pub r#type: &'static str,
    /// The article's id, as a URN.
    #[serde(rename = "@id")]
    pub id: String,
    /// The address at which readers find the article.
    pub url: String,
    /// The language that the article is written in.
    #[schema(example = "en")]
    pub in_language: String,
}

/// A correction in the vocabulary of schema.org.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CorrectionComment {
    /// The type, always `CorrectionComment`.
    #[serde(rename = "@type")]
    #[schema(example = "CorrectionComment")]
    pub r#type: &'static str,
    /// The correction's id, as a URN.
    #[serde(rename = "@id")]
    pub id: String,
    /// The text, which says what was set right and how.
    pub text: String,
    /// The time at which readers were told.
    pub date_published: DateTime<Utc>,
}

impl NewsArticle {
    /// Returns the JSON-LD of an article that was read with its body.
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

/// Returns schema.org's name for a digital source type. schema.org has none for what people made without a
/// camera or a drawing, so that has IPTC's code.
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
