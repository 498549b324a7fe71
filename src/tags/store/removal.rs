//! Taking a tag away: steps of one transaction, in this order.
//!
//! Whoever changes an article locks it before its tags, and so does what takes a tag off articles. But an
//! article may get the tag after its articles were locked and before the tag itself is: [`hold`] finds that
//! out, without waiting for an article while it has the tag, which could be waiting for each other.

use diesel::{prelude::*, sql_types::Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::named;
use crate::{
    database::lock::hold_name,
    schema::{articles, edition_tags, tag_names, tags},
    values::Reference,
};

/// Locks the articles that have the tag, until the end of the transaction. One tag is taken away at a time,
/// so that what it is merged into stays.
pub(crate) async fn lock_articles(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<()> {
    hold_name(conn, "a tag is taken away").await?;
    let tagged = edition_tags::table
        .inner_join(tags::table)
        .filter(named(reference.parts()))
        .select(edition_tags::article_id);
    articles::table
        .filter(articles::id.eq_any(tagged))
        .order(articles::id)
        .select(articles::id)
        .for_no_key_update()
        .execute(conn)
        .await
        .map(drop)
}

/// Waits until no change that gives the tag to an article is under way, and keeps others from beginning; how
/// many articles have it, all of them locked. `None` where one that got it meanwhile is being changed again.
pub(crate) async fn hold(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Option<usize>> {
    tags::table.find(id).select(tags::id).for_update().execute(conn).await?;
    let tagged = edition_tags::table.filter(edition_tags::tag_id.eq(id)).select(edition_tags::article_id);
    let count: i64 = edition_tags::table
        .filter(edition_tags::tag_id.eq(id))
        .select(diesel::dsl::count(edition_tags::article_id).aggregate_distinct())
        .first(conn)
        .await?;
    let locked = articles::table
        .filter(articles::id.eq_any(tagged))
        .select(articles::id)
        .for_no_key_update()
        .skip_locked()
        .execute(conn)
        .await?;
    Ok((i64::try_from(locked) == Ok(count)).then_some(locked))
}

/// Of two tags on one edition the later one goes, and what came after it moves up.
const DROP_LATER: &str = "with later as ( \
         delete from edition_tags one using edition_tags other \
         where one.article_id = other.article_id and one.kind = other.kind and one.position > other.position \
         and (one.tag_id, other.tag_id) in (($1, $2), ($2, $1)) \
         returning one.article_id, one.kind, one.position) \
     update edition_tags et set position = et.position - 1 from later \
     where et.article_id = later.article_id and et.kind = later.kind and et.position > later.position";

/// Puts another tag in the place of a held one on every edition, makes its names lead there, and deletes it.
/// The version of no article changes: nobody's work on a draft gets stale.
pub(crate) async fn merge(conn: &mut AsyncPgConnection, id: Uuid, into: Uuid) -> QueryResult<()> {
    diesel::sql_query(DROP_LATER).bind::<SqlUuid, _>(id).bind::<SqlUuid, _>(into).execute(conn).await?;
    diesel::update(edition_tags::table.filter(edition_tags::tag_id.eq(id)))
        .set(edition_tags::tag_id.eq(into))
        .execute(conn)
        .await?;
    diesel::update(tag_names::table.filter(tag_names::tag_id.eq(id)))
        .set(tag_names::tag_id.eq(into))
        .execute(conn)
        .await?;
    delete(conn, id).await
}

/// Deletes a tag, and with it its place on every edition and the names that lead to it.
pub(crate) async fn delete(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<()> {
    diesel::delete(tags::table.find(id)).execute(conn).await.map(drop)
}
