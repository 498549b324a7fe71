//! How a worker in the background tells of trouble: when it begins, once a minute while it lasts, and when it is over.

use std::time::{Duration, Instant};

use super::{ApiError, ApiResult, ProblemType};

/// How often the same trouble is told.
const AGAIN: Duration = Duration::from_secs(60);

/// How long a worker waits before it tries again.
const PAUSE: Duration = Duration::from_secs(1);

/// The same while the database takes no writes, which is no fault.
const REST: Duration = Duration::from_secs(5);

/// What one worker has told.
pub(crate) struct Complaint {
    worker: &'static str,
    /// Of which kind the trouble is, and when it was told last.
    told: Option<(ProblemType, Instant)>,
}

impl Complaint {
    /// Of a worker that has no trouble yet.
    #[must_use]
    pub(crate) const fn new(worker: &'static str) -> Self {
        Self { worker, told: None }
    }

    /// After one round: how long until the next. `Ok(true)` says that there may be more to do, `Ok(false)` that there is nothing just now.
    /// Trouble is told, unless that was done, and so is its end.
    pub(crate) fn pause(&mut self, round: &ApiResult<bool>, idle: Duration) -> Duration {
        match round {
            Err(error) => self.about(error),
            Ok(more) => {
                self.is_over();
                if *more { Duration::ZERO } else { idle }
            }
        }
    }

    fn about(&mut self, error: &ApiError) -> Duration {
        let kind = error.kind();
        let is_known = self.told.is_some_and(|(told, at)| told == kind && at.elapsed() < AGAIN);
        if !is_known {
            let (worker, cause) = (self.worker, error.cause().map(ToString::to_string));
            if kind == ProblemType::ReadOnly {
                tracing::info!(worker, "{worker}: it rests while the database takes no writes");
            } else {
                tracing::warn!(worker, cause, "{worker}: {error}");
            }
            self.told = Some((kind, Instant::now()));
        }
        if kind == ProblemType::ReadOnly { REST } else { PAUSE }
    }

    fn is_over(&mut self) {
        if self.told.take().is_some() {
            let worker = self.worker;
            tracing::info!(worker, "{worker}: it works again");
        }
    }
}
