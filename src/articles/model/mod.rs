//! Types and rules: what an article is made of, what clients may write and ask for, and who may do what. Nothing here knows HTTP's
//! requests or runs SQL.
//!
//! | file | what it has |
//! |---|---|
//! | [`article`] | what an article is in answers |
//! | [`content`] | the fields that are written as they are read |
//! | [`image`] | the lead picture |
//! | [`input`] | what clients write, and how it is read |
//! | [`view`] | what a caller may see |
//! | [`query`] | what lists can be asked for |
//! | [`state`] | who may do what, in which state |
//! | [`publish_gate`] | what a story needs before readers see it |
//! | [`markdown`] | bodies to HTML |
//! | [`provenance`] | how a text came about |
//! | [`revision`] | what is kept of each save |
//! | [`version`] | what readers saw, and when |
//! | [`merge`] | which changes made at the same time clash |
//! | [`correction`] | what was set right since |
//! | [`preview_link`] | links to a draft for people without an account |
//! | [`related`] | what else there is to read |
//! | [`slug`] | what an article is found by |
//! | [`highlight`] | what a search found, marked |

pub(crate) mod article;
pub(crate) mod content;
pub(crate) mod correction;
pub(crate) mod highlight;
pub(crate) mod image;
pub(crate) mod input;
pub mod markdown;
pub(crate) mod merge;
pub(crate) mod preview_link;
pub(crate) mod provenance;
pub(crate) mod publish_gate;
pub(crate) mod query;
pub(crate) mod related;
pub(crate) mod revision;
pub(crate) mod slug;
pub(crate) mod state;
pub(crate) mod version;
pub(crate) mod view;
