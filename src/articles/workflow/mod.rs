//! What happens in one transaction: the steps between a handler and the statements.
//!
//! | file | what it has |
//! |---|---|
//! | [`access`] | the article that a request is about |
//! | [`edit`] | how a draft changes |
//! | [`save`] | how a draft is saved, with its revision |
//! | [`duplicates`] | whether another story covers a document already |
//! | [`conflict`] | what is told to those whose state is no longer current |
//! | [`transition`] | what each action does |
//! | [`restore_revision`] | how a revision becomes the draft again |
//! | [`compare`] | what two revisions differ in |
//! | [`listing`] | how a list is read |
//! | [`publish_due`] | publishes what is due |

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
