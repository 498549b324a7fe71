//! Gives turns to those who ask for work, in a fair order.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::oneshot;

/// The most requests that wait, of all who ask together.
const MAX_WAITING: usize = 1024;

/// A limited number of turns at a time. They go round among those who ask; nobody has more than half of them.
pub(super) struct Turns<K> {
    state: Mutex<State<K>>,
    share: usize,
    queue: usize,
}

struct State<K> {
    free: usize,
    /// The number of turns that each one has who has any.
    taken: HashMap<K, usize>,
    /// Those who ask, each with their waiting requests. The one who was served last is at the end.
    waiting: VecDeque<(K, VecDeque<oneshot::Sender<Turn>>)>,
}

/// A turn, which ends when this is dropped.
pub(crate) struct Turn(Option<Box<dyn FnOnce() + Send>>);

impl<K: Clone + Eq + Hash + Send + 'static> Turns<K> {
    /// Creates `turns` turns, with at most `queue` waiting requests for each one who asks.
    pub(super) fn new(turns: usize, queue: usize) -> Self {
        let state = State { free: turns, taken: HashMap::new(), waiting: VecDeque::new() };
        Self { state: Mutex::new(state), share: (turns / 2).max(1), queue }
    }

    /// Asks for a turn, which comes later. Returns `None` if too many wait.
    pub(super) fn ask(self: &Arc<Self>, of: K) -> Option<oneshot::Receiver<Turn>> {
        let (send, turn) = oneshot::channel();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.waiting.iter().map(|(_, waiting)| waiting.len()).sum::<usize>() >= MAX_WAITING {
            state.forget_who_left();
        }
        let all = state.waiting.iter().map(|(_, waiting)| waiting.len()).sum::<usize>();
        match state.waiting.iter_mut().find(|(other, _)| *other == of) {
            Some((_, waiting)) => {
                waiting.retain(|waits| !waits.is_closed());
                if waiting.len() >= self.queue || all >= MAX_WAITING {
                    return None;
                }
                waiting.push_back(send);
            }
            None if all >= MAX_WAITING => return None,
            None => state.waiting.push_back((of, VecDeque::from([send]))),
        }
        self.give(&mut state);
        Some(turn)
    }

    /// Gives away the turns that are free.
    fn give(self: &Arc<Self>, state: &mut State<K>) {
        while state.free > 0 {
            let has_all = |of: &K| state.taken.get(of).is_some_and(|taken| *taken >= self.share);
            let Some(place) = state.waiting.iter().position(|(of, _)| !has_all(of)) else { return };
            let Some((of, mut waiting)) = state.waiting.remove(place) else { return };
            let (turns, holder) = (Arc::clone(self), of.clone());
            let turn = Turn(Some(Box::new(move || turns.take_back(&holder))));
            if let Some(mut turn) = hand_over(turn, &mut waiting) {
                // Everybody left. It was never taken, so it does not end.
                turn.0 = None;
            } else {
                state.free -= 1;
                *state.taken.entry(of.clone()).or_default() += 1;
            }
            if !waiting.is_empty() {
                state.waiting.push_back((of, waiting));
            }
        }
    }

    fn take_back(self: &Arc<Self>, of: &K) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.free += 1;
        if let Some(taken) = state.taken.get_mut(of) {
            *taken -= 1;
            if *taken == 0 {
                state.taken.remove(of);
            }
        }
        self.give(&mut state);
    }
}

/// Hands a turn to the first one who still waits. Returns the turn if nobody does.
fn hand_over(mut turn: Turn, waiting: &mut VecDeque<oneshot::Sender<Turn>>) -> Option<Turn> {
    while let Some(waits) = waiting.pop_front() {
        match waits.send(turn) {
            Ok(()) => return None,
            Err(back) => turn = back,
        }
    }
    Some(turn)
}

impl<K> State<K> {
    fn forget_who_left(&mut self) {
        self.waiting.retain_mut(|(_, waiting)| {
            waiting.retain(|waits| !waits.is_closed());
            !waiting.is_empty()
        });
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turn(..)")
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

impl<K> fmt::Debug for Turns<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns")
            .field("share", &self.share)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
