//! Articles in Postgres.

mod publish;
mod read;
mod resolve;
mod write;

pub use self::{publish::*, read::*, resolve::*, write::*};
