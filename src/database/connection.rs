//! A connection on loan from the pool, and its check when it comes back.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use diesel_async::{AnsiTransactionManager, AsyncPgConnection, SimpleAsyncConnection, TransactionManager};
use tokio::{runtime::Handle, time::timeout};

use super::{DatabaseUrl, line::Line};

/// The time that a statement can take from the code that begins it to the driver.
const ON_THE_WAY: Duration = Duration::from_millis(5);

/// The time that a statement can go on after nobody waits for it any more. Then it is cancelled.
const GRACE: Duration = Duration::from_millis(100);

/// The time that the server has to answer an empty command.
const LOOK: Duration = Duration::from_secs(2);

/// The time that a cancelled statement has to end.
const END: Duration = Duration::from_secs(3);

/// A connection of the pool.
pub(super) struct Session {
    pub(super) conn: AsyncPgConnection,
    pub(super) line: Arc<Line>,
    pub(super) lane: usize,
    /// The runtime on which its driver runs.
    pub(super) runtime: Handle,
}

/// The place that a connection comes back to.
pub(super) trait Home: Send + Sync {
    /// Returns the URL of the database, for requests to cancel.
    fn url(&self) -> &DatabaseUrl;

    fn is_closed(&self) -> bool;

    /// Keeps the connection as idle, or gives it to the next request.
    fn put(self: Arc<Self>, session: Session);

    /// Throws the connection away.
    fn discard(&self, session: Session);

    /// Counts a connection whose statement is cancelled.
    fn count_cancelled(&self);
}

/// A connection on loan from the pool; dropping it gives it back.
pub struct Connection {
    /// Always `Some` until the loan is dropped.
    session: Option<Session>,
    pool: Arc<dyn Home>,
}

impl Connection {
    pub(super) fn new(session: Session, pool: Arc<dyn Home>) -> Self {
        Self { session: Some(session), pool }
    }

    /// Records what the server said: if it refuses writes, and if it is a standby.
    pub(super) fn heard(&self, read_only: bool, standby: bool) {
        if let Some(session) = &self.session {
            session.line.host.tell_read_only(read_only);
            session.line.host.tell_standby(standby);
        }
    }

    pub(super) fn is_doubtful(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.line.is_doubtful())
    }

    /// Returns true if the connection can be used. One that is in doubt is asked first; if it fails, it is
    /// not used again.
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

    /// Takes the session out of the loan. It is `None` only if that was done before.
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

    /// Waits for or cancels what still runs. Gives the connection back if it is clean then, and throws it
    /// away otherwise.
    async fn settle(mut self, pool: Arc<dyn Home>) {
        let line = Arc::clone(&self.line);
        // The driver must first see what was begun in this moment.
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
            // Not used again: the request to cancel can still be under way, and hit the next statement.
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
