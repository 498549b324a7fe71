//! Publishes scheduled articles when they are due.
//!
//! Each instance runs this job. A due article is claimed by its row lock, which other instances skip, and
//! published in the same transaction: an instance that dies in between has done nothing, and no article is
//! published twice. If an article cannot be published, for whatever reason, all instances pause it for longer
//! and longer, up to a minute, while the others are published. If the editor who scheduled an article is not
//! allowed to publish any more, it stays scheduled and waits for somebody who is.

use std::time::Duration;

use diesel_async::{AsyncConnection, AsyncPgConnection};
use serde_json::json;
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    articles::{
        store,
        workflow::transition::{Due, perform_due},
    },
    context::Services,
    error::{ApiError, ApiResult, complaint::Complaint},
    events::{self, Actor, EventType, SubjectType},
    values::Reference,
};

/// The pause between two rounds of an instance: a story appears within a second of its time.
const PAUSE: Duration = Duration::from_millis(250);

/// Publishes due articles, for as long as the future is polled.
pub async fn run(services: Services) {
    let mut complaint = Complaint::new("scheduler");
    loop {
        let outcome = publish_next(&services).instrument(tracing::info_span!("job", job = "scheduler")).await;
        tokio::time::sleep(complaint.pause(&outcome, PAUSE)).await;
    }
}

/// Publishes the article that has been due for the longest time. An article that cannot be published any more
/// becomes a draft again; an article whose publication fails is put off for a while. Returns `false` if no
/// article was due.
///
/// # Errors
/// Returns an error if no article could be claimed, or if the article could not be put off. Nothing is half
/// done then.
pub async fn publish_next(services: &Services) -> ApiResult<bool> {
    loop {
        let mut conn = services.database.get().await?;
        let mut claimed = None;
        let outcome = conn
            .transaction(async |conn| {
                claimed = store::claim_due(conn, services.clock.now()).await?;
                match claimed {
                    Some(id) => publish(services, conn, id).await,
                    None => Ok(None),
                }
            })
            .await;
        // The connection can be broken; the next statements take another one, so that they are not lost with
        // it.
        drop(conn);
        match (claimed, outcome) {
            (None, outcome) => return outcome.map(|_| false),
            (Some(id), Ok(Some(event))) => {
                tracing::info!(article = %id, event = event.as_str(), "scheduler: a story's time came");
                return Ok(true);
            }
            // Another instance was faster.
            (Some(_), Ok(None)) => {}
            (Some(id), Err(error)) => return put_off(services, id, &error).await.map(|()| true),
        }
    }
}

/// Publishes an article that was claimed as due and is locked now. Returns the type of the recorded event, or
/// `None` if the article is no longer due: it can have changed before it was locked.
async fn publish(
    services: &Services,
    conn: &mut AsyncPgConnection,
    id: Uuid,
) -> ApiResult<Option<EventType>> {
    let locked = store::lock(conn, &Reference::Id(id)).await?;
    let now = services.clock.now();
    let Some((scheduled_by, at)) = store::scheduled_by(conn, id, now).await? else { return Ok(None) };
    let mut editor_id = Some(scheduled_by);
    let mut details = json!({"revision": locked.revision, "scheduled_at": at});
    // Nothing is published in the name of an editor who is not allowed to publish by now.
    let due = if store::may_publish(conn, scheduled_by).await? {
        perform_due(conn, &locked, at, now).await?
    } else {
        store::hold_schedule(conn, id, now).await?;
        Due::Held
    };
    let kind = match due {
        Due::Published { first_published_at } => {
            details["published_at"] = json!(first_published_at);
            EventType::ArticlePublished
        }
        Due::Refused { reason } => {
            details["reason"] = json!(reason);
            EventType::ArticleScheduleFailed
        }
        Due::Held => {
            tracing::warn!(article = %id, "scheduler: a story waits for somebody who may publish: the editor who scheduled it no longer may");
            details["scheduled_by"] = json!(scheduled_by);
            editor_id = None;
            EventType::ArticleScheduleHeld
        }
    };
    let actor = Actor { editor_id, request_id: None };
    store::forget_failure(conn, id).await?;
    let subject = (SubjectType::Article, id);
    events::record(conn, &services.clock, now, &actor, kind, subject, details).await?;
    Ok(Some(kind))
}

/// Puts off an article that could not be published, so that it does not hold up the articles behind it.
async fn put_off(services: &Services, id: Uuid, error: &ApiError) -> ApiResult<()> {
    let cause = error.cause().map(ToString::to_string);
    tracing::error!(article = %id, cause, "scheduler: an article could not be published: {error}");
    let mut conn = services.database.get().await?;
    let now = services.clock.now();
    Ok(conn.transaction(async |conn| store::put_off(conn, id, now).await).await?)
}
