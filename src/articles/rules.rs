//! Who may do what to an article, and in which state. Pure: what is known of the article comes in, a decision comes out.

use uuid::Uuid;

use super::Status;
use crate::{
    auth::{Principal, Role},
    error::{ApiError, ApiResult, Kind},
};

/// What decides over an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Who made the article.
    pub author_id: Uuid,
    /// The draft's status.
    pub status: Status,
    /// Whether readers see it.
    pub live: bool,
    /// Whether readers ever saw it.
    pub ever_published: bool,
}

/// What is to be done to an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Change the draft.
    Edit,
    /// Move it to the trash.
    Trash,
    /// Put the draft before the readers.
    Publish,
    /// Take it away from the readers.
    Unpublish,
    /// Delete it for good.
    Delete,
}

impl Standing {
    /// Whether the principal may see the draft.
    #[must_use]
    pub fn shows_draft_to(&self, principal: Principal) -> bool {
        principal.edits_everything() || self.author_id == principal.editor_id
    }
}

/// Whether the principal may do it at all.
///
/// # Errors
/// `403` where the caller may know that the article exists, else `404`.
pub fn permit(principal: Principal, action: Action, standing: &Standing) -> ApiResult<()> {
    let may_know = standing.live || standing.shows_draft_to(principal);
    let allowed = match action {
        Action::Delete => principal.role == Role::Admin,
        _ if principal.edits_everything() => true,
        Action::Edit | Action::Trash => standing.author_id == principal.editor_id && !standing.ever_published,
        Action::Publish | Action::Unpublish => false,
    };
    match (allowed, may_know) {
        (true, _) => Ok(()),
        (false, false) => Err(ApiError::not_found()),
        (false, true) => Err(ApiError::forbidden(match action {
            Action::Delete => "Only an admin may delete an article for good.",
            Action::Edit | Action::Trash => {
                "An author may do this only to own articles that were never published."
            }
            Action::Publish | Action::Unpublish => "Only an editor or an admin may do this.",
        })),
    }
}

/// Whether the state allows it.
///
/// # Errors
/// `409` with the state and the actions that it allows.
pub fn require_state(action: Action, standing: &Standing) -> ApiResult<()> {
    if action != Action::Unpublish || standing.live {
        return Ok(());
    }
    Err(ApiError::new(Kind::NotAllowedInState, "The article is not published, so it cannot be unpublished.")
        .with_member("state", standing.status.as_str())
        .with_member("allowed", vec!["edit", "publish", "trash"]))
}

/// The draft's status after a change of its content.
#[must_use]
pub fn status_after_edit(_: Status) -> Status {
    // What was under review or scheduled was another text.
    Status::Draft
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(role: Role, editor_id: Uuid) -> Principal {
        Principal { editor_id, session_id: Uuid::nil(), role }
    }

    #[test]
    fn the_table_of_rights_holds() {
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let standing =
            |live, ever_published| Standing { author_id: own, status: Status::Draft, live, ever_published };
        let kind = |role, who, action, standing: &Standing| {
            permit(principal(role, who), action, standing).err().map(|error| error.kind())
        };
        let (fresh, live, taken_down) = (standing(false, false), standing(true, true), standing(false, true));
        let (forbidden, hidden) = (Some(Kind::Forbidden), Some(Kind::NotFound));
        for action in [Action::Edit, Action::Trash] {
            assert_eq!(kind(Role::Author, own, action, &fresh), None);
            assert_eq!(kind(Role::Author, own, action, &live), forbidden);
            assert_eq!(kind(Role::Author, own, action, &taken_down), forbidden);
            assert_eq!(kind(Role::Author, other, action, &fresh), hidden);
            assert_eq!(kind(Role::Author, other, action, &live), forbidden);
            assert_eq!(kind(Role::Author, other, action, &taken_down), hidden);
        }
        for action in [Action::Edit, Action::Trash, Action::Publish, Action::Unpublish] {
            for role in [Role::Editor, Role::Admin] {
                for standing in [&fresh, &live, &taken_down] {
                    assert_eq!(kind(role, other, action, standing), None);
                }
            }
        }
        assert_eq!(kind(Role::Author, own, Action::Publish, &fresh), forbidden);
        assert_eq!(kind(Role::Author, other, Action::Publish, &fresh), hidden);
        assert_eq!(kind(Role::Editor, other, Action::Delete, &fresh), forbidden);
        assert_eq!(kind(Role::Admin, other, Action::Delete, &fresh), None);
    }

    #[test]
    fn only_what_is_live_can_be_taken_down() {
        let standing =
            Standing { author_id: Uuid::nil(), status: Status::Draft, live: false, ever_published: true };
        assert_eq!(require_state(Action::Unpublish, &standing).unwrap_err().kind(), Kind::NotAllowedInState);
        assert!(require_state(Action::Unpublish, &Standing { live: true, ..standing }).is_ok());
        assert!(require_state(Action::Publish, &standing).is_ok());
    }
}
