//! Whether the database can be reached, as far as an instance knows.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::sync::watch;

use super::Database;

/// How long the database may take to answer what takes it no time.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// How long until a database that is away is asked again.
const PAUSE: Duration = Duration::from_millis(250);

/// The same of one that is there.
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// What is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// It answered when it was asked last.
    There,
    /// Something that depends on it broke; it is being asked.
    Unsure,
    /// It did not answer when it was asked last.
    Away,
}

/// Whether the database can be reached. Clones share what is known.
#[derive(Clone, Debug)]
pub struct Presence(Arc<watch::Sender<Sight>>);

impl Default for Presence {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Sight::There)))
    }
}

impl Presence {
    /// Whether it is known to be away.
    #[must_use]
    pub fn is_away(&self) -> bool {
        *self.0.borrow() == Sight::Away
    }

    /// Waits until it is known to be away.
    pub async fn away(&self) {
        self.wait(|sight| sight == Sight::Away).await;
    }

    /// Waits until it is back, after it was away.
    pub async fn back(&self) {
        self.away().await;
        self.wait(|sight| sight == Sight::There).await;
    }

    /// Waits, for a moment at most, until it is known whether it is there; whether it is.
    pub async fn settled(&self) -> bool {
        let known = tokio::time::timeout(PATIENCE, self.wait(|sight| sight != Sight::Unsure)).await;
        known.is_ok() && !self.is_away()
    }

    /// Waits, for a moment at most, until it is there; whether it is. One that is known to be away is asked again meanwhile.
    pub async fn is_there_soon(&self) -> bool {
        tokio::time::timeout(PATIENCE + PAUSE, self.wait(|sight| sight == Sight::There)).await.is_ok()
    }

    async fn wait(&self, until: impl Fn(Sight) -> bool) {
        // It cannot end: the sender is ours.
        let _ = self.0.subscribe().wait_for(|sight| until(*sight)).await;
    }

    /// It answered.
    pub fn seen(&self) {
        if self.set(Sight::There) == Sight::Away {
            tracing::info!("the database answers again");
        }
    }

    /// It may be away: whoever calls this goes on to [`watch`](Self::watch).
    pub fn doubt(&self) {
        self.set(Sight::Unsure);
    }

    /// It did not answer.
    pub fn missed(&self) {
        if self.set(Sight::Away) != Sight::Away {
            tracing::error!("the database cannot be reached");
        }
    }

    /// What was known before.
    fn set(&self, sight: Sight) -> Sight {
        let mut before = sight;
        self.0.send_if_modified(|known| {
            before = std::mem::replace(known, sight);
            before != sight
        });
        before
    }

    /// Asks the database again and again, from after a while on. Never returns; drop it to end.
    pub async fn watch(&self, database: &Database, after: Duration) -> Infallible {
        tokio::time::sleep(after).await;
        loop {
            let pause = if database.ping(PATIENCE).await.is_ok() {
                self.seen();
                LONG_PAUSE
            } else {
                self.missed();
                PAUSE
            };
            tokio::time::sleep(pause).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn soon<T>(something: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(10), something).await.unwrap()
    }

    #[tokio::test]
    async fn who_waits_for_it_learns_of_each_change() {
        let presence = Presence::default();
        assert!(!presence.is_away() && soon(presence.settled()).await);
        presence.doubt();
        assert!(!presence.is_away());
        let (there, ()) = soon(async { tokio::join!(presence.settled(), async { presence.missed() }) }).await;
        assert!(!there && presence.is_away());
        soon(presence.away()).await;
        soon(async { tokio::join!(presence.back(), async { presence.seen() }) }).await;
        assert!(!presence.is_away());
    }

    #[tokio::test]
    async fn nobody_waits_for_ever_for_what_is_not_known() {
        let presence = Presence::default();
        presence.doubt();
        assert!(!soon(presence.settled()).await);
    }
}
