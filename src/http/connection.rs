//! The state of one client's connection: its phase, since when it lasts, and how much the client can still
//! send.
//!
//! A connection is served by one thread. The stream below HTTP ([`crate::app::connections`]) moves its bytes
//! and keeps this state; the reader of a request's body tells this state that there is room for more.

use std::{
    cell::{Cell, RefCell},
    net::IpAddr,
    task::{Context, Waker},
};

/// The bytes of a head, and of what follows it, that can arrive before the request is served. It is more than
/// the largest head that is accepted (8 KiB of target and 32 KiB of headers), so that a head which is too
/// large gets the usual answer.
pub(crate) const HEAD_ROOM: usize = 64 * 1024;

/// The bytes that can arrive before the body of a request is read, or before its answer is sent.
pub(crate) const READ_AHEAD: usize = 32 * 1024;

/// The phase of a connection.
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

/// The reason why the server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// No further request arrived.
    Idle,
    /// The head of a request did not arrive in time.
    SlowHead,
    /// The head of a request has more bytes than a head can have.
    LargeHead,
    /// The client does not take its answer, or takes it too slowly.
    SlowReader,
    /// Others need the room, and this connection has waited longest for its client.
    Crowded,
}

/// Seconds since the thread began, as its clock ticks: exact enough for time-outs, and free to read.
pub(crate) type Tick = u32;

/// A connection that cannot hand its bytes to the client at present.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocked {
    /// The time since when the client takes nothing, or the time of the last look at its rate.
    pub since: Tick,
    /// The number of bytes that the client had taken by then.
    pub written: u64,
}

/// The length of a request's body, as far as its head tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The number of bytes; 0 without a body.
    Bytes(u64),
    /// A body in chunks, whose length nobody knows.
    Chunks,
}

/// The state of a connection.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The address or network that the connection counts for; `None` if it is exempt from the limit for each
    /// address.
    pub network: Option<IpAddr>,
    phase: Cell<Phase>,
    since: Cell<Tick>,
    room: Cell<usize>,
    starved: Cell<bool>,
    /// The part of the present request's body that has not arrived.
    expected: Cell<Expected>,
    /// Set while the HTTP server has a whole head that it has not looked at.
    has_head: Cell<bool>,
    /// Set if nothing that arrives from now on is of any use.
    is_over: Cell<bool>,
    /// Set while bytes of the next request have arrived early.
    is_ahead: Cell<bool>,
    written: Cell<u64>,
    blocked: Cell<Option<Blocked>>,
    /// Set while bytes of an answer are perhaps not handed to the kernel yet.
    answering: Cell<bool>,
    end: Cell<Option<End>>,
    waker: RefCell<Option<Waker>>,
}

impl Connection {
    /// Creates the state of a connection that was just accepted.
    #[must_use]
    pub(crate) fn new(network: Option<IpAddr>, now: Tick) -> Self {
        Self {
            network,
            // A client that connects is going to send a request, so its first bytes have the time of a head.
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

    /// Returns the present phase.
    #[must_use]
    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Returns the time since when the present phase lasts.
    #[must_use]
    pub(crate) fn since(&self) -> Tick {
        self.since.get()
    }

    fn enter(&self, phase: Phase, now: Tick) {
        self.phase.set(phase);
        self.since.set(now);
    }

    /// Notes that the head of a request has arrived, and the length of the body.
    pub(crate) fn begin_request(&self, expected: Expected, now: Tick) {
        self.enter(Phase::Request, now);
        self.expected.set(expected);
        self.has_head.set(false);
        self.room.set(READ_AHEAD);
        self.feed();
        // The body, or a part of it, may have come with the head. Then nothing else may come that wakes the
        // task.
        if self.is_ahead.get() {
            self.wake();
        }
    }

    /// Notes that the answer is there, and begins to be sent.
    pub(crate) fn begin_answer(&self, now: Tick) {
        self.enter(Phase::Answer, now);
        self.answering.set(true);
    }

    /// Notes that all of the answer was handed to the HTTP server. The next request can come, unless chunks
    /// were not read: then nobody knows where it would begin.
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

    /// Returns the number of bytes of the present request that have not arrived; `None` if nobody knows.
    #[must_use]
    pub(crate) fn expected(&self) -> Option<u64> {
        match self.expected.get() {
            Expected::Bytes(bytes) => Some(bytes),
            Expected::Chunks => None,
        }
    }

    /// Notes that the body of the present request was read to its end.
    pub(crate) fn end_body(&self) {
        self.expected.set(Expected::Bytes(0));
    }

    /// Returns `true` if nothing more is read from the connection.
    #[must_use]
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Notes that the HTTP server was given the end of a head.
    pub(crate) fn give_head(&self) {
        self.has_head.set(true);
    }

    /// Returns `true` if the bytes that arrive now come after a head or a body that is whole already.
    #[must_use]
    pub(crate) fn is_behind_request(&self) -> bool {
        match self.phase.get() {
            Phase::Idle | Phase::Head => self.has_head.get(),
            Phase::Request | Phase::Answer => self.expected.get() == Expected::Bytes(0),
        }
    }

    /// Notes if bytes of the next request have arrived early.
    pub(crate) fn set_ahead(&self, is_ahead: bool) {
        self.is_ahead.set(is_ahead);
    }

    /// Returns the number of bytes that can be read from the client now.
    #[must_use]
    pub(crate) fn room(&self) -> usize {
        self.room.get()
    }

    /// Notes that the reader of the body has taken this many bytes of it.
    pub(crate) fn make_room(&self, bytes: usize) {
        self.room.set((self.room.get() + bytes).min(HEAD_ROOM));
        self.feed();
    }

    fn feed(&self) {
        if self.starved.take() {
            self.wake();
        }
    }

    /// Notes that nothing is read before there is room. Returns `true` if that was known.
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

    /// Returns the number of bytes that the client has taken.
    #[must_use]
    pub(crate) fn written(&self) -> u64 {
        self.written.get()
    }

    /// Returns since when the client takes nothing, if there is something to take.
    #[must_use]
    pub(crate) fn blocked(&self) -> Option<Blocked> {
        self.blocked.get()
    }

    /// Notes that the client takes no more at present. Returns `true` if that is new.
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

    /// Notes that the client has taken everything. Returns `true` if the client was blocked before.
    pub(crate) fn unblock(&self) -> bool {
        self.answering.set(false);
        self.blocked.take().is_some()
    }

    /// Returns `true` if the bytes that are written now belong to no answer of the application: the HTTP
    /// server writes them by itself.
    #[must_use]
    pub(crate) fn is_between_requests(&self) -> bool {
        matches!(self.phase.get(), Phase::Idle | Phase::Head) && !self.answering.get()
    }

    /// Returns the reason why the connection is to end, if it is.
    #[must_use]
    pub(crate) fn ending(&self) -> Option<End> {
        self.end.get()
    }

    /// Ends the connection the next time that it is driven, and wakes it for that.
    pub(crate) fn end(&self, why: End) {
        if self.end.get().is_none() {
            self.end.set(Some(why));
            self.wake();
        }
    }

    /// Remembers the task to wake.
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
