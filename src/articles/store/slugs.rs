//! Reads and frees the slugs of articles in Postgres.

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

/// The condition that an edition has the slug now; a retracted edition counts, because its readers are still
/// told of it.
const CURRENT: &str = "exists (select 1 from editions e where e.article_id = article_slugs.article_id \
     and e.slug = article_slugs.slug)";

const LIVE: &str =
    "exists (select 1 from editions e where e.article_id = article_slugs.article_id and e.kind = 'live')";

fn known((slug, current, known_to_readers): (String, bool, bool)) -> ArticleSlug {
    ArticleSlug { slug, current, known_to_readers }
}

/// Returns up to `rows` slugs of an article, in alphabetical order, from after one.
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

/// Counts the slugs of an article.
pub(crate) async fn count_slugs(conn: &mut AsyncPgConnection, article_id: Uuid) -> QueryResult<i64> {
    article_slugs::table.filter(article_slugs::article_id.eq(article_id)).count().get_result(conn).await
}

/// Returns one slug of an article.
///
/// # Errors
/// Returns [`diesel::NotFound`] if the article does not have this slug.
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

/// Takes a slug that no edition has from its article.
pub(crate) async fn free_slug(conn: &mut AsyncPgConnection, slug: &str) -> QueryResult<()> {
    diesel::delete(article_slugs::table.find(slug)).execute(conn).await.map(drop)
}

/// Returns the article that keeps this slug although none of its editions has it any more. Returns `None` if
/// there is none, or if the view is not allowed to know. While a story is live, everybody can know its old
/// slugs, because they lead readers to it.
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
