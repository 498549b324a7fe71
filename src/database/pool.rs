//! The pool of connections: it lends them out, takes them back, and queues the requests that wait.
//!
//! A connection is opened by a task of the pool, not by the request that wants it. So it is there for the
//! next request if that one has gone. It counts against the size of the pool until the server has ended its
//! session. If the server allows fewer connections than the pool wants, requests wait for the existing ones.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::oneshot, time::timeout};

use super::{
    Connection, Counts, DatabaseUrl, PoolError,
    connection::{Home, Session},
    line::locked,
};

/// The time that a request waits for a connection of its own lane before it looks for an idle one in the
/// other lanes. It repeats this again and again.
const PATIENCE: Duration = Duration::from_millis(20);

/// The time after which a request takes any connection, of whatever lane, before the requests that wait for
/// one of that lane.
const HUNGER: Duration = Duration::from_millis(100);

pub(super) struct Pool {
    pub(super) url: DatabaseUrl,
    /// The statements that set a session up.
    pub(super) session: String,
    /// The first lane is shared by all threads that have none of their own.
    pub(super) lanes: Box<[Lane]>,
    /// The requests that have waited for long.
    pub(super) hungry: Mutex<VecDeque<Arc<Ticket>>>,
    pub(super) hunger: AtomicUsize,
    pub(super) waiting: AtomicUsize,
    /// The number of sessions on the server, including those that are about to end.
    pub(super) open: AtomicUsize,
    /// The reason why the server gives no more connections; `None` if it does. While it is set, a task asks
    /// the server again and again.
    pub(super) full: Mutex<Option<String>>,
    /// True if the next connection that comes back is to be closed.
    pub(super) too_many: AtomicBool,
    pub(super) closed: AtomicBool,
    pub(super) statements: Arc<AtomicU64>,
    pub(super) opened: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) timeouts: AtomicU64,
    pub(super) discarded: AtomicU64,
    pub(super) cancelled: AtomicU64,
}

pub(super) struct Lane {
    pub(super) size: usize,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// The idle connections. The one that was used last is at the end, and is used first.
    pub(super) idle: Vec<Session>,
    pub(super) waiting: VecDeque<Arc<Ticket>>,
    /// The number of connections of every kind: idle, on loan, being opened or being closed.
    pub(super) held: usize,
    pub(super) opening: usize,
}

pub(super) type Lent = Result<Connection, PoolError>;

/// The ticket of a request that waits for a connection; it is good for one.
pub(super) struct Ticket(Mutex<Option<oneshot::Sender<Lent>>>);

impl Ticket {
    /// Hands over `lent`, and returns it if nobody waits any more.
    fn serve(&self, lent: Lent) -> Option<Lent> {
        match locked(&self.0).take() {
            Some(sender) => sender.send(lent).err(),
            None => Some(lent),
        }
    }
}

/// The place of a ticket in the queues. Dropping it takes the ticket out.
struct Place<'a> {
    pool: &'a Pool,
    lane: usize,
    ticket: Arc<Ticket>,
    hungry: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pool.waiting.fetch_sub(1, Ordering::Relaxed);
        let unserved = locked(&self.ticket.0).take().is_some();
        let others = |other: &Arc<Ticket>| !Arc::ptr_eq(other, &self.ticket);
        if unserved || self.hungry {
            locked(&self.pool.lanes[self.lane].state).waiting.retain(others);
        }
        if self.hungry {
            locked(&self.pool.hungry).retain(others);
            self.pool.hunger.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Pool {
    /// Makes a pool with lanes of these sizes. It opens no connection.
    pub(super) fn new(url: DatabaseUrl, session: String, sizes: impl IntoIterator<Item = usize>) -> Self {
        let lanes = sizes.into_iter().map(|size| Lane { size, state: Mutex::default() }).collect();
        Self {
            url,
            session,
            lanes,
            hungry: Mutex::default(),
            hunger: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            full: Mutex::default(),
            too_many: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            statements: Arc::default(),
            opened: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            timeouts: AtomicU64::new(0),
            discarded: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
        }
    }

    /// Returns the number of lanes beside the first one.
    pub(super) fn own_lanes(&self) -> usize {
        self.lanes.len() - 1
    }

    pub(super) async fn get(self: &Arc<Self>, lane: usize, limit: Duration) -> Lent {
        let session = self.take(&mut locked(&self.lanes[lane].state));
        if let Some(session) = session {
            let lent = self.lend(session);
            if !lent.is_doubtful() {
                return Ok(lent);
            }
        }
        timeout(limit, self.find(lane)).await.unwrap_or_else(|_| {
            self.timeouts.fetch_add(1, Ordering::Relaxed);
            match &*locked(&self.full) {
                Some(cause) if self.open.load(Ordering::Relaxed) == 0 => {
                    Err(PoolError::Unavailable(cause.clone()))
                }
                _ => Err(PoolError::Busy),
            }
        })
    }

    /// Waits for a connection. Checks the doubtful ones, and skips those that are no longer good.
    async fn find(self: &Arc<Self>, lane: usize) -> Lent {
        loop {
            let mut lent = self.wait(lane).await?;
            if lent.is_sound().await {
                return Ok(lent);
            }
        }
    }

    async fn wait(self: &Arc<Self>, lane: usize) -> Lent {
        let (sender, mut receiver) = oneshot::channel();
        let ticket = Arc::new(Ticket(Mutex::new(Some(sender))));
        {
            let mut state = locked(&self.lanes[lane].state);
            if self.is_closed() {
                return Err(PoolError::Unavailable("the pool is closed".to_owned()));
            }
            // A connection can have come back since it was looked for.
            if let Some(session) = self.take(&mut state) {
                return Ok(self.lend(session));
            }
            state.waiting.push_back(Arc::clone(&ticket));
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let mut place = Place { pool: self, lane, ticket, hungry: false };
        let since = Instant::now();
        loop {
            self.open_more(lane, &Handle::current());
            if let Ok(lent) = timeout(PATIENCE, &mut receiver).await {
                return lent.unwrap_or_else(|_| Err(PoolError::Busy));
            }
            // Only connections that exist: a new one would stay in that lane, and be driven by this thread.
            for lane in &self.lanes {
                let session = self.take(&mut locked(&lane.state));
                if let Some(session) = session {
                    return Ok(self.lend(session));
                }
            }
            if !place.hungry && since.elapsed() >= HUNGER {
                place.hungry = true;
                locked(&self.hungry).push_back(Arc::clone(&place.ticket));
                self.hunger.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn lend(self: &Arc<Self>, session: Session) -> Connection {
        Connection::new(session, Arc::clone(self) as Arc<dyn Home>)
    }

    /// Returns an idle connection that is still good, and throws the others away.
    fn take(&self, state: &mut State) -> Option<Session> {
        while let Some(session) = state.idle.pop() {
            if session.line.is_good() {
                return Some(session);
            }
            self.discard(session);
        }
        None
    }

    /// Hands the connection to a ticket, and returns it if nobody waits with that ticket.
    fn serve(self: &Arc<Self>, ticket: &Ticket, session: Session) -> Option<Session> {
        match ticket.serve(Ok(self.lend(session))) {
            Some(Ok(lent)) => lent.into_session(),
            _ => None,
        }
    }

    /// Gives up one connection for others, unless it is the only one.
    pub(super) fn make_room(&self) {
        if self.open.load(Ordering::Relaxed) > 1 {
            let idle = self.lanes.iter().find_map(|lane| locked(&lane.state).idle.pop());
            match idle {
                Some(session) => self.discard(session),
                None => self.too_many.store(true, Ordering::Relaxed),
            }
        }
    }

    /// Tells all waiting requests that no connection is available.
    pub(super) fn fail(&self, cause: &str) {
        let waiting: Vec<_> =
            self.lanes.iter().flat_map(|lane| std::mem::take(&mut locked(&lane.state).waiting)).collect();
        for ticket in waiting {
            drop(ticket.serve(Err(PoolError::Unavailable(cause.to_owned()))));
        }
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        let idle: Vec<_> =
            self.lanes.iter().flat_map(|lane| std::mem::take(&mut locked(&lane.state).idle)).collect();
        drop(idle);
        self.fail("the pool is closed");
    }

    pub(super) fn counts(&self) -> Counts {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let idle = self.lanes.iter().map(|lane| locked(&lane.state).idle.len()).sum();
        let open = self.open.load(Ordering::Relaxed);
        Counts {
            limit: self.lanes.iter().map(|lane| lane.size).sum(),
            open,
            in_use: open.saturating_sub(idle),
            idle,
            waiting: self.waiting.load(Ordering::Relaxed),
            opened: count(&self.opened),
            failed: count(&self.failed),
            timeouts: count(&self.timeouts),
            discarded: count(&self.discarded),
            cancelled: count(&self.cancelled),
        }
    }
}

impl Home for Pool {
    fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Throws the connection away. Its place becomes free when the server has ended the session.
    fn discard(&self, session: Session) {
        self.discarded.fetch_add(1, Ordering::Relaxed);
        drop(session);
    }

    /// Gives a connection to a request that waits for it, or keeps it as idle.
    fn put(self: Arc<Self>, mut session: Session) {
        if self.too_many.load(Ordering::Relaxed) && self.too_many.swap(false, Ordering::Relaxed) {
            return self.discard(session);
        }
        if self.hunger.load(Ordering::Relaxed) > 0 {
            let next = || locked(&self.hungry).pop_front();
            while let Some(ticket) = next() {
                match self.serve(&ticket, session) {
                    None => return,
                    Some(back) => session = back,
                }
            }
        }
        loop {
            let mut state = locked(&self.lanes[session.lane].state);
            let Some(ticket) = state.waiting.pop_front() else {
                if self.is_closed() {
                    drop(state);
                    return drop(session);
                }
                return state.idle.push(session);
            };
            drop(state);
            match self.serve(&ticket, session) {
                None => return,
                Some(back) => session = back,
            }
        }
    }

    fn count_cancelled(&self) {
        self.cancelled.fetch_add(1, Ordering::Relaxed);
    }
}
