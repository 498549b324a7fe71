//! What readers find at an address, and what they are told where they find nothing.

use actix_web::Either;
use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::json;
use uuid::Uuid;

use crate::{
    articles::{filter::View, store},
    auth::Viewer,
    error::{ApiError, ApiResult, Kind},
    http::{
        reply::{Found, Moved},
        surrogate::{Cacheable, SurrogateKeys},
    },
    values::Reference,
};

/// Where readers find no live article.
pub(super) enum Elsewhere {
    /// A retracted one is there, out of the trash, and the caller may read it: its id.
    Retracted(Uuid),
    /// Its slug is this one now.
    Moved(String),
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
    let found = store::whereabouts(conn, reference).await?;
    match (found.retraction, reference) {
        // Whoever knows it by an earlier slug is led on first.
        (_, Reference::Slug(slug)) if **slug != *found.slug => Ok(Elsewhere::Moved(found.slug)),
        (Some(_), _) if viewer.0.is_some() && !found.trashed => Ok(Elsewhere::Retracted(found.id)),
        (Some((reason, at)), _) => Err(retracted(&reason, at)),
        (None, _) => Ok(Elsewhere::Moved(found.slug)),
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
) -> ApiResult<Either<Uuid, Moved>> {
    match store::find_id(conn, View::Live, reference).await {
        Err(diesel::NotFound) => Ok(match elsewhere(conn, viewer, reference).await? {
            Elsewhere::Retracted(id) => Either::Left(id),
            Elsewhere::Moved(slug) => {
                Either::Right(Moved { location: format!("/v1/articles/{slug}/{part}") })
            }
        }),
        found => Ok(Either::Left(found?)),
    }
}

/// A part of an article as the answer.
pub(super) fn of<T>(article: Uuid, part: T) -> Cacheable<Found<T>> {
    Cacheable::new(Found(part), SurrogateKeys::none().and("article", article))
}

/// A retracted story is never a bare `404`: whoever has a link to it is told.
fn retracted(reason: &str, at: DateTime<Utc>) -> ApiError {
    ApiError::new(Kind::Retracted, "The newsroom took this story back.")
        .with_member("reason", reason)
        .with_member("retracted_at", json!(at))
}
