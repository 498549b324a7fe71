//! Runs work that keeps a core busy away from the threads that answer requests: in fair turns, and with a
//! time limit.

mod figures;
mod stop;
mod turns;

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use self::turns::Turns;
pub(crate) use self::{
    figures::{Figures, all_figures},
    stop::Stop,
    turns::Turn,
};
use crate::error::{ApiError, ApiResult, ProblemType};

/// The longest time that a request waits for its turn.
const WAIT: Duration = Duration::from_secs(10);

/// The largest size of work, in bytes, for the lane of small work: a story, and not a book.
pub(crate) const SMALL: usize = 64 * 1024;

/// One kind of work. It runs on about half the cores at once, so that a burst of it starves nobody; turns go
/// round among those who ask for it (`K`), so that nobody's burst starves anybody else; and large work never
/// delays small work.
#[derive(Clone, Debug)]
pub(crate) struct Work<K> {
    small: Arc<Turns<K>>,
    large: Arc<Turns<K>>,
    figures: Arc<Figures>,
    busy: &'static str,
}

/// A piece of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<K> {
    /// The one who asks for it.
    pub of: K,
    /// The size of its input, in bytes.
    pub size: usize,
    /// The longest time that it can keep a core busy.
    pub patience: Duration,
}

impl<K: Clone + Eq + Hash + Send + 'static> Work<K> {
    /// Creates a kind of work. `name` is its label in metrics, `busy` the detail of the `503` for a request
    /// that waited in vain.
    #[must_use]
    pub(crate) fn new(name: &'static str, busy: &'static str) -> Self {
        let turns = (thread::available_parallelism().map_or(1, usize::from) / 2).max(1);
        Self {
            // One asker never has the last turn of these.
            small: Arc::new(Turns::new(turns.max(2), 64)),
            large: Arc::new(Turns::new(turns, 32)),
            figures: Figures::of(name),
            busy,
        }
    }

    /// Runs a piece of work. The work is told to stop when it has kept a core busy for too long, and when
    /// nobody waits for it any more.
    ///
    /// # Errors
    /// `503` if too many wait already, or if no turn came in time.
    pub(crate) async fn run_for<T: Send + 'static>(
        &self,
        piece: Piece<K>,
        work: impl FnOnce(&Stop) -> T + Send + 'static,
    ) -> ApiResult<T> {
        self.run_holding(piece, work).await.map(|(done, _)| done)
    }

    /// Runs a piece of work, and returns its turn as well: the turn lasts until it is dropped, if what
    /// follows belongs to the work.
    ///
    /// # Errors
    /// `503` if too many wait already, or if no turn came in time.
    pub(crate) async fn run_holding<T: Send + 'static>(
        &self,
        piece: Piece<K>,
        work: impl FnOnce(&Stop) -> T + Send + 'static,
    ) -> ApiResult<(T, Turn)> {
        let lane = if piece.size <= SMALL { &self.small } else { &self.large };
        let waiting = self.figures.waits();
        let turn = match lane.ask(piece.of) {
            Some(turn) => tokio::time::timeout(WAIT, turn).await.ok().and_then(Result::ok),
            None => None,
        };
        drop(waiting);
        let Some(turn) = turn else {
            self.figures.count_refused();
            return Err(ApiError::new(ProblemType::Unavailable, self.busy).retry_after(5));
        };
        let cancelled = Cancel(Arc::default());
        let (seen, figures) = (Arc::clone(&cancelled.0), Arc::clone(&self.figures));
        // The turn ends with the work and not with the request, which may be cancelled.
        tokio::task::spawn_blocking(move || {
            let _running = figures.runs();
            let stop = Stop::new(seen, piece.patience);
            let done = work(&stop);
            if stop.was_too_long() {
                figures.count_given_up();
            }
            (done, turn)
        })
        .await
        .map_err(ApiError::internal)
    }
}

/// Tells the work, when it is dropped, that nobody waits any more.
struct Cancel(Arc<AtomicBool>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc,
        time::{Duration, Instant},
    };

    use futures::future::join_all;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn piece(of: u8, size: usize) -> Piece<u8> {
        Piece { of, size, patience: LONG }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nobody_waits_for_what_another_one_asks_for_in_heaps() {
        let work = Work::<u8>::new("test-turns", "busy");
        // One asker's work that does not end until it is told to.
        let (end, ended) = mpsc::channel::<()>();
        let ended = Arc::new(std::sync::Mutex::new(ended));
        let heap: Vec<_> = (0..20)
            .map(|_| {
                let (work, ended) = (work.clone(), Arc::clone(&ended));
                tokio::spawn(async move {
                    work.run_for(piece(1, 1), move |_| _ = ended.lock().unwrap().recv()).await
                })
            })
            .collect();
        let large = {
            let (work, ended) = (work.clone(), Arc::clone(&ended));
            tokio::spawn(async move {
                work.run_for(piece(3, SMALL + 1), move |_| _ = ended.lock().unwrap().recv()).await
            })
        };
        tokio::time::sleep(Duration::from_millis(100)).await;
        for _ in 0..10 {
            assert_eq!(work.run_for(piece(2, SMALL), |_| 7).await.unwrap(), 7);
        }
        drop(end);
        assert!(join_all(heap).await.into_iter().all(|done| done.unwrap().is_ok()));
        large.await.unwrap().unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_asks_for_too_much_is_told_at_once() {
        let work = Work::<u8>::new("test-bound", "busy");
        let (end, ended) = mpsc::channel::<()>();
        let ended = Arc::new(std::sync::Mutex::new(ended));
        let heap: Vec<_> = (0..300)
            .map(|_| {
                let (work, ended) = (work.clone(), Arc::clone(&ended));
                tokio::spawn(async move {
                    work.run_for(piece(1, SMALL + 1), move |_| _ = ended.lock().unwrap().recv()).await
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(end);
        let done: Vec<_> = join_all(heap).await.into_iter().map(Result::unwrap).collect();
        let refused = done.iter().filter(|done| done.is_err()).count();
        assert!((200..300).contains(&refused), "{refused}");
        assert!(
            done.iter()
                .flat_map(|done| done.as_ref().err())
                .all(|error| error.kind() == ProblemType::Unavailable)
        );
        assert_eq!(work.figures.refused(), refused as u64);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn work_is_stopped_when_nobody_waits_for_it_or_it_takes_too_long() {
        let work = Work::<u8>::new("test-stop", "busy");
        let (send, done) = mpsc::channel();
        let spin = |stop: &Stop| while !stop.is_due() {};
        let run = work.run_for(piece(1, 1), move |stop| {
            spin(stop);
            send.send(()).unwrap();
        });
        drop(tokio::time::timeout(Duration::from_millis(50), run).await);
        done.recv_timeout(LONG).unwrap();
        let started = Instant::now();
        let patience = Duration::from_millis(30);
        work.run_for(Piece { of: 1, size: 1, patience }, move |stop| spin(stop)).await.unwrap();
        assert!(started.elapsed() >= patience);
        assert_eq!(work.figures.given_up(), 1);
        // Whoever gave up waiting holds no turn.
        assert_eq!(work.run_for(piece(1, 1), |_| 7).await.unwrap(), 7);
    }
}
