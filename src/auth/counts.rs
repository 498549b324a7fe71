//! Counts of how sign-ins ended, for the operator.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{memory::By, throttle::Stopped};

/// The counts of sign-ins since the start. Changes of one's password or email, which ask for the present
/// password, count too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignInCounts {
    /// Attempts with the right password.
    pub success: u64,
    /// Attempts with a wrong password, or for which there is no such active account.
    pub wrong: u64,
    /// Attempts that were refused because a counter of the account had no room, or because too many of the
    /// same account and network waited (`429`).
    pub refused_account: u64,
    /// Attempts that were refused because a counter of the networks had no room (`429`).
    pub refused_network: u64,
    /// Attempts that were refused because too many were under way (`503`).
    pub busy: u64,
    /// Attempts that failed because the database failed.
    pub failed: u64,
    /// The number of requests that wait now for their turn to hash a password.
    pub hashes_waiting: u64,
}

/// The counters. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters(Arc<[AtomicU64; 6]>);

/// The way in which a sign-in ended.
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
    /// Returns the name of the outcome in the log.
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
