//! Reads and writes articles in Postgres.

mod corrections;
mod draft;
mod duplicates;
mod editions;
mod list;
mod previews;
mod publish;
mod read;
mod references;
mod revisions;
mod schedule;
mod sitemap;
mod slugs;
mod versions;

pub(crate) use self::{
    corrections::*, draft::*, duplicates::*, list::*, previews::*, publish::*, read::*, references::*,
    revisions::*, schedule::*, sitemap::*, slugs::*, versions::*,
};
