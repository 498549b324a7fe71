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
    fmt, iter,
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

/// No statement of a request may take longer, and no transaction may sit idle: both would hold locks of others. Nor is a plan compiled,
/// which takes longer than what it is for: a plan for all values is thought to cost what the worst of them would.
const LIMITS: &str =
    "SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '30s'; SET jit = off";

/// The pool of connections. Clones share it.
///
/// A connection is driven by the thread that opened it. The pool is in lanes, and each thread takes from its own lane first: so a
/// worker of the HTTP server mostly works with connections that it drives itself, and no statement wakes another thread.
#[derive(Clone)]
pub struct Database {
    lanes: Arc<[deadpool::Pool<AsyncPgConnection>]>,
    /// How many threads have a lane.
    settled: Arc<AtomicUsize>,
    statements: Arc<AtomicU64>,
}

thread_local! {
    static LANE: Cell<usize> = const { Cell::new(0) };
}

impl Database {
    /// Makes a pool of at most `max_connections` in one lane, and opens the first of them.
    ///
    /// # Errors
    /// [`DatabaseError::Connect`] when the database cannot be reached.
    pub async fn connect(url: &DatabaseUrl, max_connections: usize) -> Result<Self, DatabaseError> {
        Self::connect_in_lanes(url, max_connections, 1).await
    }

    /// The same in up to `lanes` lanes, of two connections or more: as many as threads use it much.
    ///
    /// # Errors
    /// [`DatabaseError::Connect`] when the database cannot be reached.
    pub async fn connect_in_lanes(
        url: &DatabaseUrl,
        max_connections: usize,
        lanes: usize,
    ) -> Result<Self, DatabaseError> {
        let statements = Arc::new(AtomicU64::new(0));
        let lanes = lanes.min(max_connections / 2).max(1);
        let failed = |cause: String| DatabaseError::Connect { target: url.to_string(), cause };
        let lane = |number: usize| {
            let mut config = ManagerConfig::default();
            // A connection that is closed, or was left inside a transaction, is thrown away without asking the server.
            config.recycling_method = RecyclingMethod::Fast;
            let (target, counter) = (url.clone(), Arc::clone(&statements));
            config.custom_setup = Box::new(move |_| open(target.clone(), Arc::clone(&counter)).boxed());
            let manager = AsyncDieselConnectionManager::new_with_config("", config);
            // Those that are left over go to the first lanes.
            let size = max_connections / lanes + usize::from(number < max_connections % lanes);
            deadpool::Pool::builder(manager).max_size(size).build().map_err(|error| failed(one_line(&error)))
        };
        let lanes = (0..lanes).map(lane).collect::<Result<_, _>>()?;
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
        let own = self.own_lane();
        if self.lanes.len() > 1 {
            let mut at_once = own.timeouts();
            at_once.wait = Some(Duration::ZERO);
            for lane in iter::once(own).chain(self.lanes.iter()) {
                match lane.timeout_get(&at_once).await {
                    Err(deadpool::PoolError::Timeout(_)) => {}
                    other => return other.map_err(|error| PoolError::Unavailable(one_line(&error))),
                }
            }
        }
        match tokio::time::timeout(WAIT, own.get()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(PoolError::Unavailable(one_line(&error))),
            Err(_) => Err(PoolError::Busy),
        }
    }

    /// Gives this thread, which is going to use the pool much, the next lane. Other threads share the first one.
    pub fn settle(&self) {
        LANE.set(self.settled.fetch_add(1, Ordering::Relaxed));
    }

    fn own_lane(&self) -> &deadpool::Pool<AsyncPgConnection> {
        &self.lanes[LANE.get() % self.lanes.len()]
    }

    /// How many SQL statements this pool's connections have run. `BEGIN`, `COMMIT` and `ROLLBACK` count, the set-up of a
    /// connection does not.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Closes the idle connections now and the others when they come back. Later calls of [`Database::get`] fail.
    pub fn close(&self) {
        self.lanes.iter().for_each(deadpool::Pool::close);
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lanes.iter().map(deadpool::Pool::status)).finish()
    }
}

async fn open(url: DatabaseUrl, statements: Arc<AtomicU64>) -> ConnectionResult<AsyncPgConnection> {
    let mut connection = url.establish().await?;
    connection.batch_execute(LIMITS).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
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
