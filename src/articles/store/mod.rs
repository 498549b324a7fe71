//! Articles in Postgres.

mod corrections;
mod documents;
mod due;
mod edges;
mod filtered;
mod fitting;
mod having;
mod order;
mod places;
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
    corrections::*,
    documents::*,
    due::*,
    having::{source_ids, tag_ids},
    places::*,
    previews::*,
    publish::*,
    read::*,
    related::*,
    resolve::*,
    revisions::*,
    search::*,
    slugs::*,
    versions::*,
    write::*,
};
