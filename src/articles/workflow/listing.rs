//! Reads a page of a list of articles, with or without a search.

use deserr::ValuePointerRef;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;

use crate::{
    articles::{
        model::{
            article::Article,
            query::{ArticlesQuery, Position},
            view::View,
        },
        store::{self, Meaning},
    },
    database::sqlstate::SqlState,
    error::{ApiError, ApiResult},
    faults::{Faults, Invalid},
    pagination::Rows,
    surrogate::SurrogateKeys,
};

/// The articles of a page, and the number of articles on all pages, if it was asked for.
pub(crate) type Listed = (Rows<Article>, Option<i64>);

/// Returns the surrogate keys of a list of what readers see, besides those of its articles: the narrowest of
/// the lists that it is a part of. Tags and sources are named by their ids. If a name comes to lead to
/// another tag or source, every list changes.
pub(crate) async fn keys(conn: &mut AsyncPgConnection, query: &ArticlesQuery) -> QueryResult<SurrogateKeys> {
    if query.q.is_some() {
        return Ok(SurrogateKeys::articles());
    }
    Ok(match (&query.tag, &query.tag_all, &query.source, &query.language) {
        (Some(any), ..) => SurrogateKeys::articles_of("tag", store::tag_ids(conn, &any.0).await?),
        (_, Some(all), ..) => {
            let first = all.0.get(..1).unwrap_or_default();
            SurrogateKeys::articles_of("tag", store::tag_ids(conn, first).await?)
        }
        (_, _, Some(any), _) => SurrogateKeys::articles_of("source", store::source_ids(conn, &any.0).await?),
        (.., Some(any)) => SurrogateKeys::articles_of("language", any.0.iter().map(|language| &**language)),
        _ => SurrogateKeys::articles(),
    })
}

/// Reads a page from after a position.
///
/// # Errors
/// `400` if there is nothing to search for; `503` if the search takes too long.
pub(crate) async fn list(
    conn: &mut AsyncPgConnection,
    view: View,
    query: &ArticlesQuery,
    after: Option<Position>,
) -> ApiResult<Listed> {
    if query.q.is_none() && query.include.is_none() {
        return page(conn, view, query, None, after).await;
    }
    // All statements see one state of the database: the marked words are those that were found, and the next
    // page starts after this one.
    let mut transaction = conn.build_transaction().read_only().repeatable_read();
    let Some(search) = &query.q else {
        return transaction.run(async |conn| page(conn, view, query, None, after).await).await;
    };
    transaction
        .run(async |conn| {
            store::limit_search(conn).await?;
            let meanings = store::understand(conn, search, query).await.map_err(too_nested)?;
            if meanings.is_empty() {
                return Err(nothing_to_find());
            }
            let (mut found, total) = page(conn, view, query, Some(&meanings), after).await?;
            found.rows = store::with_highlights(conn, view, &meanings, found.rows).await?;
            Ok((found, total))
        })
        .await
}

async fn page(
    conn: &mut AsyncPgConnection,
    view: View,
    query: &ArticlesQuery,
    search: Option<&[Meaning]>,
    after: Option<Position>,
) -> ApiResult<Listed> {
    let total =
        if query.count.0 { Some(store::count_articles(conn, view, query, search).await?) } else { None };
    Ok((store::list_articles(conn, view, query, search, after).await?, total))
}

fn too_nested(error: diesel::result::Error) -> ApiError {
    match SqlState::of(&error) {
        // Postgres has a limit of operators and no own code for it. Nothing else that parses a query returns
        // this code.
        Some(SqlState::INTERNAL) => refused("too_complex", "The search has too many operators in a row."),
        _ => error.into(),
    }
}

fn nothing_to_find() -> ApiError {
    refused(
        "nothing_to_find",
        "The search has no usable term: it contains only very common words or exclusions. Add a word that the articles \
         should contain.",
    )
}

fn refused(code: &'static str, detail: &str) -> ApiError {
    let q = ValuePointerRef::Origin;
    ApiError::invalid_query(Faults::one(q.push_key("q"), Invalid::new(code, detail)))
}
