//! The forms of an article other than Warta's own JSON, for programs that know other vocabularies.
//!
//! | file | media type | vocabulary |
//! |---|---|---|
//! | [`json_ld`] | `application/ld+json` | `NewsArticle` of schema.org |
//! | [`ninjs`] | `application/ninjs+json` | ninjs 3.1 of IPTC |
//! | [`markdown_file`] | `text/markdown` | CommonMark below YAML |
//! | [`headings`] | | the headings that they add to the story |

pub(crate) mod headings;
pub(crate) mod json_ld;
pub(crate) mod markdown_file;
pub(crate) mod ninjs;

use uuid::Uuid;

use crate::{
    articles::model::article::Article,
    context::links::Links,
    error::{ApiError, ApiResult},
    http::{negotiation::Negotiated, reply::Representation},
};

/// A form that an article can be read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The article in Warta's own JSON.
    Json,
    /// JSON-LD with the `NewsArticle` of schema.org.
    JsonLd,
    /// ninjs 3.1, the JSON format of IPTC.
    Ninjs,
    /// A Markdown file with YAML above the text.
    Markdown,
}

impl Form {
    /// All forms with their media types. The first one is for clients that accept anything.
    pub(crate) const OFFERED: [(Self, &str); 4] = [
        (Self::Json, "application/json"),
        (Self::JsonLd, "application/ld+json"),
        (Self::Ninjs, "application/ninjs+json"),
        (Self::Markdown, "text/markdown; charset=utf-8"),
    ];

    fn media_type(self) -> &'static str {
        let found = Self::OFFERED.iter().find(|(form, _)| *form == self);
        found.map_or("application/json", |(_, media_type)| media_type)
    }

    /// The media types of all forms, in the same order.
    pub(crate) const MEDIA_TYPES: [&str; 4] =
        [Self::OFFERED[0].1, Self::OFFERED[1].1, Self::OFFERED[2].1, Self::OFFERED[3].1];

    /// Returns the article in this form. `vary` lists the request headers on which the answer depends. All
    /// forms except Warta's own contain absolute addresses.
    ///
    /// # Errors
    /// Returns the error of `links`, if the form needs links and there are none.
    pub(crate) fn of(
        self,
        article: &Article,
        links: impl FnOnce() -> ApiResult<Links>,
        vary: &'static str,
    ) -> ApiResult<Negotiated> {
        let body = match self {
            Self::Json => serde_json::to_vec(article),
            Self::JsonLd => serde_json::to_vec(&json_ld::NewsArticle::of(article, &links()?)),
            Self::Ninjs => serde_json::to_vec(&ninjs::News::of(article, &links()?)),
            Self::Markdown => Ok(markdown_file::write(article, &links()?).into_bytes()),
        };
        let body = body.map_err(ApiError::internal)?;
        Ok(Negotiated { body, media_type: self.media_type(), state_tag: article.state_tag(), vary })
    }
}

/// Returns the URN of an id, which names the thing wherever it is.
#[must_use]
pub(crate) fn urn(id: Uuid) -> String {
    id.urn().to_string()
}
