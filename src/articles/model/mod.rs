//! The types and rules of articles: what an article is made of, what clients can write and ask for, and who
//! may do what. Nothing here handles HTTP requests or runs SQL.
//!
//! | file | what it has |
//! |---|---|
//! | [`article`] | articles as answers represent them |
//! | [`content`] | the fields that readers see as they were written |
//! | [`image`] | the lead picture |
//! | [`input`] | the bodies that clients send |
//! | [`view`] | the editions that a caller may see |
//! | [`query`] | the query parameters of articles |
//! | [`state`] | the states and their actions, and who may do them |
//! | [`publish_gate`] | the requirements for publishing a story |
//! | [`markdown`] | the rendering of Markdown bodies to HTML |
//! | [`provenance`] | the way in which a text came about |
//! | [`revision`] | what is kept of each save |
//! | [`version`] | what readers saw, and when |
//! | [`merge`] | the clashes of changes made at the same time |
//! | [`correction`] | the corrections of an article |
//! | [`preview_link`] | links to a draft for people without an account |
//! | [`related`] | the query parameters of related articles |
//! | [`slug`] | the present and old slugs of an article |
//! | [`highlight`] | search texts, and their marked matches |

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
