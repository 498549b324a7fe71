//! The query parameters of articles: the filters and the order of a list, and the options for reading,
//! creating and deleting an article.

use chrono::{DateTime, Utc};
use deserr::{Deserr, IntoValue, Map, Value, ValuePointerRef};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};
use uuid::Uuid;

use crate::{
    articles::model::{article::Article, highlight::SearchText, state::Status, view::View},
    auth::previews::PreviewToken,
    error::{ApiError, ApiResult},
    faults::{Faults, Invalid},
    http::query::{Flag, List},
    pagination::{Limit, TextPosition},
    principal::Principal,
    text_enum,
    values::{Id, Language, Reference, Timestamp, WebUrl},
};

/// The filters, the order and the page of a list of articles.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ArticlesQuery {
    /// Search: articles that contain all of these words in the headline, the dek or the body, in any form to
    /// which the article's language inflects them. Use `"a phrase"` for words in a row, `-not` to exclude a
    /// word, and `this or that` for alternatives. Case and accents make no difference. With `language`, only
    /// these languages are searched.
    #[deserr(default)]
    #[param(value_type = SearchText, inline, required = false, example = "\"model bahasa\" -uji")]
    pub q: Option<SearchText>,
    /// Articles with any of these tags, by slug or id.
    #[deserr(default)]
    #[param(value_type = Vec<Reference>, inline, style = Form, explode = false, required = false, min_items = 1, example = json!(["riset", "kebijakan"]))]
    pub tag: Option<List<Reference>>,
    /// Articles with all of these tags, by slug or id.
    #[deserr(default)]
    #[param(value_type = Vec<Reference>, inline, style = Form, explode = false, required = false, min_items = 1)]
    pub tag_all: Option<List<Reference>>,
    /// Articles with none of these tags, by slug or id.
    #[deserr(default)]
    #[param(value_type = Vec<Reference>, inline, style = Form, explode = false, required = false, min_items = 1)]
    pub tag_none: Option<List<Reference>>,
    /// Articles that cite any of these sources, by slug or id.
    #[deserr(default)]
    #[param(value_type = Vec<Reference>, inline, style = Form, explode = false, required = false, min_items = 1)]
    pub source: Option<List<Reference>>,
    /// Articles that cite the document at this address, in any role. `http` and `https`, a default port,
    /// tracking parameters, a slash at the end and the fragment make no difference.
    #[deserr(default)]
    #[param(value_type = WebUrl, inline, required = false)]
    pub cites: Option<WebUrl>,
    /// Articles in any of these languages, BCP 47 tags.
    #[deserr(default)]
    #[param(value_type = Vec<Language>, inline, style = Form, explode = false, required = false, min_items = 1, example = json!(["id"]))]
    pub language: Option<List<Language>>,
    /// Articles by any of these editors, by id. Needs a token.
    #[deserr(default)]
    #[param(value_type = Vec<Uuid>, inline, style = Form, explode = false, required = false, min_items = 1)]
    pub created_by: Option<List<Id>>,
    /// Articles published after this time (RFC 3339), not at it.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false)]
    pub published_after: Option<Timestamp>,
    /// Articles published before this time (RFC 3339), not at it.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false)]
    pub published_before: Option<Timestamp>,
    /// Articles changed after this time (RFC 3339), not at it.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false)]
    pub updated_after: Option<Timestamp>,
    /// If `true`, lists the drafts: a writer's own, or everybody's for editors and admins. Needs a token.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub draft: Flag,
    /// If `true`, lists the drafts in the trash instead of those outside it. Needs a token.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub trashed: Flag,
    /// Articles with any of these statuses. Any status other than `published` requires `draft=true` or
    /// `trashed=true`. Retracted stories are returned only for `retracted`.
    #[deserr(default)]
    #[param(value_type = Vec<Status>, inline, style = Form, explode = false, required = false, min_items = 1)]
    pub status: Option<List<Status>>,
    /// The order of the list. If it leaves a tie, ids decide. A draft that readers cannot see counts as
    /// published after all others.
    #[deserr(default = Sort::PublishedDescending)]
    #[param(inline, required = false)]
    pub sort: Sort,
    /// The most articles that a page can have.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the previous page. Without it, the first page is returned.
    #[deserr(default)]
    #[param(value_type = String, required = false, min_length = 1)]
    pub cursor: Option<String>,
    /// If `true`, `total` is the number of articles on all pages.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub count: Flag,
    /// Additional members of each article in the list.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub include: Option<Include>,
}

crate::paged!(ArticlesQuery);

/// The filters, the order and the page of a list of the articles that cite a source: those of
/// [`ArticlesQuery`] without `source`.
#[derive(Debug)]
pub(crate) struct SourceArticlesQuery(pub ArticlesQuery);

impl Deserr<Faults> for SourceArticlesQuery {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Faults> {
        let Value::Map(mut parameters) = value else {
            return ArticlesQuery::deserialize_from_value(value, location).map(Self);
        };
        let mut faults = Faults::none();
        if parameters.remove("source").is_some() {
            let invalid = Invalid::new("unknown", "There is no `source` here: the path names the source.");
            faults.extend(Faults::one(location.push_key("source"), invalid));
        }
        match ArticlesQuery::deserialize_from_value(Value::<V>::Map(parameters), location) {
            Ok(query) => faults.or(Self(query)),
            Err(others) => {
                faults.extend(others);
                Err(faults)
            }
        }
    }
}

impl IntoParams for SourceArticlesQuery {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = ArticlesQuery::into_params(place);
        parameters.retain(|parameter| parameter.name != "source");
        parameters
    }
}

text_enum! {
    /// The order of a list of articles.
    pub enum Sort {
        /// The latest published articles first.
        PublishedDescending = "-published_at",
        /// The earliest published articles first.
        PublishedAscending = "published_at",
        /// The most recently changed articles first.
        UpdatedDescending = "-updated_at",
        /// The least recently changed articles first.
        UpdatedAscending = "updated_at",
        /// By headline, A to Z.
        TitleAscending = "title",
        /// By headline, Z to A.
        TitleDescending = "-title",
        /// The best matches of `q` first. A word in the headline counts more than one in the dek, and that
        /// more than one in the body. If there is a tie, the latest published comes first. Needs `q`.
        Relevance = "relevance",
    }
}

text_enum! {
    /// Additional members of the articles in a list.
    pub enum Include {
        /// Adds `body` and `body_html`. A page then also ends when its texts get longer than 1 MiB together,
        /// but it has at least one article.
        Body = "body",
    }
}

/// The query parameters for reading one article.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ArticleQuery {
    /// If `true`, returns the draft instead of what readers see. Needs an access token or the token of a
    /// preview link.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub draft: Flag,
    /// If `true`, returns the draft of an article in the trash. Needs an access token.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub trashed: Flag,
    /// The token of a preview link, with which the draft is returned as readers would see it. It needs
    /// `draft=true`, and cannot be sent together with an access token.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    pub preview: Option<PreviewToken>,
}

impl ArticleQuery {
    /// Returns the preview token that the draft is to be read with; `None` if the request has none.
    ///
    /// # Errors
    /// `400` if the token comes with `trashed` or an access token, or without `draft`.
    pub(crate) fn preview(&self, viewer: Option<Principal>) -> ApiResult<Option<&PreviewToken>> {
        let (code, detail) = match &self.preview {
            None => return Ok(None),
            Some(_) if self.trashed.0 => ("not_in_trash", "There is no preview of an article in the trash."),
            Some(_) if !self.draft.0 => {
                ("needs_draft", "A preview shows the draft: send `draft=true` with it.")
            }
            Some(_) if viewer.is_some() => {
                ("with_token", "Send a preview token or an access token, not both.")
            }
            token => return Ok(token.as_ref()),
        };
        let preview = ValuePointerRef::Origin;
        let faults = Faults::one(preview.push_key("preview"), Invalid::new(code, detail));
        Err(ApiError::invalid_query(faults))
    }
}

/// The query parameters for creating an article.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CreateQuery {
    /// If `true`, creates the article even if another story already covers the same document.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub allow_duplicate: Flag,
}

/// The query parameters for deleting an article.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// If `true`, deletes the article for good, whether it is in the trash or not. Admins only.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub permanent: Flag,
}

impl ArticlesQuery {
    /// Returns the view of the editions that the caller may list.
    ///
    /// # Errors
    /// `401` if the query needs a token. `400` if it filters by a status that the list does not contain, or
    /// sorts by relevance without a search.
    pub(crate) fn view(&self, viewer: Option<Principal>) -> ApiResult<View> {
        // Readers do not see who wrote a story, so they cannot ask for it either.
        if self.created_by.is_some() && viewer.is_none() {
            return Err(ApiError::token_needed("The filter `created_by` needs an access token."));
        }
        let hidden = |status: &Status| *status != Status::Published;
        if !self.draft.0
            && !self.trashed.0
            && self.status.as_ref().is_some_and(|statuses| statuses.0.iter().any(hidden))
        {
            return Err(ApiError::invalid_query(Faults::one(
                ValuePointerRef::Origin.push_key("status"),
                Invalid::new("needs_draft", "Without `draft=true` a list has only published articles."),
            )));
        }
        if self.sort == Sort::Relevance && self.q.is_none() {
            return Err(ApiError::invalid_query(Faults::one(
                ValuePointerRef::Origin.push_key("sort"),
                Invalid::new("needs_q", "Only a search, with `q`, can be sorted by relevance."),
            )));
        }
        View::of(self.draft, self.trashed, viewer)
    }
}

/// The position of the last article of a page in its list; the next page starts after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Position {
    /// The position in a list sorted by relevance.
    Relevance {
        /// The bits of the article's rank, so that no digit of it is lost.
        rank: u32,
        /// The time of publication; `None` sorts before all times.
        time: Option<DateTime<Utc>>,
        /// The id of the article.
        id: Uuid,
    },
    /// The position in a list sorted by title.
    Title(TextPosition),
    /// The position in a list sorted by a time; `None` sorts after all times.
    Time {
        /// The time that the list is sorted by.
        time: Option<DateTime<Utc>>,
        /// The id of the article.
        id: Uuid,
    },
}

impl Position {
    /// Returns the position of an article in a list with this order.
    #[must_use]
    pub(crate) fn of(article: &Article, sort: Sort) -> Self {
        let id = article.id;
        match sort {
            Sort::Relevance => Self::Relevance {
                rank: article.rank.unwrap_or_default().to_bits(),
                time: article.published_at,
                id,
            },
            Sort::PublishedAscending | Sort::PublishedDescending => {
                Self::Time { time: article.published_at, id }
            }
            Sort::UpdatedAscending | Sort::UpdatedDescending => {
                Self::Time { time: Some(article.updated_at), id }
            }
            Sort::TitleAscending | Sort::TitleDescending => {
                Self::Title(TextPosition { text: article.content.title.clone(), id })
            }
        }
    }
}
