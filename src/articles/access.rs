//! Whose draft it is: what everything that stands below a draft asks first.

use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::{filter::View, store};
use crate::{
    auth::Principal,
    error::{ApiError, ApiResult},
    values::Reference,
};

/// The article whose draft the caller may see; out of the trash.
///
/// # Errors
/// `403` where it is somebody else's and the caller knows that it exists, else `404`.
pub async fn shown(
    conn: &mut AsyncPgConnection,
    principal: Principal,
    reference: &Reference,
) -> ApiResult<Uuid> {
    match store::find_id(conn, View::drafts(principal), reference).await {
        Err(diesel::NotFound)
            if !principal.edits_everything() && store::is_known_to_readers(conn, reference).await? =>
        {
            Err(ApiError::forbidden("An author sees only own drafts."))
        }
        found => Ok(found?),
    }
}
