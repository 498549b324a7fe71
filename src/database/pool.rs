//! The pool of connections.
//!
//! A connection is opened by a task of the pool, not by the request that wants it: so it is there for the next one where that request
//! is gone. It counts against the size of the pool until the server has ended its session. Where the server allows fewer than the pool
//! wants, requests wait for those there are.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use diesel::connection::InstrumentationEvent;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use tokio::{runtime::Handle, sync::oneshot, time::timeout};

use super::{
    Connection, Counts, DatabaseUrl, LIMIT, PoolError,
    connection::Session,
    hosts::locked,
    one_line,
    opening::{Opened, Unopened, drive},
};

/// How long a request waits for a connection of its own lane, before it looks for one that is idle in another lane, again and again.
const PATIENCE: Duration = Duration::from_millis(20);

/// After how long it takes any, of whatever lane, before those who wait for one of that lane.
const HUNGER: Duration = Duration::from_millis(100);

/// How long until the server is asked for one more connection, after it had none; each time twice as long, up to the second.
const NO_ROOM: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

pub(super) struct Pool {
    pub(super) url: DatabaseUrl,
    /// The statements that set a session up.
    session: String,
    /// First the one of all threads that have none of their own.
    lanes: Box<[Lane]>,
    /// Who has waited for long.
    hungry: Mutex<VecDeque<Arc<Ticket>>>,
    hunger: AtomicUsize,
    waiting: AtomicUsize,
    /// Sessions of the server, also those that are about to end.
    open: AtomicUsize,
    /// Why the server gives no more connections; somebody asks it again and again meanwhile.
    full: Mutex<Option<String>>,
    /// Whether the next connection that comes back goes back to the server.
    too_many: AtomicBool,
    closed: AtomicBool,
    pub(super) statements: Arc<AtomicU64>,
    opened: AtomicU64,
    failed: AtomicU64,
    timeouts: AtomicU64,
    pub(super) discarded: AtomicU64,
    pub(super) cancelled: AtomicU64,
}

struct Lane {
    size: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The one that was used last is at the end, and is used first.
    idle: Vec<Session>,
    waiting: VecDeque<Arc<Ticket>>,
    /// How many connections there are, of whatever kind: idle, on loan, being opened or closed.
    held: usize,
    opening: usize,
}

type Lent = Result<Connection, PoolError>;

/// Of whoever waits for a connection; good for one.
struct Ticket(Mutex<Option<oneshot::Sender<Lent>>>);

impl Ticket {
    /// Gives it back where nobody waits any more.
    fn serve(&self, lent: Lent) -> Result<(), Lent> {
        match locked(&self.0).take() {
            Some(sender) => sender.send(lent),
            None => Err(lent),
        }
    }
}

/// The place of a ticket in the queues.
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

/// The right to one connection of a lane. Dropping it gives it to the next one.
struct Slot {
    pool: Weak<Pool>,
    lane: usize,
    opened: bool,
}

impl Slot {
    /// There is a session of the server from now on.
    fn open(&mut self, pool: &Pool) {
        self.opened = true;
        pool.opened.fetch_add(1, Ordering::Relaxed);
        pool.open.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(pool) = self.pool.upgrade() else { return };
        locked(&pool.lanes[self.lane].state).held -= 1;
        if !self.opened {
            return;
        }
        pool.open.fetch_sub(1, Ordering::Relaxed);
        if let Ok(runtime) = Handle::try_current() {
            pool.open_more(self.lane, &runtime);
        }
    }
}

/// A connection that is being opened, until whoever waits for it has it.
struct Opening(Arc<Pool>, usize);

impl Drop for Opening {
    fn drop(&mut self) {
        locked(&self.0.lanes[self.1].state).opening -= 1;
    }
}

/// Whoever asks a full server again and again.
struct Asking<'a>(&'a Pool);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        *locked(&self.0.full) = None;
    }
}

impl Pool {
    /// Makes one with lanes of these sizes. Opens nothing.
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

    /// The number of lanes beside the first one.
    pub(super) fn own_lanes(&self) -> usize {
        self.lanes.len() - 1
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(super) async fn get(self: &Arc<Self>, lane: usize, limit: Duration) -> Lent {
        if let Some(session) = self.take(&mut locked(&self.lanes[lane].state)) {
            return Ok(self.lend(session));
        }
        timeout(limit, self.wait(lane)).await.unwrap_or_else(|_| {
            self.timeouts.fetch_add(1, Ordering::Relaxed);
            match &*locked(&self.full) {
                Some(cause) if self.open.load(Ordering::Relaxed) == 0 => {
                    Err(PoolError::Unavailable(cause.clone()))
                }
                _ => Err(PoolError::Busy),
            }
        })
    }

    async fn wait(self: &Arc<Self>, lane: usize) -> Lent {
        let (sender, mut receiver) = oneshot::channel();
        let ticket = Arc::new(Ticket(Mutex::new(Some(sender))));
        {
            let mut state = locked(&self.lanes[lane].state);
            if self.is_closed() {
                return Err(PoolError::Unavailable("the pool is closed".to_owned()));
            }
            // One may have come back since it was looked for.
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
            // Only those that are there: one that was opened here would stay in that lane, and be driven by this thread.
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
        Connection::new(session, Arc::clone(self))
    }

    /// An idle connection that is still good. The others are thrown away.
    fn take(&self, state: &mut State) -> Option<Session> {
        while let Some(session) = state.idle.pop() {
            if session.line.is_good() {
                return Some(session);
            }
            self.discard(session);
        }
        None
    }

    /// Its place becomes free once the server has ended the session.
    pub(super) fn discard(&self, session: Session) {
        self.discarded.fetch_add(1, Ordering::Relaxed);
        drop(session);
    }

    /// Gives a connection to whoever waits for it, or lays it by.
    pub(super) fn put(self: &Arc<Self>, mut session: Session) {
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

    /// Gives it back where nobody waits with this ticket.
    fn serve(self: &Arc<Self>, ticket: &Ticket, session: Session) -> Option<Session> {
        match ticket.serve(Ok(self.lend(session))) {
            Err(Ok(lent)) => lent.into_session(),
            _ => None,
        }
    }

    /// Opens one more connection, where more wait than are being opened.
    fn open_more(self: &Arc<Self>, lane: usize, runtime: &Handle) {
        if self.is_closed() || locked(&self.full).is_some() {
            return;
        }
        let mut state = locked(&self.lanes[lane].state);
        if state.held >= self.lanes[lane].size || state.opening >= state.waiting.len() {
            return;
        }
        state.held += 1;
        state.opening += 1;
        drop(state);
        let slot = Slot { pool: Arc::downgrade(self), lane, opened: false };
        let opening = Opening(Arc::clone(self), lane);
        runtime.spawn(async move { opening.0.open(slot).await });
    }

    /// Opens the connection of a slot, and gives it to whoever waits for it.
    async fn open(self: &Arc<Self>, slot: Slot) {
        let mut asking = None;
        let mut pause = NO_ROOM.0;
        let opened = loop {
            let error = match self.url.open(Some(LIMIT), &self.session).await {
                Ok(opened) => break opened,
                Err(error) => error,
            };
            self.failed.fetch_add(1, Ordering::Relaxed);
            if !self.is_refused(&error) {
                return self.fail(&error.cause);
            }
            if asking.is_none() {
                let mut full = locked(&self.full);
                if full.is_some() {
                    return;
                }
                let connections = self.open.load(Ordering::Relaxed);
                tracing::warn!(
                    connections,
                    cause = error.cause,
                    "database: no more connections to be had, requests wait for these"
                );
                *full = Some(error.cause);
                asking = Some(Asking(self));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(NO_ROOM.1);
            if self.waiting.load(Ordering::Relaxed) == 0 || self.is_closed() {
                return;
            }
        };
        drop(asking);
        self.set_up(opened, slot).await;
    }

    /// Whether the server itself said that there is none, while those that it gave are good.
    fn is_refused(&self, error: &Unopened) -> bool {
        let has_others = self.open.load(Ordering::Relaxed) > 0;
        error.is_full() || has_others && error.code.is_some_and(|code| !matches!(code.class(), "08" | "57"))
    }

    async fn set_up(self: &Arc<Self>, opened: Opened, mut slot: Slot) {
        let Opened { client, driver, line } = opened;
        let lane = slot.lane;
        slot.open(self);
        let driving = drive(driver, Arc::clone(&line));
        tokio::spawn(async move {
            driving.await;
            drop(slot);
        });
        match timeout(LIMIT, AsyncPgConnection::try_from(client)).await {
            Ok(Ok(mut conn)) => {
                let statements = Arc::clone(&self.statements);
                conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
                    if let InstrumentationEvent::StartQuery { .. } = event {
                        statements.fetch_add(1, Ordering::Relaxed);
                    }
                });
                self.put(Session { conn, line, lane, runtime: Handle::current() });
            }
            Ok(Err(error)) => self.fail(&one_line(&error)),
            Err(_) => {
                line.cut();
                self.fail("no answer");
            }
        }
    }

    /// Leaves one connection to others, unless it is the only one.
    pub(super) fn make_room(&self) {
        if self.open.load(Ordering::Relaxed) > 1 {
            let idle = self.lanes.iter().find_map(|lane| locked(&lane.state).idle.pop());
            match idle {
                Some(session) => self.discard(session),
                None => self.too_many.store(true, Ordering::Relaxed),
            }
        }
    }

    /// Tells all who wait that there is no connection to be had.
    fn fail(&self, cause: &str) {
        let waiting: Vec<_> =
            self.lanes.iter().flat_map(|lane| std::mem::take(&mut locked(&lane.state).waiting)).collect();
        for ticket in waiting {
            let _ = ticket.serve(Err(PoolError::Unavailable(cause.to_owned())));
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
