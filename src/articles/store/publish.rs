//! Changes what readers see: publishes, unpublishes, retracts, trashes and deletes. Each function is a step
//! of a transaction that has locked the article.

use chrono::{DateTime, Utc};
use diesel::{
    dsl,
    prelude::*,
    sql_types::{Integer, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::{
        model::{content::Content, state::Status},
        store::{
            draft::{DRAFT, LIVE, Locked, bump},
            versions::insert_version,
        },
    },
    clock,
    schema::{article_slugs, articles, citations, edition_tags, editions},
};

/// Replaces the live edition of a locked article by its draft, all at once: text, tags, citations, picture
/// and slug. The new live edition is kept as a version.
pub(crate) async fn publish(
    conn: &mut AsyncPgConnection,
    locked: &Locked,
    first_published_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    // A correction may have moved the live edition's time ahead of this clock.
    let now = take_down(conn, locked.id).await?.map_or(now, |previous| clock::after(previous, now));
    let version = insert_version(conn, locked.id, now).await?;
    let draft = editions::table.find((locked.id, DRAFT));
    diesel::update(draft)
        .set((
            editions::status.eq(Status::Published),
            editions::published_at.eq(first_published_at),
            unscheduled(),
        ))
        .execute(conn)
        .await?;
    diesel::insert_into(editions::table)
        .values(draft.select((
            editions::article_id,
            LIVE.into_sql::<Text>(),
            editions::status,
            Content::columns(),
            editions::body,
            editions::body_html,
            editions::provenance,
            editions::translation_group_id,
            editions::word_count,
            editions::reading_minutes,
            editions::revision,
            editions::published_at,
            now.into_sql::<Timestamptz>(),
            version.into_sql::<Nullable<Integer>>(),
        )))
        .into_columns((
            editions::article_id,
            editions::kind,
            editions::status,
            Content::columns(),
            editions::body,
            editions::body_html,
            editions::provenance,
            editions::translation_group_id,
            editions::word_count,
            editions::reading_minutes,
            editions::revision,
            editions::published_at,
            editions::updated_at,
            editions::public_version,
        ))
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
        .into_columns((
            edition_tags::article_id,
            edition_tags::kind,
            edition_tags::tag_id,
            edition_tags::position,
        ))
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
            citations::document_key,
        )))
        .into_columns((
            citations::article_id,
            citations::kind,
            citations::position,
            citations::source_id,
            citations::url,
            citations::title,
            citations::role,
            citations::document_key,
        ))
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

/// Returns the columns of a draft without a schedule.
fn unscheduled() -> Unscheduled {
    (
        editions::scheduled_at.eq(None::<DateTime<Utc>>),
        editions::scheduled_by.eq(None::<Uuid>),
        editions::schedule_held_at.eq(None::<DateTime<Utc>>),
    )
}

type Unscheduled = (
    dsl::Eq<editions::scheduled_at, Option<DateTime<Utc>>>,
    dsl::Eq<editions::scheduled_by, Option<Uuid>>,
    dsl::Eq<editions::schedule_held_at, Option<DateTime<Utc>>>,
);

/// Removes the live edition of a locked article, so that readers no longer see it. The draft stays.
pub(crate) async fn unpublish(
    conn: &mut AsyncPgConnection,
    locked: &Locked,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    take_down(conn, locked.id).await?;
    diesel::update(editions::table.find((locked.id, DRAFT)))
        .set((
            editions::status.eq(Status::Draft),
            editions::published_at.eq(None::<DateTime<Utc>>),
            editions::updated_at.eq(now),
            unscheduled(),
        ))
        .execute(conn)
        .await?;
    bump(conn, locked.id).await
}

/// Deletes the live edition. Returns the time of its last change, or `None` if there was no live edition.
async fn take_down(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Option<DateTime<Utc>>> {
    let live = diesel::delete(editions::table.find((id, LIVE)));
    live.returning(editions::updated_at).get_result(conn).await.optional()
}

/// Moves a locked article to the trash: nobody sees it, and nothing of it is lost. Readers of a retracted
/// story are still told that it was retracted: the trash is no way around that.
pub(crate) async fn trash(
    conn: &mut AsyncPgConnection,
    locked: &Locked,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if locked.standing.live == Some(Status::Retracted) {
        bump(conn, locked.id).await?;
    } else {
        unpublish(conn, locked, now).await?;
    }
    diesel::update(articles::table.find(locked.id))
        .set(articles::trashed_at.eq(now))
        .execute(conn)
        .await
        .map(drop)
}

/// Takes a locked article out of the trash, as a draft that readers do not see.
pub(crate) async fn restore(conn: &mut AsyncPgConnection, locked: &Locked) -> QueryResult<()> {
    diesel::update(articles::table.find(locked.id))
        .set(articles::trashed_at.eq(None::<DateTime<Utc>>))
        .execute(conn)
        .await?;
    bump(conn, locked.id).await
}

/// Sets the status of a locked article's draft, which readers do not notice. `schedule` is the time of the
/// publication and the editor who scheduled it.
pub(crate) async fn set_draft_status(
    conn: &mut AsyncPgConnection,
    locked: &Locked,
    status: Status,
    schedule: Option<(DateTime<Utc>, Uuid)>,
) -> QueryResult<()> {
    let (at, by) = schedule.unzip();
    diesel::update(editions::table.find((locked.id, DRAFT)))
        .set((
            editions::status.eq(status),
            editions::scheduled_at.eq(at),
            editions::scheduled_by.eq(by),
            editions::schedule_held_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .await?;
    bump(conn, locked.id).await
}

/// Retracts a live story, and readers are told why. A schedule of its draft is dropped.
pub(crate) async fn retract(
    conn: &mut AsyncPgConnection,
    locked: &Locked,
    reason: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(editions::table.find((locked.id, LIVE)))
        .set((
            editions::status.eq(Status::Retracted),
            editions::retracted_at.eq(now),
            editions::retraction_reason.eq(reason),
            editions::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    let draft = if locked.standing.draft == Status::Published { Status::Published } else { Status::Draft };
    set_draft_status(conn, locked, draft, None).await
}

/// Deletes a locked article for good, with its editions, revisions and slugs.
pub(crate) async fn delete(conn: &mut AsyncPgConnection, locked: &Locked) -> QueryResult<()> {
    diesel::delete(editions::table.filter(editions::article_id.eq(locked.id))).execute(conn).await?;
    diesel::delete(articles::table.find(locked.id)).execute(conn).await.map(drop)
}
