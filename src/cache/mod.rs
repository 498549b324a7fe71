//! The response cache: answers readers from memory when they ask for the same again.
//!
//! | file | content |
//! |---|---|
//! | `mod` | the cache itself: its entries and its rooms |
//! | [`freshness`] | decides if a kept answer is still current |
//! | `single_flight` | one computation for all who ask for the same at the same time |
//! | [`invalidation`] | listens to changes in the database |
//! | `room` | a limited part of the memory |
//! | `spare` | answers for readers while the database is away |
//!
//! An answer is never older than the last change that this instance acknowledged, or heard of. Before an
//! answer is computed, the count of changes heard of is noted; the answer is current as long as no later
//! change touches what it is made of ([`SurrogateKeys`]). So a change that commits while an answer is
//! computed makes that answer stale, whenever it is put in. Triggers in the database send the changes
//! ([`invalidation`]), so that no way to change anything bypasses the cache, and nothing is sent for changes
//! that readers cannot see. While an instance does not hear the database, every answer is computed.
//!
//! If answers cannot be computed, since the database is away, readers get those that were current when the
//! database was last heard ([`Spare`]), for a while. Answers that say that there is nothing, or nothing any
//! more, or that it has moved, are kept like any other answer, in a room of their own.

pub(crate) mod freshness;
pub mod invalidation;
mod room;
pub(crate) mod single_flight;
mod spare;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

pub use self::spare::Spare;
use self::{
    freshness::{Epoch, Freshness},
    room::{LARGEST, Room},
};
pub use crate::cache::single_flight::{Outcome, Permit, Waiter};
use crate::cache::single_flight::{SingleFlight, Turn};
use crate::{database::presence::Presence, http::encoded::Answer, surrogate::SurrogateKeys};

/// The key of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Everything in the request that the answer depends on.
    pub request: String,
    /// Set if the request is one of many different ones, rather than one that many clients make.
    pub uncommon: bool,
}

/// An answer that is kept.
#[derive(Debug)]
pub struct Entry {
    /// The answer, with its forms.
    pub answer: Answer,
    /// The pattern of the route that gave it.
    pub route: Arc<str>,
    keys: Arc<[u64]>,
    /// The epoch up to which this entry is known to be current.
    epoch: AtomicU64,
    /// The approximate memory that it takes, in bytes.
    size: u64,
}

impl Entry {
    fn new(answer: Answer, route: Arc<str>, keys: Arc<[u64]>, epoch: u64) -> Self {
        // Beside its parts: itself, its place in the map, what allocations round up to.
        let size = (size_of::<Self>() + 256 + keys.len() * 8 + answer.size()) as u64;
        Self { answer, route, keys, epoch: AtomicU64::new(epoch), size }
    }
}

/// The cache of an instance. Clones share it.
#[derive(Clone)]
pub struct Cache(Arc<Shared>);

struct Shared {
    freshness: Freshness,
    /// The answers that many ask for: three quarters of the memory.
    front: Room,
    /// Most of the rest: the other answers, which must not push out the front page.
    uncommon: Room,
    /// A sixteenth: the answers that there is nothing at an address, since the number of such addresses has
    /// no limit.
    nothing: Room,
    computations: SingleFlight,
    presence: Presence,
    /// The time for which spares are good, since the database was last heard.
    stale_if_error: Duration,
    /// The channel for asking the link to say when all changes so far were heard of.
    barriers: mpsc::UnboundedSender<oneshot::Sender<()>>,
    hits: AtomicU64,
    misses: AtomicU64,
    joined: AtomicU64,
    bypassed: AtomicU64,
    stale: AtomicU64,
    evictions: Arc<AtomicU64>,
}

/// The requests to the link: it answers each one when all changes so far were heard of.
pub type Barriers = mpsc::UnboundedReceiver<oneshot::Sender<()>>;

/// The cache's reply to a request.
pub enum Lookup {
    /// The answer is there.
    Hit(Arc<Entry>),
    /// Another request computes the answer; wait for it.
    Wait(Waiter),
    /// The caller computes the answer, for all who wait.
    Lead(Permit),
    /// The database is away; this is the answer from before.
    Spare(Spare),
    /// The cache cannot be used now.
    Bypass,
}

impl Cache {
    /// Creates an empty cache of at most `bytes` bytes. It is not used before an [`invalidation`] link is up.
    /// While the database is away, its entries are good for `stale_if_error`.
    #[must_use]
    pub fn new(bytes: u64, stale_if_error: Duration, presence: Presence) -> (Self, Barriers) {
        let (barriers, asked) = mpsc::unbounded_channel();
        let evictions = Arc::default();
        let room = |bytes| room::of(bytes, &evictions);
        let shared = Shared {
            freshness: Freshness::default(),
            front: room(bytes / 4 * 3),
            uncommon: room(bytes / 16 * 3),
            nothing: room(bytes / 16),
            computations: SingleFlight::default(),
            presence,
            stale_if_error,
            barriers,
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
            joined: AtomicU64::default(),
            bypassed: AtomicU64::default(),
            stale: AtomicU64::default(),
            evictions,
        };
        (Self(Arc::new(shared)), asked)
    }

    /// Looks up the answer to a request.
    #[must_use]
    pub fn look_up(&self, key: &Key) -> Lookup {
        let Some(now) = self.0.freshness.now() else {
            if let Some(spare) = self.spare_at_once(key) {
                return Lookup::Spare(spare);
            }
            count(&self.0.bypassed);
            return Lookup::Bypass;
        };
        if let Some(entry) = self.kept_at(key, now) {
            self.hit();
            return Lookup::Hit(entry);
        }
        match self.0.computations.take_turn(self, key, now) {
            Turn::Wait(waiter) => {
                count(&self.0.joined);
                Lookup::Wait(waiter)
            }
            Turn::Lead(permit) => {
                count(&self.0.misses);
                Lookup::Lead(permit)
            }
        }
    }

    /// Returns the kept answer to a request if it is current. The caller counts a [`hit`](Self::hit) once it
    /// is sent.
    #[must_use]
    pub fn kept(&self, key: &Key) -> Option<Arc<Entry>> {
        self.kept_at(key, self.0.freshness.now()?)
    }

    /// Counts an answer from memory.
    pub fn hit(&self) {
        count(&self.0.hits);
    }

    fn kept_at(&self, key: &Key, now: Epoch) -> Option<Arc<Entry>> {
        self.there(key, |entry| self.holds(entry, now))
    }

    fn there(&self, key: &Key, good: impl Fn(&Entry) -> bool) -> Option<Arc<Entry>> {
        let get = |room: &Room| room.get(key).filter(|entry| good(entry));
        get(self.room(key)).or_else(|| get(&self.0.nothing))
    }

    /// Returns the knowledge if the database is there.
    #[must_use]
    pub fn presence(&self) -> &Presence {
        &self.0.presence
    }

    /// Notes that changes are heard of from now on.
    fn hear(&self) {
        self.0.freshness.up();
        self.clear();
    }

    /// Empties all rooms, whose entries are not current any longer.
    fn clear(&self) {
        for room in [&self.0.front, &self.0.uncommon, &self.0.nothing] {
            room.clear();
        }
    }

    fn holds(&self, entry: &Entry, now: Epoch) -> bool {
        let known = Epoch(entry.epoch.load(Ordering::Acquire));
        if known == now {
            return true;
        }
        match self.0.freshness.holds(known, &entry.keys) {
            Some(newest) => {
                entry.epoch.store(newest.0, Ordering::Release);
                true
            }
            None => false,
        }
    }

    fn insert(&self, key: &Key, entry: &Arc<Entry>) {
        let room = if entry.answer.is_found() { self.room(key) } else { &self.0.nothing };
        if entry.size <= room.capacity() / LARGEST {
            room.insert(key.clone(), Arc::clone(entry));
        }
    }

    /// Returns the entry, or the kept entry with the same answer and more forms: of all who waited for an
    /// answer, one makes its compressed form.
    #[must_use]
    pub fn newest(&self, key: &Key, entry: Arc<Entry>) -> Arc<Entry> {
        let kept = self.room(key).peek(key);
        kept.filter(|kept| Arc::ptr_eq(&kept.keys, &entry.keys)).unwrap_or(entry)
    }

    /// Keeps an answer with a form that was just made, in place of the one without it.
    pub fn replace(&self, key: &Key, entry: &Entry, answer: Answer) -> Arc<Entry> {
        let epoch = entry.epoch.load(Ordering::Acquire);
        let entry = Entry::new(answer, Arc::clone(&entry.route), Arc::clone(&entry.keys), epoch);
        let entry = Arc::new(entry);
        self.insert(key, &entry);
        entry
    }

    fn room(&self, key: &Key) -> &Room {
        if key.uncommon { &self.0.uncommon } else { &self.0.front }
    }

    /// Returns once this instance has heard of everything that was committed before the call. If it does not
    /// hear the database, it drops all entries, as nobody knows what was changed.
    ///
    /// Returns `false` if the database was lost before that. The kept answers are then all that readers can
    /// get, and can be from before the change, so the author of the change must not be told that readers see
    /// it.
    pub async fn caught_up(&self) -> bool {
        if self.is_linked() {
            let (done, caught_up) = oneshot::channel();
            // Dropped without a word when the link goes down.
            if self.0.barriers.send(done).is_ok() && caught_up.await.is_ok() {
                return true;
            }
        }
        let is_there = self.0.presence.is_there_soon().await;
        if is_there {
            self.0.freshness.forget();
            self.clear();
        }
        is_there
    }

    /// Returns `true` if this instance hears of changes.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.0.freshness.now().is_some()
    }

    /// Returns the counts for metrics.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let shared = &self.0;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            hits: read(&shared.hits),
            misses: read(&shared.misses),
            joined: read(&shared.joined),
            bypassed: read(&shared.bypassed),
            stale: read(&shared.stale),
            evictions: read(&shared.evictions),
            entries: (shared.front.len() + shared.uncommon.len() + shared.nothing.len()) as u64,
            bytes: shared.front.weight() + shared.uncommon.weight() + shared.nothing.weight(),
            linked: self.is_linked(),
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cache").field(&self.counts()).finish()
    }
}

/// The counts of the cache: events since the start, and present numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were answered from memory.
    pub hits: u64,
    /// Requests whose answer was computed, since it was not there or not current.
    pub misses: u64,
    /// Requests that waited for the answer to another one.
    pub joined: u64,
    /// Requests while the cache was not used.
    pub bypassed: u64,
    /// Requests that were answered from memory while the database was away.
    pub stale: u64,
    /// Answers that had to make room for others.
    pub evictions: u64,
    /// Answers that are kept.
    pub entries: u64,
    /// The approximate bytes that these answers take.
    pub bytes: u64,
    /// Set if the instance hears of changes, and uses the cache.
    pub linked: bool,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use actix_web::{HttpResponse, http::header};

    use super::*;

    #[test]
    fn the_forms_of_an_answer_are_made_once() {
        let (cache, _asked) = Cache::new(1 << 20, Duration::ZERO, Presence::default());
        cache.0.freshness.up();
        let key = Key { request: "/".to_owned(), uncommon: false };
        let answer =
            || Answer::of(HttpResponse::Ok().insert_header((header::ETAG, "\"a\"")).body("a")).unwrap();
        let land = || match cache.look_up(&key) {
            Lookup::Lead(permit) => permit.share(answer(), &SurrogateKeys::articles(), "/".into()),
            _ => panic!("somebody else computes it"),
        };
        let kept = || match cache.look_up(&key) {
            Lookup::Hit(entry) => entry,
            _ => panic!("it is not kept"),
        };
        land();
        let plain = kept();
        assert!(Arc::ptr_eq(&cache.newest(&key, Arc::clone(&plain)), &plain));
        let prepared = cache.replace(&key, &plain, answer());
        assert!(Arc::ptr_eq(&cache.newest(&key, Arc::clone(&plain)), &prepared));
        // The next answer is another one, whatever it says.
        cache.0.freshness.changed(["articles"]);
        land();
        assert!(Arc::ptr_eq(&cache.newest(&key, Arc::clone(&plain)), &plain));
        assert!(!Arc::ptr_eq(&kept(), &prepared));
    }
}
