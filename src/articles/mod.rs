//! Articles: stories, each with a draft that editors work on and, once published, a live edition that readers
//! see.
//!
//! | floor | what it has |
//! |---|---|
//! | [`api`] | HTTP: a handler for each operation |
//! | [`workflow`] | what happens in one transaction |
//! | [`store`] | SQL |
//! | [`model`] | types and rules |
//! | [`formats`] | an article in other vocabularies |
//!
//! Each floor stands on those below it.

pub(crate) mod api;
pub(crate) mod formats;
pub mod model;
pub(crate) mod store;
pub mod workflow;
