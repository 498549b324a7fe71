//! Articles in Postgres.

mod corrections;
mod documents;
mod filtered;
mod order;
mod previews;
mod publish;
mod read;
mod resolve;
mod revisions;
mod slugs;
mod versions;
mod write;

pub use self::{
    corrections::*, documents::*, previews::*, publish::*, read::*, resolve::*, revisions::*, slugs::*,
    versions::*, write::*,
};
