//! What a list of tags can be asked for.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::Tag;
use crate::{faults::Faults, http::query::Flag, pagination::Limit, text_enum, values::Typed};

/// The filters, the order and the page of a list of tags.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TagsQuery {
    /// Prefix search: each word given must begin a word of the name or of the slug. Case and accents make no
    /// difference.
    #[deserr(default)]
    #[param(value_type = Typed, inline, required = false, example = "kebij")]
    pub q: Option<Typed>,
    /// `true` lists the tags in the menu, `false` the others. Without it, all tags are listed.
    #[deserr(default)]
    #[param(value_type = bool, required = false)]
    pub menu: Option<Flag>,
    /// The order; the default is `position` with `menu=true`, else `name`. Equal tags are sorted by id.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub sort: Option<Sort>,
    /// The maximum number of tags on a page.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the page before; without it, the first page.
    #[deserr(default)]
    #[param(value_type = String, required = false, min_length = 1)]
    pub cursor: Option<String>,
    /// `true` adds the number of tags on all pages as `total`.
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
    /// Returns the order of the list.
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
    /// The name in the row.
    pub name: String,
    /// The id of the row's tag.
    pub id: Uuid,
}

impl Place {
    /// Returns the position of a tag in the list.
    #[must_use]
    pub(crate) fn of(tag: &Tag) -> Self {
        Self { position: tag.position, name: tag.name.clone(), id: tag.id }
    }
}
