//! Work that keeps a core busy, away from the threads that answer requests.

use std::{sync::Arc, thread, time::Duration};

use actix_web::http::header::{self, HeaderValue};
use tokio::sync::Semaphore;

use crate::error::{ApiError, ApiResult, Kind};

/// How long a request waits for its turn.
const WAIT: Duration = Duration::from_secs(10);

/// One kind of work, done on at most half the cores at once, so that a burst of it starves nobody.
#[derive(Clone, Debug)]
pub struct Work {
    turns: Arc<Semaphore>,
    busy: &'static str,
}

impl Work {
    /// `busy` is what a request is told that waited in vain.
    #[must_use]
    pub fn new(busy: &'static str) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { turns: Arc::new(Semaphore::new((cores / 2).max(1))), busy }
    }

    /// Does it.
    ///
    /// # Errors
    /// `503` when too many wait already.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> ApiResult<T> {
        let busy = || {
            ApiError::new(Kind::Unavailable, self.busy)
                .with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))
        };
        let turn = tokio::time::timeout(WAIT, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| busy())?
            .map_err(ApiError::internal)?;
        // The turn ends with the work and not with the request, which may be cancelled.
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
        .map_err(ApiError::internal)
    }
}
