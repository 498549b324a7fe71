//! Resolves the references in the body of a request: tags, sources and the translated article.

use diesel::{
    prelude::*,
    sql_types::{Array, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::{
        model::{
            input::{References, Resolved},
            view::{Drafts, View},
        },
        store::draft::id_of,
    },
    database::sql::fragment,
    faults::{Fault, Faults},
    schema::{articles, editions, sources, tag_names, tags},
    values::{Reference, reference::split},
};

/// Looks up the tags, sources and the translated article that the references name, in five statements at
/// most. The faults name what does not exist, or what the view cannot see. The tags stay until the end of the
/// transaction.
pub(crate) async fn resolve(
    conn: &mut AsyncPgConnection,
    view: View,
    references: &References,
) -> QueryResult<(Resolved, Faults)> {
    let mut faults = Faults::none();
    let mut resolved = Resolved::default();

    let found = find_tags(conn, &references.tags).await?;
    let mut by_present_name = Vec::new();
    for (pointer, reference) in &references.tags {
        let Some(tag) = found.iter().find(|tag| tag.goes_by(reference)) else {
            faults.push(Fault::at(pointer, "not_found", "No tag has this slug or id."));
            continue;
        };
        if reference.names(tag.id, &tag.slug) {
            if by_present_name.contains(&tag.id) {
                faults.push(Fault::at(pointer, "duplicate", "The article has this tag already."));
            }
            by_present_name.push(tag.id);
        }
        // Names of merged tags can name the same tag twice without intent: the first place counts.
        if !resolved.tags.contains(&tag.id) {
            resolved.tags.push(tag.id);
        }
    }
    let found = find_sources(conn, &references.sources).await?;
    for (pointer, reference) in &references.sources {
        match named(&found, reference) {
            Some(id) => resolved.sources.push(id),
            None => faults.push(Fault::at(pointer, "not_found", "No source has this slug or id.")),
        }
    }
    if let Some(reference) = &references.translation_of {
        resolved.translation_group_id = find_group(conn, view, reference).await?;
        if resolved.translation_group_id.is_none() {
            let detail = "There is no article with this slug or id, or you are not allowed to see it.";
            faults.push(Fault::at("/translation_of", "not_found", detail));
        }
    }
    Ok((resolved, faults))
}

fn named(found: &[(Uuid, String)], reference: &Reference) -> Option<Uuid> {
    found.iter().find(|(id, slug)| reference.names(*id, slug)).map(|(id, _)| *id)
}

fn parts(references: &[(String, Reference)]) -> Vec<Reference> {
    references.iter().map(|(_, reference)| reference.clone()).collect()
}

/// A tag, with every name that leads to it.
#[derive(Queryable)]
struct FoundTag {
    id: Uuid,
    slug: String,
    names: Vec<String>,
}

impl FoundTag {
    fn goes_by(&self, reference: &Reference) -> bool {
        self.names.contains(&reference.to_string())
    }
}

const NAMES: &str = "(select array_agg(n.name) from tag_names n where n.tag_id = tags.id)";

async fn find_tags(
    conn: &mut AsyncPgConnection,
    references: &[(String, Reference)],
) -> QueryResult<Vec<FoundTag>> {
    let names: Vec<_> = references.iter().map(|(_, reference)| reference.to_string()).collect();
    let named = tag_names::table.filter(tag_names::name.eq_any(&names)).select(tag_names::tag_id);
    let query = tags::table
        .filter(tags::id.eq_any(named))
        .select((tags::id, tags::slug, fragment::<Array<Text>>(NAMES)))
        .for_key_share();
    if references.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<FoundTag> = query.clone().load(conn).await?;
    if references.iter().all(|(_, reference)| found.iter().any(|tag| tag.goes_by(reference))) {
        return Ok(found);
    }
    // A tag can have been merged while this statement waited for it: a statement sees what was there before
    // it began.
    query.load(conn).await
}

async fn find_sources(
    conn: &mut AsyncPgConnection,
    references: &[(String, Reference)],
) -> QueryResult<Vec<(Uuid, String)>> {
    let references = parts(references);
    let (ids, slugs) = split(&references);
    let query = sources::table.filter(sources::id.eq_any(ids).or(sources::slug.eq_any(slugs)));
    if references.is_empty() {
        Ok(Vec::new())
    } else {
        query.select((sources::id, sources::slug)).load(conn).await
    }
}

/// Returns the translation group of an article that the view can see: as a draft of the view, or live.
async fn find_group(
    conn: &mut AsyncPgConnection,
    view: View,
    reference: &Reference,
) -> QueryResult<Option<Uuid>> {
    let Some(id) = id_of(conn, reference).await.optional()? else { return Ok(None) };
    let mut query = editions::table
        .inner_join(articles::table)
        .filter(articles::trashed_at.is_null())
        .filter(editions::article_id.eq(id))
        .order(editions::kind)
        .select(editions::translation_group_id)
        .into_boxed();
    if let View::Drafts(Drafts { of: Some(writer), .. }) = view {
        // An article of somebody else is found by the address that readers see.
        let (by_id, slug) = reference.parts();
        let addressed = editions::article_id.nullable().eq(by_id).or(editions::slug.nullable().eq(slug));
        query = query.filter(articles::created_by.eq(writer).or(editions::kind.eq("live").and(addressed)));
    }
    query.first(conn).await.optional()
}
