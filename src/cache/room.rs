//! A limited part of the cache's memory. The answers that are asked for least make room for others.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter, sync};

use super::{Entry, Key};

/// A room: a map of limited size from keys to answers.
pub(super) type Room = sync::Cache<Key, Arc<Entry>, Size, DefaultHashBuilder, Evictions>;

/// The divisor of a room's size that gives the largest answer it takes.
pub(super) const LARGEST: u64 = 8;

/// The estimated size of an answer, in bytes.
const ESTIMATED: u64 = 8 * 1024;

/// The measure of entries: their approximate bytes.
#[derive(Clone)]
pub(super) struct Size;

impl Weighter<Key, Arc<Entry>> for Size {
    fn weight(&self, key: &Key, entry: &Arc<Entry>) -> u64 {
        key.request.len() as u64 + entry.size
    }
}

/// The counter of answers that had to make room for others.
#[derive(Clone)]
pub(super) struct Evictions(Arc<AtomicU64>);

impl Lifecycle<Key, Arc<Entry>> for Evictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: Key, _: Arc<Entry>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Creates a room of `bytes` bytes, which counts evicted answers in `evictions`.
pub(super) fn of(bytes: u64, evictions: &Arc<AtomicU64>) -> Room {
    let items = usize::try_from(bytes / ESTIMATED).unwrap_or(usize::MAX).max(16);
    let options =
        OptionsBuilder::new().weight_capacity(bytes).estimated_items_capacity(items).shards(1).build();
    let evictions = Evictions(Arc::clone(evictions));
    match options {
        Ok(options) => Room::with_options(options, Size, Default::default(), evictions),
        Err(_) => Room::with(items, bytes, Size, Default::default(), evictions),
    }
}
