//! One article in other forms than Warta's own JSON, for programs that know other vocabularies.
//!
//! | file | media type | vocabulary |
//! |---|---|---|
//! | [`json_ld`] | `application/ld+json` | `NewsArticle` of schema.org |
//! | [`ninjs`] | `application/ninjs+json` | ninjs 3.1 of IPTC |
//! | [`markdown_file`] | `text/markdown` | CommonMark below YAML |
//! | [`headings`] | | what they say between the story's own words |

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
    /// Warta's own.
    Json,
    /// `NewsArticle` of schema.org.
    JsonLd,
    /// ninjs 3.1.
    Ninjs,
    /// Markdown.
    Markdown,
}

impl Form {
    /// All of them, with their media types; first what those get who take anything.
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

    /// Their media types.
    pub(crate) const MEDIA_TYPES: [&str; 4] =
        [Self::OFFERED[0].1, Self::OFFERED[1].1, Self::OFFERED[2].1, Self::OFFERED[3].1];

    /// The article in this form, at an address where what is told depends on the headers in `vary`. All but Warta's own have absolute
    /// addresses in them.
    ///
    /// # Errors
    /// There are no links, where they are needed.
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

/// The address that names a thing wherever it is.
#[must_use]
pub(crate) fn urn(id: Uuid) -> String {
    id.urn().to_string()
}
