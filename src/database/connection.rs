//! A connection on loan, and what becomes of it afterwards.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use diesel_async::{AnsiTransactionManager, AsyncPgConnection, SimpleAsyncConnection, TransactionManager};
use tokio::{runtime::Handle, time::timeout};

use super::{DatabaseUrl, line::Line};

/// How long a statement may take from whoever begins it to the driver.
const ON_THE_WAY: Duration = Duration::from_millis(5);

/// How long a statement may go on that nobody waits for any more, before it is cancelled.
const GRACE: Duration = Duration::from_millis(100);

/// How long the server may take to answer nothing.
const LOOK: Duration = Duration::from_secs(2);

/// How long it may take then to end.
const END: Duration = Duration::from_secs(3);

/// A connection of the pool.
pub(super) struct Session {
    pub(super) conn: AsyncPgConnection,
    pub(super) line: Arc<Line>,
    pub(super) lane: usize,
    /// Where its driver runs.
    pub(super) runtime: Handle,
}

/// Where a connection comes back to.
pub(super) trait Home: Send + Sync {
    /// The database.
    fn url(&self) -> &DatabaseUrl;

    fn is_closed(&self) -> bool;

    /// Lays it by, or gives it to the next one.
    fn put(self: Arc<Self>, session: Session);

    /// Throws it away.
    fn discard(&self, session: Session);

    /// What it ran is cancelled.
    fn count_cancelled(&self);
}

/// A connection on loan from the pool; dropping it gives it back.
pub struct Connection {
    /// There until it is dropped.
    session: Option<Session>,
    pool: Arc<dyn Home>,
}

impl Connection {
    pub(super) fn new(session: Session, pool: Arc<dyn Home>) -> Self {
        Self { session: Some(session), pool }
    }

    /// The server said whether it takes writes, and whether it is a standby.
    pub(super) fn heard(&self, read_only: bool, standby: bool) {
        if let Some(session) = &self.session {
            session.line.host.tell_read_only(read_only);
            session.line.host.tell_standby(standby);
        }
    }

    pub(super) fn is_doubtful(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.line.is_doubtful())
    }

    /// Whether it can be used, where something happened that makes one doubt it. Else it is not used again.
    pub(super) async fn is_sound(&mut self) -> bool {
        let Some(Session { conn, line, .. }) = &mut self.session else { return false };
        if !line.is_doubtful() {
            return true;
        }
        let doubts = line.host.doubts();
        let sound = matches!(timeout(LOOK, conn.batch_execute("")).await, Ok(Ok(())));
        if sound {
            line.trust(doubts);
        } else {
            line.cut();
        }
        sound
    }

    /// Takes it out of the loan. There is none only where that was done before.
    pub(super) fn into_session(mut self) -> Option<Session> {
        self.session.take()
    }
}

impl Deref for Connection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &Self::Target {
        match &self.session {
            Some(session) => &session.conn,
            None => unreachable!("a loan that was given back is used"),
        }
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match &mut self.session {
            Some(session) => &mut session.conn,
            None => unreachable!("a loan that was given back is used"),
        }
    }
}

impl Session {
    fn is_broken(&mut self) -> bool {
        AnsiTransactionManager::is_broken_transaction_manager(&mut self.conn)
    }

    /// Ends what runs, and gives the connection back where that leaves it as it should be.
    async fn settle(mut self, pool: Arc<dyn Home>) {
        let line = Arc::clone(&self.line);
        // What was begun in this moment is to be seen by the driver first.
        tokio::time::sleep(ON_THE_WAY).await;
        line.forget_work();
        if timeout(GRACE, line.settled()).await.is_ok() {
            if line.is_good() && line.is_at_rest() && !self.is_broken() {
                return pool.put(self);
            }
        } else {
            pool.count_cancelled();
            pool.url().cancel(&line, self.conn.cancel_token()).await;
            if timeout(END, line.settled()).await.is_err() {
                line.cut();
            }
            // Not used again: the request to cancel could still be under way, and meet the next statement.
        }
        pool.discard(self);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(mut session) = self.session.take() else { return };
        if !session.line.is_at_rest() || session.is_broken() {
            let runtime = session.runtime.clone();
            runtime.spawn(session.settle(Arc::clone(&self.pool)));
        } else if session.line.is_good() {
            Arc::clone(&self.pool).put(session);
        } else {
            self.pool.discard(session);
        }
    }
}
