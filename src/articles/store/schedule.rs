//! Finds the articles that are due to be published, and puts off those that failed.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    dsl::{count_star, exists, min, not},
    prelude::*,
    sql_types::{Bool, Nullable, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::store::draft::{DRAFT, bump},
    database::sql::fragment,
    principal::Role,
    schema::{articles, editions, editors, failed_publications},
};

const SCHEDULED: &str =
    "(editions.kind = 'draft' and editions.status = 'scheduled' and editions.schedule_held_at is null)";

/// The time at which the draft of an article is due.
const DUE_AT: &str =
    "(select e.scheduled_at from editions e where e.article_id = articles.id and e.kind = 'draft')";

/// The pause before the second attempt to publish an article; it doubles with each further failure.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(1);

/// The longest pause between two attempts.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(1);

/// Locks and returns the article that has been due for the longest time. It passes over articles that another
/// transaction has locked, that are held, or that failed and still pause. A change just before the lock can
/// have changed the schedule too: see [`scheduled_by`].
pub(crate) async fn claim_due(conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<Option<Uuid>> {
    let left_alone = failed_publications::table
        .filter(failed_publications::article_id.eq(editions::article_id))
        .filter(failed_publications::scheduled_at.nullable().eq(editions::scheduled_at))
        .filter(failed_publications::next_attempt_at.gt(now));
    let due = editions::table
        .filter(fragment::<Bool>(SCHEDULED))
        .filter(editions::scheduled_at.le(now))
        .filter(not(exists(left_alone)))
        .select(editions::article_id);
    // Only this row is locked, as in every change of an article. No other row of an article that is passed
    // over is held, so the transaction that has the article never waits for this one.
    articles::table
        .filter(articles::id.eq_any(due))
        .filter(articles::trashed_at.is_null())
        .order((fragment::<Nullable<Timestamptz>>(DUE_AT), articles::id))
        .select(articles::id)
        .for_no_key_update()
        .skip_locked()
        .first(conn)
        .await
        .optional()
}

/// Returns the number of articles that should have been published by now, and the earliest time among their
/// schedules. Articles that are held do not count: they wait for people.
pub(crate) async fn overdue(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
) -> QueryResult<(i64, Option<DateTime<Utc>>)> {
    editions::table
        .inner_join(articles::table)
        .filter(fragment::<Bool>(SCHEDULED))
        .filter(editions::scheduled_at.le(now))
        .filter(articles::trashed_at.is_null())
        .select((count_star(), min(editions::scheduled_at)))
        .first(conn)
        .await
}

/// Returns the editor who scheduled a locked article, and the time. Returns `None` if it is not due, or is in
/// the trash.
pub(crate) async fn scheduled_by(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<Option<(Uuid, DateTime<Utc>)>> {
    let schedule: Option<(Option<Uuid>, Option<DateTime<Utc>>)> = editions::table
        .inner_join(articles::table)
        .filter(editions::article_id.eq(id))
        .filter(fragment::<Bool>(SCHEDULED))
        .filter(editions::scheduled_at.le(now))
        .filter(articles::trashed_at.is_null())
        .select((editions::scheduled_by, editions::scheduled_at))
        .first(conn)
        .await
        .optional()?;
    Ok(schedule.and_then(|(by, at)| by.zip(at)))
}

/// Returns `true` if an editor is allowed to publish now.
pub(crate) async fn may_publish(conn: &mut AsyncPgConnection, editor_id: Uuid) -> QueryResult<bool> {
    let editor = editors::table.find(editor_id).filter(editors::active);
    let may = editor.filter(editors::role.ne(Role::Writer));
    diesel::select(exists(may)).get_result(conn).await
}

/// Holds the schedule of a locked article until somebody who is allowed to publish decides.
pub(crate) async fn hold_schedule(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(editions::table.find((id, DRAFT)))
        .set(editions::schedule_held_at.eq(now))
        .execute(conn)
        .await?;
    bump(conn, id).await
}

/// Pauses the publication of an article that failed, unless another transaction has locked it, or it is no
/// longer scheduled.
pub(crate) async fn put_off(conn: &mut AsyncPgConnection, id: Uuid, now: DateTime<Utc>) -> QueryResult<()> {
    // The new row needs this lock, and would wait for any transaction that changes the article; until then,
    // no other article could be published.
    let free = articles::table.find(id).select(articles::id).for_key_share().skip_locked();
    if free.first::<Uuid>(conn).await.optional()?.is_none() {
        return Ok(());
    }
    let schedule = editions::table
        .left_join(
            failed_publications::table.on(failed_publications::article_id
                .eq(editions::article_id)
                .and(failed_publications::scheduled_at.nullable().eq(editions::scheduled_at))),
        )
        .filter(editions::article_id.eq(id))
        .filter(editions::kind.eq(DRAFT))
        .select((editions::scheduled_at, failed_publications::attempts.nullable()));
    let Some((Some(scheduled_at), attempts)) =
        schedule.first::<(Option<DateTime<Utc>>, Option<i32>)>(conn).await.optional()?
    else {
        return Ok(());
    };
    let before = attempts.unwrap_or(0);
    let row = (
        failed_publications::scheduled_at.eq(scheduled_at),
        failed_publications::attempts.eq(before.saturating_add(1)),
        failed_publications::next_attempt_at.eq(now + pause(before)),
    );
    diesel::insert_into(failed_publications::table)
        .values((failed_publications::article_id.eq(id), row))
        .on_conflict(failed_publications::article_id)
        .do_update()
        .set(row)
        .execute(conn)
        .await
        .map(drop)
}

/// Forgets the failures of a locked article.
pub(crate) async fn forget_failure(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<()> {
    diesel::delete(failed_publications::table.find(id)).execute(conn).await.map(drop)
}

/// Returns the pause after a failure, if there were so many failures `before`.
fn pause(before: i32) -> TimeDelta {
    let doubled = u32::try_from(before).ok().and_then(|before| 1i32.checked_shl(before.min(30)));
    doubled.map_or(LONGEST_PAUSE, |times| (FIRST_PAUSE * times).min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_a_minute() {
        let pauses = [0, 1, 2, 5, 6, 7, 100, i32::MAX].map(|before| pause(before).num_seconds());
        assert_eq!(pauses, [1, 2, 4, 32, 60, 60, 60, 60]);
    }
}
