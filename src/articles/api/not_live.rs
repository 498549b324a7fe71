//! Answers for an address at which readers find no live article, or no such part of it: redirects,
//! retractions and `404`s.

use actix_web::Either;
use chrono::{DateTime, Utc};
use diesel::result::Error as DieselError;
use diesel_async::AsyncPgConnection;
use serde_json::json;
use uuid::Uuid;

use crate::{
    articles::{model::view::View, store},
    auth::Viewer,
    error::{ApiError, ApiResult, ProblemType},
    http::reply::{Found, Moved},
    surrogate::{Cacheable, SurrogateKeys},
    values::Reference,
};

/// A result of [`elsewhere`]: something that is at an address without a live article.
pub(super) enum Elsewhere {
    /// The id of a retracted article outside the trash, which the caller may read.
    Retracted(Uuid),
    /// The id of an article that has another slug now, and that slug.
    Moved(Uuid, String),
}

/// The `308` to an article, or to a part of it.
pub(super) type MovedArticle = Cacheable<Moved>;

/// Returns the `308` to the path at which an article, or a part of it, is now.
pub(super) fn moved(article: Uuid, location: String) -> MovedArticle {
    Cacheable::new(Moved { location }, SurrogateKeys::none().and("article", article))
}

/// Finds what is at an address that has no live article.
///
/// # Errors
/// `410` with the reason if the article was retracted; `404` if there is no article.
pub(super) async fn elsewhere(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    reference: &Reference,
) -> ApiResult<Elsewhere> {
    let found = store::whereabouts(conn, reference).await.map_err(|error| none(error.into()))?;
    match (found.retraction, reference) {
        // A reader who knows it by an earlier slug is redirected first.
        (_, Reference::Slug(slug)) if **slug != *found.slug => Ok(Elsewhere::Moved(found.id, found.slug)),
        (Some(_), _) if viewer.principal().is_some() && !found.trashed => Ok(Elsewhere::Retracted(found.id)),
        (Some((reason, at)), _) => {
            Err(retracted(&reason, at).made_of(SurrogateKeys::none().and("article", found.id)))
        }
        (None, _) => Ok(Elsewhere::Moved(found.id, found.slug)),
    }
}

/// Returns the id of the article of which the caller reads a part, or the `308` to the place of the part now.
/// `part` is the rest of the path.
///
/// # Errors
/// Returns the errors of [`elsewhere`].
pub(super) async fn seen(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    reference: &Reference,
    part: &str,
) -> ApiResult<Either<Uuid, MovedArticle>> {
    match store::find_id(conn, View::Live, reference).await {
        Err(diesel::NotFound) => Ok(match elsewhere(conn, viewer, reference).await? {
            Elsewhere::Retracted(id) => Either::Left(id),
            Elsewhere::Moved(id, slug) => Either::Right(moved(id, format!("/v1/articles/{slug}/{part}"))),
        }),
        found => Ok(Either::Left(found?)),
    }
}

/// Adds the key of all articles to an answer that there is no article, because any new article can be the
/// one.
fn none(error: ApiError) -> ApiError {
    error.made_of(SurrogateKeys::all("articles"))
}

/// Returns a function that adds the article's key to an answer that the article has no such part.
pub(super) fn no_part(article: Uuid) -> impl Fn(DieselError) -> ApiError {
    move |error| ApiError::from(error).made_of(SurrogateKeys::none().and("article", article))
}

/// Returns a part of an article as the answer, with the article's key.
pub(super) fn of<T>(article: Uuid, part: T) -> Cacheable<Found<T>> {
    Cacheable::new(Found(part), SurrogateKeys::none().and("article", article))
}

/// Returns the `410` of a retracted story. It is never a bare `404`, so that everybody who has a link to it
/// is told.
fn retracted(reason: &str, at: DateTime<Utc>) -> ApiError {
    ApiError::new(ProblemType::Retracted, "The newsroom took this story back.")
        .with_member("reason", reason)
        .with_member("retracted_at", json!(at))
}
