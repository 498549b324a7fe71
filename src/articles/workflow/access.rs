//! Finds the article that a request is about, if the caller is allowed to do to it what the request asks for.

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

/// Returns the id of the article, if it is among the drafts that the view can see.
///
/// # Errors
/// `403` if the caller is allowed to know that the article exists, else `404`.
pub(crate) async fn visible(
    conn: &mut AsyncPgConnection,
    view: View,
    reference: &Reference,
) -> ApiResult<Uuid> {
    let found = store::find_id(conn, view, reference).await;
    told(conn, view, reference, found).await
}

/// Returns what was found. A writer who finds nothing, because it is somebody else's draft of a story that
/// readers know, is told so by a `403`.
///
/// # Errors
/// The same as those of [`visible`].
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
            Err(ApiError::forbidden("Writers can see only their own drafts."))
        }
        (found, _) => Ok(found?),
    }
}

/// Returns the draft as its editor sees it, at the end of a change.
pub(crate) async fn draft(
    conn: &mut AsyncPgConnection,
    principal: Principal,
    id: Uuid,
) -> ApiResult<Article> {
    Ok(store::find(conn, View::drafts(principal), &Reference::Id(id)).await?)
}

/// Locks and returns the article, if the caller is allowed to do this to it, it is in the state that
/// `If-Match` names, and that state allows the action.
///
/// # Errors
/// The same as those of [`claimed`]; `412` if the article is in another state; `409` if its state does not
/// allow the action.
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

/// Refuses a locked article that is not in the state that `If-Match` names.
///
/// # Errors
/// `412` if it is in another state.
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

/// Locks and returns the article, if the caller is allowed to do this to it.
///
/// # Errors
/// `403` if the caller is allowed to know that the article exists, else `404`.
pub(crate) async fn claimed(
    conn: &mut AsyncPgConnection,
    principal: Principal,
    action: Action,
    reference: &Reference,
) -> ApiResult<Locked> {
    let locked = store::lock(conn, reference).await?;
    // Those who are not allowed to see the draft do not find it by its new slug either, which readers have
    // not seen.
    let live_slug = locked.live_slug.as_deref().unwrap_or_default();
    if !locked.standing.shows_draft_to(principal) && !reference.names(locked.id, live_slug) {
        return Err(ApiError::not_found());
    }
    permit(principal, action, &locked.standing)?;
    // An article in the trash can only be restored or deleted.
    if locked.standing.trashed && !matches!(action, Action::Restore | Action::Delete) {
        return Err(ApiError::not_found());
    }
    Ok(locked)
}

impl Locked {
    /// Returns the state that an ETag of the draft names.
    #[must_use]
    pub(crate) fn current(&self) -> StateTag {
        StateTag { of: self.id, count: self.version }
    }
}
