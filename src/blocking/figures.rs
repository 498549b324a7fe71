//! Counts the work that keeps cores busy, for metrics.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// The counts of one kind of work, in this process.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    waiting: AtomicU64,
    running: AtomicU64,
    refused: AtomicU64,
    given_up: AtomicU64,
}

static ALL: Mutex<BTreeMap<&'static str, Arc<Figures>>> = Mutex::new(BTreeMap::new());

/// Returns the counts of each kind of work so far, with its name.
#[must_use]
pub(crate) fn all_figures() -> Vec<(&'static str, Arc<Figures>)> {
    let all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.iter().map(|(name, figures)| (*name, Arc::clone(figures))).collect()
}

impl Figures {
    pub(super) fn of(name: &'static str) -> Arc<Self> {
        Arc::clone(ALL.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default())
    }

    /// Returns the number of requests that wait for their turn.
    #[must_use]
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Relaxed)
    }

    /// Returns the number of requests that have their turn.
    #[must_use]
    pub(crate) fn running(&self) -> u64 {
        self.running.load(Relaxed)
    }

    /// Returns the number of requests that were refused since too many waited.
    #[must_use]
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Returns the number of requests whose work was stopped since it took too long.
    #[must_use]
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up.load(Relaxed)
    }

    pub(super) fn waits(&self) -> One<'_> {
        One::more(&self.waiting)
    }

    pub(super) fn runs(&self) -> One<'_> {
        One::more(&self.running)
    }

    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(super) fn count_given_up(&self) {
        self.given_up.fetch_add(1, Relaxed);
    }
}

/// An increment of a count, undone when it is dropped.
pub(super) struct One<'a>(&'a AtomicU64);

impl<'a> One<'a> {
    fn more(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for One<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
