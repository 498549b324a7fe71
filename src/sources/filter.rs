//! What a list of sources can be asked for.

use deserr::Deserr;
use utoipa::IntoParams;

use crate::{faults::Faults, http::query::Flag, pagination::Limit, values::Typed};

/// The filter and the page of a list of sources.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SourcesQuery {
    /// Prefix search: each word given must begin a word of the name or of the slug. Case and accents make no
    /// difference.
    #[deserr(default)]
    #[param(value_type = Typed, inline, required = false, example = "kantor be")]
    pub q: Option<Typed>,
    /// The maximum number of sources on a page.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the page before; without it, the first page.
    #[deserr(default)]
    #[param(value_type = String, required = false, min_length = 1)]
    pub cursor: Option<String>,
    /// `true` adds the number of sources on all pages as `total`.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub count: Flag,
}

crate::paged!(SourcesQuery);
