//! What readers find at an address, and what they are told where they find nothing.

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

/// Where readers find no live article.
pub(super) enum Elsewhere {
    /// A retracted one is there, out of the trash, and the caller may read it: its id.
    Retracted(Uuid),
    /// This one is, by another slug now.
    Moved(Uuid, String),
}

/// The `308` to an article, or to a part of it.
pub(super) type MovedArticle = Cacheable<Moved>;

/// That an article is at this path now.
pub(super) fn moved(article: Uuid, location: String) -> MovedArticle {
    Cacheable::new(Moved { location }, SurrogateKeys::none().and("article", article))
}

/// What is at an address where no live article is.
///
/// # Errors
/// `410` with the reason, where the article was retracted; `404` where there is none.
pub(super) async fn elsewhere(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    reference: &Reference,
) -> ApiResult<Elsewhere> {
    let found = store::whereabouts(conn, reference).await.map_err(|error| none(error.into()))?;
    match (found.retraction, reference) {
        // Whoever knows it by an earlier slug is led on first.
        (_, Reference::Slug(slug)) if **slug != *found.slug => Ok(Elsewhere::Moved(found.id, found.slug)),
        (Some(_), _) if viewer.principal().is_some() && !found.trashed => Ok(Elsewhere::Retracted(found.id)),
        (Some((reason, at)), _) => {
            Err(retracted(&reason, at).made_of(SurrogateKeys::none().and("article", found.id)))
        }
        (None, _) => Ok(Elsewhere::Moved(found.id, found.slug)),
    }
}

/// The id of the article of which the caller reads a part; or where the part is now, which `part` is the rest of the path of.
///
/// # Errors
/// As [`elsewhere`].
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

/// Where readers find no article: any that comes may be it.
fn none(error: ApiError) -> ApiError {
    error.made_of(SurrogateKeys::all("articles"))
}

/// Where readers find no such part of an article.
pub(super) fn no_part(article: Uuid) -> impl Fn(DieselError) -> ApiError {
    move |error| ApiError::from(error).made_of(SurrogateKeys::none().and("article", article))
}

/// A part of an article as the answer.
pub(super) fn of<T>(article: Uuid, part: T) -> Cacheable<Found<T>> {
    Cacheable::new(Found(part), SurrogateKeys::none().and("article", article))
}

/// A retracted story is never a bare `404`: whoever has a link to it is told.
fn retracted(reason: &str, at: DateTime<Utc>) -> ApiError {
    ApiError::new(ProblemType::Retracted, "The newsroom took this story back.")
        .with_member("reason", reason)
        .with_member("retracted_at", json!(at))
}
