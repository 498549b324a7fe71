//! The watch over the connections of one thread: it looks at them each second, and ends those that take too
//! long.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::Duration,
};

use actix_web::web::Data;

use super::{ANSWER_RATE, ANSWER_SECONDS, BLOCKED_BYTES, Connections, HEAD_SECONDS, KEEP_ALIVE_SECONDS};
use crate::{
    app::settings::Settings,
    clock::Clock,
    http::connection::{Connection, End, Phase, Tick},
};

/// The interval at which the connections are looked at, which is also the precision of their times.
const TICK: Duration = Duration::from_secs(1);

/// The connections of one thread.
pub(crate) struct Watch {
    /// The counts and limits that all threads share.
    pub connections: Connections,
    /// The settings that decide the headers of every answer.
    pub settings: Data<Settings>,
    /// The source of the ids of answers.
    pub clock: Clock,
    now: Cell<Tick>,
    watched: RefCell<Vec<Weak<Connection>>>,
}

impl Watch {
    /// Begins to watch, on this thread's runtime, for as long as that lives.
    #[must_use]
    pub(crate) fn start(connections: Connections, settings: Data<Settings>, clock: Clock) -> Rc<Self> {
        let watched = RefCell::default();
        let watch = Rc::new(Self { connections, settings, clock, now: Cell::new(0), watched });
        let watching = Rc::downgrade(&watch);
        actix_web::rt::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            ticks.tick().await;
            loop {
                let Some(shared) = watching.upgrade().map(|watch| watch.connections.clone()) else { return };
                let ticked = tokio::select! {
                    _ = ticks.tick() => true,
                    () = shared.0.look.notified() => false,
                };
                let Some(watch) = watching.upgrade() else { return };
                if ticked {
                    watch.now.set(watch.now.get() + 1);
                    watch.look();
                }
                watch.relieve();
            }
        });
        watch
    }

    /// Returns the time in ticks since the watch began.
    #[must_use]
    pub(crate) fn now(&self) -> Tick {
        self.now.get()
    }

    /// Begins to watch another connection.
    pub(crate) fn add(&self, connection: &Rc<Connection>) {
        self.watched.borrow_mut().push(Rc::downgrade(connection));
    }

    /// Ends the connections that take too long.
    fn look(&self) {
        let now = self.now.get();
        self.watched.borrow_mut().retain(|watched| {
            let Some(connection) = watched.upgrade() else { return false };
            if let Some(why) = judge(&connection, now) {
                self.end(&connection, why);
            }
            true
        });
    }

    fn end(&self, connection: &Connection, why: End) {
        self.connections.count_end(why);
        connection.end(why);
    }

    /// Ends the slowest readers of this thread while more bytes wait for clients than allowed.
    pub(crate) fn relieve(&self) {
        let mut excess = self.connections.excess();
        while excess > 0 {
            let Some(slowest) = self.slowest(|connection| Some(connection.blocked()?.since)) else { return };
            self.end(&slowest, End::SlowReader);
            excess = excess.saturating_sub(BLOCKED_BYTES);
        }
    }

    /// Ends the connection of this thread that has waited longest for its client. Returns `false` if there is
    /// none.
    pub(crate) fn make_room(&self) -> bool {
        let waits = |connection: &Connection| match connection.phase() {
            Phase::Idle | Phase::Head => Some(connection.since()),
            Phase::Request | Phase::Answer => Some(connection.blocked()?.since),
        };
        let Some(slowest) = self.slowest(waits) else { return false };
        self.end(&slowest, End::Crowded);
        true
    }

    /// Returns the connection for which `since` has the earliest time.
    fn slowest(&self, since: impl Fn(&Connection) -> Option<Tick>) -> Option<Rc<Connection>> {
        let watched = self.watched.borrow();
        let lasting = watched.iter().filter_map(Weak::upgrade).filter(|one| one.ending().is_none());
        let waiting = lasting.filter_map(|connection| Some((since(&connection)?, connection)));
        waiting.min_by_key(|(since, _)| *since).map(|(_, connection)| connection)
    }
}

/// Returns the reason if a connection has to end.
fn judge(connection: &Connection, now: Tick) -> Option<End> {
    if connection.ending().is_some() {
        return None;
    }
    if let Some(blocked) = connection.blocked()
        && now - blocked.since >= ANSWER_SECONDS
    {
        let taken = connection.written() - blocked.written;
        if taken < ANSWER_RATE * u64::from(now - blocked.since) {
            return Some(End::SlowReader);
        }
        connection.measure_again(now);
    }
    let waited = now - connection.since();
    match connection.phase() {
        Phase::Head if waited > HEAD_SECONDS => Some(End::SlowHead),
        // The HTTP server ends it before, unless a part of the next head came with the last request.
        Phase::Idle if waited > KEEP_ALIVE_SECONDS + HEAD_SECONDS => Some(End::Idle),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::connection::Expected;

    #[test]
    fn a_head_has_its_time_each_time() {
        let connection = Connection::new(None, 0);
        assert_eq!(judge(&connection, HEAD_SECONDS), None);
        assert_eq!(judge(&connection, HEAD_SECONDS + 1), Some(End::SlowHead));
        connection.begin_request(Expected::Bytes(0), 5);
        assert_eq!(judge(&connection, 1000), None);
        connection.begin_answer(1000);
        connection.end_answer(1000);
        assert_eq!(judge(&connection, 1000 + KEEP_ALIVE_SECONDS + HEAD_SECONDS), None);
        connection.received(1, 1003);
        // What drips in does not move the end.
        connection.received(1, 1003 + HEAD_SECONDS);
        assert_eq!(judge(&connection, 1003 + HEAD_SECONDS), None);
        assert_eq!(judge(&connection, 1004 + HEAD_SECONDS), Some(End::SlowHead));
    }

    #[test]
    fn an_answer_may_take_as_long_as_its_client_takes_bytes_at_the_rate() {
        let connection = Connection::new(None, 0);
        connection.begin_request(Expected::Bytes(0), 0);
        connection.begin_answer(0);
        assert!(connection.block(0));
        let window = ANSWER_RATE * u64::from(ANSWER_SECONDS);
        for round in 1..100 {
            connection.sent(usize::try_from(window).unwrap());
            assert_eq!(judge(&connection, round * ANSWER_SECONDS), None);
        }
        connection.sent(usize::try_from(window - 1).unwrap());
        assert_eq!(judge(&connection, 100 * ANSWER_SECONDS), Some(End::SlowReader));
        connection.unblock();
        assert_eq!(judge(&connection, 200 * ANSWER_SECONDS), None);
    }
}
