//! The memory of refused attempts to sign in: an instance keeps it so that the next attempts cost no
//! statement.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

/// The key that attempts are counted by: an HMAC, so that nobody's address is kept.
pub(super) type Key = [u8; 32];

/// The kind of counter that refused an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// A counter of the account.
    Account,
    /// A counter of the networks.
    Network,
}

/// The refusal of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) by: By,
    /// The time until the next attempt can be made.
    pub(super) wait: TimeDelta,
}

/// The longest time for which a refusal is remembered: other instances can forgive meanwhile.
const KEPT: TimeDelta = TimeDelta::seconds(10);

/// The greatest number of refusals that are remembered. Further ones are refused by the database, as after a
/// restart.
const MOST: usize = 10_000;

/// The refusals that still hold, and the number of attempts that their networks owe: those that were refused
/// from here.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    refused: HashMap<Key, Remembered>,
    owed: HashMap<Key, u32>,
}

#[derive(Debug)]
struct Remembered {
    at: DateTime<Utc>,
    until: DateTime<Utc>,
    by: Refused,
}

impl Memory {
    /// Remembers that attempts under this key are refused.
    pub(super) fn remember(&self, key: Key, at: DateTime<Utc>, refused: Refused) {
        let until = at + refused.wait.min(KEPT);
        let mut known = self.known();
        if known.refused.len() >= MOST {
            known.refused.retain(|_, remembered| remembered.until > at);
        }
        if known.refused.len() < MOST {
            known.refused.insert(key, Remembered { at, until, by: refused });
        }
    }

    /// Returns the refusal that holds for a key, with the time that is left of it. Its network owes one more
    /// attempt.
    pub(super) fn recall(&self, key: &Key, network: Option<&Key>, now: DateTime<Utc>) -> Option<Refused> {
        let mut known = self.known();
        let remembered = known.refused.get(key)?;
        // A clock that was set back must not make it hold for longer.
        if now < remembered.at || now >= remembered.until {
            known.refused.remove(key);
            return None;
        }
        let refused = Refused { wait: remembered.at + remembered.by.wait - now, ..remembered.by };
        if let Some(network) = network
            && (known.owed.len() < MOST || known.owed.contains_key(network))
        {
            let owed = known.owed.entry(*network).or_default();
            *owed = owed.saturating_add(1);
        }
        Some(refused)
    }

    /// Returns the number of attempts that a network owes, and forgets it: the network is charged with them
    /// now.
    pub(super) fn collect(&self, network: &Key) -> u32 {
        self.known().owed.remove(network).unwrap_or(0)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing in here panics half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_refusal_is_remembered_until_it_ends_and_no_longer() {
        let memory = Memory::default();
        let (key, network): (Key, Key) = ([1; 32], [2; 32]);
        let now = Clock::default().now();
        let refused = Refused { by: By::Account, wait: TimeDelta::seconds(7) };
        memory.remember(key, now, refused);
        let later = now + TimeDelta::seconds(3);
        let recalled = memory.recall(&key, Some(&network), later).unwrap();
        assert_eq!(recalled.wait, TimeDelta::seconds(4));
        assert!(memory.recall(&key, Some(&network), later).is_some());
        assert_eq!((memory.collect(&network), memory.collect(&network)), (2, 0));
        assert!(memory.recall(&[3; 32], None, later).is_none());
        assert!(memory.recall(&key, None, now + TimeDelta::seconds(7)).is_none());

        // Nor does a clock that was ahead make it hold for longer.
        memory.remember(key, now + TimeDelta::days(3650), refused);
        assert!(memory.recall(&key, None, now).is_none());
        assert!(memory.recall(&key, None, now + TimeDelta::days(3650)).is_none());
    }
}
