//! One computation for all who ask for the same at the same time.

use std::{
    collections::{HashMap, hash_map},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::cache::{Answer, Cache, Entry, Epoch, Key, SurrogateKeys};

/// The answers that are being computed.
#[derive(Default)]
pub(super) struct SingleFlight(Mutex<HashMap<Key, Computation>>);

struct Computation {
    epoch: Epoch,
    outcome: watch::Receiver<Option<Outcome>>,
}

/// How a computation ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With an answer for all.
    Shared(Arc<Entry>),
    /// With one that was only for whoever asked: compute yours.
    Declined,
    /// Without one: ask again.
    Cancelled,
}

/// What somebody who asks is to do.
pub(super) enum Turn {
    Lead(Permit),
    Wait(Waiter),
}

impl SingleFlight {
    /// Joins a computation that has everything that was heard of by now, or starts one.
    pub(super) fn take_turn(&self, cache: &Cache, key: &Key, now: Epoch) -> Turn {
        let mut computations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(computation) = computations.get(key)
            && computation.epoch == now
        {
            return Turn::Wait(Waiter(computation.outcome.clone()));
        }
        let (sender, outcome) = watch::channel(None);
        // Whoever joined a computation that is replaced here asked before what was heard of since.
        computations.insert(key.clone(), Computation { epoch: now, outcome });
        Turn::Lead(Permit { cache: cache.clone(), key: key.clone(), epoch: now, sender })
    }
}

/// That one computes an answer, for all who ask for it meanwhile. Dropping it without a word, as when the client goes away, lets
/// somebody else do it.
pub struct Permit {
    cache: Cache,
    key: Key,
    epoch: Epoch,
    sender: watch::Sender<Option<Outcome>>,
}

impl Permit {
    /// Gives the answer to all who wait, and keeps it.
    pub fn share(self, answer: Answer, keys: &SurrogateKeys, route: Arc<str>) {
        let freshness = &self.cache.0.freshness;
        let keys = keys.iter().map(|key| freshness.hash(key)).collect();
        let entry = Arc::new(Entry::new(answer, route, keys, self.epoch.0));
        self.cache.insert(&self.key, &entry);
        self.sender.send_replace(Some(Outcome::Shared(entry)));
    }

    /// Tells all who wait that the answer is not for them.
    pub fn decline(self) {
        self.sender.send_replace(Some(Outcome::Declined));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut computations = self.cache.0.computations.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let hash_map::Entry::Occupied(computation) = computations.entry(self.key.clone())
            && computation.get().epoch == self.epoch
        {
            computation.remove();
        }
    }
}

/// What somebody else is computing.
pub struct Waiter(watch::Receiver<Option<Outcome>>);

impl Waiter {
    /// How it ended.
    pub async fn wait(mut self) -> Outcome {
        match self.0.wait_for(Option::is_some).await {
            Ok(verdict) => verdict.clone().unwrap_or(Outcome::Cancelled),
            Err(_) => Outcome::Cancelled,
        }
    }
}
