//! Publishes what is due.
//!
//! Each instance runs one of these. A due article is claimed by its row lock, which others skip, and published in the same
//! transaction: whoever dies in between has done nothing, and nobody does it twice.

use std::time::Duration;

use diesel_async::AsyncConnection;
use serde_json::json;

use super::{
    store,
    transitions::{Due, perform_due},
};
use crate::{
    error::{ApiError, ApiResult},
    events::{self, Actor, EventType, SubjectType},
    http::context::Services,
    values::Reference,
};

/// How often an instance looks: a story appears within a second of its time.
const PAUSE: Duration = Duration::from_millis(250);

/// How long it waits when the database does not answer.
const TROUBLE: Duration = Duration::from_secs(1);

/// Publishes what is due, for as long as it is polled.
pub async fn run(services: Services) {
    loop {
        match publish_next(&services).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                tracing::warn!(cause = error.cause().map(ToString::to_string), "scheduler: {error}");
                tokio::time::sleep(TROUBLE).await;
            }
        }
    }
}

/// Publishes the article that has been due for longest, or makes it a draft again where it cannot be published any more; whether
/// there was one.
///
/// # Errors
/// As any statement. Nothing is half done then.
pub async fn publish_next(services: &Services) -> ApiResult<bool> {
    let mut conn = services.database.get().await?;
    conn.transaction(async |conn| {
        let due = store::claim_due(conn, services.clock.now()).await?;
        let Some((id, scheduled_by)) = due else { return Ok(false) };
        let locked = store::lock(conn, &Reference::Id(id)).await?;
        let now = services.clock.now();
        // The row was claimed as due, and is locked since.
        let at = locked.scheduled_at.ok_or_else(|| ApiError::internal("a due article without a schedule"))?;
        let actor = Actor { editor_id: Some(scheduled_by), request_id: None };
        let mut details = json!({"revision": locked.revision, "scheduled_at": at});
        let kind = match perform_due(conn, &locked, at, now).await? {
            Due::Published { first_published_at } => {
                details["published_at"] = json!(first_published_at);
                EventType::ArticlePublished
            }
            Due::Refused { reason } => {
                details["reason"] = json!(reason);
                EventType::ArticleScheduleFailed
            }
        };
        let subject = (SubjectType::Article, id);
        events::record(conn, &services.clock, now, &actor, kind, subject, details).await?;
        Ok(true)
    })
    .await
}
