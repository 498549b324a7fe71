//! One computation for all who ask for the same at the same time.

use std::{
    collections::{HashMap, hash_map},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::cache::{Answer, Cache, Entry, Epoch, Key, SurrogateKeys};

/// The answers that are being computed.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<Key, Flight>>);

struct Flight {
    epoch: Epoch,
    landed: watch::Receiver<Verdict>,
}

/// What became of a computation; `None` while nothing is known.
type Verdict = Option<Landed>;

/// How a computation ended.
#[derive(Clone, Debug)]
pub enum Landed {
    /// With an answer for all.
    Shared(Arc<Entry>),
    /// With one that was only for whoever asked: compute yours.
    Declined,
    /// Without one: ask again.
    Cancelled,
}

/// What somebody who asks is to do.
pub(super) enum Boarding {
    Lead(Permit),
    Join(Landing),
}

impl Flights {
    /// Joins a computation that has everything that was heard of by now, or starts one.
    pub(super) fn board(&self, cache: &Cache, key: &Key, now: Epoch) -> Boarding {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(key)
            && flight.epoch == now
        {
            return Boarding::Join(Landing(flight.landed.clone()));
        }
        let (sender, landed) = watch::channel(None);
        // Whoever joined a flight that is replaced here asked before what was heard of since.
        flights.insert(key.clone(), Flight { epoch: now, landed });
        Boarding::Lead(Permit { cache: cache.clone(), key: key.clone(), epoch: now, sender })
    }
}

/// That one computes an answer, for all who ask for it meanwhile. Dropping it without a word, as when the client goes away, lets
/// somebody else do it.
pub struct Permit {
    cache: Cache,
    key: Key,
    epoch: Epoch,
    sender: watch::Sender<Verdict>,
}

impl Permit {
    /// Gives the answer to all who wait, and keeps it.
    pub fn land(self, answer: Answer, keys: &SurrogateKeys, route: Arc<str>) {
        let freshness = &self.cache.0.freshness;
        let keys = keys.iter().map(|key| freshness.hash(key)).collect();
        let entry = Arc::new(Entry::new(answer, route, keys, self.epoch.0));
        self.cache.insert(&self.key, &entry);
        self.sender.send_replace(Some(Landed::Shared(entry)));
    }

    /// Tells all who wait that the answer is not for them.
    pub fn decline(self) {
        self.sender.send_replace(Some(Landed::Declined));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut flights = self.cache.0.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let hash_map::Entry::Occupied(flight) = flights.entry(self.key.clone())
            && flight.get().epoch == self.epoch
        {
            flight.remove();
        }
    }
}

/// What somebody else is computing.
pub struct Landing(watch::Receiver<Verdict>);

impl Landing {
    /// How it ended.
    pub async fn wait(mut self) -> Landed {
        match self.0.wait_for(Option::is_some).await {
            Ok(verdict) => verdict.clone().unwrap_or(Landed::Cancelled),
            Err(_) => Landed::Cancelled,
        }
    }
}
