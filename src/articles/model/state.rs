//! The states of an article, the actions that each state allows, and who may do them. Pure: what is known of
//! the article comes in, a decision comes out.

use uuid::Uuid;

use crate::{
    error::{ApiError, ApiResult, ProblemType},
    principal::{Principal, Role},
    text_enum,
};

text_enum! {
    /// The status of an edition.
    pub enum Status {
        /// A draft that was never published, or has changes that readers do not see.
        Draft = "draft",
        /// A draft that waits for review.
        InReview = "in_review",
        /// A draft that will be published at a set time.
        Scheduled = "scheduled",
        /// An edition that readers see, or a draft that has not changed since it was published.
        Published = "published",
        /// A story that was taken back, with a reason.
        Retracted = "retracted",
    }
}

/// The facts about an article that decide which actions are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The editor who made the article.
    pub created_by: Uuid,
    /// The status of the draft.
    pub draft: Status,
    /// The status of the live edition; `None` if there is none.
    pub live: Option<Status>,
    /// If `true`, readers saw the article at some time.
    pub ever_published: bool,
    /// If `true`, the article is in the trash.
    pub trashed: bool,
}

text_enum! {
    /// The state of an article as a whole.
    pub enum State {
        /// The draft was never published, or has changes that readers do not see.
        Draft = "draft",
        /// The draft waits for review.
        InReview = "in_review",
        /// The draft will be published at a set time.
        Scheduled = "scheduled",
        /// Readers see the draft as it is.
        Published = "published",
        /// Readers are told that the story was taken back, and why.
        Retracted = "retracted",
        /// The article is in the trash.
        Trashed = "trashed",
    }
}

text_enum! {
    /// An action on an article.
    pub enum Action {
        /// Edit the article's draft.
        Edit = "edit",
        /// Hand the draft in for review.
        Submit = "submit",
        /// Publish the draft, so that readers see it.
        Publish = "publish",
        /// Schedule the draft for publication at a set time.
        Schedule = "schedule",
        /// Cancel the scheduled publication.
        Unschedule = "unschedule",
        /// Take the article away from readers.
        Unpublish = "unpublish",
        /// Retract the story, and tell readers why.
        Retract = "retract",
        /// Tell readers what was set right.
        Correct = "correct",
        /// Move the article to the trash.
        Trash = "trash",
        /// Take the article out of the trash.
        Restore = "restore",
        /// Delete the article for good.
        Delete = "delete",
    }
}

impl Standing {
    /// Returns `true` if the principal may see the draft.
    #[must_use]
    pub(crate) fn shows_draft_to(&self, principal: Principal) -> bool {
        principal.edits_everything() || self.created_by == principal.editor_id
    }

    /// Returns the state of the article as a whole.
    #[must_use]
    pub(crate) fn state(&self) -> State {
        match (self.trashed, self.live, self.draft) {
            (true, ..) => State::Trashed,
            (_, Some(Status::Retracted), _) => State::Retracted,
            (.., Status::InReview) => State::InReview,
            (.., Status::Scheduled) => State::Scheduled,
            (.., Status::Published) => State::Published,
            (.., Status::Draft | Status::Retracted) => State::Draft,
        }
    }

    /// Returns the actions that the state allows, regardless of the caller.
    #[must_use]
    pub(crate) fn allowed(&self) -> Vec<Action> {
        let state = self.state();
        let live = self.live == Some(Status::Published);
        let fits = |action: &Action| match action {
            // A scheduled draft is what was agreed on. To change it, its schedule has to be cancelled first.
            Action::Edit => matches!(state, State::Draft | State::InReview | State::Published),
            Action::Submit => state == State::Draft,
            Action::Publish => {
                matches!(state, State::Draft | State::InReview | State::Scheduled | State::Published)
            }
            Action::Schedule => matches!(state, State::Draft | State::InReview | State::Scheduled),
            Action::Unschedule => state == State::Scheduled,
            Action::Unpublish | Action::Retract | Action::Correct => live && state != State::Trashed,
            Action::Trash => state != State::Trashed,
            Action::Restore => state == State::Trashed,
            Action::Delete => true,
        };
        Action::ALL.iter().copied().filter(fits).collect()
    }
}

/// Checks that the principal's role and authorship allow the action, in whatever state the article is.
///
/// # Errors
/// `403` if the caller may know that the article exists, otherwise `404`.
pub(crate) fn permit(principal: Principal, action: Action, standing: &Standing) -> ApiResult<()> {
    let may_know = !standing.trashed && (standing.live.is_some() || standing.shows_draft_to(principal))
        || principal.edits_everything();
    let allowed = match action {
        Action::Delete => principal.role == Role::Admin,
        _ if principal.edits_everything() => true,
        Action::Edit | Action::Submit | Action::Trash => {
            standing.created_by == principal.editor_id && !standing.ever_published && !standing.trashed
        }
        _ => false,
    };
    match (allowed, may_know) {
        (true, _) => Ok(()),
        (false, false) => Err(ApiError::not_found()),
        (false, true) => Err(ApiError::forbidden(match action {
            Action::Delete => "Only an admin may delete an article for good.",
            Action::Edit | Action::Submit | Action::Trash => {
                "Writers can do this only to their own articles, and only before they are first published."
            }
            _ => "Only an editor or an admin may do this.",
        })),
    }
}

/// Checks that the state allows the action.
///
/// # Errors
/// `409` with the state and the actions that it allows, if this one is not among them.
pub(crate) fn require_state(action: Action, standing: &Standing) -> ApiResult<()> {
    if standing.allowed().contains(&action) {
        return Ok(());
    }
    let detail = format!("The article's state is `{}`, which does not allow `{action}`.", standing.state());
    Err(refused(action, standing, detail))
}

/// Returns the `409` with the state and the other actions that it allows.
#[must_use]
pub(crate) fn refused(action: Action, standing: &Standing, detail: String) -> ApiError {
    let others = standing.allowed().into_iter().filter(|other| *other != action);
    let allowed: Vec<_> = others.map(Action::as_str).collect();
    ApiError::new(ProblemType::NotAllowedInState, detail)
        .with_member("state", standing.state().as_str())
        .with_member("allowed", allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    fn principal(role: Role, editor_id: Uuid) -> Principal {
        Principal { editor_id, session_id: Uuid::nil(), role }
    }

    fn standing(draft: Status, live: Option<Status>, ever_published: bool, trashed: bool) -> Standing {
        Standing { created_by: OWN, draft, live, ever_published, trashed }
    }

    /// Returns each state with and without a live edition, with the actions that it allows by agreement.
    fn table() -> Vec<(Standing, State, &'static [Action])> {
        use Action::{
            Correct, Delete, Edit, Publish, Restore, Retract, Schedule, Submit, Trash, Unpublish, Unschedule,
        };
        let live = Some(Status::Published);
        vec![
            (
                standing(Status::Draft, None, false, false),
                State::Draft,
                &[Edit, Submit, Publish, Schedule, Trash, Delete],
            ),
            (
                standing(Status::Draft, live, true, false),
                State::Draft,
                &[Edit, Submit, Publish, Schedule, Unpublish, Retract, Correct, Trash, Delete],
            ),
            (
                standing(Status::InReview, None, false, false),
                State::InReview,
                &[Edit, Publish, Schedule, Trash, Delete],
            ),
            (
                standing(Status::InReview, live, true, false),
                State::InReview,
                &[Edit, Publish, Schedule, Unpublish, Retract, Correct, Trash, Delete],
            ),
            (
                standing(Status::Scheduled, None, false, false),
                State::Scheduled,
                &[Publish, Schedule, Unschedule, Trash, Delete],
            ),
            (
                standing(Status::Scheduled, live, true, false),
                State::Scheduled,
                &[Publish, Schedule, Unschedule, Unpublish, Retract, Correct, Trash, Delete],
            ),
            (
                standing(Status::Published, live, true, false),
                State::Published,
                &[Edit, Publish, Unpublish, Retract, Correct, Trash, Delete],
            ),
            (
                standing(Status::Published, Some(Status::Retracted), true, false),
                State::Retracted,
                &[Trash, Delete],
            ),
            (standing(Status::Draft, None, true, true), State::Trashed, &[Restore, Delete]),
        ]
    }

    #[test]
    fn each_state_allows_what_was_agreed_on() {
        for (standing, state, allowed) in table() {
            assert_eq!(standing.state(), state);
            for &action in Action::ALL {
                let result = require_state(action, &standing);
                assert_eq!(result.is_ok(), allowed.contains(&action), "{state} {action}");
            }
        }
    }

    #[test]
    fn each_role_may_do_what_was_agreed_on() {
        for (standing, state, _) in table() {
            for &action in Action::ALL {
                let kind = |role, who| {
                    permit(principal(role, who), action, &standing).err().map(|error| error.kind())
                };
                let of_writers = matches!(action, Action::Edit | Action::Submit | Action::Trash);
                let visible = standing.live.is_some();
                let own = if of_writers && !standing.ever_published {
                    None
                } else if state == State::Trashed {
                    Some(ProblemType::NotFound)
                } else {
                    Some(ProblemType::Forbidden)
                };
                assert_eq!(kind(Role::Writer, OWN), own, "own {state} {action}");
                let others = if visible { ProblemType::Forbidden } else { ProblemType::NotFound };
                assert_eq!(kind(Role::Writer, OTHER), Some(others), "other's {state} {action}");
                let editor = (action == Action::Delete).then_some(ProblemType::Forbidden);
                assert_eq!(kind(Role::Editor, OTHER), editor, "editor {state} {action}");
                assert_eq!(kind(Role::Admin, OTHER), None, "admin {state} {action}");
            }
        }
    }
}
