//! Decides if an answer in memory is still current.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A count of the changes that were heard of. Data that was read from the database after the count was taken
/// includes all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Epoch(pub(super) u64);

/// The number of keys that are remembered with the time of their last change. Once there are more, no kept
/// answer is current any longer.
const REMEMBERED: usize = 100_000;

/// The changes, with their epochs. Keys are remembered as hashes: if two keys share a hash, the only effect
/// is that an answer is computed once more.
#[derive(Debug, Default)]
pub(crate) struct Freshness {
    /// The present epoch; 0 while changes are not heard of.
    now: AtomicU64,
    changes: RwLock<Changes>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Changes {
    epoch: u64,
    /// The epoch before which no answer is current, whatever it is made of.
    oldest: u64,
    /// The epoch of the last change of each key.
    last: HashMap<u64, u64>,
    /// The time when changes were last heard of; `None` while they are heard of.
    heard: Option<Instant>,
}

impl Freshness {
    /// Returns the present epoch; `None` while changes are not heard of.
    #[must_use]
    pub(crate) fn now(&self) -> Option<Epoch> {
        let now = self.now.load(Ordering::Acquire);
        (now > 0).then_some(Epoch(now))
    }

    /// Returns the hash that a key is remembered by.
    #[must_use]
    pub(crate) fn hash(&self, key: &str) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Returns the newest epoch at which an answer is known to be current, if the answer of that epoch with
    /// these keys still is.
    #[must_use]
    pub(crate) fn holds(&self, epoch: Epoch, keys: &[u64]) -> Option<Epoch> {
        let changes = self.changes.read().unwrap_or_else(PoisonError::into_inner);
        let changed = |key| changes.last.get(key).is_some_and(|changed| *changed > epoch.0);
        let holds = epoch.0 >= changes.oldest && !keys.iter().any(changed);
        holds.then_some(Epoch(changes.epoch))
    }

    /// Notes a change: no answer that is made of any of these keys is current any longer.
    pub(crate) fn changed<'a>(&self, keys: impl IntoIterator<Item = &'a str>) {
        self.advance(|changes| {
            for key in keys {
                changes.last.insert(self.hash(key), changes.epoch);
            }
            if changes.last.len() > REMEMBERED {
                changes.forget();
            }
        });
    }

    /// Notes a change of unknown extent: no kept answer is current any longer.
    pub(crate) fn forget(&self) {
        let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        changes.epoch += 1;
        changes.forget();
        if self.now.load(Ordering::Acquire) > 0 {
            self.now.store(changes.epoch, Ordering::Release);
        }
    }

    /// Notes that changes are heard of from now on. Answers from before are not current: nobody knows what
    /// changed meanwhile.
    pub(crate) fn up(&self) {
        self.advance(|changes| {
            changes.forget();
            changes.heard = None;
        });
    }

    /// Notes that changes are not heard of from now on. All changes before `heard` were.
    pub(crate) fn down(&self, heard: Instant) {
        let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        if self.now.swap(0, Ordering::AcqRel) > 0 {
            changes.heard = Some(heard);
        }
    }

    /// Returns the time for which changes have not been heard of; `None` while they are, and if they never
    /// were.
    #[must_use]
    pub(crate) fn silence(&self) -> Option<Duration> {
        let changes = self.changes.read().unwrap_or_else(PoisonError::into_inner);
        changes.heard.map(|heard| heard.elapsed())
    }

    fn advance(&self, change: impl FnOnce(&mut Changes)) {
        let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        changes.epoch += 1;
        change(&mut changes);
        self.now.store(changes.epoch, Ordering::Release);
    }
}

impl Changes {
    fn forget(&mut self) {
        self.oldest = self.epoch;
        self.last.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer that is made of one key, computed from now on.
    struct Kept<'a>(&'a Freshness, Epoch, [u64; 1]);

    impl<'a> Kept<'a> {
        fn computed(freshness: &'a Freshness, key: &str) -> Self {
            Self(freshness, freshness.now().unwrap(), [freshness.hash(key)])
        }

        fn holds(&self) -> bool {
            self.0.holds(self.1, &self.2).is_some()
        }
    }

    #[test]
    fn an_answer_holds_until_what_it_is_made_of_changes() {
        let freshness = Freshness::default();
        assert_eq!(freshness.now(), None);
        freshness.up();
        let [one, other] = ["article:1", "article:2"].map(|key| Kept::computed(&freshness, key));
        assert!(one.holds() && other.holds());
        freshness.changed(["tags", "article:1"]);
        assert!(!one.holds() && other.holds());
        assert!(Kept::computed(&freshness, "article:1").holds());
    }

    #[test]
    fn a_change_while_it_is_computed_makes_an_answer_stale_for_ever() {
        let freshness = Freshness::default();
        freshness.up();
        let computing = Kept::computed(&freshness, "articles");
        freshness.changed(["articles"]);
        freshness.changed(["lists"]);
        assert!(!computing.holds());
    }

    #[test]
    fn nothing_outlives_a_time_without_news() {
        let freshness = Freshness::default();
        freshness.up();
        let before = Kept::computed(&freshness, "articles");
        assert_eq!(freshness.silence(), None);
        freshness.down(Instant::now());
        assert_eq!(freshness.now(), None);
        freshness.up();
        assert!(!before.holds());
        assert!(Kept::computed(&freshness, "articles").holds());
        assert_eq!(freshness.silence(), None);
    }

    #[test]
    fn what_held_when_changes_were_heard_of_last_holds_until_they_are_again() {
        let freshness = Freshness::default();
        freshness.down(Instant::now());
        assert_eq!(freshness.silence(), None, "they never were");
        freshness.up();
        let [kept, changed] = ["tags", "articles"].map(|key| Kept::computed(&freshness, key));
        freshness.changed(["articles"]);
        let heard = Instant::now();
        freshness.down(heard);
        std::thread::sleep(Duration::from_millis(2));
        // It is the first loss that counts.
        freshness.down(Instant::now());
        assert!(freshness.silence().unwrap() >= Duration::from_millis(2));
        assert!(kept.holds() && !changed.holds());
        freshness.forget();
        assert!(!kept.holds());
        assert_eq!(freshness.now(), None);
        freshness.up();
        freshness.forget();
        assert!(Kept::computed(&freshness, "tags").holds());
    }

    #[test]
    fn what_is_remembered_is_bounded_and_forgetting_makes_all_stale() {
        let freshness = Freshness::default();
        freshness.up();
        let untouched = Kept::computed(&freshness, "articles");
        for number in 0..=REMEMBERED {
            freshness.changed([format!("article:{number}").as_str()]);
        }
        assert!(!untouched.holds());
        assert!(freshness.changes.read().unwrap().last.len() <= REMEMBERED);
    }
}
