//! The slugs of articles in Postgres.

use diesel::{pg::Pg, prelude::*, sql_types::Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::model::{
        slug::ArticleSlug,
        view::{Drafts, View},
    },
    database::sql::fragment,
    schema::{article_slugs, articles},
};

/// Whether an edition has the slug now; a retracted one counts, as its readers are still told.
const CURRENT: &str = "exists (select 1 from editions e where e.article_id = article_slugs.article_id \
     and e.slug = article_slugs.slug)";

const LIVE: &str =
    "exists (select 1 from editions e where e.article_id = article_slugs.article_id and e.kind = 'live')";

fn known((slug, current, known_to_readers): (String, bool, bool)) -> ArticleSlug {
    ArticleSlug { slug, current, known_to_readers }
}

/// Up to `rows` slugs of an article, in their order, from after one.
///
/// # Errors
/// As any statement.
pub(crate) async fn list_slugs(
    conn: &mut AsyncPgConnection,
    article_id: Uuid,
    rows: i64,
    after: Option<String>,
) -> QueryResult<Vec<ArticleSlug>> {
    let mut query = article_slugs::table.filter(article_slugs::article_id.eq(article_id)).into_boxed::<Pg>();
    if let Some(slug) = after {
        query = query.filter(article_slugs::slug.gt(slug));
    }
    let slugs = query
        .order(article_slugs::slug)
        .limit(rows)
        .select((article_slugs::slug, fragment::<Bool>(CURRENT), article_slugs::ever_live))
        .load(conn)
        .await?;
    Ok(slugs.into_iter().map(known).collect())
}

/// How many slugs an article has.
///
/// # Errors
/// As any statement.
pub(crate) async fn count_slugs(conn: &mut AsyncPgConnection, article_id: Uuid) -> QueryResult<i64> {
    article_slugs::table.filter(article_slugs::article_id.eq(article_id)).count().get_result(conn).await
}

/// One slug of an article.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
pub(crate) async fn find_slug(
    conn: &mut AsyncPgConnection,
    article_id: Uuid,
    slug: &str,
) -> QueryResult<ArticleSlug> {
    article_slugs::table
        .find(slug)
        .filter(article_slugs::article_id.eq(article_id))
        .select((article_slugs::slug, fragment::<Bool>(CURRENT), article_slugs::ever_live))
        .first(conn)
        .await
        .map(known)
}

/// Takes a slug, which no edition has, from its article.
///
/// # Errors
/// As any statement.
pub(crate) async fn free_slug(conn: &mut AsyncPgConnection, slug: &str) -> QueryResult<()> {
    diesel::delete(article_slugs::table.find(slug)).execute(conn).await.map(drop)
}

/// The article that keeps this slug although no edition of it has it any more; `None` also where the view may not know of it. That
/// a slug was a story's is known to all while the story is before the readers: they are led on from it.
///
/// # Errors
/// As any statement.
pub(crate) async fn keeper_of_old_slug(
    conn: &mut AsyncPgConnection,
    view: View,
    slug: &str,
) -> QueryResult<Option<Uuid>> {
    let mut query = article_slugs::table
        .inner_join(articles::table)
        .filter(article_slugs::slug.eq(slug.to_owned()))
        .filter(articles::trashed_at.is_null())
        .filter(diesel::dsl::not(fragment::<Bool>(CURRENT)))
        .select(article_slugs::article_id)
        .into_boxed::<Pg>();
    if let View::Drafts(Drafts { of: Some(writer), .. }) = view {
        query = query.filter(articles::created_by.eq(writer).or(fragment::<Bool>(LIVE)));
    }
    query.first(conn).await.optional()
}
