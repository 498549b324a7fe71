//! Types and rules: what an article is made of, what clients may write and ask for, and who may do what. Nothing here knows HTTP's
//! requests or runs SQL.
//!
//! | file | what it has |
//! |---|---|
//! | [`content`] | the fields that are written as they are read |
//! | [`input`] | what clients write, and how it is read |
//! | [`query`] | what lists can be asked for |
//! | [`rules`] | who may do what, in which state |
//! | [`publish_gate`] | what a story needs before readers see it |
//! | [`markdown`] | bodies to HTML |
//! | [`provenance`] | how a text came about |
//! | [`revisions`] | what is kept of each save |
//! | [`versions`] | what readers saw, and when |
//! | [`merging`] | which changes made at the same time clash |
//! | [`corrections`] | what was set right since |
//! | [`previews`] | links to a draft for people without an account |
//! | [`related`] | what else there is to read |
//! | [`slugs`] | what an article is found by |
//! | [`highlight`] | what a search found, marked |

pub mod content;
pub mod corrections;
pub mod highlight;
pub mod input;
pub mod markdown;
pub mod merging;
pub mod previews;
pub mod provenance;
pub mod publish_gate;
pub mod query;
pub mod related;
pub mod revisions;
pub mod rules;
pub mod slugs;
pub mod versions;
