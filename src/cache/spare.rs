//! Spares: the answers that readers get while the database is away.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{Cache, Entry, Key, count, freshness::Epoch};

/// An answer that was current when the database was last heard.
#[derive(Debug)]
pub struct Spare {
    /// The entry with the answer.
    pub entry: Arc<Entry>,
    /// The time since the database was last heard.
    pub age: Duration,
}

impl Cache {
    /// Returns the kept answer to a request if it was current when the database was last heard. Returns
    /// `None` while the database is heard, and if that was too long ago.
    #[must_use]
    pub fn spare(&self, key: &Key) -> Option<Spare> {
        let freshness = &self.0.freshness;
        let age = freshness.silence().filter(|age| *age < self.0.stale_if_error)?;
        let held = |entry: &Entry| {
            freshness.holds(Epoch(entry.epoch.load(Ordering::Acquire)), &entry.keys).is_some()
        };
        Some(Spare { entry: self.there(key, held)?, age })
    }

    /// Returns the spare only if the database is known to be away, so that asking it first is of no use.
    #[must_use]
    pub fn spare_at_once(&self, key: &Key) -> Option<Spare> {
        if self.0.presence.is_away() { self.spare(key) } else { None }
    }

    /// Counts an answer that was a spare.
    pub fn spared(&self) {
        count(&self.0.stale);
    }

    /// Returns `true` if there is anything to answer readers with while the database is away.
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
