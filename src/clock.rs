//! The time, passed in rather than asked for, so that tests can set it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::Uuid;

/// Where the time comes from. Clones share one source.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Microseconds that a test moved the clock ahead of the machine's.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// The current time, cut to the microseconds that Postgres keeps, so that what is returned equals what is stored.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    pub fn now(&self) -> DateTime<Utc> {
        (Utc::now() + TimeDelta::microseconds(self.ahead.load(Ordering::Relaxed))).trunc_subsecs(6)
    }

    /// A new UUIDv7 (RFC 9562). Ids made by one process ascend, also within one millisecond.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
    pub fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// Moves this clock, and every clone of it, ahead. For tests of what expires.
    pub fn advance(&self, by: TimeDelta) {
        self.ahead.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}

/// The time of a change: now, but always later than the change before it. A thing's version may be made of it, so it must move
/// also where the machine's clock does not, or goes back.
#[must_use]
pub fn after(previous: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    now.max(previous + TimeDelta::microseconds(1))
}
