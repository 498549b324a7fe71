//! The corrections of articles in Postgres: they are written once and never changed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::database::keyset::ascending;
use crate::{
    articles::{model::correction::Correction, store::draft::LIVE},
    clock,
    schema::{corrections, editions},
};

/// The corrections of an edition's article, as a JSON array, oldest first.
pub(super) const CORRECTIONS: &str = "(select coalesce(json_agg(json_build_object('id', k.id, 'kind', k.kind, 'text', k.text, \
     'created_at', k.created_at) order by k.created_at, k.id), '[]') from corrections k \
     where k.article_id = editions.article_id)";

/// Sets the time of the last change of a locked article's live edition to `now`, or to a later time if it is
/// not after the present one. Returns the new time.
///
/// # Errors
/// Returns [`diesel::NotFound`] if there is no live edition.
pub(crate) async fn touch_live(
    conn: &mut AsyncPgConnection,
    article: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<DateTime<Utc>> {
    let live = editions::table.find((article, LIVE));
    let previous: DateTime<Utc> = live.select(editions::updated_at).first(conn).await?;
    let now = clock::after(previous, now);
    diesel::update(live).set(editions::updated_at.eq(now)).execute(conn).await?;
    Ok(now)
}

/// Adds a correction to an article.
pub(crate) async fn insert_correction(
    conn: &mut AsyncPgConnection,
    article: Uuid,
    correction: &Correction,
) -> QueryResult<()> {
    diesel::insert_into(corrections::table)
        .values((
            corrections::id.eq(correction.id),
            corrections::article_id.eq(article),
            corrections::kind.eq(correction.kind),
            corrections::text.eq(&correction.text),
            corrections::created_at.eq(correction.created_at),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// Counts the corrections of an article.
pub(crate) async fn count_corrections(conn: &mut AsyncPgConnection, article: Uuid) -> QueryResult<i64> {
    corrections::table.filter(corrections::article_id.eq(article)).count().get_result(conn).await
}

/// Returns up to `rows` corrections of an article, oldest first. `after` is the time and the id of the
/// correction after which the page starts.
pub(crate) async fn list_corrections(
    conn: &mut AsyncPgConnection,
    article: Uuid,
    rows: i64,
    after: Option<(DateTime<Utc>, Uuid)>,
) -> QueryResult<Vec<Correction>> {
    let query = corrections::table
        .filter(corrections::article_id.eq(article))
        .limit(rows)
        .select(Correction::as_select())
        .into_boxed();
    ascending!(query, corrections::created_at, corrections::id, after).load(conn).await
}

/// Returns a correction of an article.
///
/// # Errors
/// Returns [`diesel::NotFound`] if the article has no such correction.
pub(crate) async fn find_correction(
    conn: &mut AsyncPgConnection,
    article: Uuid,
    id: Uuid,
) -> QueryResult<Correction> {
    corrections::table
        .find(id)
        .filter(corrections::article_id.eq(article))
        .select(Correction::as_select())
        .first(conn)
        .await
}
