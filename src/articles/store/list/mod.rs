//! The SQL of lists.
//!
//! | file | what it has |
//! |---|---|
//! | [`page`] | a page of a list, and how long the list is |
//! | [`filters`] | the conditions of a list |
//! | [`tag_source_filters`] | any, all or none of some tags or sources |
//! | [`order`] | the orders, and where a page begins |
//! | [`index_page`] | pages of ids that an index has in their order |
//! | [`search`] | search, with its ranks |
//! | [`related`] | what else there is to read |
//! | [`fitting`] | the rows of a page that its bytes have room for |

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
