//! Finds one article by its id or a slug.

use chrono::{DateTime, Utc};
use diesel::{dsl::exists, prelude::*, sql_types::Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::{
        model::{article::Article, view::View},
        store::editions::{EditionsQuery, load, visible},
    },
    database::sql::fragment,
    schema::{article_slugs, articles, editions},
    values::Reference,
};

/// Returns the article with this id or slug, as the view sees it. Readers find it by the slug of its live
/// edition; editors by any of its slugs.
///
/// # Errors
/// Returns [`diesel::NotFound`] if there is no such article, or the view cannot see it.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    view: View,
    reference: &Reference,
) -> QueryResult<Article> {
    load(conn, named(visible(view), view, reference), view, true).await?.pop().ok_or(diesel::NotFound)
}

/// Returns the id of the article that [`find`] finds.
///
/// # Errors
/// Returns [`diesel::NotFound`] if there is no such article, or the view cannot see it.
pub(crate) async fn find_id(
    conn: &mut AsyncPgConnection,
    view: View,
    reference: &Reference,
) -> QueryResult<Uuid> {
    named(visible(view), view, reference).select(editions::article_id).first(conn).await
}

/// Returns `true` if readers are allowed to know that the article with this id or slug exists: they see it,
/// or are told that it was retracted.
pub(crate) async fn is_known_to_readers(
    conn: &mut AsyncPgConnection,
    reference: &Reference,
) -> QueryResult<bool> {
    let (id, slug) = reference.parts();
    let live = editions::table
        .filter(editions::kind.eq("live"))
        .filter(editions::article_id.nullable().eq(id).or(editions::slug.nullable().eq(slug)));
    diesel::select(exists(live)).get_result(conn).await
}

fn named<'a>(query: EditionsQuery<'a>, view: View, reference: &Reference) -> EditionsQuery<'a> {
    match (reference, view) {
        (Reference::Id(id), _) => query.filter(editions::article_id.eq(*id)),
        (Reference::Slug(slug), View::Live) => query.filter(editions::slug.eq(slug.to_string())),
        (Reference::Slug(slug), _) => {
            let owner = article_slugs::table.find(slug.to_string()).select(article_slugs::article_id);
            query.filter(editions::article_id.eq_any(owner))
        }
    }
}

/// Returns the retracted article with this id or slug. Readers do not see it, but are told of the retraction.
///
/// # Errors
/// Returns [`diesel::NotFound`] if there is no such retracted article.
pub(crate) async fn find_retracted(
    conn: &mut AsyncPgConnection,
    reference: &Reference,
) -> QueryResult<Article> {
    let query = editions::table
        .left_join(articles::table)
        .filter(fragment::<Bool>("(editions.kind = 'live' and editions.status = 'retracted')"))
        .into_boxed();
    let query = named(query, View::Live, reference);
    load(conn, query, View::Live, true).await?.pop().ok_or(diesel::NotFound)
}

/// The present address of a live edition, also if its retraction or the trash hides it from readers.
#[derive(Debug, Queryable)]
pub(crate) struct Whereabouts {
    /// The id of the article.
    pub id: Uuid,
    /// The slug of the live edition.
    pub slug: String,
    /// The reason and the time of the retraction; `None` if it was not retracted.
    pub retraction: Option<(String, DateTime<Utc>)>,
    /// `true` if the article is in the trash.
    pub trashed: bool,
}

/// Finds the live edition, also a retracted one, that readers knew by this id or slug. Its text is not read:
/// most who ask for a missing article are told only that it is missing.
///
/// # Errors
/// Returns [`diesel::NotFound`] if readers never knew such an article, or it has no live edition any more.
pub(crate) async fn whereabouts(
    conn: &mut AsyncPgConnection,
    reference: &Reference,
) -> QueryResult<Whereabouts> {
    let live = editions::table.inner_join(articles::table).filter(editions::kind.eq("live")).select((
        editions::article_id,
        editions::slug,
        (editions::retraction_reason.assume_not_null(), editions::retracted_at.assume_not_null()).nullable(),
        articles::trashed_at.is_not_null(),
    ));
    match reference {
        Reference::Id(id) => live.filter(editions::article_id.eq(id)).first(conn).await,
        Reference::Slug(slug) => {
            let owner = article_slugs::table
                .filter(article_slugs::slug.eq(slug.to_string()))
                .filter(article_slugs::ever_live)
                .select(article_slugs::article_id);
            live.filter(editions::article_id.eq_any(owner)).first(conn).await
        }
    }
}
