//! Listens to changes in the database. Triggers notify a channel in the transaction of each change that
//! readers can see; the payload is the [`SurrogateKeys`](crate::surrogate::SurrogateKeys) that the change
//! concerns.

use std::{
    convert::Infallible,
    pin::pin,
    time::{Duration, Instant},
};

use diesel::{sql_query, sql_types::Text};
use diesel_async::RunQueryDsl;
use tokio::sync::oneshot;

use crate::cache::{Barriers, Cache};
use crate::{
    clock::Clock,
    database::{
        Database, DatabaseUrl,
        listener::Listener,
        presence::{self, Presence},
    },
};

/// The name of the channel in the triggers.
const CHANNEL: &str = "warta";

/// The interval at which a silent connection is tested. Together with the second that Postgres has to answer,
/// this is the longest time that an instance uses its cache without hearing changes.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// The time until the next attempt to connect.
const PAUSE: Duration = Duration::from_millis(250);

/// The time until the next attempt if notifications do not arrive on the connection.
const LONG_PAUSE: Duration = Duration::from_secs(10);

/// The time in which a test notification has to arrive.
const TRIAL: Duration = Duration::from_secs(2);

/// The beginning of a test notification's payload.
const HELLO: &str = "hello ";

/// The longest time of one attempt. Reaching one of several hosts takes long if some are silent.
const ATTEMPT: Duration = Duration::from_secs(30);

/// Keeps a cache's link to the database, and finds out if the database is away. It never returns; drop the
/// future to end it.
pub async fn run(url: DatabaseUrl, database: Database, clock: Clock, cache: Cache, mut asked: Barriers) {
    let presence = cache.presence().clone();
    // However this ends: nobody hears any more.
    let _unheard = Unheard(&cache);
    let mut waiting = Vec::new();
    // At the start the database has just answered, or the program would have stopped.
    let mut first_question = presence::PATIENCE;
    loop {
        let connecting = async {
            tokio::select! {
                listener = connect(&url, &database, &clock, &presence) => listener,
                never = presence.watch(&database, first_question) => match never {},
            }
        };
        let mut listener = meanwhile(&mut asked, connecting).await;
        tracing::debug!("the response cache hears the database");
        presence.seen();
        cache.hear();
        let mut heard = Instant::now();
        let Err(error) = follow(&mut listener, &cache, &mut asked, &mut waiting, &mut heard).await;
        // Keep this order: those who wait go on only when no answer from memory is taken for current any
        // more.
        presence.doubt();
        cache.0.freshness.down(heard);
        waiting.clear();
        first_question = Duration::ZERO;
        tracing::warn!(%error, "the response cache does not hear the database: readers are answered by it alone, while it answers");
    }
}

/// Runs a future while the link is down, and drops the requests to be told about changes.
async fn meanwhile<T>(asked: &mut Barriers, something: impl Future<Output = T>) -> T {
    let mut something = pin!(something);
    loop {
        tokio::select! {
            done = &mut something => return done,
            Some(waiting) = asked.recv() => drop(waiting),
        }
    }
}

struct Unheard<'a>(&'a Cache);

impl Drop for Unheard<'_> {
    fn drop(&mut self) {
        self.0.0.freshness.down(Instant::now());
    }
}

enum Unlinked {
    Unreachable(String),
    /// Connected, but nothing arrives.
    Deaf,
}

/// Opens a connection that receives notifications, and tries until that succeeds.
async fn connect(url: &DatabaseUrl, database: &Database, clock: &Clock, presence: &Presence) -> Listener {
    loop {
        let attempt = tokio::time::timeout(ATTEMPT, attempt(url, database, clock));
        let pause = tokio::select! {
            outcome = attempt => match outcome {
                Ok(Ok(listener)) => return listener,
                Ok(Err(Unlinked::Unreachable(error))) => {
                    tracing::debug!(%error, "the response cache cannot reach the database");
                    // A standby lets nobody listen.
                    if database.is_read_only() { TRIAL } else { PAUSE }
                }
                Ok(Err(Unlinked::Deaf)) => {
                    tracing::warn!(
                        "notifications of the database do not arrive, as behind a pooler of transactions: \
                         the response cache is not used"
                    );
                    LONG_PAUSE
                }
                Err(_) => PAUSE,
            },
            // A notification sent while the database was away may never arrive: try again at once.
            () = presence.back() => continue,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = presence.back() => {}
        }
    }
}

/// Opens a connection, and tests that it receives what another connection notifies.
async fn attempt(url: &DatabaseUrl, database: &Database, clock: &Clock) -> Result<Listener, Unlinked> {
    let mut listener = Listener::open(url, database, CHANNEL).await.map_err(Unlinked::Unreachable)?;
    let hello = format!("{HELLO}{}", clock.new_id());
    notify(database, &hello).await.map_err(Unlinked::Unreachable)?;
    let heard = async {
        while listener.next().await? != hello {}
        Ok(())
    };
    match tokio::time::timeout(TRIAL, heard).await {
        Ok(Ok(())) => Ok(listener),
        Ok(Err(error)) => Err(Unlinked::Unreachable(error)),
        Err(_) => Err(Unlinked::Deaf),
    }
}

async fn notify(database: &Database, payload: &str) -> Result<(), String> {
    let mut conn = database.get().await.map_err(|error| error.to_string())?;
    let notify = sql_query("select pg_notify($1, $2)").bind::<Text, _>(CHANNEL).bind::<Text, _>(payload);
    notify.execute(&mut conn).await.map(drop).map_err(|error| error.to_string())
}

/// Listens to changes until the connection ends. The requests that still wait then are left in `waiting`, the
/// time when something was last heard in `heard`.
async fn follow(
    listener: &mut Listener,
    cache: &Cache,
    asked: &mut Barriers,
    waiting: &mut Vec<oneshot::Sender<()>>,
    heard: &mut Instant,
) -> Result<Infallible, String> {
    let freshness = &cache.0.freshness;
    let hear = |payload: &str| {
        if !payload.starts_with(HELLO) {
            freshness.changed(payload.split(' '));
        }
    };
    loop {
        tokio::select! {
            payload = listener.next() => {
                hear(&payload?);
                *heard = Instant::now();
                continue;
            }
            done = asked.recv() => waiting.extend(done),
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
        // One answer of Postgres serves all who asked before the question.
        while let Ok(done) = asked.try_recv() {
            waiting.push(done);
        }
        let question = Instant::now();
        listener.catch_up(hear).await?;
        *heard = question;
        for done in waiting.drain(..) {
            // The one who asked may be gone.
            done.send(()).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_a_link_that_is_down() {
        let (cache, mut asked) = Cache::new(1 << 20, Duration::ZERO, Presence::default());
        // Whoever asks just before it is known to be down.
        cache.0.freshness.up();
        let answered = meanwhile(&mut asked, cache.caught_up());
        assert!(tokio::time::timeout(Duration::from_secs(10), answered).await.unwrap());
    }
}
