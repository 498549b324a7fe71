//! What a list of sources can be asked for.

use deserr::Deserr;
use utoipa::IntoParams;

use crate::{faults::Faults, http::query::Flag, pagination::Limit, values::Typed};

/// Which sources.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SourcesQuery {
    /// Sources with a word in the name or in the slug that begins so, for each word of it; case and accents make no difference.
    #[deserr(default)]
    #[param(value_type = Typed, inline, required = false, example = "kantor be")]
    pub q: Option<Typed>,
    /// How many sources a page has at most.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the page before; without it, the first page.
    #[deserr(default)]
    #[param(value_type = String, required = false, min_length = 1)]
    pub cursor: Option<String>,
    /// Whether to count the sources of all pages, into `total`.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub count: Flag,
}

crate::paged!(SourcesQuery);
