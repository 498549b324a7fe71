//! The steps of each transaction, between the handlers and the statements of the store.
//!
//! | file | content |
//! |---|---|
//! | [`access`] | finds the article that a request is about, and checks permissions |
//! | [`edit`] | creates and changes drafts |
//! | [`save`] | saves a draft, with its revision |
//! | [`duplicates`] | refuses a document that another story covers already |
//! | [`conflict`] | explains a `412` to clients whose state is no longer current |
//! | [`transition`] | performs the actions of the state machine |
//! | [`restore_revision`] | makes a revision the draft again |
//! | [`compare`] | compares two revisions |
//! | [`listing`] | reads a page of a list |
//! | [`publish_due`] | publishes scheduled articles at their time |

pub(crate) mod access;
pub(crate) mod compare;
pub(crate) mod conflict;
pub(crate) mod duplicates;
pub(crate) mod edit;
pub(crate) mod listing;
pub mod publish_due;
pub(crate) mod restore_revision;
pub(crate) mod save;
pub(crate) mod transition;
