//! What readers get while the database is away: answers that held when it was heard last.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{Cache, Entry, Key, count, freshness::Epoch};

/// An answer that held when the database was heard last.
#[derive(Debug)]
pub struct Spare {
    /// The answer.
    pub entry: Arc<Entry>,
    /// How long ago that was.
    pub age: Duration,
}

impl Cache {
    /// What is kept for a request, and held when the database was heard last; `None` while it is heard, and where that was too long
    /// ago.
    #[must_use]
    pub fn spare(&self, key: &Key) -> Option<Spare> {
        let freshness = &self.0.freshness;
        let age = freshness.silence().filter(|age| *age < self.0.stale_if_error)?;
        let held = |entry: &Entry| {
            freshness.holds(Epoch(entry.epoch.load(Ordering::Acquire)), &entry.keys).is_some()
        };
        Some(Spare { entry: self.there(key, held)?, age })
    }

    /// The same, where it is of no use to ask the database first.
    #[must_use]
    pub fn spare_at_once(&self, key: &Key) -> Option<Spare> {
        if self.0.presence.is_away() { self.spare(key) } else { None }
    }

    /// Counts an answer that was a spare.
    pub fn spared(&self) {
        count(&self.0.stale);
    }

    /// Whether there is anything to answer readers with while the database is away.
    #[must_use]
    pub fn has_spares(&self) -> bool {
        let shared = &self.0;
        let anything = shared.front.len() + shared.uncommon.len() > 0;
        anything
            && match shared.freshness.silence() {
                Some(age) => age < shared.stale_if_error,
                None => shared.freshness.now().is_some(),
            }
    }
}
