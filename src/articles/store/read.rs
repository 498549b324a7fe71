//! One article, found by its id or a slug.

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

/// The article with this id or slug, as the view has it. Readers find it by the slug they see; editors by any slug that is its.
///
/// # Errors
/// [`diesel::NotFound`], also for what the view hides; else as any statement.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    view: View,
    reference: &Reference,
) -> QueryResult<Article> {
    load(conn, named(visible(view), view, reference), view, true).await?.pop().ok_or(diesel::NotFound)
}

/// The id of the article that [`find`] finds.
///
/// # Errors
/// [`diesel::NotFound`], also for what the view hides; else as any statement.
pub(crate) async fn find_id(
    conn: &mut AsyncPgConnection,
    view: View,
    reference: &Reference,
) -> QueryResult<Uuid> {
    named(visible(view), view, reference).select(editions::article_id).first(conn).await
}

/// Whether readers may know that the article with this id or slug exists: they see it, or are told that it was retracted.
///
/// # Errors
/// As any statement.
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

/// The retracted article with this id or slug. Readers do not see it, but are told.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
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

/// A live edition that readers do not see at an address, or not there.
#[derive(Debug, Queryable)]
pub(crate) struct Whereabouts {
    /// The article's id.
    pub id: Uuid,
    /// Its slug for readers.
    pub slug: String,
    /// Why and when it was retracted, where it was.
    pub retraction: Option<(String, DateTime<Utc>)>,
    /// Whether it is in the trash.
    pub trashed: bool,
}

/// Where the live edition is, a retracted one too, that readers knew by this id or slug. Its text is not read: most who ask for what
/// is not there are told only that.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
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
