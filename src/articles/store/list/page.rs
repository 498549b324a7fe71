//! Reads a page of a list of articles, and counts the list.

use std::collections::HashMap;

use diesel::{prelude::*, sql_types::Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::{
        model::{
            article::Article,
            query::{ArticlesQuery, Include, Position, Sort},
            view::View,
        },
        store::{
            editions::{load, visible},
            list::{
                filters::filtered,
                fitting::{TEXT_BYTES, fitting},
                index_page::{CountOf, OnPage},
                order::{ordered, sorted},
                search::Meaning,
            },
        },
    },
    database::sql::fragment,
    pagination::Rows,
    schema::editions,
};

/// Returns the articles that the view can see and the query asks for, in the order of the query, from after a
/// position. `search` is the meaning of `q`, if the query has one.
///
/// A page with texts ends where they get long: see `fitting`. It takes a second statement, which has to see
/// the same state of the database as the first one.
pub(crate) async fn list_articles(
    conn: &mut AsyncPgConnection,
    view: View,
    query: &ArticlesQuery,
    search: Option<&[Meaning]>,
    after: Option<Position>,
) -> QueryResult<Rows<Article>> {
    let (limit, one_more) = (query.limit.elements(), query.limit.rows());
    let page = match OnPage::of(view, query, one_more, after.as_ref()) {
        Some(on_page) => sorted(visible(view).filter(on_page), query.sort == Sort::PublishedDescending),
        None => ordered(filtered(view, query, search), view, query.sort, search, after).limit(one_more),
    };
    if query.include != Some(Include::Body) {
        let mut rows = load(conn, page, view, false).await?;
        let has_next = rows.len() > limit;
        rows.truncate(limit);
        return Ok(Rows { rows, has_next });
    }
    let sized: Vec<(Uuid, i32)> =
        page.select((editions::article_id, fragment::<Integer>(TEXT_BYTES))).load(conn).await?;
    let fitting = fitting(sized.iter().map(|(_, bytes)| *bytes)).min(limit);
    let ids: Vec<Uuid> = sized.iter().take(fitting).map(|(id, _)| *id).collect();
    let place: HashMap<Uuid, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let mut rows = load(conn, visible(view).filter(editions::article_id.eq_any(ids)), view, true).await?;
    rows.sort_by_key(|article| place.get(&article.id).copied());
    Ok(Rows { rows, has_next: sized.len() > fitting })
}

/// Counts the articles that the view can see and the query asks for.
pub(crate) async fn count_articles(
    conn: &mut AsyncPgConnection,
    view: View,
    query: &ArticlesQuery,
    search: Option<&[Meaning]>,
) -> QueryResult<i64> {
    match CountOf::of(view, query) {
        Some(count) => diesel::select(count).get_result(conn).await,
        None => filtered(view, query, search).count().get_result(conn).await,
    }
}
