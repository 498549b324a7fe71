//! The SQL of lists of articles.
//!
//! | file | content |
//! |---|---|
//! | [`page`] | a page of a list, and the length of the list |
//! | [`filters`] | the conditions of a list |
//! | [`tag_source_filters`] | any, all or none of some tags or sources |
//! | [`order`] | the orders, and the position after which a page starts |
//! | [`index_page`] | pages of ids that come out of an index in order |
//! | [`search`] | full-text search, with its ranks |
//! | [`related`] | articles that are related to another one |
//! | [`fitting`] | the number of articles whose texts fit on a page |

mod filters;
mod fitting;
mod index_page;
pub(super) mod order;
mod page;
mod related;
mod search;
mod tag_source_filters;

pub(crate) use self::{
    page::*,
    related::*,
    search::*,
    tag_source_filters::{source_ids, tag_ids},
};
