//! The clock. It is passed to the code that needs the time, so that tests can set it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::Uuid;

/// The source of the time. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
struct Source {
    /// The microseconds by which a test moved the clock ahead of the machine's.
    ahead: AtomicI64,
    /// The microseconds since 1970 at which a test stopped the clock; [`RUNS`] otherwise.
    stopped: AtomicI64,
}

const RUNS: i64 = i64::MIN;

impl Default for Source {
    fn default() -> Self {
        Self { ahead: AtomicI64::new(0), stopped: AtomicI64::new(RUNS) }
    }
}

impl Clock {
    /// Returns the current time, cut to the microseconds that Postgres keeps, so that the returned value
    /// equals the stored one.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    pub fn now(&self) -> DateTime<Utc> {
        let Source { ahead, stopped } = &*self.0;
        let now = match stopped.load(Ordering::Relaxed) {
            RUNS => Utc::now(),
            at => DateTime::from_timestamp_micros(at).unwrap_or_default(),
        };
        (now + TimeDelta::microseconds(ahead.load(Ordering::Relaxed))).trunc_subsecs(6)
    }

    /// Returns a new UUIDv7 (RFC 9562). Ids made by one process ascend, also within one millisecond.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
    pub fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// Moves this clock, and every clone of it, ahead. It is for tests of things that expire.
    pub fn advance(&self, by: TimeDelta) {
        self.0.ahead.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Stops this clock, and every clone of it: it moves only when it is moved. It is for tests that compare
    /// times.
    #[expect(clippy::disallowed_methods, reason = "from here on it is this moment")]
    pub fn stop(&self) {
        self.0.stopped.store(Utc::now().timestamp_micros(), Ordering::Relaxed);
    }
}

/// Returns the time of a change: now, but always later than the change before it. A thing's version can be
/// made of this time, so it must move even if the machine's clock does not, or goes back.
#[must_use]
pub fn after(previous: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    now.max(previous + TimeDelta::microseconds(1))
}
