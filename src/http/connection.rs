//! The state of one client's connection: what it is waiting for, since when, and how much it may still send.
//!
//! A connection is served by one thread. The stream below HTTP ([`crate::app::connections`]) moves its bytes and keeps this state;
//! whoever reads the body of a request says here that there is room for more.

use std::{
    cell::{Cell, RefCell},
    net::IpAddr,
    task::{Context, Waker},
};

/// How many bytes of a head may arrive, and of what follows it, before the request is served. More than the largest head
/// that is accepted (8 KiB of target and 32 KiB of headers), so that a head which is too large is told so in the usual way.
pub(crate) const HEAD_ROOM: usize = 64 * 1024;

/// How many bytes may arrive ahead of whoever reads the body of a request, or ahead of the answer to it.
pub(crate) const READ_AHEAD: usize = 32 * 1024;

/// What the connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing of a request has arrived.
    Idle,
    /// A part of a request's head has arrived.
    Head,
    /// A request is served: its body arrives, or its answer is computed.
    Request,
    /// The answer is sent.
    Answer,
}

/// Why the server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// No request arrived.
    Idle,
    /// The head of a request did not arrive in time.
    SlowHead,
    /// The head of a request has more bytes than a head may have.
    LargeHead,
    /// The client does not take its answer, or too slowly.
    SlowReader,
    /// Others need the room, and this connection has waited longest for its client.
    Crowded,
}

/// Seconds since the thread began, as its clock ticks: exact enough for time-outs, and free to read.
pub(crate) type Tick = u32;

/// A connection that cannot hand its bytes to the client at present.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocked {
    /// Since when, or since the last look at its rate.
    pub since: Tick,
    /// How many bytes the client had taken by then.
    pub written: u64,
}

/// What is known of the length of a request's body from its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// So many bytes, or none.
    Bytes(u64),
    /// It comes in chunks.
    Chunks,
}

/// The state of a connection.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Who it counts for; `None`: it is exempt from the limit for each address.
    pub network: Option<IpAddr>,
    phase: Cell<Phase>,
    since: Cell<Tick>,
    room: Cell<usize>,
    starved: Cell<bool>,
    /// What of the present request's body has not arrived.
    expected: Cell<Expected>,
    /// Whether the HTTP server has a whole head that it has not looked at.
    has_head: Cell<bool>,
    /// Whether nothing that arrives from now on is of any use.
    is_over: Cell<bool>,
    /// Whether bytes of the next request have arrived early.
    is_ahead: Cell<bool>,
    written: Cell<u64>,
    blocked: Cell<Option<Blocked>>,
    /// Whether bytes of an answer of ours may not have been handed to the kernel yet.
    answering: Cell<bool>,
    end: Cell<Option<End>>,
    waker: RefCell<Option<Waker>>,
}

impl Connection {
    /// A connection that was just accepted.
    #[must_use]
    pub(crate) fn new(network: Option<IpAddr>, now: Tick) -> Self {
        Self {
            network,
            // A client that connects has something to say: what it sends first is waited for as the rest of a head.
            phase: Cell::new(Phase::Head),
            since: Cell::new(now),
            room: Cell::new(HEAD_ROOM),
            starved: Cell::new(false),
            expected: Cell::new(Expected::Bytes(0)),
            has_head: Cell::new(false),
            is_over: Cell::new(false),
            is_ahead: Cell::new(false),
            written: Cell::new(0),
            blocked: Cell::new(None),
            answering: Cell::new(false),
            end: Cell::new(None),
            waker: RefCell::new(None),
        }
    }

    /// What it does.
    #[must_use]
    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Since when it does that.
    #[must_use]
    pub(crate) fn since(&self) -> Tick {
        self.since.get()
    }

    fn enter(&self, phase: Phase, now: Tick) {
        self.phase.set(phase);
        self.since.set(now);
    }

    /// The head of a request has arrived, which says how long its body is.
    pub(crate) fn begin_request(&self, expected: Expected, now: Tick) {
        self.enter(Phase::Request, now);
        self.expected.set(expected);
        self.has_head.set(false);
        self.room.set(READ_AHEAD);
        self.feed();
        // The body, or a part of it, may have come with the head, and nothing else may come that would wake anybody.
        if self.is_ahead.get() {
            self.wake();
        }
    }

    /// Its answer is there.
    pub(crate) fn begin_answer(&self, now: Tick) {
        self.enter(Phase::Answer, now);
        self.answering.set(true);
    }

    /// All of the answer was handed to the HTTP server; the next request may come, unless nobody knows where it would begin: after
    /// chunks that were not read.
    pub(crate) fn end_answer(&self, now: Tick) {
        self.enter(Phase::Idle, now);
        self.answering.set(true);
        self.is_over.set(self.expected.get() == Expected::Chunks);
        self.room.set(HEAD_ROOM);
        self.feed();
        if self.is_ahead.get() {
            self.wake();
        }
    }

    /// How many bytes of the present request have not arrived; `None` where nobody knows.
    #[must_use]
    pub(crate) fn expected(&self) -> Option<u64> {
        match self.expected.get() {
            Expected::Bytes(bytes) => Some(bytes),
            Expected::Chunks => None,
        }
    }

    /// The body of the present request was read to its end.
    pub(crate) fn end_body(&self) {
        self.expected.set(Expected::Bytes(0));
    }

    /// Whether nothing more is read from it.
    #[must_use]
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// The HTTP server was given the end of a head.
    pub(crate) fn give_head(&self) {
        self.has_head.set(true);
    }

    /// Whether what arrives now comes after a head or a body that is whole already.
    #[must_use]
    pub(crate) fn is_behind_request(&self) -> bool {
        match self.phase.get() {
            Phase::Idle | Phase::Head => self.has_head.get(),
            Phase::Request | Phase::Answer => self.expected.get() == Expected::Bytes(0),
        }
    }

    /// Notes whether bytes of the next request have arrived early.
    pub(crate) fn set_ahead(&self, is_ahead: bool) {
        self.is_ahead.set(is_ahead);
    }

    /// How many bytes may be read from the client now.
    #[must_use]
    pub(crate) fn room(&self) -> usize {
        self.room.get()
    }

    /// Whoever reads the body of the request has taken so many bytes of it.
    pub(crate) fn make_room(&self, bytes: usize) {
        self.room.set((self.room.get() + bytes).min(HEAD_ROOM));
        self.feed();
    }

    fn feed(&self) {
        if self.starved.take() {
            self.wake();
        }
    }

    /// Notes that nothing is read before there is room; whether that was known.
    pub(crate) fn starve(&self) -> bool {
        self.starved.replace(true)
    }

    /// Counts bytes that the HTTP server was given.
    pub(crate) fn received(&self, bytes: usize, now: Tick) {
        self.room.set(self.room.get().saturating_sub(bytes));
        match (self.phase.get(), self.expected.get()) {
            (Phase::Idle, _) => self.enter(Phase::Head, now),
            (Phase::Request | Phase::Answer, Expected::Bytes(left)) => {
                self.expected.set(Expected::Bytes(left.saturating_sub(bytes as u64)));
            }
            _ => {}
        }
    }

    /// Counts bytes that the client has taken.
    pub(crate) fn sent(&self, bytes: usize) {
        self.written.set(self.written.get() + bytes as u64);
    }

    /// How many bytes the client has taken.
    #[must_use]
    pub(crate) fn written(&self) -> u64 {
        self.written.get()
    }

    /// Since when the client takes nothing, while there is something to take.
    #[must_use]
    pub(crate) fn blocked(&self) -> Option<Blocked> {
        self.blocked.get()
    }

    /// The client takes no more at present; whether that is new.
    pub(crate) fn block(&self, now: Tick) -> bool {
        let is_new = self.blocked.get().is_none();
        if is_new {
            self.blocked.set(Some(Blocked { since: now, written: self.written.get() }));
        }
        is_new
    }

    /// Begins to measure the rate anew.
    pub(crate) fn measure_again(&self, now: Tick) {
        self.blocked.set(Some(Blocked { since: now, written: self.written.get() }));
    }

    /// The client has taken all there was; whether it had let us wait.
    pub(crate) fn unblock(&self) -> bool {
        self.answering.set(false);
        self.blocked.take().is_some()
    }

    /// Whether what is written now has no part of an answer to a request: the HTTP server says it by itself.
    #[must_use]
    pub(crate) fn is_between_requests(&self) -> bool {
        matches!(self.phase.get(), Phase::Idle | Phase::Head) && !self.answering.get()
    }

    /// Why it is to end, if it is.
    #[must_use]
    pub(crate) fn ending(&self) -> Option<End> {
        self.end.get()
    }

    /// Ends it: the next time that it is driven, which is now.
    pub(crate) fn end(&self, why: End) {
        if self.end.get().is_none() {
            self.end.set(Some(why));
            self.wake();
        }
    }

    /// Remembers whom to wake.
    pub(crate) fn driven_by(&self, context: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}
