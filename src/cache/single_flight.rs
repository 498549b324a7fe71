//! Lets one request compute an answer for all who ask for the same at the same time.

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

/// The outcome of a computation.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// An answer for all.
    Shared(Arc<Entry>),
    /// An answer only for the client that computed it: the others compute their own.
    Declined,
    /// No answer: ask again.
    Cancelled,
}

/// The task of somebody who asks.
pub(super) enum Turn {
    Lead(Permit),
    Wait(Waiter),
}

impl SingleFlight {
    /// Joins a computation that includes all changes heard of by now, or starts one.
    pub(super) fn take_turn(&self, cache: &Cache, key: &Key, now: Epoch) -> Turn {
        let mut computations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(computation) = computations.get(key)
            && computation.epoch == now
        {
            return Turn::Wait(Waiter(computation.outcome.clone()));
        }
        let (sender, outcome) = watch::channel(None);
        // Those who joined a computation that is replaced here asked before the changes heard of since.
        computations.insert(key.clone(), Computation { epoch: now, outcome });
        Turn::Lead(Permit { cache: cache.clone(), key: key.clone(), epoch: now, sender })
    }
}

/// The permit to compute an answer for all who ask for it meanwhile. If it is dropped unused, as when the
/// client goes away, somebody else computes the answer.
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

/// The wait for an answer that another request computes.
pub struct Waiter(watch::Receiver<Option<Outcome>>);

impl Waiter {
    /// Waits for the outcome.
    pub async fn wait(mut self) -> Outcome {
        match self.0.wait_for(Option::is_some).await {
            Ok(verdict) => verdict.clone().unwrap_or(Outcome::Cancelled),
            Err(_) => Outcome::Cancelled,
        }
    }
}
