//! What happens in one transaction: the steps between a handler and the statements.
//!
//! | file | what it has |
//! |---|---|
//! | [`access`] | the article that a request is about |
//! | [`editing`] | how a draft changes |
//! | [`saving`] | how a draft is saved, with its revision |
//! | [`duplicates`] | whether another story covers a document already |
//! | [`conflict`] | what is told to those whose state is no longer current |
//! | [`transitions`] | what each action does |
//! | [`restoring`] | how a revision becomes the draft again |
//! | [`comparing`] | what two revisions differ in |
//! | [`listing`] | how a list is read |
//! | [`scheduler`] | publishes what is due |

pub mod access;
pub mod comparing;
pub mod conflict;
pub mod duplicates;
pub mod editing;
pub mod listing;
pub mod restoring;
pub mod saving;
pub mod scheduler;
pub mod transitions;
