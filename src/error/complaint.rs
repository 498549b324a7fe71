//! Logs the trouble of a worker in the background: when it begins, once a minute while it lasts, and when it
//! is over.

use std::time::{Duration, Instant};

use super::{ApiError, ApiResult, ProblemType};

/// The interval at which the same trouble is logged.
const AGAIN: Duration = Duration::from_secs(60);

/// The time that a worker waits before it tries again.
const PAUSE: Duration = Duration::from_secs(1);

/// The time that a worker waits while the database takes no writes, which is no fault.
const REST: Duration = Duration::from_secs(5);

/// The trouble that one worker has logged.
pub(crate) struct Complaint {
    worker: &'static str,
    /// The kind of the trouble, and the time when it was last logged.
    told: Option<(ProblemType, Instant)>,
}

impl Complaint {
    /// Creates the log of a worker that has no trouble yet.
    #[must_use]
    pub(crate) const fn new(worker: &'static str) -> Self {
        Self { worker, told: None }
    }

    /// Returns the pause after one round. `Ok(true)` means that there can be more to do, `Ok(false)` that
    /// there is nothing just now. New trouble is logged, and so is its end.
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
