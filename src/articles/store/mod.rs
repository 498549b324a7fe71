//! Articles in Postgres.

mod documents;
mod filtered;
mod order;
mod previews;
mod publish;
mod read;
mod resolve;
mod revisions;
mod slugs;
mod write;

pub use self::{
    documents::*, previews::*, publish::*, read::*, resolve::*, revisions::*, slugs::*, write::*,
};
