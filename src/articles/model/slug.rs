//! The slugs of an article: what it is found by now, and what it was found by once.

use serde::Serialize;
use utoipa::ToSchema;

use crate::values::Slug;

/// A slug that belongs to an article. No other article can take it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ArticleSlug {
    /// The slug.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// Whether the draft or what readers see has it. Any other one is an old one.
    pub current: bool,
    /// Whether readers have seen it. An old one leads them to the present one.
    pub known_to_readers: bool,
}
