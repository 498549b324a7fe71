//! Postgres: the pool, the migrations and the embedded server.

pub mod embedded;
pub mod fragment;
pub mod jsonb;
pub mod listener;
pub mod lock;
pub mod migrations;
mod tls;
mod url;

use std::{
    cell::Cell,
    error::Error,
    fmt,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use diesel::{ConnectionError, ConnectionResult, connection::InstrumentationEvent};
use diesel_async::{
    AsyncConnection, AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool},
};
use futures::FutureExt;

pub use self::url::{DatabaseUrl, DatabaseUrlError};

/// A connection on loan from the pool; dropping it gives it back.
pub type Connection = deadpool::Object<AsyncPgConnection>;

/// How long a request waits for a free connection.
const WAIT: Duration = Duration::from_secs(5);

/// How long it waits for one of its own lane, before it looks for one that is idle in another lane, again and again.
const PATIENCE: Duration = Duration::from_millis(20);

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
    /// First the one of all threads that have none of their own.
    lanes: Arc<[Lane]>,
    /// How many threads have a lane.
    settled: Arc<AtomicUsize>,
    statements: Arc<AtomicU64>,
}

type Lane = deadpool::Pool<AsyncPgConnection>;

thread_local! {
    static LANE: Cell<Option<usize>> = const { Cell::new(None) };
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
        let statements = Arc::new(AtomicU64::new(0));
        let own = max_connections.saturating_sub(COMMON);
        let lanes = threads.min(own / 2);
        let failed = |cause: String| DatabaseError::Connect { target: url.to_string(), cause };
        let lane = |number: usize| {
            let mut config = ManagerConfig::default();
            // A connection that is closed, or was left inside a transaction, is thrown away without asking the server.
            config.recycling_method = RecyclingMethod::Fast;
            let (target, counter) = (url.clone(), Arc::clone(&statements));
            config.custom_setup = Box::new(move |_| open(target.clone(), Arc::clone(&counter)).boxed());
            let manager = AsyncDieselConnectionManager::new_with_config("", config);
            let size = match number.checked_sub(1) {
                None if lanes == 0 => max_connections,
                None => COMMON,
                // Those that are left over go to the first lanes.
                Some(number) => own / lanes + usize::from(number < own % lanes),
            };
            deadpool::Pool::builder(manager).max_size(size).build().map_err(|error| failed(one_line(&error)))
        };
        let lanes = (0..=lanes).map(lane).collect::<Result<_, _>>()?;
        let pool = Self { lanes, settled: Arc::default(), statements };
        match pool.own_lane().get().await {
            Ok(connection) => drop(connection),
            Err(error) => return Err(failed(one_line(&error))),
        }
        Ok(pool)
    }

    /// A connection that no one else uses; waits at most 5 seconds for one.
    ///
    /// # Errors
    /// [`PoolError`]: all are busy, or the database cannot be reached.
    pub async fn get(&self) -> Result<Connection, PoolError> {
        tokio::time::timeout(WAIT, self.wait()).await.unwrap_or(Err(PoolError::Busy))
    }

    async fn wait(&self) -> Result<Connection, PoolError> {
        let mut own = pin!(self.own_lane().get());
        loop {
            if let Ok(found) = tokio::time::timeout(PATIENCE, &mut own).await {
                return found.map_err(|error| PoolError::Unavailable(one_line(&error)));
            }
            // Only those that are there: one that was opened here would stay in that lane, and be driven by this thread.
            for lane in self.lanes.iter().filter(|lane| lane.status().available > 0) {
                let mut at_once = lane.timeouts();
                at_once.wait = Some(Duration::ZERO);
                if let Ok(connection) = lane.timeout_get(&at_once).await {
                    return Ok(connection);
                }
            }
        }
    }

    /// Gives this thread, which is going to use the pool much, the next lane.
    pub fn settle(&self) {
        LANE.set(Some(self.settled.fetch_add(1, Ordering::Relaxed)));
    }

    fn own_lane(&self) -> &Lane {
        let own = &self.lanes[1..];
        match LANE.get() {
            Some(number) if !own.is_empty() => &own[number % own.len()],
            _ => &self.lanes[0],
        }
    }

    /// How many SQL statements this pool's connections have run. `BEGIN`, `COMMIT` and `ROLLBACK` count, the set-up of a
    /// connection does not.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Closes the idle connections now and the others when they come back. Later calls of [`Database::get`] fail.
    pub fn close(&self) {
        self.lanes.iter().for_each(Lane::close);
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lanes.iter().map(Lane::status)).finish()
    }
}

async fn open(url: DatabaseUrl, statements: Arc<AtomicU64>) -> ConnectionResult<AsyncPgConnection> {
    let mut connection = url.establish().await?;
    let settings: String = SESSION.iter().map(|(name, value)| format!("set {name} = '{value}';")).collect();
    connection.batch_execute(&settings).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { .. } = event {
            statements.fetch_add(1, Ordering::Relaxed);
        }
    });
    Ok(connection)
}

/// Why there is no connection to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolError {
    /// Every connection was in use for 5 seconds.
    Busy,
    /// A new connection could not be opened: one line, not for clients.
    Unavailable(String),
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => write!(f, "no database connection became free in {} s", WAIT.as_secs()),
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
