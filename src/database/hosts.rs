//! The servers that a URL names: the order in which they are tried, and the state of each.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use super::line::{Host, locked};

/// The hosts of a URL, in the order of the URL.
pub(super) struct Hosts {
    pub(super) list: Box<[Arc<Host>]>,
    /// The index of the host that was last connected to.
    current: AtomicUsize,
    /// The id of the cluster, and the latest of its timelines: each promotion begins one.
    timeline: Mutex<(String, String)>,
    read_only: Arc<AtomicBool>,
}

impl Hosts {
    pub(super) fn new(names: impl IntoIterator<Item = String>, for_writes: bool) -> Self {
        let read_only = Arc::new(AtomicBool::new(false));
        let host = |name| Arc::new(Host::new(name, for_writes, Arc::clone(&read_only)));
        let list = names.into_iter().map(host).collect();
        Self { list, current: AtomicUsize::new(usize::MAX), timeline: Mutex::default(), read_only }
    }

    /// Returns the order in which to try the hosts. The host that was last connected to comes first, so that
    /// a primary that comes back after another took its place is left alone. Hosts that did not answer lately
    /// come last.
    pub(super) fn order(&self, at_random: bool) -> Vec<usize> {
        let current = self.current.load(Ordering::Relaxed);
        let mut order: Vec<_> = (0..self.list.len()).collect();
        if at_random {
            let dice = RandomState::new();
            order.sort_by_cached_key(|index| dice.hash_one(index));
        } else {
            order.sort_by_key(|index| *index != current);
        }
        order.sort_by_key(|index| self.list[*index].is_distrusted());
        order
    }

    /// Records that a connection was made.
    pub(super) fn found(&self, index: usize, read_only: bool) {
        let host = &self.list[index];
        host.answered();
        host.tell_read_only(read_only);
        let before = self.current.swap(index, Ordering::Relaxed);
        if before != index && before != usize::MAX {
            tracing::warn!(
                host = host.name(),
                before = self.list[before].name(),
                "database: another host is used"
            );
        }
    }

    /// Returns true if a primary that writes this segment is on an earlier timeline of the cluster than one
    /// that was seen.
    pub(super) fn is_of_the_past(&self, system: &str, segment: &str) -> bool {
        let timeline = segment.get(..8).unwrap_or_default();
        let mut latest = locked(&self.timeline);
        if latest.0 == system && *timeline < *latest.1 {
            return true;
        }
        *latest = (system.to_owned(), timeline.to_owned());
        false
    }

    /// Returns true if the database takes no writes, as far as it is known.
    pub(super) fn is_read_only(&self) -> bool {
        self.read_only.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_where_it_is_and_tries_the_silent_last() {
        let hosts = Hosts::new(["a", "b", "c"].map(str::to_owned), true);
        assert_eq!(hosts.order(false), [0, 1, 2]);
        hosts.list[0].lost();
        assert_eq!(hosts.order(false), [1, 2, 0]);
        hosts.found(2, false);
        assert_eq!(hosts.order(false), [2, 1, 0]);
        hosts.found(0, false);
        hosts.found(2, false);
        assert_eq!(hosts.order(false), [2, 0, 1], "the first came back, and is not the first any more");
        assert!(!hosts.is_of_the_past("1", "0000000A00000001000000FF"));
        assert!(!hosts.is_of_the_past("1", "0000000B0000000000000001"));
        assert!(hosts.is_of_the_past("1", "0000000A00000001000000FF"), "an old primary came back");
        assert!(!hosts.is_of_the_past("2", "000000010000000000000001"), "another cluster");

        let mut random = hosts.order(true);
        random.sort_unstable();
        assert_eq!(random, [0, 1, 2]);
    }
}
