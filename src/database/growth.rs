//! The growth of the pool: its own tasks open connections, and ask a server that is full again.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use diesel::connection::InstrumentationEvent;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use tokio::{runtime::Handle, time::timeout};

use super::{
    LIMIT,
    connection::{Home, Session},
    line::locked,
    one_line,
    opening::{Opened, Unopened, drive},
    pool::Pool,
};

/// The time until a full server is asked for one more connection: the first is the first pause, and each next
/// one is twice as long, up to the second.
const NO_ROOM: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

/// The right to one connection of a lane. Dropping it passes it on to the next request.
struct Slot {
    pool: Weak<Pool>,
    lane: usize,
    opened: bool,
}

impl Slot {
    /// Records that there is a session of the server from now on.
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

/// A connection that is being opened. It lasts until a waiting request has the connection.
struct Opening(Arc<Pool>, usize);

impl Drop for Opening {
    fn drop(&mut self) {
        locked(&self.0.lanes[self.1].state).opening -= 1;
    }
}

/// The mark of the one task that asks a full server again and again. Dropping it ends the state.
struct Asking<'a>(&'a Pool);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        *locked(&self.0.full) = None;
    }
}

impl Pool {
    /// Opens one more connection if more requests wait than connections are being opened.
    pub(super) fn open_more(self: &Arc<Self>, lane: usize, runtime: &Handle) {
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

    /// Opens the connection of a slot, and gives it to a request that waits for it.
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

    /// Returns true if the server itself refused another connection, while those that it gave are good.
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
                let (statements, at_work) = (Arc::clone(&self.statements), Arc::clone(&line));
                conn.set_instrumentation(move |event: InstrumentationEvent<'_>| match event {
                    InstrumentationEvent::StartQuery { .. } => {
                        statements.fetch_add(1, Ordering::Relaxed);
                        at_work.begin_work();
                    }
                    InstrumentationEvent::FinishQuery { .. } => at_work.end_work(),
                    _ => {}
                });
                Arc::clone(self).put(Session { conn, line, lane, runtime: Handle::current() });
            }
            Ok(Err(error)) => self.fail(&one_line(&error)),
            Err(_) => {
                line.cut();
                self.fail("no answer");
            }
        }
    }
}
