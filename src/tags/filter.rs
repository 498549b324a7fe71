//! What a list of tags can be asked for.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::Tag;
use crate::{faults::Faults, http::query::Flag, pagination::Limit, text_enum, values::Typed};

/// Which tags, in which order.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TagsQuery {
    /// Tags with a word in the name or in the slug that begins so, for each word of it; case and accents make no difference.
    #[deserr(default)]
    #[param(value_type = Typed, inline, required = false, example = "kebij")]
    pub q: Option<Typed>,
    /// The tags that are in the menu, with `false` those that are not; without it, all.
    #[deserr(default)]
    #[param(value_type = bool, required = false)]
    pub menu: Option<Flag>,
    /// The order; `position` where `menu=true` asks for the menu, else `name`. Where it leaves a tie, ids decide.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub sort: Option<Sort>,
    /// How many tags a page has at most.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the page before; without it, the first page.
    #[deserr(default)]
    #[param(value_type = String, required = false, min_length = 1)]
    pub cursor: Option<String>,
    /// Whether to count the tags of all pages, into `total`.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub count: Flag,
}

crate::paged!(TagsQuery);

text_enum! {
    /// The order of a list of tags.
    pub enum Sort {
        /// By name, A to Z.
        Name = "name",
        /// By position, then by name; tags without a position last.
        Position = "position",
    }
}

impl TagsQuery {
    /// The order that it asks for.
    #[must_use]
    pub(crate) fn order(&self) -> Sort {
        let usual = if self.menu == Some(Flag(true)) { Sort::Position } else { Sort::Name };
        self.sort.unwrap_or(usual)
    }
}

/// The last row that was seen of a list of tags, whatever its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The row's position; `None` sorts after all.
    pub position: Option<i16>,
    /// The row's name.
    pub name: String,
    /// The row's id.
    pub id: Uuid,
}

impl Place {
    /// Where a tag stands.
    #[must_use]
    pub(crate) fn of(tag: &Tag) -> Self {
        Self { position: tag.position, name: tag.name.clone(), id: tag.id }
    }
}
