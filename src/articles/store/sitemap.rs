//! Where readers find stories, without the stories: for sitemaps.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Bool, Json},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::{
        model::{
            article::Translation,
            query::{Position, Sort},
            view::View,
        },
        store::{
            editions::{EditionsQuery, FromJson, LIVE, LIVE_TRANSLATIONS, visible},
            list::order::ordered,
        },
    },
    database::sql::fragment,
    schema::editions,
};

/// Where readers find a story.
#[derive(Clone, Debug)]
pub(crate) struct Place {
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

async fn load(conn: &mut AsyncPgConnection, query: EditionsQuery<'_>) -> QueryResult<Vec<Place>> {
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
pub(crate) async fn count_places(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    editions::table.filter(fragment::<Bool>(LIVE)).count().get_result(conn).await
}

/// Where the story stands that so many are up to, in the order of [`places`]; `None` where there are not as many.
///
/// # Errors
/// As any statement.
pub(crate) async fn position_of(conn: &mut AsyncPgConnection, number: i64) -> QueryResult<Option<Position>> {
    let found: Option<(Option<DateTime<Utc>>, Uuid)> = editions::table
        .filter(fragment::<Bool>(LIVE))
        .order((editions::published_at, editions::article_id))
        .select((editions::published_at, editions::article_id))
        .offset(number - 1)
        .first(conn)
        .await
        .optional()?;
    Ok(found.map(|(time, id)| Position::Time { time, id }))
}

/// Up to `rows` stories that readers see, in the order in which they first saw them, from after a position.
///
/// # Errors
/// As any statement.
pub(crate) async fn places(
    conn: &mut AsyncPgConnection,
    after: Option<Position>,
    rows: i64,
) -> QueryResult<Vec<Place>> {
    let earliest = ordered(visible(View::Live), View::Live, Sort::PublishedAscending, None, after);
    load(conn, earliest.limit(rows)).await
}

/// Up to `rows` stories that readers first saw after a time, latest first.
///
/// # Errors
/// As any statement.
pub(crate) async fn latest_places(
    conn: &mut AsyncPgConnection,
    since: DateTime<Utc>,
    rows: i64,
) -> QueryResult<Vec<Place>> {
    let latest = ordered(visible(View::Live), View::Live, Sort::PublishedDescending, None, None);
    load(conn, latest.filter(editions::published_at.gt(since)).limit(rows)).await
}
