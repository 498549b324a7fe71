//! Reads and writes versions: the states of a story that readers saw. A row holds what was derived from the
//! text, and the names of tags and sources at that time; the text is in the revision.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Integer, Json, Jsonb, Nullable, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::{
        model::{
            article::{Citation, TagLink},
            provenance::Disclosure,
            revision::Snapshot,
            version::{Version, VersionItem},
        },
        store::{
            draft::DRAFT,
            editions::{CITATIONS, FromJson, TAGS},
        },
    },
    database::sql::fragment,
    schema::{editions, revisions, versions},
};

const NEXT_NUMBER: &str =
    "(select coalesce(max(v.number), 0) + 1 from versions v where v.article_id = editions.article_id)";

const SUPERSEDED_AT: &str = "(select n.published_at from versions n \
     where n.article_id = versions.article_id and n.number = versions.number + 1)";

/// Keeps the draft of a locked article as the version that readers see from now on. Returns the number of the
/// version.
pub(super) async fn insert_version(
    conn: &mut AsyncPgConnection,
    article: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<i32> {
    diesel::insert_into(versions::table)
        .values(editions::table.find((article, DRAFT)).select((
            editions::article_id,
            fragment::<Integer>(NEXT_NUMBER),
            editions::revision,
            now.into_sql::<Timestamptz>(),
            editions::title,
            editions::body_html,
            editions::word_count,
            editions::reading_minutes,
            // Postgres converts them to `jsonb` when it stores them.
            fragment::<Jsonb>(TAGS),
            fragment::<Jsonb>(CITATIONS),
        )))
        .into_columns(versions::all_columns)
        .returning(versions::number)
        .get_result(conn)
        .await
}

/// Counts the versions of an article.
pub(crate) async fn count_versions(conn: &mut AsyncPgConnection, article: Uuid) -> QueryResult<i64> {
    versions::table.filter(versions::article_id.eq(article)).count().get_result(conn).await
}

/// Returns up to `rows` versions of an article, newest first, from after the one with this number.
pub(crate) async fn list_versions(
    conn: &mut AsyncPgConnection,
    article: Uuid,
    rows: i64,
    after: Option<i32>,
) -> QueryResult<Vec<VersionItem>> {
    let mut query = versions::table
        .filter(versions::article_id.eq(article))
        .order(versions::number.desc())
        .limit(rows)
        .select((
            versions::number,
            versions::published_at,
            fragment::<Nullable<Timestamptz>>(SUPERSEDED_AT),
            versions::title,
        ))
        .into_boxed();
    if let Some(number) = after {
        query = query.filter(versions::number.lt(number));
    }
    query.load(conn).await
}

#[derive(Queryable)]
struct Row {
    article_id: Uuid,
    number: i32,
    published_at: DateTime<Utc>,
    superseded_at: Option<DateTime<Utc>>,
    body_html: String,
    word_count: i32,
    reading_minutes: i32,
    tags: FromJson<Vec<TagLink>>,
    citations: FromJson<Vec<Citation>>,
    content: Snapshot,
}

impl From<Row> for Version {
    fn from(row: Row) -> Self {
        let Snapshot { content, body, provenance, .. } = row.content;
        Self {
            article_id: row.article_id,
            number: row.number,
            published_at: row.published_at,
            superseded_at: row.superseded_at,
            content,
            body,
            body_html: row.body_html,
            provenance: provenance.map(Disclosure::from),
            tags: row.tags.0,
            citations: row.citations.0,
            word_count: row.word_count,
            reading_minutes: row.reading_minutes,
        }
    }
}

/// Returns a version of an article.
///
/// # Errors
/// Returns [`diesel::NotFound`] if the article has no version with this number.
pub(crate) async fn find_version(
    conn: &mut AsyncPgConnection,
    article: Uuid,
    number: i32,
) -> QueryResult<Version> {
    let row: Row =
        versions::table
            .find((article, number))
            .inner_join(revisions::table.on(
                revisions::article_id.eq(versions::article_id).and(revisions::number.eq(versions::revision)),
            ))
            .select((
                versions::article_id,
                versions::number,
                versions::published_at,
                fragment::<Nullable<Timestamptz>>(SUPERSEDED_AT),
                versions::body_html,
                versions::word_count,
                versions::reading_minutes,
                fragment::<Json>("versions.tags::json"),
                fragment::<Json>("versions.citations::json"),
                revisions::content,
            ))
            .first(conn)
            .await?;
    Ok(row.into())
}
