//! How sign-ins end, counted for the operator.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{memory::By, throttle::Stopped};

/// What has been counted since the start. Changes of one's password or email, which take the present password, count too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignInCounts {
    /// The password was right.
    pub success: u64,
    /// The password was wrong, or there is no such active account.
    pub wrong: u64,
    /// A counter of the account had no room (`429`).
    pub refused_account: u64,
    /// A counter of the networks had no room (`429`).
    pub refused_network: u64,
    /// Too many were under way (`503`).
    pub busy: u64,
    /// The database failed.
    pub failed: u64,
    /// Requests that wait for their turn to hash a password, now.
    pub hashes_waiting: u64,
}

/// The counters. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters(Arc<[AtomicU64; 6]>);

/// How a sign-in ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    Success,
    Wrong,
    RefusedAccount,
    RefusedNetwork,
    Busy,
    Failed,
}

impl Outcome {
    /// Its name in the log.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Wrong => "wrong",
            Self::RefusedAccount => "refused_account",
            Self::RefusedNetwork => "refused_network",
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }
}

impl From<&Stopped> for Outcome {
    fn from(stopped: &Stopped) -> Self {
        match stopped {
            Stopped::Refused(refused) if refused.by == By::Network => Self::RefusedNetwork,
            Stopped::Refused(_) => Self::RefusedAccount,
            Stopped::Busy => Self::Busy,
            Stopped::Failed(_) => Self::Failed,
        }
    }
}

impl Counters {
    pub(super) fn count(&self, outcome: Outcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, hashes_waiting: usize) -> SignInCounts {
        let of = |outcome: Outcome| self.0[outcome as usize].load(Ordering::Relaxed);
        SignInCounts {
            success: of(Outcome::Success),
            wrong: of(Outcome::Wrong),
            refused_account: of(Outcome::RefusedAccount),
            refused_network: of(Outcome::RefusedNetwork),
            busy: of(Outcome::Busy),
            failed: of(Outcome::Failed),
            hashes_waiting: hashes_waiting as u64,
        }
    }
}
