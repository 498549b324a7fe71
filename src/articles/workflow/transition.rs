//! Performs the actions of the state machine, in a transaction that has locked the article and checked that
//! the action is allowed.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};

use crate::{
    articles::{
        model::{
            publish_gate::{self, Demand},
            state::{Action, State, Status},
        },
        store::{self, Locked},
    },
    clock,
    context::Context,
    error::{ApiError, ApiResult, ProblemType},
    events::{EventType, SubjectType},
    faults::{Fault, Faults},
    principal::Principal,
};

/// An action, with its parameters.
#[derive(Clone, Debug)]
pub(crate) enum Transition {
    /// Submits the draft for review.
    Submit,
    /// Publishes the draft now, or as if at a time in the past.
    Publish {
        /// The time of the first publication; `None` means now, or the time that the article has already.
        at: Option<DateTime<Utc>>,
        /// The reason to publish a draft that does not meet the newsroom's requirements; `None` if they must
        /// be met.
        override_reason: Option<String>,
    },
    /// Schedules the draft to be published at a time in the future.
    Schedule {
        /// The time at which the draft is to be published.
        at: DateTime<Utc>,
        /// The reason to publish a draft that does not meet the newsroom's requirements; `None` if they must
        /// be met.
        override_reason: Option<String>,
    },
    /// Removes the schedule of the draft.
    Unschedule,
    /// Unpublishes the article: readers no longer see it.
    Unpublish,
    /// Retracts the story, and readers are told why.
    Retract {
        /// The reason, for readers.
        reason: String,
    },
    /// Takes the article out of the trash.
    Restore,
}

impl Transition {
    /// Returns the action of this transition.
    #[must_use]
    pub(crate) fn action(&self) -> Action {
        match self {
            Self::Submit => Action::Submit,
            Self::Publish { .. } => Action::Publish,
            Self::Schedule { .. } => Action::Schedule,
            Self::Unschedule => Action::Unschedule,
            Self::Unpublish => Action::Unpublish,
            Self::Retract { .. } => Action::Retract,
            Self::Restore => Action::Restore,
        }
    }
}

/// Performs the transition, and records it.
///
/// # Errors
/// `422` if the time of the first publication is another one already, or the draft does not meet the
/// newsroom's requirements; `409` if another translation has the article's language.
pub(crate) async fn perform(
    conn: &mut AsyncPgConnection,
    context: &Context,
    principal: Principal,
    locked: &Locked,
    transition: &Transition,
) -> ApiResult<()> {
    let now = clock::after(locked.updated_at, context.now());
    let revision = locked.revision;
    let (kind, details) = match transition {
        Transition::Submit => {
            store::set_draft_status(conn, locked, Status::InReview, None).await?;
            (EventType::ArticleSubmitted, json!({"revision": revision}))
        }
        Transition::Publish { at, override_reason } => {
            require_first(locked, *at)?;
            if locked.standing.state() == State::Published {
                return Ok(());
            }
            require_publishable(conn, locked).await?;
            let overridden = pass_gate(conn, context, principal, locked, override_reason.as_deref()).await?;
            let first_published_at = locked.first_published_at.or(*at).unwrap_or(now);
            store::publish(conn, locked, first_published_at, now).await?;
            let details = json!({"revision": revision, "published_at": first_published_at});
            (EventType::ArticlePublished, with_override(details, &overridden, override_reason.as_deref()))
        }
        Transition::Schedule { at, override_reason } => {
            require_publishable(conn, locked).await?;
            let overridden = pass_gate(conn, context, principal, locked, override_reason.as_deref()).await?;
            let schedule = Some((*at, principal.editor_id));
            store::set_draft_status(conn, locked, Status::Scheduled, schedule).await?;
            let details = json!({"revision": revision, "at": at});
            (EventType::ArticleScheduled, with_override(details, &overridden, override_reason.as_deref()))
        }
        Transition::Unschedule => {
            store::set_draft_status(conn, locked, Status::Draft, None).await?;
            (EventType::ArticleUnscheduled, json!({}))
        }
        Transition::Unpublish => {
            store::unpublish(conn, locked, now).await?;
            (EventType::ArticleUnpublished, dropped(locked, json!({})))
        }
        Transition::Retract { reason } => {
            store::retract(conn, locked, reason, now).await?;
            (EventType::ArticleRetracted, dropped(locked, json!({"reason": reason})))
        }
        Transition::Restore => {
            require_free_place(conn, locked).await?;
            store::restore(conn, locked).await?;
            (EventType::ArticleRestored, json!({}))
        }
    };
    context.record(conn, principal, kind, (SubjectType::Article, locked.id), details).await?;
    Ok(())
}

/// Returns the newsroom's requirements that the draft does not meet: none, unless a reason to override them
/// is given. Scheduled drafts are checked only here, because they do not change until their time.
async fn pass_gate(
    conn: &mut AsyncPgConnection,
    context: &Context,
    principal: Principal,
    locked: &Locked,
    override_reason: Option<&str>,
) -> ApiResult<Vec<Demand>> {
    let policy = context.policy;
    let has_citation = policy.require_citation && store::has_citation(conn, locked.id).await?;
    let writers = if policy.require_review {
        store::writers_since_published(conn, locked.id).await?
    } else {
        Vec::new()
    };
    let lacking = publish_gate::lacking(policy, has_citation, &writers, principal.editor_id);
    if lacking.is_empty() || override_reason.is_some() {
        Ok(lacking)
    } else {
        Err(publish_gate::refusal(&lacking))
    }
}

fn with_override(mut details: Value, overridden: &[Demand], reason: Option<&str>) -> Value {
    if !overridden.is_empty() {
        details["overridden"] = json!(overridden);
        details["reason"] = json!(reason);
    }
    details
}

/// The outcome of a scheduled publication.
#[derive(Debug)]
pub(crate) enum Due {
    /// The article is published.
    Published {
        /// The time of the first publication.
        first_published_at: DateTime<Utc>,
    },
    /// The article could not be published any more, and is a draft again.
    Refused {
        /// The reason, for editors.
        reason: String,
    },
    /// The editor who scheduled the article is not allowed to publish any more: it waits for somebody who is.
    Held,
}

/// Publishes a locked article whose scheduled time has come. The rules are the same as for publishing by
/// hand. An article that they refuse becomes a draft again, so that it does not hold up others.
pub(crate) async fn perform_due(
    conn: &mut AsyncPgConnection,
    locked: &Locked,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> ApiResult<Due> {
    match require_publishable(conn, locked).await {
        Ok(()) => {
            let first_published_at = locked.first_published_at.unwrap_or(at);
            store::publish(conn, locked, first_published_at, clock::after(locked.updated_at, now)).await?;
            Ok(Due::Published { first_published_at })
        }
        Err(error) if error.kind().info().status.is_client_error() => {
            store::set_draft_status(conn, locked, Status::Draft, None).await?;
            Ok(Due::Refused { reason: error.problem("").detail })
        }
        Err(error) => Err(error),
    }
}

/// Checks the rule for a draft that is published now or at its time: readers see at most one article of a
/// story in each language.
async fn require_publishable(conn: &mut AsyncPgConnection, locked: &Locked) -> ApiResult<()> {
    if !store::live_language_taken(conn, locked).await? {
        return Ok(());
    }
    let detail = format!("Readers see another article of the story in `{}` already.", locked.language);
    Err(ApiError::new(ProblemType::Conflict, detail))
}

/// Adds to the details of an event what else the action ends: a review, or a schedule with its time.
#[must_use]
pub(crate) fn dropped(locked: &Locked, mut details: Value) -> Value {
    if matches!(locked.standing.draft, Status::InReview | Status::Scheduled) {
        details["dropped"] = json!(locked.standing.draft);
    }
    if let Some(at) = locked.scheduled_at {
        details["scheduled_at"] = json!(at);
    }
    details
}

/// Refuses to change the time of the first publication, which is set only once.
fn require_first(locked: &Locked, at: Option<DateTime<Utc>>) -> ApiResult<()> {
    if at.is_none() || locked.first_published_at.is_none() || locked.first_published_at == at {
        return Ok(());
    }
    let detail = "The article was published before; the time of its first publication cannot be changed.";
    let mut faults = Faults::none();
    faults.push(Fault::at("/at", "already_published", detail));
    Err(ApiError::invalid_body(faults))
}

/// Refuses to restore an article if another article of its translation group has its language by now.
async fn require_free_place(conn: &mut AsyncPgConnection, locked: &Locked) -> ApiResult<()> {
    let group = locked.translation_group_id;
    if store::language_taken(conn, group, &locked.language, locked.id).await? {
        let detail = format!("The story has another article in `{}` by now.", locked.language);
        return Err(ApiError::new(ProblemType::Conflict, detail));
    }
    Ok(())
}
