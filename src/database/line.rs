//! The state of a connection, which its driver and its users share, and the state of its server.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::task::AtomicWaker;
use tokio::sync::Notify;

use super::{
    socket::Address,
    sqlstate::{Effect, SqlState},
};

/// The time for which a host that did not answer is tried after the others.
const DISTRUST: Duration = Duration::from_secs(30);

/// The time that a server has to answer a probe.
const PROBE: Duration = Duration::from_secs(2);

/// The least time between two replacements of connections that cannot write, which show if new ones can.
const SECOND_LOOK: Duration = Duration::from_secs(5);

/// The status of a session that is ready, and in no transaction.
pub(super) const IDLE: u8 = b'I';

const GOOD: u8 = 0;
const TIRED: u8 = 1;
const CUT: u8 = 2;
const ENDED: u8 = 3;

/// A server, as its connections see it.
pub(super) struct Host {
    /// The name for logs and error messages: the host and its port.
    name: String,
    /// True if only connections that can write are useful (`target_session_attrs=read-write`).
    for_writes: bool,
    /// Counts how often all connections to the host were given up. Those of an earlier generation are not
    /// used again.
    generation: AtomicU64,
    /// Counts how often a connection to the host was lost.
    doubts: AtomicU64,
    /// The time when the host last did not answer; `None` if it has answered since.
    lost: Mutex<Option<Instant>>,
    probing: AtomicBool,
    /// True if the host was a standby when it was last asked.
    standby: AtomicBool,
    looked: Mutex<Option<Instant>>,
    lines: Mutex<Vec<Weak<Line>>>,
    read_only: Arc<AtomicBool>,
}

/// A connection, as [`super::tap`] sees it.
pub(super) struct Line {
    pub(super) host: Arc<Host>,
    pub(super) address: Address,
    /// The generation of its host when it was opened.
    generation: u64,
    /// The number of its host's doubts when it was last seen to be good.
    doubts: AtomicU64,
    /// The time that an answer can take; `None` means no limit.
    pub(super) limit: Option<Duration>,
    /// The number of answers that the server owes.
    owed: AtomicU32,
    /// The number of statements that were begun, and whose end the code that began them has not seen. Such a
    /// statement can still be on its way to the driver, and so be counted as owed only a moment later.
    at_work: AtomicU32,
    /// The transaction status that the server sent last.
    status: AtomicU8,
    fate: AtomicU8,
    /// Wakes the task that moves the bytes.
    pub(super) driver: AtomicWaker,
    settled: Notify,
}

impl Line {
    pub(super) fn new(host: &Arc<Host>, address: Address, limit: Option<Duration>) -> Arc<Self> {
        let line = Arc::new(Self {
            host: Arc::clone(host),
            address,
            generation: host.generation(),
            doubts: AtomicU64::new(host.doubts()),
            limit,
            owed: AtomicU32::new(0),
            at_work: AtomicU32::new(0),
            status: AtomicU8::new(IDLE),
            fate: AtomicU8::new(GOOD),
            driver: AtomicWaker::new(),
            settled: Notify::new(),
        });
        host.add(&line);
        line
    }

    pub(super) fn begin_work(&self) {
        self.at_work.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end_work(&self) {
        self.at_work.fetch_sub(1, Ordering::Relaxed);
    }

    /// Records that nobody waits for the statements that were begun.
    pub(super) fn forget_work(&self) {
        self.at_work.store(0, Ordering::Relaxed);
    }

    /// Records that `commands` more were sent. Returns true if no answer was owed before.
    pub(super) fn asked(&self, commands: u32) -> bool {
        self.owed.fetch_add(commands, Ordering::Relaxed) == 0
    }

    /// Records that a command is done. Returns true if another answer is still owed.
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

    /// Returns true if the server waits for commands, outside of any transaction.
    pub(super) fn is_at_rest(&self) -> bool {
        !self.is_owed()
            && self.at_work.load(Ordering::Relaxed) == 0
            && self.status.load(Ordering::Relaxed) == IDLE
    }

    /// Waits until no answer is owed, or the connection has ended.
    pub(super) async fn settled(&self) {
        loop {
            let settled = self.settled.notified();
            if !self.is_owed() || self.fate.load(Ordering::Acquire) == ENDED {
                return;
            }
            settled.await;
        }
    }

    /// Records that the server sent an error. `ended` is true if it closes the connection with it.
    pub(super) fn failed(&self, code: SqlState, ended: bool) {
        match code.effect(ended) {
            Effect::Nothing => {}
            Effect::Discard => self.retire(),
            Effect::DiscardAll => self.host.turned_read_only(self.generation),
            Effect::DiscardAndDoubt => {
                self.retire();
                self.host.doubt();
            }
        }
    }

    fn retire(&self) {
        self.fate.fetch_max(TIRED, Ordering::Relaxed);
    }

    /// Ends the connection without waiting for the server.
    pub(super) fn cut(&self) {
        if self.fate.fetch_max(CUT, Ordering::Relaxed) < CUT {
            self.driver.wake();
        }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.fate.load(Ordering::Relaxed) >= CUT
    }

    /// Returns true if the connection can be used again.
    pub(super) fn is_good(&self) -> bool {
        self.fate.load(Ordering::Relaxed) == GOOD && self.generation == self.host.generation()
    }

    /// Returns true if something happened to another connection to its host that can also have happened to
    /// this one.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubts.load(Ordering::Relaxed) != self.host.doubts()
    }

    /// Records that the connection was seen to be good when its host had this number of doubts.
    pub(super) fn trust(&self, doubts: u64) {
        self.doubts.store(doubts, Ordering::Relaxed);
    }

    /// Returns true if the connection was opened before this generation of its host.
    pub(super) fn is_before(&self, generation: u64) -> bool {
        self.generation < generation
    }

    /// Records that nobody moves its bytes any more. `lost` is true if neither side closed it in good order.
    pub(super) fn ended(&self, lost: bool) {
        if self.fate.swap(ENDED, Ordering::AcqRel) < CUT && lost {
            self.host.doubt();
        }
        self.settled.notify_waiters();
    }
}

impl Host {
    pub(super) fn new(name: String, for_writes: bool, read_only: Arc<AtomicBool>) -> Self {
        Self {
            name,
            for_writes,
            generation: AtomicU64::new(0),
            doubts: AtomicU64::new(0),
            lost: Mutex::default(),
            probing: AtomicBool::new(false),
            standby: AtomicBool::new(false),
            looked: Mutex::default(),
            lines: Mutex::default(),
            read_only,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(super) fn doubts(&self) -> u64 {
        self.doubts.load(Ordering::Acquire)
    }

    /// Records that a connection was lost. The others are checked before they are used again.
    pub(super) fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn add(&self, line: &Arc<Line>) {
        let mut lines = locked(&self.lines);
        lines.retain(|line| line.strong_count() > 0);
        lines.push(Arc::downgrade(line));
    }

    pub(super) fn is_distrusted(&self) -> bool {
        locked(&self.lost).is_some_and(|lost| lost.elapsed() < DISTRUST)
    }

    /// Records that the host took a connection.
    pub(super) fn answered(&self) {
        *locked(&self.lost) = None;
    }

    /// Records that the host did not take a connection, or does not answer.
    pub(super) fn lost(&self) {
        *locked(&self.lost) = Some(Instant::now());
    }

    /// Gives up all connections of this generation: none of them is used again.
    pub(super) fn renew(&self, generation: u64) {
        let next = generation + 1;
        let _ = self.generation.compare_exchange(generation, next, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Records that a connection of this generation cannot write. All connections of the generation are given
    /// up if ones that can write are needed, or if new ones perhaps can. The connections of a standby need no
    /// replacement: they can write once it is promoted.
    pub(super) fn turned_read_only(&self, generation: u64) {
        self.tell_read_only(true);
        if self.is_standby() && !self.for_writes {
            return;
        }
        let mut looked = locked(&self.looked);
        if self.for_writes || looked.is_none_or(|looked| looked.elapsed() > SECOND_LOOK) {
            *looked = Some(Instant::now());
            self.renew(generation);
        }
    }

    /// Returns true if the host was a standby when it was last asked.
    pub(super) fn is_standby(&self) -> bool {
        self.standby.load(Ordering::Relaxed)
    }

    pub(super) fn tell_standby(&self, standby: bool) {
        self.standby.store(standby, Ordering::Relaxed);
    }

    pub(super) fn tell_read_only(&self, read_only: bool) {
        if self.read_only.swap(read_only, Ordering::Relaxed) != read_only {
            if read_only {
                tracing::warn!(host = self.name, "database: it takes no writes");
            } else {
                tracing::info!(host = self.name, "database: it takes writes again");
            }
        }
    }

    /// Asks if the server is there at all, because an answer is late; does nothing if it is already being
    /// asked. If the server does not answer, its connections are cut, so that nobody waits for them any
    /// longer.
    pub(super) fn suspect(self: &Arc<Self>, address: &Address) {
        if self.probing.swap(true, Ordering::Relaxed) {
            return;
        }
        let (host, address) = (Arc::clone(self), address.clone());
        tokio::spawn(async move {
            let generation = host.generation();
            let answer = tokio::time::timeout(PROBE, address.answers()).await;
            host.probing.store(false, Ordering::Relaxed);
            if matches!(answer, Ok(Ok(()))) {
                return;
            }
            host.lost();
            host.renew(generation);
            let lines: Vec<_> = locked(&host.lines).iter().filter_map(Weak::upgrade).collect();
            let old: Vec<_> = lines.iter().filter(|line| line.is_before(generation + 1)).collect();
            tracing::warn!(
                host = host.name,
                connections = old.len(),
                "database: no answer, its connections are given up"
            );
            old.into_iter().for_each(|line| line.cut());
        });
    }
}

/// Locks a mutex, also if a thread that held it has panicked: no data here is ever left half changed.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
