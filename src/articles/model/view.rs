//! The editions that a caller may see.

use uuid::Uuid;

use crate::{
    error::{ApiError, ApiResult},
    http::query::Flag,
    principal::Principal,
};

/// The editions that a query may read. The view becomes part of the query's conditions, so hidden editions
/// are simply not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// The editions that readers see.
    Live,
    /// The drafts that editors work on.
    Drafts(Drafts),
    /// The drafts, as readers would see them; none that are in the trash.
    Preview,
}

/// The drafts that a view contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drafts {
    /// The editor whose drafts they are; `None` for the drafts of all editors.
    pub of: Option<Uuid>,
    /// If `true`, the drafts in the trash; otherwise those outside it.
    pub trashed: bool,
}

impl View {
    /// Returns the view of the drafts that this editor may see, outside the trash.
    #[must_use]
    pub(crate) fn drafts(principal: Principal) -> Self {
        Self::drafts_or_trash(principal, false)
    }

    /// Returns the view of the drafts that this editor may see, in the trash or outside it.
    #[must_use]
    pub(crate) fn drafts_or_trash(principal: Principal, trashed: bool) -> Self {
        let of = (!principal.edits_everything()).then_some(principal.editor_id);
        Self::Drafts(Drafts { of, trashed })
    }

    /// Returns the view of a request that asks for drafts, for the trash, or for neither.
    ///
    /// # Errors
    /// `401` if the request asks for drafts or the trash without a token.
    pub(crate) fn of(draft: Flag, trashed: Flag, viewer: Option<Principal>) -> ApiResult<Self> {
        match (draft.0 || trashed.0, viewer) {
            (false, _) => Ok(Self::Live),
            (true, Some(principal)) => Ok(Self::drafts_or_trash(principal, trashed.0)),
            (true, None) => Err(ApiError::token_needed("Drafts need an access token.")),
        }
    }
}
