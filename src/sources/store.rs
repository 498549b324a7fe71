//! Sources in Postgres.

use chrono::{DateTime, Utc};
use diesel::{
    dsl::{self, auto_type},
    pg::Pg,
    prelude::*,
    sql_types::BigInt,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{Source, SourceFields, filter::SourcesQuery};
use crate::{
    database::{
        keyset::ascending,
        slugs::make_free_slug,
        sql::{Fragment, completes, fragment, lower},
    },
    pagination::TextPosition,
    schema::{citations, sources},
    values::{Reference, Slug},
};

/// Only what readers can see counts, whoever asks; once, where an article cites a source more than once. The
/// index has these citations beside each other.
const ARTICLE_COUNT: &str = "(select count(*) from (select distinct c.published_at, c.article_id from citations c \
     where c.source_id = sources.id and c.published_at is not null) as citing)";

type Columns = (
    sources::id,
    sources::slug,
    sources::name,
    sources::homepage_url,
    sources::description,
    sources::language,
    Fragment<BigInt>,
    sources::created_at,
    sources::updated_at,
);

fn columns() -> Columns {
    (
        sources::id,
        sources::slug,
        sources::name,
        sources::homepage_url,
        sources::description,
        sources::language,
        fragment(ARTICLE_COUNT),
        sources::created_at,
        sources::updated_at,
    )
}

#[auto_type(no_type_alias)]
fn named<'a>((id, slug): (Option<Uuid>, Option<&'a str>)) -> _ {
    sources::id.nullable().eq(id).or(sources::slug.nullable().eq(slug))
}

/// Finds the source with this id or slug.
///
/// # Errors
/// [`diesel::NotFound`].
pub(crate) async fn find(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<Source> {
    sources::table.filter(named(reference.parts())).select(columns()).first(conn).await
}

/// Finds the source with this id or slug, and locks its row until the end of the transaction.
///
/// # Errors
/// [`diesel::NotFound`].
pub(crate) async fn lock(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<Source> {
    sources::table.filter(named(reference.parts())).select(columns()).for_no_key_update().first(conn).await
}

fn filtered(query: &SourcesQuery) -> dsl::IntoBoxed<'_, sources::table, Pg> {
    match &query.q {
        None => sources::table.into_boxed(),
        Some(typed) => sources::table.filter(completes(sources::name, sources::slug, &**typed)).into_boxed(),
    }
}

/// Reads up to `rows` sources that match the query, by name, from after a position.
pub(crate) async fn list(
    conn: &mut AsyncPgConnection,
    query: &SourcesQuery,
    rows: i64,
    after: Option<TextPosition>,
) -> QueryResult<Vec<Source>> {
    let after = after.map(|after| (lower(after.text), after.id));
    let query = ascending!(filtered(query), lower(sources::name), sources::id, after);
    query.limit(rows).select(columns()).load(conn).await
}

/// Counts the sources that match the query.
pub(crate) async fn count(conn: &mut AsyncPgConnection, query: &SourcesQuery) -> QueryResult<i64> {
    filtered(query).count().get_result(conn).await
}

/// Makes a slug of a name that no other source has.
pub(crate) async fn make_slug(conn: &mut AsyncPgConnection, id: Uuid, text: &str) -> QueryResult<Slug> {
    make_free_slug(conn, "source", text, id, async |conn, slugs| {
        sources::table
            .filter(sources::slug.eq_any(slugs))
            .filter(sources::id.ne(id))
            .select(sources::slug)
            .load(conn)
            .await
    })
    .await
}

/// Adds a source; `created_by` is the editor who created it, if an editor did.
///
/// # Errors
/// Violates the constraint `sources_slug_key` if another source has the slug.
pub(crate) async fn insert(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    fields: &SourceFields,
    created_by: Option<Uuid>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let times = (sources::created_at.eq(now), sources::updated_at.eq(now));
    diesel::insert_into(sources::table)
        .values((sources::id.eq(id), fields, sources::created_by.eq(created_by), times))
        .execute(conn)
        .await
        .map(drop)
}

/// Writes all columns of a source that editors write.
///
/// # Errors
/// Violates the constraint `sources_slug_key` if another source has the slug.
pub(crate) async fn update(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    fields: &SourceFields,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(sources::table.find(id))
        .set((fields, sources::updated_at.eq(now)))
        .execute(conn)
        .await
        .map(drop)
}

/// Returns true if this editor created the source.
pub(crate) async fn is_made_by(conn: &mut AsyncPgConnection, id: Uuid, editor_id: Uuid) -> QueryResult<bool> {
    let made = sources::table.find(id).filter(sources::created_by.eq(editor_id));
    diesel::select(dsl::exists(made)).get_result(conn).await
}

/// Counts the articles that cite the source, in any edition, the trash included.
pub(crate) async fn citing_articles(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<i64> {
    citations::table
        .filter(citations::source_id.eq(id))
        .select(dsl::count(citations::article_id).aggregate_distinct())
        .first(conn)
        .await
}

/// Deletes the row of a source.
///
/// # Errors
/// Violates the constraint `citations_source_id_fkey` if an edition cites the source.
pub(crate) async fn delete(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<()> {
    diesel::delete(sources::table.find(id)).execute(conn).await.map(drop)
}
