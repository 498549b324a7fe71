//! What every feature's HTTP side is made of: strict input, typed answers and conditional requests.

pub mod answer;
pub mod base;
pub mod body;
pub mod budget;
pub mod codes;
pub mod coding;
pub mod conditional;
pub mod connection;
pub mod context;
pub mod faults;
pub mod links;
pub mod negotiation;
pub mod patch;
pub mod prefer;
pub mod preview;
pub mod query;
pub mod reply;
pub mod schemas;
pub mod signed_in;
pub mod surrogate;
