//! What readers see, and no longer see: steps of a transaction that has the article locked.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::write::{DRAFT, LIVE, Locked, bump};
use crate::{
    articles::Status,
    schema::{article_slugs, articles, citations, edition_tags, editions},
};

/// Copies the draft of a locked article over its live edition, at once: text, tags, citations, picture and slug.
///
/// # Errors
/// As any statement.
pub async fn publish(
    conn: &mut AsyncPgConnection,
    locked: &Locked,
    first_published_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    take_down(conn, locked.id).await?;
    let draft = editions::table.find((locked.id, DRAFT));
    diesel::update(draft)
        .set((editions::status.eq(Status::Published), editions::published_at.eq(first_published_at)))
        .execute(conn)
        .await?;
    diesel::insert_into(editions::table)
        .values(draft.select((
            editions::article_id,
            LIVE.into_sql::<Text>(),
            editions::status,
            editions::slug,
            editions::language,
            editions::title,
            editions::summary,
            editions::body,
            editions::body_html,
            editions::image,
            editions::byline,
            editions::translation_group_id,
            editions::word_count,
            editions::reading_minutes,
            editions::revision,
            editions::published_at,
            now.into_sql::<Timestamptz>(),
        )))
        .into_columns(editions::all_columns)
        .execute(conn)
        .await?;
    let tags = edition_tags::table.filter(edition_tags::article_id.eq(locked.id));
    diesel::insert_into(edition_tags::table)
        .values(tags.filter(edition_tags::kind.eq(DRAFT)).select((
            edition_tags::article_id,
            LIVE.into_sql::<Text>(),
            edition_tags::tag_id,
            edition_tags::position,
        )))
        .into_columns(edition_tags::all_columns)
        .execute(conn)
        .await?;
    let cited = citations::table.filter(citations::article_id.eq(locked.id));
    diesel::insert_into(citations::table)
        .values(cited.filter(citations::kind.eq(DRAFT)).select((
            citations::article_id,
            LIVE.into_sql::<Text>(),
            citations::position,
            citations::source_id,
            citations::url,
            citations::title,
            citations::role,
        )))
        .into_columns(citations::all_columns)
        .execute(conn)
        .await?;
    let slug = draft.select(editions::slug).single_value();
    diesel::update(article_slugs::table.filter(article_slugs::slug.nullable().eq(slug)))
        .set(article_slugs::ever_live.eq(true))
        .execute(conn)
        .await?;
    diesel::update(articles::table.find(locked.id))
        .set((
            articles::version.eq(articles::version + 1),
            articles::first_published_at.eq(first_published_at),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// Takes the live edition of a locked article away from the readers; the draft stays.
///
/// # Errors
/// As any statement.
pub async fn unpublish(conn: &mut AsyncPgConnection, locked: &Locked, now: DateTime<Utc>) -> QueryResult<()> {
    take_down(conn, locked.id).await?;
    diesel::update(editions::table.find((locked.id, DRAFT)))
        .set((
            editions::status.eq(Status::Draft),
            editions::published_at.eq(None::<DateTime<Utc>>),
            editions::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    bump(conn, locked.id).await
}

async fn take_down(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<()> {
    diesel::delete(editions::table.find((id, LIVE))).execute(conn).await.map(drop)
}

/// Moves a locked article to the trash: nobody sees it, and nothing of it is lost.
///
/// # Errors
/// As any statement.
pub async fn trash(conn: &mut AsyncPgConnection, locked: &Locked, now: DateTime<Utc>) -> QueryResult<()> {
    unpublish(conn, locked, now).await?;
    diesel::update(articles::table.find(locked.id))
        .set(articles::trashed_at.eq(now))
        .execute(conn)
        .await
        .map(drop)
}

/// Deletes a locked article for good, with its editions, revisions and slugs.
///
/// # Errors
/// As any statement.
pub async fn delete(conn: &mut AsyncPgConnection, locked: &Locked) -> QueryResult<()> {
    diesel::delete(editions::table.filter(editions::article_id.eq(locked.id))).execute(conn).await?;
    diesel::delete(articles::table.find(locked.id)).execute(conn).await.map(drop)
}
