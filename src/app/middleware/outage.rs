//! Handles requests while the database is away: no request waits for it long.

use std::time::{Duration, Instant};

use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::header::{AGE, CACHE_STATUS, HeaderValue},
    web::Data,
};

use crate::{
    cache::{Cache, Spare},
    database::presence::Presence,
    error::ApiError,
    http::encoded::Wanted,
};

/// The time that a request that reads waits for a database that is away.
const READS: Duration = Duration::from_millis(1500);

/// The time that a request that writes waits; it is longer, since the change can be under way.
const WRITES: Duration = Duration::from_secs(5);

/// The time that one request goes on while the database is away.
pub(crate) struct Patience {
    presence: Option<Data<Presence>>,
    until: Instant,
}

impl Patience {
    /// Returns the patience for a request that began at that time.
    pub(crate) fn of(request: &ServiceRequest, began: Instant) -> Self {
        let patience = if request.method().is_safe() { READS } else { WRITES };
        Self { presence: request.app_data::<Data<Presence>>().cloned(), until: began + patience }
    }

    /// Awaits a future. Returns `None` if the time is over and the database is away before the future is
    /// done.
    pub(crate) async fn wait<T>(&self, something: impl Future<Output = T>) -> Option<T> {
        let Some(presence) = &self.presence else { return Some(something.await) };
        let enough = async {
            tokio::time::sleep_until(self.until.into()).await;
            presence.away().await;
        };
        tokio::select! {
            biased;
            done = something => Some(done),
            () = enough => None,
        }
    }

    /// Returns `true` if the database can be asked, as far as that can be known in a moment.
    pub(crate) async fn may_ask(&self) -> bool {
        match &self.presence {
            Some(presence) => presence.settled().await,
            None => true,
        }
    }
}

/// Returns the error for a request that nothing else can answer while the database is away.
pub(crate) fn error() -> ApiError {
    ApiError::unavailable("the database is away")
}

/// The reason why an answer is a spare, for `Cache-Status` (RFC 9211).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The database is known to be away, so it was not asked.
    Away,
    /// The database was asked, and did not answer.
    Failed,
}

/// Builds the answer from before the database was lost, with headers that mark it as stale.
pub(crate) fn spared(
    cache: &Cache,
    spare: &Spare,
    wanted: &Wanted,
    id: &HeaderValue,
    reason: Reason,
) -> HttpResponse {
    cache.spared();
    let mut response = spare.entry.answer.to(wanted, id);
    let age = spare.age.as_secs();
    // It was fresh for as long as the database was heard.
    let status = match reason {
        Reason::Away => format!("warta; hit; ttl=-{age}; detail=database-away"),
        Reason::Failed => format!("warta; fwd=stale; fwd-status=503; ttl=-{age}; detail=database-away"),
    };
    let headers = response.headers_mut();
    headers.insert(AGE, HeaderValue::from(age));
    if let Ok(status) = HeaderValue::try_from(status) {
        headers.insert(CACHE_STATUS, status);
    }
    response
}
