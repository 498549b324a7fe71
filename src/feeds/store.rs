//! Reads the names of the tags and sources that a feed is about.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    schema::{sources, tag_names, tags},
    values::{Reference, reference::split},
};

/// Returns the names of the tags that these references lead to, in alphabetical order.
pub(crate) async fn tag_names(
    conn: &mut AsyncPgConnection,
    references: &[Reference],
) -> QueryResult<Vec<String>> {
    let named: Vec<_> = references.iter().map(ToString::to_string).collect();
    let ids = tag_names::table.filter(tag_names::name.eq_any(named)).select(tag_names::tag_id);
    tags::table.filter(tags::id.eq_any(ids)).order((tags::name, tags::id)).select(tags::name).load(conn).await
}

/// Returns the names of these sources, in alphabetical order.
pub(crate) async fn source_names(
    conn: &mut AsyncPgConnection,
    references: &[Reference],
) -> QueryResult<Vec<String>> {
    let (ids, slugs) = split(references);
    let named = sources::id.eq_any(ids).or(sources::slug.eq_any(slugs));
    sources::table.filter(named).order((sources::name, sources::id)).select(sources::name).load(conn).await
}
