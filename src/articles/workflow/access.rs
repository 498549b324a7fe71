//! The article that a request is about, if the caller may do to it what the request asks for.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use crate::{
    articles::{
        model::{
            article::Article,
            state::{Action, permit, require_state},
            view::{Drafts, View},
        },
        store::{self, Locked},
        workflow::conflict,
    },
    error::{ApiError, ApiResult},
    http::conditional::{IfMatch, StateTag},
    principal::Principal,
    values::Reference,
};

/// The id of the article, if it is among the drafts that the view has.
///
/// # Errors
/// `403` where the caller may know that it exists, else `404`.
pub(crate) async fn visible(
    conn: &mut AsyncPgConnection,
    view: View,
    reference: &Reference,
) -> ApiResult<Uuid> {
    let found = store::find_id(conn, view, reference).await;
    told(conn, view, reference, found).await
}

/// What was found; where nothing was, `403` if it is somebody else's draft of what readers can see, so that the caller knows that
/// it exists.
///
/// # Errors
/// As [`visible`].
pub(crate) async fn told<T>(
    conn: &mut AsyncPgConnection,
    view: View,
    reference: &Reference,
    found: QueryResult<T>,
) -> ApiResult<T> {
    match (found, view) {
        (Err(diesel::NotFound), View::Drafts(Drafts { of: Some(_), trashed: false }))
            if store::is_known_to_readers(conn, reference).await? =>
        {
            Err(ApiError::forbidden("A writer sees only own drafts."))
        }
        (found, _) => Ok(found?),
    }
}

/// The draft as its editor sees it, at the end of a change.
///
/// # Errors
/// As any statement.
pub(crate) async fn draft(
    conn: &mut AsyncPgConnection,
    principal: Principal,
    id: Uuid,
) -> ApiResult<Article> {
    Ok(store::find(conn, View::drafts(principal), &Reference::Id(id)).await?)
}

/// The article, locked, if the caller may do this to it, it is in the state that the caller means, and that state allows it.
///
/// # Errors
/// As [`claimed`]; `412` in another state, `409` where the state does not allow it.
pub(crate) async fn locked(
    conn: &mut AsyncPgConnection,
    principal: Principal,
    action: Action,
    reference: &Reference,
    if_match: &IfMatch,
) -> ApiResult<Locked> {
    let locked = claimed(conn, principal, action, reference).await?;
    require_match(conn, principal, &locked, if_match).await?;
    require_state(action, &locked.standing)?;
    Ok(locked)
}

/// Whether a locked article is in the state that the caller means.
///
/// # Errors
/// `412` in another one.
pub(crate) async fn require_match(
    conn: &mut AsyncPgConnection,
    principal: Principal,
    locked: &Locked,
    if_match: &IfMatch,
) -> ApiResult<()> {
    if if_match.allows(locked.current()) {
        return Ok(());
    }
    let view = View::drafts_or_trash(principal, locked.standing.trashed);
    let present = store::find(conn, view, &Reference::Id(locked.id)).await?;
    Err(conflict::problem(conn, locked, &present).await?)
}

/// The article, locked, if the caller may do this to it.
///
/// # Errors
/// `403` where the caller may know that it exists, else `404`.
pub(crate) async fn claimed(
    conn: &mut AsyncPgConnection,
    principal: Principal,
    action: Action,
    reference: &Reference,
) -> ApiResult<Locked> {
    let locked = store::lock(conn, reference).await?;
    // A draft's new slug, which readers have not seen, tells those who may not see the draft nothing either.
    let live_slug = locked.live_slug.as_deref().unwrap_or_default();
    if !locked.standing.shows_draft_to(principal) && !reference.names(locked.id, live_slug) {
        return Err(ApiError::not_found());
    }
    permit(principal, action, &locked.standing)?;
    // In the trash it is there only to be restored or deleted.
    if locked.standing.trashed && !matches!(action, Action::Restore | Action::Delete) {
        return Err(ApiError::not_found());
    }
    Ok(locked)
}

impl Locked {
    /// Its state, as an ETag of its draft names it.
    #[must_use]
    pub(crate) fn current(&self) -> StateTag {
        StateTag { of: self.id, count: self.version }
    }
}
