//! What is known of one connection, by its driver and by whoever uses it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::task::AtomicWaker;
use tokio::sync::Notify;

use super::{
    hosts::Host,
    socket::Address,
    sqlstate::{Effect, SqlState},
};

/// Postgres is ready, and in no transaction.
pub(super) const IDLE: u8 = b'I';

const GOOD: u8 = 0;
const TIRED: u8 = 1;
const CUT: u8 = 2;
const ENDED: u8 = 3;

/// A connection, as [`super::tap`] sees it.
pub(super) struct Line {
    pub(super) host: Arc<Host>,
    pub(super) address: Address,
    /// That of its host when it was opened.
    generation: u64,
    /// How long an answer may take.
    pub(super) limit: Option<Duration>,
    /// How many answers the server owes.
    owed: AtomicU32,
    /// What the server said last about transactions.
    status: AtomicU8,
    fate: AtomicU8,
    /// Whoever moves the bytes.
    pub(super) driver: AtomicWaker,
    settled: Notify,
}

impl Line {
    pub(super) fn new(host: &Arc<Host>, address: Address, limit: Option<Duration>) -> Arc<Self> {
        let line = Arc::new(Self {
            host: Arc::clone(host),
            address,
            generation: host.generation(),
            limit,
            owed: AtomicU32::new(0),
            status: AtomicU8::new(IDLE),
            fate: AtomicU8::new(GOOD),
            driver: AtomicWaker::new(),
            settled: Notify::new(),
        });
        host.add(&line);
        line
    }

    /// So many more commands were sent; whether none was owed before.
    pub(super) fn asked(&self, commands: u32) -> bool {
        self.owed.fetch_add(commands, Ordering::Relaxed) == 0
    }

    /// A command is done; whether an answer is owed still.
    pub(super) fn answered(&self, status: u8) -> bool {
        self.status.store(status, Ordering::Relaxed);
        let owed = self.owed.load(Ordering::Relaxed);
        self.owed.store(owed.saturating_sub(1), Ordering::Release);
        if owed <= 1 {
            self.settled.notify_waiters();
        }
        owed > 1
    }

    pub(super) fn is_owed(&self) -> bool {
        self.owed.load(Ordering::Acquire) > 0
    }

    /// Whether the server waits for commands, outside of any transaction.
    pub(super) fn is_at_rest(&self) -> bool {
        !self.is_owed() && self.status.load(Ordering::Relaxed) == IDLE
    }

    /// Returns once nothing is owed, or the connection has ended.
    pub(super) async fn settled(&self) {
        loop {
            let settled = self.settled.notified();
            if !self.is_owed() || self.fate.load(Ordering::Acquire) == ENDED {
                return;
            }
            settled.await;
        }
    }

    /// The server told an error; `ended`: it closes the connection with it.
    pub(super) fn failed(&self, code: SqlState, ended: bool) {
        match code.effect(ended) {
            Effect::Nothing => {}
            Effect::Discard => self.retire(),
            Effect::DiscardAll if code == SqlState::READ_ONLY => self.host.turned_read_only(self.generation),
            Effect::DiscardAll => self.host.renew(self.generation),
        }
    }

    fn retire(&self) {
        self.fate.fetch_max(TIRED, Ordering::Relaxed);
    }

    /// Ends it without waiting for the server.
    pub(super) fn cut(&self) {
        if self.fate.fetch_max(CUT, Ordering::Relaxed) < CUT {
            self.driver.wake();
        }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.fate.load(Ordering::Relaxed) >= CUT
    }

    /// Whether it may be used again.
    pub(super) fn is_good(&self) -> bool {
        self.fate.load(Ordering::Relaxed) == GOOD && self.generation == self.host.generation()
    }

    /// Whether it is older than what made its host throw its connections away.
    pub(super) fn is_before(&self, generation: u64) -> bool {
        self.generation < generation
    }

    /// Nobody moves its bytes any more. `lost`: neither side closed it in good order.
    pub(super) fn ended(&self, lost: bool) {
        if self.fate.swap(ENDED, Ordering::AcqRel) < CUT && lost {
            self.host.renew(self.generation);
        }
        self.settled.notify_waiters();
    }
}
