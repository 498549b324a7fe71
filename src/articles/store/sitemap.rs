//! Reads the places of stories for sitemaps: their addresses and times, without their texts.

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

/// The address of a story for readers, with what a sitemap tells about it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The id of the article.
    pub id: Uuid,
    /// The slug of the live edition.
    pub slug: String,
    /// The language of the story.
    pub language: String,
    /// The headline of the story.
    pub title: String,
    /// The time of the first publication.
    pub published_at: Option<DateTime<Utc>>,
    /// The time of the last change.
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

/// Counts the stories that readers see.
pub(crate) async fn count_places(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    editions::table.filter(fragment::<Bool>(LIVE)).count().get_result(conn).await
}

/// Returns the position of the story with this number, from 1, in the order of [`places`]; `None` if there
/// are fewer stories.
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

/// Returns up to `rows` stories that readers see, in the order of their first publication, from after a
/// position.
pub(crate) async fn places(
    conn: &mut AsyncPgConnection,
    after: Option<Position>,
    rows: i64,
) -> QueryResult<Vec<Place>> {
    let earliest = ordered(visible(View::Live), View::Live, Sort::PublishedAscending, None, after);
    load(conn, earliest.limit(rows)).await
}

/// Returns up to `rows` stories that were first published after a time, latest first.
pub(crate) async fn latest_places(
    conn: &mut AsyncPgConnection,
    since: DateTime<Utc>,
    rows: i64,
) -> QueryResult<Vec<Place>> {
    let latest = ordered(visible(View::Live), View::Live, Sort::PublishedDescending, None, None);
    load(conn, latest.filter(editions::published_at.gt(since)).limit(rows)).await
}
