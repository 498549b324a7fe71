//! Tags in Postgres.

mod removal;

use chrono::{DateTime, Utc};
use diesel::{
    dsl::{self, auto_type, not},
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Integer},
    upsert::excluded,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

pub(crate) use self::removal::{delete, hold, lock_articles, merge};
use super::{
    Tag, TagFields,
    filter::{Place, Sort, TagsQuery},
};
use crate::{
    database::{
        keyset::ascending,
        slugs::make_free_slug,
        sql::{Fragment, completes, fragment, lower},
    },
    schema::{tag_names, tags},
    values::{Reference, Slug},
};

/// Only what readers can see counts, whoever asks.
const ARTICLE_COUNT: &str =
    "(select count(*) from edition_tags et where et.tag_id = tags.id and et.published_at is not null)";

/// The position of a tag in the menu, as the indexes have it.
const POSITION_OR_LAST: &str = "coalesce(tags.position::integer, 32768)";

/// The value of [`POSITION_OR_LAST`] for a tag without a position.
const LAST: i32 = 32768;

type Columns = (
    tags::id,
    tags::slug,
    tags::name,
    tags::description,
    tags::menu,
    tags::position,
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
        tags::menu,
        tags::position,
        fragment(ARTICLE_COUNT),
        tags::created_at,
        tags::updated_at,
    )
}

#[auto_type(no_type_alias)]
fn named<'a>((id, slug): (Option<Uuid>, Option<&'a str>)) -> _ {
    tags::id.nullable().eq(id).or(tags::slug.nullable().eq(slug))
}

/// The tag that this name leads to: an id or a slug, also one that it had before, or had a tag that was
/// merged into it.
///
/// # Errors
/// [`diesel::NotFound`].
pub(crate) async fn find(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<Tag> {
    let id = tag_names::table.find(reference.to_string()).select(tag_names::tag_id).single_value();
    tags::table.filter(tags::id.nullable().eq(id)).select(columns()).first(conn).await
}

/// The tag with this id or slug, locked until the end of the transaction. A name that only leads to it is not
/// enough for a change: whoever repeats a deletion must not hit what the tag was merged into.
///
/// # Errors
/// [`diesel::NotFound`].
pub(crate) async fn lock(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<Tag> {
    tags::table.filter(named(reference.parts())).select(columns()).for_no_key_update().first(conn).await
}

fn filtered(query: &TagsQuery) -> dsl::IntoBoxed<'_, tags::table, Pg> {
    let filtered = match query.menu.map(|menu| menu.0) {
        None => tags::table.into_boxed(),
        Some(true) => tags::table.filter(tags::menu).into_boxed(),
        Some(false) => tags::table.filter(not(tags::menu)).into_boxed(),
    };
    match &query.q {
        None => filtered,
        Some(typed) => filtered.filter(completes(tags::name, tags::slug, &**typed)),
    }
}

/// Reads up to `rows` tags that match the query, in its order, from after a position.
pub(crate) async fn list(
    conn: &mut AsyncPgConnection,
    query: &TagsQuery,
    rows: i64,
    after: Option<Place>,
) -> QueryResult<Vec<Tag>> {
    let mut tags = filtered(query);
    match query.order() {
        Sort::Name => {
            let after = after.map(|after| (lower(after.name), after.id));
            tags = ascending!(tags, lower(tags::name), tags::id, after);
        }
        Sort::Position => {
            let position = || fragment::<Integer>(POSITION_OR_LAST);
            if let Some(Place { position: seen, name, id }) = after {
                let seen = seen.map_or(LAST, i32::from);
                let same_name = lower(tags::name).eq(lower(name.clone()));
                let later = lower(tags::name).gt(lower(name)).or(same_name.and(tags::id.gt(id)));
                tags = tags.filter(position().ge(seen)).filter(position().gt(seen).or(later));
            }
            tags = tags.order((position(), lower(tags::name), tags::id));
        }
    }
    tags.limit(rows).select(columns()).load(conn).await
}

/// Counts the tags that match the query.
pub(crate) async fn count(conn: &mut AsyncPgConnection, query: &TagsQuery) -> QueryResult<i64> {
    filtered(query).count().get_result(conn).await
}

/// Makes a slug of a name that no other tag has.
pub(crate) async fn make_slug(conn: &mut AsyncPgConnection, id: Uuid, text: &str) -> QueryResult<Slug> {
    make_free_slug(conn, "tag", text, id, async |conn, slugs| {
        tag_names::table
            .filter(tag_names::name.eq_any(slugs))
            .filter(tag_names::tag_id.ne(id))
            .select(tag_names::name)
            .load(conn)
            .await
    })
    .await
}

/// Makes the slug lead to the tag, which may be about to be made; where it leads to another one, the slug of
/// that.
pub(crate) async fn reserve_slug(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    slug: &Slug,
) -> QueryResult<Result<(), String>> {
    let owner: Uuid = diesel::insert_into(tag_names::table)
        .values((tag_names::name.eq(&**slug), tag_names::tag_id.eq(id)))
        .on_conflict(tag_names::name)
        // Changes nothing, but says whose it is, and keeps it there until the end of the transaction.
        .do_update()
        .set(tag_names::name.eq(excluded(tag_names::name)))
        .returning(tag_names::tag_id)
        .get_result(conn)
        .await?;
    if owner == id {
        return Ok(Ok(()));
    }
    tags::table.find(owner).select(tags::slug).first(conn).await.map(Err)
}

/// Adds a tag, whose slug is reserved.
pub(crate) async fn insert(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    fields: &TagFields,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(tags::table)
        .values((tags::id.eq(id), fields, tags::created_at.eq(now), tags::updated_at.eq(now)))
        .execute(conn)
        .await?;
    diesel::insert_into(tag_names::table)
        .values((tag_names::name.eq(id.to_string()), tag_names::tag_id.eq(id)))
        .execute(conn)
        .await
        .map(drop)
}

/// Changes a tag, whose slug is reserved. The one that it had keeps leading to it.
pub(crate) async fn update(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    fields: &TagFields,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(tags::table.find(id)).set((fields, tags::updated_at.eq(now))).execute(conn).await.map(drop)
}
