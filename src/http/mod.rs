//! The building blocks of every feature's HTTP side: strict input, typed answers and conditional requests.

pub(crate) mod base_url;
pub mod body;
pub mod budget;
pub(crate) mod cache_rule;
pub(crate) mod compression;
pub(crate) mod conditional;
pub(crate) mod connection;
pub(crate) mod encoded;
pub(crate) mod negotiation;
pub(crate) mod patch;
pub(crate) mod prefer;
pub(crate) mod preview;
pub(crate) mod query;
pub(crate) mod reply;
