//! The slugs of an article: those that it has now, and those that it had before.

use serde::Serialize;
use utoipa::ToSchema;

use crate::values::Slug;

/// A slug that belongs to an article. No other article can take it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ArticleSlug {
    /// The slug itself, as in addresses.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// If `true`, the draft or what readers see has this slug. Otherwise it is an old one.
    pub current: bool,
    /// If `true`, readers have seen this slug. An old one leads them to the present one.
    pub known_to_readers: bool,
}
