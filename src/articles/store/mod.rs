//! Articles in Postgres.

mod order;
mod previews;
mod publish;
mod read;
mod resolve;
mod revisions;
mod slugs;
mod write;

pub use self::{previews::*, publish::*, read::*, resolve::*, revisions::*, slugs::*, write::*};
