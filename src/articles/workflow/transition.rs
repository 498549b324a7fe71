//! What each action of the state machine does, in the transaction that has locked the article and found the action allowed.

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

/// An action with what it needs to know.
#[derive(Clone, Debug)]
pub(crate) enum Transition {
    /// Hand the draft in for review.
    Submit,
    /// Put the draft before the readers, now or as if at a time that is past.
    Publish {
        /// When readers first saw it.
        at: Option<DateTime<Utc>>,
        /// Why also what lacks something is published.
        override_reason: Option<String>,
    },
    /// Put the draft before the readers at a time to come.
    Schedule {
        /// When.
        at: DateTime<Utc>,
        /// Why also what lacks something is published.
        override_reason: Option<String>,
    },
    /// Take that time back.
    Unschedule,
    /// Take the article away from the readers.
    Unpublish,
    /// Take the story back.
    Retract {
        /// Why, for readers.
        reason: String,
    },
    /// Take the article out of the trash.
    Restore,
}

impl Transition {
    /// The action that it is.
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

/// Does it, and records it.
///
/// # Errors
/// `422` where a time cannot be, or the draft lacks what the newsroom asks for; `409` where the article's place among its
/// translations is taken.
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

/// What the draft lacks of that which the newsroom asks for: nothing, unless a reason to override it is given. What was scheduled does not
/// change until its time, so it passes only here.
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

/// What became of an article whose time had come.
#[derive(Debug)]
pub(crate) enum Due {
    /// Readers see it since then.
    Published {
        /// When they first saw it.
        first_published_at: DateTime<Utc>,
    },
    /// It could not be published any more, and is a draft again.
    Refused {
        /// Why, for editors.
        reason: String,
    },
    /// Who scheduled it may not publish any more: it waits for somebody who may.
    Held,
}

/// Publishes a locked article that was scheduled for a time which has come. The rules are those of publishing it by hand; what
/// they do not allow goes back to its editors, so that it holds up nobody else.
///
/// # Errors
/// As any statement.
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

/// What has to hold of a draft when it comes before the readers, now or at its time: a story has one article in a language.
async fn require_publishable(conn: &mut AsyncPgConnection, locked: &Locked) -> ApiResult<()> {
    if !store::live_language_taken(conn, locked).await? {
        return Ok(());
    }
    let detail = format!("Readers see another article of the story in `{}` already.", locked.language);
    Err(ApiError::new(ProblemType::Conflict, detail))
}

/// Adds to an event's details what the action ends besides: a review, or a schedule with its time.
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

/// When readers first saw a story is written once.
fn require_first(locked: &Locked, at: Option<DateTime<Utc>>) -> ApiResult<()> {
    if at.is_none() || locked.first_published_at.is_none() || locked.first_published_at == at {
        return Ok(());
    }
    let detail = "Readers saw the article before; when they first did cannot be changed.";
    let mut faults = Faults::none();
    faults.push(Fault::at("/at", "already_published", detail));
    Err(ApiError::invalid_body(faults))
}

/// An article comes out of the trash to its place among its translations, unless another one has it by now.
async fn require_free_place(conn: &mut AsyncPgConnection, locked: &Locked) -> ApiResult<()> {
    let group = locked.translation_group_id;
    if store::language_taken(conn, group, &locked.language, locked.id).await? {
        let detail = format!("The story has another article in `{}` by now.", locked.language);
        return Err(ApiError::new(ProblemType::Conflict, detail));
    }
    Ok(())
}
