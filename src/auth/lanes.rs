//! The lanes in which parallel attempts to sign in wait for one another. Attempts of one account and network
//! wait for their turn, one at a time; attempts of one network wait for the charges that others of it give
//! back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::{memory::Key, turns::Busy};

/// The time that an attempt waits for those before it.
pub(super) const WAIT: Duration = Duration::from_secs(5);

/// The greatest number of attempts that can wait in one lane.
const WAITING: usize = 64;

/// The lanes that are in use.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes(Arc<Mutex<HashMap<Key, Lane>>>);

#[derive(Debug)]
struct Lane {
    turn: Arc<Semaphore>,
    inside: usize,
    right: Arc<Mutex<Option<Right>>>,
}

/// A password that was right, as an HMAC, and the stored hash that it was right for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Right {
    pub(super) password: Key,
    pub(super) hash: String,
}

/// The turn of an attempt; the next one begins when it is dropped.
#[derive(Debug)]
pub(super) struct Inside {
    // Given back before the lane is left.
    turn: Option<OwnedSemaphorePermit>,
    right: Arc<Mutex<Option<Right>>>,
    place: Standing,
}

/// The presence of an attempt in a lane. The lane is removed with the last of them.
#[derive(Debug)]
struct Standing {
    lanes: Lanes,
    key: Key,
}

impl Lanes {
    /// Waits for those who came before; it holds nothing meanwhile. Returns [`Busy`] if too many wait
    /// already, or it takes too long.
    pub(super) async fn enter(&self, key: Key) -> Result<Inside, Busy> {
        let (turn, right) = {
            let mut lanes = self.lanes();
            let lane = lanes.entry(key).or_insert_with(|| Lane {
                turn: Arc::new(Semaphore::new(1)),
                inside: 0,
                right: Arc::default(),
            });
            if lane.inside > WAITING {
                return Err(Busy);
            }
            lane.inside += 1;
            (Arc::clone(&lane.turn), Arc::clone(&lane.right))
        };
        let mut inside = Inside { turn: None, right, place: Standing { lanes: self.clone(), key } };
        match tokio::time::timeout(WAIT, turn.acquire_owned()).await {
            Ok(Ok(turn)) => {
                inside.turn = Some(turn);
                Ok(inside)
            }
            Ok(Err(_)) | Err(_) => Err(Busy),
        }
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<Key, Lane>> {
        // Nothing in here panics half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// Returns true if the same password was right for the same hash a moment ago, for an attempt that this
    /// one waited for.
    pub(super) fn knows(&self, right: &Right) -> bool {
        self.right.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(right)
    }

    /// Tells the waiting attempts that a password was right. It is forgotten with the last of them.
    pub(super) fn tell(&self, right: Right) {
        *self.right.lock().unwrap_or_else(PoisonError::into_inner) = Some(right);
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        drop(self.turn.take());
        self.place.leave();
    }
}

impl Standing {
    fn leave(&self) {
        let mut lanes = self.lanes.lanes();
        if let Some(lane) = lanes.get_mut(&self.key) {
            lane.inside -= 1;
            if lane.inside == 0 {
                lanes.remove(&self.key);
            }
        }
    }
}

/// The number of attempts under way for each network: their charges can still be given back.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(Arc<Mutex<HashMap<Key, Group>>>);

#[derive(Debug, Default)]
struct Group {
    ended: Arc<Notify>,
    charged: usize,
}

/// An attempt that was charged. When it is dropped, a waiting attempt of its network tries again.
#[derive(Debug)]
pub(super) struct Charged {
    groups: UnderWay,
    key: Option<Key>,
}

impl UnderWay {
    /// Counts an attempt of a network.
    pub(super) fn begin(&self, key: Option<Key>) -> Charged {
        if let Some(key) = key {
            self.groups().entry(key).or_default().charged += 1;
        }
        Charged { groups: self.clone(), key }
    }

    /// Returns the signal that an attempt of a network has ended; `None` if none is under way.
    pub(super) fn ends(&self, key: Option<Key>) -> Option<Arc<Notify>> {
        let groups = self.groups();
        groups.get(&key?).filter(|group| group.charged > 0).map(|group| Arc::clone(&group.ended))
    }

    fn groups(&self) -> MutexGuard<'_, HashMap<Key, Group>> {
        // Nothing in here panics half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let mut groups = self.groups.groups();
        let Some(group) = groups.get_mut(&key) else { return };
        group.charged -= 1;
        if group.charged == 0 {
            // After this, nobody would wake the waiting attempts any more.
            group.ended.notify_waiters();
            // And nobody would wake one that is just about to wait.
            group.ended.notify_one();
            groups.remove(&key);
        } else {
            group.ended.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_is_inside_at_a_time_and_nothing_is_left() {
        let lanes = Lanes::default();
        let key = [1; 32];
        let right = |hash: &str| Right { password: [2; 32], hash: hash.to_owned() };
        let first = lanes.enter(key).await.unwrap();
        lanes.enter([3; 32]).await.unwrap();
        first.tell(right("a"));
        let mut second = Box::pin(lanes.enter(key));
        assert!(futures::poll!(&mut second).is_pending());
        drop(first);
        let second = second.await.unwrap();
        assert!(second.knows(&right("a")) && !second.knows(&right("b")));
        drop(second);
        assert!(lanes.lanes().is_empty());
        assert!(!lanes.enter(key).await.unwrap().knows(&right("a")));
    }

    #[tokio::test]
    async fn the_line_is_bounded() {
        let lanes = Lanes::default();
        let held = lanes.enter([1; 32]).await.unwrap();
        let mut all: Vec<_> = (0..=WAITING).map(|_| Box::pin(lanes.enter([1; 32]))).collect();
        let mut refused = 0;
        for one in &mut all {
            refused += usize::from(matches!(futures::poll!(one), std::task::Poll::Ready(Err(Busy))));
        }
        assert_eq!(refused, 1);
        drop((all, held));
        assert!(lanes.lanes().is_empty());
    }
}
