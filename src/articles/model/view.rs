//! Which editions a caller may see.

use uuid::Uuid;

use crate::{
    error::{ApiError, ApiResult},
    http::query::Flag,
    principal::Principal,
};

/// Whose editions a query may read. It stands in the query's conditions: what is hidden is simply not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// What readers see.
    Live,
    /// What editors work on.
    Drafts(Drafts),
    /// What editors work on, as readers would see it; out of the trash.
    Preview,
}

/// Which drafts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drafts {
    /// Only those that this editor made.
    pub of: Option<Uuid>,
    /// Those in the trash, instead of those that are not.
    pub trashed: bool,
}

impl View {
    /// The drafts that this editor may see.
    #[must_use]
    pub(crate) fn drafts(principal: Principal) -> Self {
        Self::drafts_or_trash(principal, false)
    }

    /// The drafts that this editor may see, in the trash or out of it.
    #[must_use]
    pub(crate) fn drafts_or_trash(principal: Principal, trashed: bool) -> Self {
        let of = (!principal.edits_everything()).then_some(principal.editor_id);
        Self::Drafts(Drafts { of, trashed })
    }

    /// What a request may see that asks for drafts, for the trash, or for neither.
    ///
    /// # Errors
    /// `401`: drafts need a token.
    pub(crate) fn of(draft: Flag, trashed: Flag, viewer: Option<Principal>) -> ApiResult<Self> {
        match (draft.0 || trashed.0, viewer) {
            (false, _) => Ok(Self::Live),
            (true, Some(principal)) => Ok(Self::drafts_or_trash(principal, trashed.0)),
            (true, None) => Err(ApiError::token_needed("Drafts need an access token.")),
        }
    }
}
