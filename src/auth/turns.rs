//! Turns at hashing passwords: a few at a time, shared fairly among those who wait.
//!
//! Each waiting request belongs to nested groups, such as the networks of an address. The next turn goes to
//! the outermost group whose last turn was the longest ago; in it, the same rule chooses one of its groups,
//! and so on. So somebody who has a thousand addresses of one provider waits in one group.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::address::ClientAddress;

/// The time that somebody waits for a turn.
const WAIT: Duration = Duration::from_secs(10);

/// The greatest number of requests that can wait in all. Each takes a few hundred bytes. If there were more,
/// the last ones would wait in vain.
const WAITING: usize = 512;

/// The greatest number of requests of one innermost group that can wait.
const WAITING_OF_ONE: usize = 64;

/// The groups that a request belongs to, from the outermost to the innermost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place([Group; 3]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Group {
    Network(std::net::IpAddr),
    SignedIn,
    Editor(Uuid),
    Process,
}

impl Place {
    /// Returns the place of somebody who is not signed in.
    #[must_use]
    pub fn of_address(address: ClientAddress) -> Self {
        let networks = address.networks();
        Self([networks.provider, networks.site, networks.subscriber].map(Group::Network))
    }

    /// Returns the place of somebody who is signed in.
    #[must_use]
    pub fn of_editor(id: Uuid) -> Self {
        Self([Group::SignedIn, Group::Editor(id), Group::Editor(id)])
    }

    /// Returns the place of the process itself.
    #[must_use]
    pub fn of_process() -> Self {
        Self([Group::Process; 3])
    }
}

/// Turns, a limited number at a time. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    waiting: Vec<Waiting>,
    /// The number of the turn that each group had last, counted from the start.
    last: HashMap<(usize, Group), u64>,
    turns: u64,
}

#[derive(Debug)]
struct Waiting {
    place: Place,
    call: oneshot::Sender<Turn>,
}

/// A turn; the next one begins when it is dropped.
#[derive(Debug)]
pub struct Turn(Option<Turns>);

/// The error if too many wait already, or a turn does not come in time.
#[derive(Debug, PartialEq, Eq)]
pub struct Busy;

impl Turns {
    /// Makes turns, of which `at_once` can run at the same time.
    #[must_use]
    pub(crate) fn new(at_once: usize) -> Self {
        let state = State { free: at_once, waiting: Vec::new(), last: HashMap::new(), turns: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// Returns [`Busy`] if too many wait already, or the turn does not come in time.
    pub(crate) async fn take(&self, place: Place) -> Result<Turn, Busy> {
        let called = {
            let mut state = self.state();
            if state.free > 0 && state.waiting.is_empty() {
                state.begin(place);
                return Ok(Turn(Some(self.clone())));
            }
            state.make_room(place)?;
            let (call, called) = oneshot::channel();
            state.waiting.push(Waiting { place, call });
            called
        };
        // A request that gave up is skipped when its turn comes.
        match tokio::time::timeout(WAIT, called).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Busy),
        }
    }

    /// Returns the number of requests that wait.
    #[must_use]
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting.iter().filter(|waiting| !waiting.call.is_closed()).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives back a turn, and calls the next request.
    fn next(&self) {
        let mut state = self.state();
        state.free += 1;
        while let Some(next) = state.choose() {
            let Waiting { place, call } = state.waiting.remove(next);
            state.begin(place);
            match call.send(Turn(Some(self.clone()))) {
                Ok(()) => return,
                // The request is gone, and must not give the turn back while the state is locked.
                Err(mut turn) => {
                    turn.0 = None;
                    state.free += 1;
                }
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.next();
        }
    }
}

impl State {
    fn begin(&mut self, place: Place) {
        self.free -= 1;
        self.turns += 1;
        for group in groups(place) {
            self.last.insert(group, self.turns);
        }
        // Groups that do not wait any more need not be remembered for long.
        if self.last.len() > 4 * WAITING {
            let waiting: HashSet<_> = self.waiting.iter().flat_map(|waiting| groups(waiting.place)).collect();
            self.last.retain(|group, _| waiting.contains(group));
        }
    }

    /// Chooses the next request: from the group whose last turn was the longest ago and, within one group,
    /// the one that came first.
    fn choose(&self) -> Option<usize> {
        let last = |place: Place| groups(place).map(|group| self.last.get(&group).copied().unwrap_or(0));
        let order = |(index, waiting): (usize, &Waiting)| {
            let [outer, middle, _] = groups(waiting.place);
            let [first, second, third] = last(waiting.place);
            // Groups with the same last turn are ordered by their first request in the line.
            (first, self.came(outer), second, self.came(middle), third, index)
        };
        self.waiting.iter().enumerate().map(order).min().map(|(.., index)| index)
    }

    /// Returns the position in the line of the first request of a group.
    fn came(&self, group: (usize, Group)) -> usize {
        let first = self.waiting.iter().position(|waiting| groups(waiting.place).contains(&group));
        first.unwrap_or(usize::MAX)
    }

    /// Makes room for one more request. If the line is full, the last one of the most crowded group leaves
    /// it, provided that this group is larger than the new request's.
    fn make_room(&mut self, place: Place) -> Result<(), Busy> {
        self.waiting.retain(|waiting| !waiting.call.is_closed());
        if self.waiting.iter().filter(|waiting| waiting.place == place).count() >= WAITING_OF_ONE {
            return Err(Busy);
        }
        if self.waiting.len() < WAITING {
            return Ok(());
        }
        let mut counts: HashMap<(usize, Group), usize> = HashMap::new();
        for group in self.waiting.iter().flat_map(|waiting| groups(waiting.place)) {
            *counts.entry(group).or_default() += 1;
        }
        let count = |group| counts.get(&group).copied().unwrap_or(0);
        let crowd = |place: Place| groups(place).map(count);
        let crowded =
            self.waiting.iter().enumerate().max_by_key(|(index, waiting)| (crowd(waiting.place), *index));
        let Some((index, waiting)) = crowded else { return Err(Busy) };
        // At the first level where their groups differ, the new request must be in the smaller one, also
        // after it has joined it.
        let parting =
            groups(waiting.place).into_iter().zip(groups(place)).find(|(crowded, coming)| crowded != coming);
        match parting {
            Some((crowded, coming)) if count(crowded) > count(coming) + 1 => {
                self.waiting.remove(index);
                Ok(())
            }
            _ => Err(Busy),
        }
    }
}

fn groups(place: Place) -> [(usize, Group); 3] {
    let [outer, middle, inner] = place.0;
    [(0, outer), (1, middle), (2, inner)]
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    fn place(address: &str) -> Place {
        Place::of_address(ClientAddress(address.parse().unwrap()))
    }

    /// Queues these in this order, and tells in which they had their turns.
    async fn order(turns: &Turns, addresses: &[&'static str]) -> Vec<&'static str> {
        let held = turns.take(Place::of_process()).await.unwrap();
        let served = Mutex::new(Vec::new());
        let waiting = addresses.iter().map(|address| async {
            let turn = turns.take(place(address)).await.unwrap();
            served.lock().unwrap().push(*address);
            // The next one begins with the end of this one.
            drop(turn);
        });
        futures::join!(join_all(waiting), async {
            while turns.waiting() < addresses.len() {
                tokio::task::yield_now().await;
            }
            drop(held);
        });
        served.into_inner().unwrap()
    }

    #[tokio::test]
    async fn who_has_many_addresses_waits_in_one_group() {
        let turns = Turns::new(1);
        let many = ["2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:2:3::1", "2001:db8:3:4::1"];
        let one = "192.0.2.1";
        let two = "198.51.100.1";
        let order = order(&turns, &[many[0], many[1], many[2], many[3], one, two]).await;
        assert_eq!(order, [many[0], one, two, many[2], many[3], many[1]]);
    }

    #[tokio::test]
    async fn turns_are_given_back_and_skipped_by_who_is_gone() {
        let turns = Turns::new(2);
        let (one, other) = (turns.take(place("::1")).await.unwrap(), turns.take(place("::1")).await.unwrap());
        let gone = tokio::time::timeout(Duration::from_millis(1), turns.take(place("::2"))).await;
        assert!(gone.is_err());
        assert_eq!(turns.waiting(), 0);
        let waiting = turns.take(place("::3"));
        futures::join!(async { drop(waiting.await.unwrap()) }, async { drop((one, other)) });
        let both = [turns.take(place("::1")).await, turns.take(place("::1")).await];
        assert!(both.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn the_line_is_bounded_for_one_and_for_all() {
        let turns = Turns::new(1);
        let held = turns.take(Place::of_process()).await.unwrap();
        let mut waiting: Vec<_> = (0..=WAITING_OF_ONE).map(|_| Box::pin(turns.take(place("::1")))).collect();
        let refused = join_polled(&mut waiting).await;
        assert_eq!(refused, 1);
        assert_eq!(turns.waiting(), WAITING_OF_ONE);
        // Of all, the newest of the most crowded group makes room.
        let networks = |number: usize| format!("2001:db8:{number:x}::1");
        let many: Vec<_> = (0..WAITING).map(networks).collect();
        let mut crowd: Vec<_> = many.iter().map(|address| Box::pin(turns.take(place(address)))).collect();
        assert!(join_polled(&mut crowd).await > 0);
        assert_eq!(turns.waiting(), WAITING);
        let fresh = turns.take(place("192.0.2.1"));
        let (served, ()) = futures::join!(fresh, async { drop((waiting, crowd, held)) });
        assert!(served.is_ok());
    }

    /// Polls each once; how many were refused.
    async fn join_polled<F: Future<Output = Result<Turn, Busy>> + Unpin>(futures: &mut [F]) -> usize {
        let mut refused = 0;
        for future in futures {
            refused += usize::from(matches!(futures::poll!(future), std::task::Poll::Ready(Err(Busy))));
        }
        refused
    }
}
