//! Articles in Postgres.

mod order;
mod publish;
mod read;
mod resolve;
mod revisions;
mod write;

pub use self::{publish::*, read::*, resolve::*, revisions::*, write::*};
