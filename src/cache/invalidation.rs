//! How an instance hears of changes: triggers in the database notify a channel, in the transaction of each change that readers can see,
//! of the [`SurrogateKeys`](crate::surrogate::SurrogateKeys) that it concerns.

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

/// The channel, as the triggers have it.
const CHANNEL: &str = "warta";

/// How often a silent connection is asked whether it still is one. With the second that Postgres has to answer, this is how long an
/// instance may use its cache without hearing.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// How long until the next attempt to connect.
const PAUSE: Duration = Duration::from_millis(250);

/// The same where connections cannot hear.
const LONG_PAUSE: Duration = Duration::from_secs(10);

/// How long a notification may take to arrive, when it is tried whether any do.
const TRIAL: Duration = Duration::from_secs(2);

/// What the payload of a trial begins with.
const HELLO: &str = "hello ";

/// How long an attempt may take: to reach one of several hosts, of which some are silent, takes its time.
const ATTEMPT: Duration = Duration::from_secs(30);

/// Keeps a cache's link to the database, and knows whether the database is away. Never returns; drop it to end.
pub async fn run(url: DatabaseUrl, database: Database, clock: Clock, cache: Cache, mut asked: Barriers) {
    let presence = cache.presence().clone();
    // However this ends: nobody hears any more.
    let _unheard = Unheard(&cache);
    let mut waiting = Vec::new();
    // What is asked for at the start is answered, or there would be none.
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
        // In this order: whoever waited goes on once nobody is answered from memory as if nothing were amiss.
        presence.doubt();
        cache.0.freshness.down(heard);
        waiting.clear();
        first_question = Duration::ZERO;
        tracing::warn!(%error, "the response cache does not hear the database: readers are answered by it alone, while it answers");
    }
}

/// Does something while the link is down, for which nobody waits.
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

/// Opens a connection that hears, however many attempts that takes.
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
            // What was sent while nobody was there may never arrive: again, at once.
            () = presence.back() => continue,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = presence.back() => {}
        }
    }
}

/// Opens a connection that was seen to hear what another one notifies.
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

/// Hears changes until the connection ends. Who then still waits is left in `waiting`; when something was heard last, in `heard`.
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
            // Whoever asked may be gone.
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
