//! What a list of articles can be asked for.

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

/// Which articles, in which order.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ArticlesQuery {
    /// Articles with these words, in the headline, the dek or the body, each as its own language inflects them: all of them; `"a
    /// phrase"` in quotes, `-not` this one, `this or` that one. Case and accents make no difference. With `language`, in those alone.
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
    /// Articles that cite the document at this address, whatever its role. `http` and `https`, a default port, tracking parameters, a
    /// slash at the end and the fragment make no difference.
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
    /// Whether to list the drafts: a writer's own, or everybody's for editors and admins. Needs a token.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub draft: Flag,
    /// Whether to list the drafts in the trash, instead of those that are not. Needs a token.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub trashed: Flag,
    /// Articles with any of these statuses. Other ones than `published` need `draft=true`, with which
    /// `retracted` gives the stories that were taken back, and each other one gives none of them.
    #[deserr(default)]
    #[param(value_type = Vec<Status>, inline, style = Form, explode = false, required = false, min_items = 1)]
    pub status: Option<List<Status>>,
    /// The order. Where it leaves a tie, ids decide. A draft that readers cannot see counts as published after all others.
    #[deserr(default = Sort::PublishedDescending)]
    #[param(inline, required = false)]
    pub sort: Sort,
    /// How many articles a page has at most.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the page before; without it, the first page.
    #[deserr(default)]
    #[param(value_type = String, required = false, min_length = 1)]
    pub cursor: Option<String>,
    /// Whether to count the articles of all pages, into `total`.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub count: Flag,
    /// What else to give of each article.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub include: Option<Include>,
}

crate::paged!(ArticlesQuery);

/// Which of the articles that cite a source, in which order: as [`ArticlesQuery`] has it, without `source`.
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
            let invalid = Invalid::new("unknown", "There is no `source` here; the path names it.");
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
        /// Latest published first.
        PublishedDescending = "-published_at",
        /// First published first.
        PublishedAscending = "published_at",
        /// Last changed first.
        UpdatedDescending = "-updated_at",
        /// First changed first.
        UpdatedAscending = "updated_at",
        /// By headline, A to Z.
        TitleAscending = "title",
        /// By headline, Z to A.
        TitleDescending = "-title",
        /// What fits `q` best first, a word in the headline more than one in the dek, and that more than one in the body; then the
        /// latest published. Needs `q`.
        Relevance = "relevance",
    }
}

text_enum! {
    /// What a list can have more of.
    pub enum Include {
        /// `body` and `body_html`. A page then also ends where the texts on it get longer than 1 MiB together, after one article at
        /// least.
        Body = "body",
    }
}

/// How one article is read.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ArticleQuery {
    /// Whether to read the draft instead of what readers see. Needs a token, or a preview link's.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub draft: Flag,
    /// Whether to read the draft of an article in the trash. Needs a token.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub trashed: Flag,
    /// The token of a preview link, with which the draft is read as readers would see it; only with `draft=true`, and without an
    /// access token.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    pub preview: Option<PreviewToken>,
}

impl ArticleQuery {
    /// The preview token that the draft is to be read with.
    ///
    /// # Errors
    /// `400`: it cannot be applied to what else the request says.
    pub(crate) fn preview(&self, viewer: Option<Principal>) -> ApiResult<Option<&PreviewToken>> {
        let (code, detail) = match &self.preview {
            None => return Ok(None),
            Some(_) if self.trashed.0 => ("not_in_trash", "There is no preview of what is in the trash."),
            Some(_) if !self.draft.0 => {
                ("needs_draft", "A preview is one of the draft: send `draft=true` with it.")
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

/// How an article is made.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CreateQuery {
    /// Whether to make it also where another story covers the same document already.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub allow_duplicate: Flag,
}

/// How an article is deleted.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// Whether to delete for good, out of the trash too. Admins only.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub permanent: Flag,
}

impl ArticlesQuery {
    /// What the caller may see.
    ///
    /// # Errors
    /// `401`: the query needs a token; `400`: it filters what it does not list.
    pub(crate) fn view(&self, viewer: Option<Principal>) -> ApiResult<View> {
        // Who wrote a story is not shown to readers, so they cannot ask for it either.
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

/// The last row that was seen of a list of articles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Position {
    /// In a list sorted by relevance.
    Relevance {
        /// The bits of the row's rank: no digit of it may be lost.
        rank: u32,
        /// When it was published; `None` sorts before all times.
        time: Option<DateTime<Utc>>,
        /// The row's id.
        id: Uuid,
    },
    /// In a list sorted by title.
    Title(TextPosition),
    /// In a list sorted by a time; `None` sorts after all times.
    Time {
        /// The row's time.
        time: Option<DateTime<Utc>>,
        /// The row's id.
        id: Uuid,
    },
}

impl Position {
    /// Where an article stands in a list of this order.
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
