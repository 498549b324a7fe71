//! The servers that a URL names: which is tried first, and what is known of each.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{line::Line, socket::Address};

/// For how long a host that did not answer is tried after the others.
const DISTRUST: Duration = Duration::from_secs(30);

/// How long a server may take to say a word to whoever asks.
const PROBE: Duration = Duration::from_secs(2);

/// How often connections are made anew that may take no writes, to see whether new ones may.
const SECOND_LOOK: Duration = Duration::from_secs(5);

/// The hosts of a URL, in its order.
pub(super) struct Hosts {
    pub(super) list: Box<[Arc<Host>]>,
    /// The one that connections were last made to.
    current: AtomicUsize,
    /// The cluster, and the latest of its timelines: each promotion begins one.
    timeline: Mutex<(String, String)>,
    read_only: Arc<AtomicBool>,
}

/// One of them.
pub(super) struct Host {
    /// As it is told to people.
    name: String,
    /// Whether only what takes writes is of use (`target_session_attrs=read-write`).
    for_writes: bool,
    /// Counts how often all connections to it were given up. Those of an earlier generation are not used again.
    generation: AtomicU64,
    /// When it was last found not to answer.
    lost: Mutex<Option<Instant>>,
    probing: AtomicBool,
    /// Whether it was a standby when it was last asked.
    standby: AtomicBool,
    looked: Mutex<Option<Instant>>,
    lines: Mutex<Vec<Weak<Line>>>,
    read_only: Arc<AtomicBool>,
}

/// What a lock holds, also where a thread that held it has panicked: nothing here is left half done.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hosts {
    pub(super) fn new(names: impl IntoIterator<Item = String>, for_writes: bool) -> Self {
        let read_only = Arc::new(AtomicBool::new(false));
        let host = |name| {
            Arc::new(Host {
                name,
                for_writes,
                generation: AtomicU64::new(0),
                lost: Mutex::default(),
                probing: AtomicBool::new(false),
                standby: AtomicBool::new(false),
                looked: Mutex::default(),
                lines: Mutex::default(),
                read_only: Arc::clone(&read_only),
            })
        };
        let list = names.into_iter().map(host).collect();
        Self { list, current: AtomicUsize::new(usize::MAX), timeline: Mutex::default(), read_only }
    }

    /// The order in which to try them. Whoever was good last is first, so that a primary that comes back after another took its place
    /// is left alone; whoever did not answer lately is last.
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

    /// A connection was made.
    pub(super) fn found(&self, index: usize, read_only: bool) {
        let host = &self.list[index];
        *locked(&host.lost) = None;
        host.tell_read_only(read_only);
        let before = self.current.swap(index, Ordering::Relaxed);
        if before != index && before != usize::MAX {
            tracing::warn!(
                host = host.name,
                before = self.list[before].name,
                "database: another host is used"
            );
        }
    }

    /// Whether a primary of a cluster that writes this segment is on an earlier timeline than one that was seen.
    pub(super) fn is_of_the_past(&self, system: &str, segment: &str) -> bool {
        let timeline = segment.get(..8).unwrap_or_default();
        let mut latest = locked(&self.timeline);
        if latest.0 == system && *timeline < *latest.1 {
            return true;
        }
        *latest = (system.to_owned(), timeline.to_owned());
        false
    }

    /// Whether the last that was heard is that no writes are taken.
    pub(super) fn is_read_only(&self) -> bool {
        self.read_only.load(Ordering::Relaxed)
    }
}

impl Host {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(super) fn add(&self, line: &Arc<Line>) {
        let mut lines = locked(&self.lines);
        lines.retain(|line| line.strong_count() > 0);
        lines.push(Arc::downgrade(line));
    }

    fn is_distrusted(&self) -> bool {
        locked(&self.lost).is_some_and(|lost| lost.elapsed() < DISTRUST)
    }

    /// It did not take a connection, or does not answer.
    pub(super) fn lost(&self) {
        *locked(&self.lost) = Some(Instant::now());
    }

    /// No connection of this generation is used again.
    pub(super) fn renew(&self, generation: u64) {
        let next = generation + 1;
        let _ = self.generation.compare_exchange(generation, next, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// A connection of this generation may not write. Where one that may is needed, or new ones may be such, it is not used again, nor
    /// are the others. The connections of a standby need not be made anew: they may write once it is promoted.
    pub(super) fn turned_read_only(&self, generation: u64) {
        self.tell_read_only(true);
        if self.standby.load(Ordering::Relaxed) && !self.for_writes {
            return;
        }
        let mut looked = locked(&self.looked);
        if self.for_writes || looked.is_none_or(|looked| looked.elapsed() > SECOND_LOOK) {
            *looked = Some(Instant::now());
            self.renew(generation);
        }
    }

    pub(super) fn tell_standby(&self, standby: bool) {
        self.standby.store(standby, Ordering::Relaxed);
    }

    pub(super) fn tell_read_only(&self, read_only: bool) {
        if self.read_only.swap(read_only, Ordering::Relaxed) != read_only {
            if read_only {
                tracing::warn!(host = self.name, "database: it takes no writes");
            } else {
                tracing::info!(host = self.name, "database: it takes writes again");
            }
        }
    }

    /// An answer is long in coming: asks whether the server is there at all, unless it is being asked. Where it is not, what waits for
    /// it waits no longer.
    pub(super) fn suspect(self: &Arc<Self>, address: &Address) {
        if self.probing.swap(true, Ordering::Relaxed) {
            return;
        }
        let (host, address) = (Arc::clone(self), address.clone());
        tokio::spawn(async move {
            let generation = host.generation();
            let answer = tokio::time::timeout(PROBE, address.answers()).await;
            host.probing.store(false, Ordering::Relaxed);
            if matches!(answer, Ok(Ok(()))) {
                return;
            }
            host.lost();
            host.renew(generation);
            let lines: Vec<_> = locked(&host.lines).iter().filter_map(Weak::upgrade).collect();
            let old: Vec<_> = lines.iter().filter(|line| line.is_before(generation + 1)).collect();
            tracing::warn!(
                host = host.name,
                connections = old.len(),
                "database: no answer, its connections are given up"
            );
            old.into_iter().for_each(|line| line.cut());
        });
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
