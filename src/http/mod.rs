//! What every feature's HTTP side is made of: strict input, typed answers and conditional requests.

pub mod base_url;
pub mod body;
pub mod budget;
pub mod cache_rule;
pub mod compression;
pub mod conditional;
pub mod connection;
pub mod encoded;
pub mod negotiation;
pub mod patch;
pub mod prefer;
pub mod preview;
pub mod query;
pub mod reply;
