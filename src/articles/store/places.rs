//! Where readers find stories, without the stories: for sitemaps.

use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_types::Json};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    filtered::visible,
    order::{Filtered, ordered},
    read::{FromJson, LIVE_TRANSLATIONS},
};
use crate::{
    articles::{
        Translation,
        filter::{Sort, View},
    },
    database::fragment::fragment,
    schema::editions,
};

/// Where readers find a story.
#[derive(Clone, Debug)]
pub struct Place {
    /// The article's id.
    pub id: Uuid,
    /// Its slug.
    pub slug: String,
    /// The language it is written in.
    pub language: String,
    /// The headline.
    pub title: String,
    /// When readers first saw it.
    pub published_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// The same story in other languages.
    pub translations: Vec<Translation>,
}

type Row = (Uuid, String, String, String, Option<DateTime<Utc>>, DateTime<Utc>, FromJson<Vec<Translation>>);

impl From<Row> for Place {
    fn from((id, slug, language, title, published_at, updated_at, translations): Row) -> Self {
        Self { id, slug, language, title, published_at, updated_at, translations: translations.0 }
    }
}

async fn load(conn: &mut AsyncPgConnection, query: Filtered<'_>) -> QueryResult<Vec<Place>> {
    let columns = (
        editions::article_id,
        editions::slug,
        editions::language,
        editions::title,
        editions::published_at,
        editions::updated_at,
        fragment::<Json>(LIVE_TRANSLATIONS),
    );
    let rows: Vec<Row> = query.select(columns).load(conn).await?;
    Ok(rows.into_iter().map(Place::from).collect())
}

/// How many stories readers see.
///
/// # Errors
/// As any statement.
pub async fn count_places(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    visible(View::Live).count().get_result(conn).await
}

/// Up to `rows` stories that readers see, after the first `skipped`, in the order in which they were made.
///
/// # Errors
/// As any statement.
pub async fn places(conn: &mut AsyncPgConnection, skipped: i64, rows: i64) -> QueryResult<Vec<Place>> {
    load(conn, visible(View::Live).order(editions::article_id).offset(skipped).limit(rows)).await
}

/// Up to `rows` stories that readers first saw after a time, latest first.
///
/// # Errors
/// As any statement.
pub async fn latest_places(
    conn: &mut AsyncPgConnection,
    since: DateTime<Utc>,
    rows: i64,
) -> QueryResult<Vec<Place>> {
    let latest = ordered(visible(View::Live), View::Live, Sort::PublishedDescending, None, None);
    load(conn, latest.filter(editions::published_at.gt(since)).limit(rows)).await
}
