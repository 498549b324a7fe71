//! Keeps track of whether the database can be reached, as far as an instance knows.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::sync::watch;

use super::Database;

/// The time that the database has to answer a query that needs no work.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// The time until a database that is away is asked again.
const PAUSE: Duration = Duration::from_millis(250);

/// The time until a database that is there is asked again.
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// The state of the database, as far as an instance knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// The database answered when it was last asked.
    There,
    /// Something that depends on the database broke; the database is being asked.
    Unsure,
    /// The database did not answer when it was last asked.
    Away,
}

/// Knows whether the database can be reached. Clones share what is known.
#[derive(Clone, Debug)]
pub struct Presence(Arc<watch::Sender<Sight>>);

impl Default for Presence {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Sight::There)))
    }
}

impl Presence {
    /// Returns true if the database is known to be away.
    #[must_use]
    pub fn is_away(&self) -> bool {
        *self.0.borrow() == Sight::Away
    }

    /// Waits until the database is known to be away.
    pub async fn away(&self) {
        self.wait(|sight| sight == Sight::Away).await;
    }

    /// Waits until the database is away, and then until it is back.
    pub async fn back(&self) {
        self.away().await;
        self.wait(|sight| sight == Sight::There).await;
    }

    /// Waits, for a second at most, until it is known if the database is there. Returns true if it is there.
    pub async fn settled(&self) -> bool {
        let known = tokio::time::timeout(PATIENCE, self.wait(|sight| sight != Sight::Unsure)).await;
        known.is_ok() && !self.is_away()
    }

    /// Waits, for little more than a second at most, until the database is there. Returns true if it is
    /// there. A database that is known to be away is asked again meanwhile.
    pub async fn is_there_soon(&self) -> bool {
        tokio::time::timeout(PATIENCE + PAUSE, self.wait(|sight| sight == Sight::There)).await.is_ok()
    }

    async fn wait(&self, until: impl Fn(Sight) -> bool) {
        // The wait cannot fail: the sender is ours.
        let _ = self.0.subscribe().wait_for(|sight| until(*sight)).await;
    }

    /// Records that the database answered.
    pub fn seen(&self) {
        if self.set(Sight::There) == Sight::Away {
            tracing::info!("the database answers again");
        }
    }

    /// Records that the database is perhaps away. The caller then goes on to [`watch`](Self::watch).
    pub fn doubt(&self) {
        self.set(Sight::Unsure);
    }

    /// Records that the database did not answer.
    pub fn missed(&self) {
        if self.set(Sight::Away) != Sight::Away {
            tracing::error!("the database cannot be reached");
        }
    }

    /// Records `sight`, and returns what was known before.
    fn set(&self, sight: Sight) -> Sight {
        let mut before = sight;
        self.0.send_if_modified(|known| {
            before = std::mem::replace(known, sight);
            before != sight
        });
        before
    }

    /// Waits for `after`, and then asks the database again and again. It never returns; drop the future to
    /// end it.
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
