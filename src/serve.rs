//! Starting and stopping: the database, then HTTP, and back in the reverse order.

use std::{
    fmt,
    io::{self, Write},
    net::SocketAddr,
    pin::pin,
    time::Duration,
};

use actix_web::{App, HttpServer, web};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    config::Config,
    database::{
        Database, DatabaseError, DatabaseUrl,
        embedded::{Embedded, EmbeddedError, EmbeddedOptions},
        migrations,
    },
};

/// Seconds that requests in flight may take once we are asked to stop. With what Postgres may take, less than 5.
const DRAIN: u64 = 2;

/// How often the embedded Postgres is looked after.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Runs until Ctrl-C or SIGTERM; requests in flight finish, then the database stops.
///
/// # Errors
/// [`ServeError`], one line each; nothing is left running.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    let mut signals = Signals::listen().map_err(ServeError::Http)?;
    let (url, mut embedded) = tokio::select! {
        found = postgres(&config) => found?,
        () = signals.asked_to_stop() => return Ok(()),
    };
    let outcome = tokio::select! {
        outcome = run(&config, &url, &mut signals) => outcome,
        () = death(embedded.as_mut()) => Err(ServeError::DatabaseDied),
    };
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    outcome
}

async fn run(config: &Config, url: &DatabaseUrl, signals: &mut Signals) -> Result<(), ServeError> {
    let opening = async {
        migrations::migrate(url).await?;
        Database::connect(url, config.database_connections).await
    };
    let database = tokio::select! {
        opened = opening => opened.map_err(ServeError::Database)?,
        () = signals.asked_to_stop() => return Ok(()),
    };
    let state = web::Data::new(database.clone());
    let server = HttpServer::new(move || App::new().app_data(state.clone()))
        .workers(config.worker_count())
        .shutdown_timeout(DRAIN)
        .disable_signals()
        .bind(config.listen)
        .map_err(|error| ServeError::Listen { address: config.listen, error })?;
    let addresses = server.addrs();
    let server = server.run();
    let handle = server.handle();
    for address in &addresses {
        tracing::info!(%address, "listening");
        banner(*address).map_err(ServeError::Http)?;
    }
    let mut server = pin!(server);
    let outcome = tokio::select! {
        ended = &mut server => ended.map_err(ServeError::Http),
        () = signals.asked_to_stop() => {
            tracing::info!("stopping");
            futures::future::join(handle.stop(true), server).await.1.map_err(ServeError::Http)
        }
    };
    database.close();
    outcome
}

/// What a person at a terminal wants to know.
fn banner(address: SocketAddr) -> io::Result<()> {
    writeln!(io::stdout().lock(), "Warta  http://{address}/v1\nDocs   http://{address}/docs")
}

/// Brings the database up to date and tells what was done, or with `check` lists what would be.
///
/// # Errors
/// [`ServeError`]; with `check` also when anything is pending.
pub async fn migrate(config: Config, check: bool) -> Result<(), ServeError> {
    let (url, embedded) = administered(&config).await?;
    let outcome = if check { migrations::pending(&url).await } else { migrations::migrate(&url).await };
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    let versions = outcome.map_err(ServeError::Database)?;
    let mut out = io::stdout().lock();
    let verb = if check { "pending" } else { "applied" };
    for version in &versions {
        writeln!(out, "{verb} {version}").map_err(ServeError::Http)?;
    }
    if check && !versions.is_empty() {
        return Err(ServeError::Pending(versions.len()));
    }
    if versions.is_empty() {
        writeln!(out, "the database is up to date").map_err(ServeError::Http)?;
    }
    Ok(())
}

/// The database of the settings, started when it is the embedded one. Whoever gets the second value stops it.
async fn postgres(config: &Config) -> Result<(DatabaseUrl, Option<Embedded>), ServeError> {
    if let Some(url) = &config.database_url {
        return Ok((url.clone(), None));
    }
    let options = EmbeddedOptions {
        data_dir: config.data_dir.clone(),
        pg_bin: config.pg_bin.clone(),
        ..EmbeddedOptions::default()
    };
    let embedded = Embedded::start(options).await.map_err(ServeError::Embedded)?;
    Ok((embedded.url().clone(), Some(embedded)))
}

/// The database for a command of an administrator: that of the instance on this data folder, where one is running, else
/// started for the command.
///
/// # Errors
/// [`ServeError::Embedded`].
pub async fn administered(config: &Config) -> Result<(DatabaseUrl, Option<Embedded>), ServeError> {
    match postgres(config).await {
        Err(ServeError::Embedded(EmbeddedError::InUse(folder))) => match Embedded::running(&folder) {
            Some(url) => Ok((url, None)),
            None => Err(ServeError::Embedded(EmbeddedError::InUse(folder))),
        },
        other => other,
    }
}

/// Returns when the embedded server has ended by itself; never for an external one.
async fn death(embedded: Option<&mut Embedded>) {
    let Some(embedded) = embedded else { return std::future::pending().await };
    while embedded.is_running() {
        tokio::time::sleep(HEARTBEAT).await;
    }
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn asked_to_stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Why the program ended. Each is one line.
#[derive(Debug)]
pub enum ServeError {
    /// The embedded Postgres did not start.
    Embedded(EmbeddedError),
    /// The database cannot be used.
    Database(DatabaseError),
    /// The embedded Postgres ended while we served.
    DatabaseDied,
    /// The address cannot be listened on.
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The HTTP server or the terminal failed.
    Http(io::Error),
    /// So many migrations are pending, and were only to be listed.
    Pending(usize),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(error) => error.fmt(f),
            Self::Database(error @ DatabaseError::Connect { .. }) => write!(f, "{error} (DATABASE_URL)"),
            Self::Database(error) => error.fmt(f),
            Self::DatabaseDied => {
                f.write_str("the embedded Postgres ended; its log in the data folder says why")
            }
            Self::Listen { address, error } => {
                write!(f, "cannot listen on {address} (WARTA_LISTEN): {error}")
            }
            Self::Http(error) => error.fmt(f),
            Self::Pending(count) => write!(f, "{count} migrations are pending"),
        }
    }
}

impl std::error::Error for ServeError {}
