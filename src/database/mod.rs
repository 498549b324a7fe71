//! Postgres: the pool, the migrations and the embedded server.

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

/// How long a request waits for a free connection.
const WAIT: Duration = Duration::from_secs(5);

/// How long an answer may take: a little more than the server lets a statement take. Whoever waits longer waits for a server that is
/// silent, and its connection is thrown away.
const LIMIT: Duration = Duration::from_secs(32);

/// How many connections the lane of the threads has that have none of their own: workers that ask for little.
const COMMON: usize = 2;

/// How each session is set.
///
/// No statement of a request may take longer, and no transaction may sit idle: both would hold locks of others. No plan is compiled,
/// which takes longer than what it is for.
///
/// What is asked for again and again is in memory, or on flash, where to read here and there costs little more than to read on. Else
/// Postgres reads the whole of a small table for each row that it looks up in it.
pub const SESSION: [(&str, &str); 4] = [
    ("statement_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("jit", "off"),
    ("random_page_cost", "1.1"),
];

/// The pool of connections. Clones share it.
///
/// A connection is driven by the thread that opened it. The pool is in lanes, and each thread takes from its own lane first: so a
/// worker of the HTTP server mostly works with connections that it drives itself, and no statement wakes another thread.
#[derive(Clone)]
pub struct Database {
    pool: Arc<Pool>,
    /// How many threads have a lane.
    settled: Arc<AtomicUsize>,
}

thread_local! {
    static LANE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// How the pool is, and what became of its connections since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many connections there may be.
    pub limit: usize,
    /// How many there are: sessions of the server.
    pub open: usize,
    /// How many of them are at work, or are being ended.
    pub in_use: usize,
    /// How many of them wait for work.
    pub idle: usize,
    /// How many requests wait for one.
    pub waiting: usize,
    /// How many were opened.
    pub opened: u64,
    /// How many could not be opened.
    pub failed: u64,
    /// How many requests waited in vain.
    pub timeouts: u64,
    /// How many were thrown away: ended by the server, silent, read-only, or left in the middle of something.
    pub discarded: u64,
    /// How many statements were cancelled, since whoever asked was gone.
    pub cancelled: u64,
}

impl Database {
    /// Makes a pool of at most `max_connections` in one lane, and opens the first of them.
    ///
    /// # Errors
    /// [`DatabaseError::Connect`] when the database cannot be reached.
    pub async fn connect(url: &DatabaseUrl, max_connections: usize) -> Result<Self, DatabaseError> {
        Self::connect_in_lanes(url, max_connections, 0).await
    }

    /// The same with lanes of two connections or more for up to so many threads that use it much.
    ///
    /// # Errors
    /// [`DatabaseError::Connect`] when the database cannot be reached.
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
            // Those that are left over go to the first lanes.
            Some(number) => own / lanes + usize::from(number < own % lanes),
        };
        let session: String =
            SESSION.iter().map(|(name, value)| format!("set {name} = '{value}';")).collect();
        let pool = Arc::new(Pool::new(url.clone(), session, (0..=lanes).map(size)));
        let database = Self { pool, settled: Arc::default() };
        // A host that is silent takes its time, and the next one is to be tried as well.
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

    /// A connection that no one else uses; waits at most 5 seconds for one.
    ///
    /// # Errors
    /// [`PoolError`]: all are busy, or the database cannot be reached.
    pub async fn get(&self) -> Result<Connection, PoolError> {
        self.get_within(WAIT).await
    }

    /// The same, with less or more patience.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub async fn get_within(&self, limit: Duration) -> Result<Connection, PoolError> {
        self.pool.get(self.lane(), limit).await
    }

    /// Asks the database whether it is there, and takes writes: all of it within `limit`, also where it is silent or no connection is
    /// free.
    ///
    /// # Errors
    /// As [`Database::get`].
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

    /// Whether the last that was heard of the database is that it takes no writes.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.pool.url.hosts.is_read_only()
    }

    /// How the pool is.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.pool.counts()
    }

    /// Gives one connection back to the server, where somebody outside of the pool finds none.
    pub(crate) fn make_room(&self) {
        self.pool.make_room();
    }

    /// Gives this thread, which is going to use the pool much, the next lane.
    pub fn settle(&self) {
        LANE.set(Some(self.settled.fetch_add(1, Ordering::Relaxed)));
    }

    fn lane(&self) -> usize {
        match (LANE.get(), self.pool.own_lanes()) {
            (None, _) | (_, 0) => 0,
            (Some(number), own) => 1 + number % own,
        }
    }

    /// How many SQL statements this pool's connections have run. `BEGIN`, `COMMIT` and `ROLLBACK` count, the set-up of a
    /// connection does not.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.pool.statements.load(Ordering::Relaxed)
    }

    /// Closes the idle connections now and the others when they come back. Later calls of [`Database::get`] fail.
    pub fn close(&self) {
        self.pool.close();
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts().fmt(f)
    }
}

/// Why there is no connection to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolError {
    /// Every connection was in use, for 5 seconds where nothing else was asked for.
    Busy,
    /// A new connection could not be opened: one line, not for clients.
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

/// Why the database cannot be used. Each is one line without secrets.
#[derive(Clone, Debug)]
pub enum DatabaseError {
    /// No connection could be opened.
    Connect {
        /// Where to, as [`DatabaseUrl`] displays itself.
        target: String,
        /// What went wrong, in one line.
        cause: String,
    },
    /// The database holds a migration that this program does not know.
    Newer {
        /// The unknown migration's version.
        version: String,
    },
    /// A migration failed; its transaction was rolled back.
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

/// An error and its causes in one line, each said once.
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
