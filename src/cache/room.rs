//! A bounded part of the cache's memory: what is asked for least makes room.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter, sync};

use super::{Entry, Key};

/// Answers by what they are kept under.
pub(super) type Room = sync::Cache<Key, Arc<Entry>, Size, DefaultHashBuilder, Evictions>;

/// The part of its room that one answer may take.
pub(super) const LARGEST: u64 = 8;

/// What an answer is estimated to take, in bytes.
const ESTIMATED: u64 = 8 * 1024;

/// Bytes, about.
#[derive(Clone)]
pub(super) struct Size;

impl Weighter<Key, Arc<Entry>> for Size {
    fn weight(&self, key: &Key, entry: &Arc<Entry>) -> u64 {
        key.request.len() as u64 + entry.size
    }
}

/// Counts what has to make room for something else.
#[derive(Clone)]
pub(super) struct Evictions(Arc<AtomicU64>);

impl Lifecycle<Key, Arc<Entry>> for Evictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: Key, _: Arc<Entry>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A room of so many bytes, that counts what has to make room.
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
