//! Articles in Postgres.

mod corrections;
mod documents;
mod filtered;
mod order;
mod previews;
mod publish;
mod read;
mod related;
mod resolve;
mod revisions;
mod search;
mod slugs;
mod versions;
mod write;

pub use self::{
    corrections::*, documents::*, previews::*, publish::*, read::*, related::*, resolve::*, revisions::*,
    search::*, slugs::*, versions::*, write::*,
};
