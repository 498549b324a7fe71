//! Tags in Postgres.

use chrono::{DateTime, Utc};
use diesel::{dsl::auto_type, pg::Pg, prelude::*, sql_types::BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{Tag, TagFields};
use crate::{
    database::{
        fragment::{Fragment, fragment, lower},
        lock::hold_name,
    },
    pagination::TextPosition,
    schema::{articles, edition_tags, tags},
    values::{Reference, Slug},
};

/// Only what readers can see counts, whoever asks.
const ARTICLE_COUNT: &str = "(select count(*) from edition_tags et join editions e using (article_id, kind) \
     where et.tag_id = tags.id and e.kind = 'live' and e.status = 'published')";

type Columns = (
    tags::id,
    tags::slug,
    tags::name,
    tags::description,
    Fragment<BigInt>,
    tags::created_at,
    tags::updated_at,
);

fn columns() -> Columns {
    (
        tags::id,
        tags::slug,
        tags::name,
        tags::description,
        fragment(ARTICLE_COUNT),
        tags::created_at,
        tags::updated_at,
    )
}

#[auto_type(no_type_alias)]
fn named<'a>((id, slug): (Option<Uuid>, Option<&'a str>)) -> _ {
    tags::id.nullable().eq(id).or(tags::slug.nullable().eq(slug))
}

/// The tag with this id or slug.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
pub async fn find(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<Tag> {
    tags::table.filter(named(reference.parts())).select(columns()).first(conn).await
}

/// The tag with this id or slug, locked until the end of the transaction.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
pub async fn lock(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<Tag> {
    tags::table.filter(named(reference.parts())).select(columns()).for_no_key_update().first(conn).await
}

/// Locks the articles that have the tag, until the end of the transaction. What takes a tag off them does this first: whoever
/// changes an article locks it before its tags.
///
/// # Errors
/// As any statement.
pub async fn lock_articles(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<()> {
    let tagged = edition_tags::table
        .inner_join(tags::table)
        .filter(named(reference.parts()))
        .select(edition_tags::article_id);
    articles::table
        .filter(articles::id.eq_any(tagged))
        // One order for all, or the deletions of two tags could wait for each other.
        .order(articles::id)
        .select(articles::id)
        .for_no_key_update()
        .execute(conn)
        .await
        .map(drop)
}

/// Up to `rows` tags in the order of their names, from after a position.
///
/// # Errors
/// As any statement.
pub async fn list(
    conn: &mut AsyncPgConnection,
    rows: i64,
    after: Option<TextPosition>,
) -> QueryResult<Vec<Tag>> {
    let mut query = tags::table.select(columns()).into_boxed::<Pg>();
    if let Some(TextPosition { text, id }) = after {
        query = query
            .filter(lower(tags::name).ge(lower(text.clone())))
            .filter(lower(tags::name).gt(lower(text)).or(tags::id.gt(id)));
    }
    query.order((lower(tags::name), tags::id)).limit(rows).load(conn).await
}

/// How many tags there are.
///
/// # Errors
/// As any statement.
pub async fn count(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    tags::table.count().get_result(conn).await
}

/// Which of the slugs that could be made of `base` other tags have. No two transactions make one of the same base at a time.
///
/// # Errors
/// As any statement.
pub async fn slugs_taken(conn: &mut AsyncPgConnection, id: Uuid, base: &Slug) -> QueryResult<Vec<String>> {
    hold_name(conn, &format!("tags/{}", &**base)).await?;
    tags::table
        .filter(tags::slug.eq_any(base.numbered()))
        .filter(tags::id.ne(id))
        .select(tags::slug)
        .load(conn)
        .await
}

/// Adds a tag.
///
/// # Errors
/// The constraint `tags_slug_key` where the slug is taken; else as any statement.
pub async fn insert(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    fields: &TagFields,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(tags::table)
        .values((tags::id.eq(id), fields, tags::created_at.eq(now), tags::updated_at.eq(now)))
        .execute(conn)
        .await
        .map(drop)
}

/// Changes a tag.
///
/// # Errors
/// The constraint `tags_slug_key` where the slug is taken; else as any statement.
pub async fn update(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    fields: &TagFields,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(tags::table.find(id)).set((fields, tags::updated_at.eq(now))).execute(conn).await.map(drop)
}

/// Deletes a tag, and with it its place on every edition.
///
/// # Errors
/// As any statement.
pub async fn delete(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<()> {
    diesel::delete(tags::table.find(id)).execute(conn).await.map(drop)
}
