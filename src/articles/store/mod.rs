//! Articles in Postgres.

mod corrections;
mod draft;
mod duplicates;
mod filters;
mod fitting;
mod index_page;
mod order;
mod previews;
mod publish;
mod read;
mod references;
mod related;
mod revisions;
mod schedule;
mod search;
mod sitemap;
mod slugs;
mod tag_source_filters;
mod versions;

pub use self::{
    corrections::*,
    draft::*,
    duplicates::*,
    previews::*,
    publish::*,
    read::*,
    references::*,
    related::*,
    revisions::*,
    schedule::*,
    search::*,
    sitemap::*,
    slugs::*,
    tag_source_filters::{source_ids, tag_ids},
    versions::*,
};
