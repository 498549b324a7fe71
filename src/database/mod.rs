//! The database, Postgres: the pool of connections, the migrations and the embedded server.

mod connection;
pub mod embedded;
mod growth;
mod hosts;
pub(crate) mod jsonb;
pub(crate) mod keyset;
mod line;
pub(crate) mod listener;
pub mod lock;
pub mod migrations;
mod opening;
mod pool;
pub mod presence;
pub(crate) mod slugs;
mod socket;
pub(crate) mod sql;
pub(crate) mod sqlstate;
mod tap;
mod tls;
mod url;

use std::{
    cell::Cell,
    error::Error,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use diesel::{sql_query, sql_types::Bool};

use self::pool::Pool;
pub use self::{
    connection::Connection,
    url::{DatabaseUrl, DatabaseUrlError},
};

/// The time that a request waits for a free connection.
const WAIT: Duration = Duration::from_secs(5);

/// The time that an answer can take: a little more than the server's limit for a statement. After that the
/// server counts as silent, and the connection is thrown away.
const LIMIT: Duration = Duration::from_secs(32);

/// The size of the lane that is shared by the threads without a lane of their own: workers that ask for
/// little.
const COMMON: usize = 2;

/// The settings of each session.
///
/// No statement of a request can take longer than its limit, and no transaction can sit idle for longer: both
/// would hold locks that others need. Plans are not compiled, as that takes longer than the queries
/// themselves.
///
/// The data that is often asked for is in memory, or on flash, where a random read costs little more than a
/// sequential one. Without `random_page_cost`, Postgres would read the whole of a small table for each row
/// that it looks up in it.
pub const SESSION: [(&str, &str); 4] = [
    ("statement_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("jit", "off"),
    ("random_page_cost", "1.1"),
];

/// The pool of connections. Clones share it.
///
/// A connection is driven by the thread that opened it. The pool is divided into lanes, and each thread takes
/// from its own lane first. So a worker of the HTTP server mostly uses connections that it drives itself, and
/// no statement wakes another thread.
#[derive(Clone)]
pub struct Database {
    pool: Arc<Pool>,
    /// The number of threads that have a lane.
    settled: Arc<AtomicUsize>,
}

thread_local! {
    static LANE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The state of the pool, and counts of events since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The greatest number of connections.
    pub limit: usize,
    /// The number of open connections: sessions of the server.
    pub open: usize,
    /// The number of open connections that are at work or being ended.
    pub in_use: usize,
    /// The number of open connections that are idle.
    pub idle: usize,
    /// The number of requests that wait for a connection.
    pub waiting: usize,
    /// The number of connections that were opened since the start.
    pub opened: u64,
    /// The number of failed attempts to open a connection since the start.
    pub failed: u64,
    /// The number of requests that waited in vain since the start.
    pub timeouts: u64,
    /// The number of connections that were thrown away since the start: ended by the server, silent,
    /// read-only, or left in the middle of something.
    pub discarded: u64,
    /// The number of statements that were cancelled since the start, because the client that asked had gone.
    pub cancelled: u64,
}

impl Database {
    /// Makes a pool of at most `max_connections` in one lane, and opens the first of them.
    ///
    /// # Errors
    /// Returns [`DatabaseError::Connect`] if the database cannot be reached.
    pub async fn connect(url: &DatabaseUrl, max_connections: usize) -> Result<Self, DatabaseError> {
        Self::connect_in_lanes(url, max_connections, 0).await
    }

    /// Makes a pool as [`Database::connect`] does, with own lanes for up to `threads` threads that use it
    /// much. Each such lane has two connections or more.
    ///
    /// # Errors
    /// Returns [`DatabaseError::Connect`] if the database cannot be reached.
    pub async fn connect_in_lanes(
        url: &DatabaseUrl,
        max_connections: usize,
        threads: usize,
    ) -> Result<Self, DatabaseError> {
        let own = max_connections.saturating_sub(COMMON);
        let lanes = threads.min(own / 2);
        let size = |number: usize| match number.checked_sub(1) {
            None if lanes == 0 => max_connections,
            None => COMMON,
            // The connections that are left over go to the first lanes.
            Some(number) => own / lanes + usize::from(number < own % lanes),
        };
        let session: String =
            SESSION.iter().map(|(name, value)| format!("set {name} = '{value}';")).collect();
        let pool = Arc::new(Pool::new(url.clone(), session, (0..=lanes).map(size)));
        let database = Self { pool, settled: Arc::default() };
        // A silent host takes its time, and the next one must be tried as well.
        match database.pool.get(database.lane(), LIMIT).await {
            Ok(_) => Ok(database),
            Err(error) => {
                let cause = match error {
                    PoolError::Unavailable(cause) => cause,
                    PoolError::Busy => error.to_string(),
                };
                Err(DatabaseError::Connect { target: url.to_string(), cause })
            }
        }
    }

    /// Returns a connection that no one else uses; waits at most 5 seconds for one.
    ///
    /// # Errors
    /// Returns [`PoolError`] if all connections are busy, or the database cannot be reached.
    pub async fn get(&self) -> Result<Connection, PoolError> {
        self.get_within(WAIT).await
    }

    /// Returns a connection that no one else uses; waits at most `limit` for one.
    ///
    /// # Errors
    /// Returns the same errors as [`Database::get`].
    pub async fn get_within(&self, limit: Duration) -> Result<Connection, PoolError> {
        self.pool.get(self.lane(), limit).await
    }

    /// Asks the database if it is there and takes writes. All of it ends within `limit`, also if the database
    /// is silent or no connection is free.
    ///
    /// # Errors
    /// Returns the same errors as [`Database::get`].
    pub async fn ping(&self, limit: Duration) -> Result<(), PoolError> {
        use diesel_async::RunQueryDsl;

        #[derive(diesel::QueryableByName)]
        struct State {
            #[diesel(sql_type = Bool)]
            read_only: bool,
            #[diesel(sql_type = Bool)]
            standby: bool,
        }
        let asking = async {
            let mut conn = self.get_within(limit).await?;
            let state = sql_query(opening::STATE).get_result::<State>(&mut *conn).await;
            let state = state.map_err(|error| PoolError::Unavailable(one_line(&error)))?;
            conn.heard(state.read_only, state.standby);
            Ok(())
        };
        let late = |_| Err(PoolError::Unavailable(format!("no answer in {} ms", limit.as_millis())));
        tokio::time::timeout(limit, asking).await.unwrap_or_else(late)
    }

    /// Returns true if the database takes no writes, as far as it is known.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.pool.url.hosts.is_read_only()
    }

    /// Returns the state of the pool.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.pool.counts()
    }

    /// Gives one connection back to the server, because somebody outside of the pool finds none.
    pub(crate) fn make_room(&self) {
        self.pool.make_room();
    }

    /// Gives this thread its own lane of the pool: the next one. It is for threads that use the pool much.
    pub fn settle(&self) {
        LANE.set(Some(self.settled.fetch_add(1, Ordering::Relaxed)));
    }

    fn lane(&self) -> usize {
        match (LANE.get(), self.pool.own_lanes()) {
            (None, _) | (_, 0) => 0,
            (Some(number), own) => 1 + number % own,
        }
    }

    /// Returns the number of SQL statements that this pool's connections have run. `BEGIN`, `COMMIT` and
    /// `ROLLBACK` count; the set-up of a connection does not.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.pool.statements.load(Ordering::Relaxed)
    }

    /// Closes the idle connections now, and the others when they come back. Later calls of [`Database::get`]
    /// fail.
    pub fn close(&self) {
        self.pool.close();
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts().fmt(f)
    }
}

/// The reason why no connection is available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolError {
    /// Every connection was in use for the whole time of waiting: 5 seconds, unless the caller gave another
    /// limit.
    Busy,
    /// A new connection could not be opened. The text is one line, and not for clients.
    Unavailable(String),
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("no database connection became free in time"),
            Self::Unavailable(cause) => write!(f, "the database cannot be reached: {cause}"),
        }
    }
}

impl Error for PoolError {}

/// The reason why the database cannot be used. Each is displayed as one line without secrets.
#[derive(Clone, Debug)]
pub enum DatabaseError {
    /// No connection could be opened.
    Connect {
        /// The address of the database, as [`DatabaseUrl`] displays it.
        target: String,
        /// The cause, in one line.
        cause: String,
    },
    /// The database holds a migration that this program does not know.
    Newer {
        /// The version of the unknown migration.
        version: String,
    },
    /// A migration failed, and its transaction was rolled back. The text is the cause, in one line.
    Migration(String),
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { target, cause } => {
                write!(f, "cannot connect to the database at {target}: {cause}")
            }
            Self::Newer { version } => {
                write!(
                    f,
                    "the database was migrated by a newer Warta (migration {version} is unknown to this one)"
                )
            }
            Self::Migration(cause) => write!(f, "cannot migrate the database: {cause}"),
        }
    }
}

impl Error for DatabaseError {}

/// Returns an error and its causes in one line, each said once.
fn one_line(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
