//! Starts and stops the program: first the database, then HTTP, and back in the reverse order.

mod audit;
mod files;
pub(crate) mod first_start;
mod link;
mod postgres;
mod signals;

use std::{
    fmt,
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::Arc,
};

use url::Url;

pub use self::audit::audit;
use self::{
    postgres::{administered, look_after, postgres},
    signals::{Signals, Stop},
};
use crate::serve::first_start::{Welcome, first_admin, introduce};
use crate::{
    app::{self, Parts, Serving, connections::Limits, cors::Cors},
    articles::workflow::publish_due,
    audit::{seal, verify::Finding},
    auth::{
        Auth,
        keys::{Keys, KeysError},
    },
    clock::Clock,
    config::{Config, EditorCommand},
    context::Services,
    database::{
        Database, DatabaseError, DatabaseUrl, embedded::EmbeddedError, migrations, presence::Presence,
    },
    demo, editors,
    error::ApiError,
    http::{body::BodyLimits, budget::BodyBudget},
    pagination::CursorKey,
    site::Site,
};

/// The seconds that requests in flight can take once no more connections are accepted. Together with the time
/// that Postgres takes to stop, it is less than 5.
const FINISH: u64 = 2;

/// The networks of this machine alone.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

/// The issuer (`iss`) of access tokens.
const ISSUER: &str = "warta";

/// Runs the service until Ctrl-C or SIGTERM; requests in flight finish, then the database stops. After
/// SIGTERM it first goes on for `WARTA_DRAIN_SECONDS`, in which `/readyz` says `503` and each answer closes
/// its connection.
///
/// # Errors
/// Returns a [`ServeError`], whose text is one line; nothing is left running.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    let mut signals = Signals::listen().map_err(ServeError::Http)?;
    let (url, mut embedded) = tokio::select! {
        found = postgres(&config, false) => found?,
        _ = signals.asked_to_stop() => return Ok(()),
    };
    let outcome = tokio::select! {
        outcome = run(&config, &url, &mut signals) => outcome,
        // This never ends: a server that ends is started again, and meanwhile there is no database.
        () = look_after(embedded.as_mut()) => Ok(()),
    };
    postgres::stop(embedded, outcome).await
}

async fn run(config: &Config, url: &DatabaseUrl, signals: &mut Signals) -> Result<(), ServeError> {
    // Listen before anything is made: a start that cannot serve must not do what happens only once, such as
    // showing a password.
    let listen = |error| ServeError::Listen { address: config.listen, error };
    let listener = TcpListener::bind(config.listen).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let preparing = async { prepare(config, open(config, url).await?).await };
    let (mut parts, welcome) = tokio::select! {
        prepared = preparing => prepared?,
        _ = signals.asked_to_stop() => return Ok(()),
    };
    let database = parts.services.database.clone();
    let mut scheduler = tokio::spawn(publish_due::run(parts.services.clone()));
    let mut sealer = tokio::spawn(seal::run(database.clone()));
    let mut link = link::start(config, url, &mut parts);
    let Serving { server, connections } = app::serve(parts, listener).map_err(listen)?;
    let handle = server.handle();
    tracing::info!(%address, "listening");
    banner(address, config.site_url.as_ref(), welcome.as_ref()).map_err(ServeError::Http)?;
    let mut server = pin!(server);
    let outcome = tokio::select! {
        ended = &mut server => ended.map_err(ServeError::Http),
        // These tasks end only by a panic, which is logged. Without them no scheduled story would appear, and
        // no event be sealed.
        _ = &mut scheduler => Err(ServeError::SchedulerDied),
        _ = &mut sealer => Err(ServeError::SealerDied),
        _ = &mut link => Err(ServeError::LinkDied),
        stop = signals.asked_to_stop() => {
            connections.drain();
            if stop == Stop::Drained && config.drain_seconds > 0 {
                tracing::info!(seconds = config.drain_seconds, "draining: /readyz says 503 from now on");
                signals.wait(config.drain_seconds).await;
            }
            tracing::info!("stopping");
            futures::future::join(handle.stop(true), server).await.1.map_err(ServeError::Http)
        }
    };
    // The work in hand is rolled back, and left to another instance or the next start.
    scheduler.abort();
    sealer.abort();
    link.abort();
    database.close();
    outcome
}

/// Connects to the database, and brings it up to date.
async fn open(config: &Config, url: &DatabaseUrl) -> Result<Database, ServeError> {
    let applied = migrations::migrate(url).await.map_err(ServeError::Database)?;
    let workers = config.worker_count();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        database = if config.is_embedded() { "embedded" } else { "external" },
        migrations = applied.len(),
        workers,
        "the database is up to date"
    );
    Database::connect_in_lanes(url, config.database_connections, workers).await.map_err(ServeError::Database)
}

/// Puts together the parts of an instance. On a first start, creates the admin and loads the demo content.
async fn prepare(config: &Config, database: Database) -> Result<(Parts, Option<Welcome>), ServeError> {
    let key_file = config.key_file();
    let keys = if config.is_embedded() { Keys::load_or_create(&key_file) } else { Keys::load(&key_file) };
    let keys = keys.map_err(ServeError::Keys)?;
    let services = Services {
        database,
        clock: Clock::default(),
        cursor_key: CursorKey::derive(keys.secret()),
        bodies: BodyLimits { timeout: config.request_timeout, budget: BodyBudget::default() },
        policy: config.policy(),
        site: Arc::new(site(config)),
    };
    let welcome = first_admin(config, &services).await?;
    if config.loads_demo()
        && let Err(error) = demo::load(&services).await
    {
        // Nobody else knows the password, and it is not made again.
        introduce(welcome.as_ref()).map_err(ServeError::Http)?;
        return Err(ServeError::FirstStart(error));
    }
    let parts = Parts {
        services,
        auth: Auth::new(keys, ISSUER),
        cache: None,
        presence: Presence::default(),
        stale_if_error: config.stale_if_error,
        cors: Cors::new(config.cors_origins.iter().map(|origin| origin.as_str().to_owned())),
        trusted_proxies: config.trusted_proxies.clone(),
        log_requests: config.log_requests,
        workers: config.worker_count(),
        limits: Limits {
            connections: files::connections(config.connections, config.database_connections),
            connections_per_address: config.connections_per_address,
            exempt: LOOPBACK
                .iter()
                .filter_map(|network| network.parse().ok())
                .chain(config.trusted_proxies.iter().copied())
                .collect(),
        },
        finish_seconds: FINISH,
    };
    Ok((parts, welcome))
}

fn site(config: &Config) -> Site {
    Site::new(config.site_url.clone(), config.article_path.clone(), config.site_name.clone())
}

/// Prints the addresses that a person at a terminal wants to know.
fn banner(address: SocketAddr, site: Option<&Url>, welcome: Option<&Welcome>) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "Warta {}", env!("CARGO_PKG_VERSION"))?;
    match site {
        Some(site) => writeln!(out, "  Site   {site}")?,
        None => writeln!(out, "  Site   http://{address}/")?,
    }
    writeln!(out, "  API    http://{address}/v1/articles")?;
    writeln!(out, "  Docs   http://{address}/docs")?;
    introduce(welcome)?;
    out.flush()
}

/// Runs one command on the editors.
///
/// # Errors
/// Returns a [`ServeError`], whose text is one line.
pub async fn editor(config: Config, command: EditorCommand) -> Result<(), ServeError> {
    let makes = matches!(command, EditorCommand::Create { .. });
    let (url, embedded) = administered(&config, !makes).await?;
    let outcome = async {
        let database = open(&config, &url).await?;
        let outcome = editors::command::run(&database, &Clock::default(), &site(&config), command).await;
        database.close();
        outcome.map_err(ServeError::Admin)
    };
    let outcome = outcome.await;
    postgres::stop(embedded, outcome).await
}

/// Prints the OpenAPI document.
///
/// # Errors
/// Returns an error if standard output is closed.
pub fn openapi() -> Result<(), ServeError> {
    writeln!(io::stdout(), "{:#}", app::document()).map_err(ServeError::Http)
}

/// Brings the database up to date and lists the migrations that were applied. With `check`, lists the pending
/// ones instead.
///
/// # Errors
/// Returns a [`ServeError`]; with `check` also if anything is pending.
pub async fn migrate(config: Config, check: bool) -> Result<(), ServeError> {
    let (url, embedded) = administered(&config, true).await?;
    let outcome = if check { migrations::pending(&url).await } else { migrations::migrate(&url).await };
    let versions = postgres::stop(embedded, outcome.map_err(ServeError::Database)).await?;
    let mut out = io::stdout().lock();
    let verb = if check { "pending" } else { "applied" };
    for version in &versions {
        writeln!(out, "{verb} {}", migrations::name(version)).map_err(ServeError::Http)?;
    }
    if check && !versions.is_empty() {
        return Err(ServeError::Pending(versions.len()));
    }
    if versions.is_empty() {
        writeln!(out, "the database is up to date").map_err(ServeError::Http)?;
    }
    Ok(())
}

/// The reason why the program ended. The text of each is one line.
#[derive(Debug)]
pub enum ServeError {
    /// The embedded Postgres did not start.
    Embedded(EmbeddedError),
    /// The database cannot be used.
    Database(DatabaseError),
    /// Something failed on a disk that is full.
    OnFullDisk {
        /// The error that came of it.
        error: Box<ServeError>,
        /// A sentence that says which disk is full.
        remark: String,
    },
    /// The task that publishes scheduled stories ended while the program served.
    SchedulerDied,
    /// The task that seals the record ended while the program served.
    SealerDied,
    /// The response cache's link to the database ended while the program served.
    LinkDied,
    /// The address cannot be listened on.
    Listen {
        /// The address of the settings.
        address: SocketAddr,
        /// The error of the system.
        error: io::Error,
    },
    /// The HTTP server or the terminal failed.
    Http(io::Error),
    /// The signing keys cannot be used.
    Keys(KeysError),
    /// An editor cannot be made or changed.
    Admin(String),
    /// A step of the first start failed.
    FirstStart(ApiError),
    /// Migrations are pending, and the command was not to run them. The value is their number.
    Pending(usize),
    /// The record cannot be read.
    Audit(String),
    /// The record is not as it was written.
    Tampered(Finding),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(error) => error.fmt(f),
            Self::Database(error @ DatabaseError::Connect { .. }) => write!(f, "{error} (DATABASE_URL)"),
            Self::Database(error) => error.fmt(f),
            Self::OnFullDisk { error, remark } => write!(f, "{error}; {remark}"),
            Self::SchedulerDied => f.write_str("the scheduler ended"),
            Self::SealerDied => f.write_str("the sealer of the record ended"),
            Self::LinkDied => f.write_str("the response cache's link to the database ended"),
            Self::Listen { address, error } => {
                write!(f, "cannot listen on {address} (WARTA_LISTEN): {error}")
            }
            Self::Http(error) => error.fmt(f),
            Self::Keys(error) => error.fmt(f),
            Self::Admin(line) => f.write_str(line),
            Self::FirstStart(error) => write!(f, "the first start failed: {error}"),
            Self::Pending(count) => write!(f, "{count} migrations are pending"),
            Self::Audit(line) => write!(f, "cannot read the record: {line}"),
            Self::Tampered(finding) => finding.fmt(f),
        }
    }
}

impl std::error::Error for ServeError {}
