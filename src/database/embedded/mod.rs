//! The embedded Postgres: a private server of our own, for when no `DATABASE_URL` is set.
//!
//! One folder belongs to one instance: a lock file is held for as long as the process lives. The server
//! listens on a Unix socket in a folder that only its user can enter. While [`Embedded::look_after`] runs, a
//! server that ends is started again, and one whose disk is full takes no writes. [`Embedded::stop`] stops
//! the server. If this process dies in any other way, a guard process stops it; if the guard dies too, the
//! next start does.

mod binaries;
mod cluster;
mod environment;
mod fetch;
mod guard;
mod home;
mod keeper;
mod process;
mod programs;
mod room;
mod server;

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

pub use self::fetch::ArchiveAddress;
use self::{binaries::Wanted, cluster::Cluster, guard::Guard, home::Home, keeper::Keeper, server::Server};
use super::{DatabaseUrl, DatabaseUrlError};

/// The superuser of the private cluster, and the name of its database.
const NAME: &str = "warta";

/// The number of attempts to lock the data folder, and the pause between them: a second in all.
const LOCK_ATTEMPTS: u32 = 11;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// The options for starting the embedded Postgres.
#[derive(Clone, Debug, Default)]
pub struct EmbeddedOptions {
    /// The folder that holds lock, cluster and log; made if missing. A throw-away cluster does not use it.
    pub data_dir: PathBuf,
    /// The folder with `postgres` and `initdb`; `None` means that it is searched for.
    pub pg_bin: Option<PathBuf>,
    /// The address to fetch Postgres from if there is none; `None` means the published release.
    pub pg_archive: Option<ArchiveAddress>,
    /// If true, a data folder without a cluster is refused: for commands that only want to look.
    pub must_exist: bool,
    /// If true, the cluster is in a temporary folder, and fast instead of durable. It is deleted when this
    /// process ends, however that happens.
    pub throw_away: bool,
    /// More settings of the server, such as `("work_mem", "16MB")`. They override ours.
    pub settings: Vec<(String, String)>,
}

/// A running embedded Postgres. Dropping it stops the server a moment later.
#[derive(Debug)]
pub struct Embedded {
    url: DatabaseUrl,
    home: Home,
    cluster: Cluster,
    server: Server,
    guard: Guard,
    keeper: Keeper,
    _lock: Option<File>,
}

impl Embedded {
    /// Starts the server, and makes its cluster first if there is none. The server takes connections when
    /// this returns.
    ///
    /// # Errors
    /// Returns an [`EmbeddedError`], which is displayed as one line. No server is left running.
    pub async fn start(options: EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let EmbeddedOptions { data_dir, pg_bin, pg_archive, must_exist, throw_away, settings } = options;
        let (home, lock) = if throw_away {
            (Home::temporary()?, None)
        } else {
            if must_exist && !has_cluster(&data_dir) {
                return Err(EmbeddedError::NoCluster(data_dir));
            }
            let lock = lock(&data_dir).await?;
            (Home::permanent(&data_dir)?, Some(lock))
        };
        let socket = home.socket_dir()?;
        let mut guard = Guard::set(&home, &socket)?;
        let wanted = Wanted { pg_bin: pg_bin.as_deref(), archive: pg_archive.as_ref() };
        let cluster = Cluster::open(&home, wanted).await?;
        let mut server = Server::new(socket, settings)?;
        let started = async {
            Server::prepare(&home, false)?;
            server.start(&home, &cluster, &mut guard).await?;
            cluster::database(&server.url("postgres")?, NAME).await
        };
        match started.await {
            Ok(url) => Ok(Self { url, home, cluster, server, guard, keeper: Keeper::default(), _lock: lock }),
            Err(error) => {
                server.stop().await;
                guard.dismiss().await;
                Err(error.on(&home))
            }
        }
    }

    /// Returns the database of the instance that runs on `data_dir`, for commands beside it; `None` if it is
    /// not ready.
    #[must_use]
    pub fn running(data_dir: &Path) -> Option<DatabaseUrl> {
        // Nothing is made here: the instance can be at its own first start.
        let server = process::PidFile::read(&data_dir.join("postgres")).filter(|file| file.ready)?;
        DatabaseUrl::unix(&server.socket_dir, server.port, NAME, NAME).ok()
    }

    /// Returns the database to use. [`DatabaseUrl::with_database`] gives another one of the same cluster.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Returns a remark for when something failed that needed the disk; `None` unless the disk is full.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        room::remark(&self.home.cluster().join("pg_wal")).or_else(|| room::remark(&self.home.cluster()))
    }

    /// Stops the server: in order, or after 2.5 seconds at once (the next start then recovers from its log).
    /// A throw-away cluster is deleted.
    pub async fn stop(mut self) {
        self.server.stop().await;
        self.guard.dismiss().await;
    }
}

/// Returns true if a data folder has a cluster, or a link to one.
fn has_cluster(data_dir: &Path) -> bool {
    data_dir.join("postgres/PG_VERSION").exists()
}

/// Takes the folder for this process. The lock ends with the returned file, also when the process is killed.
async fn lock(data_dir: &Path) -> Result<File, EmbeddedError> {
    let failed = |error| EmbeddedError::folder(data_dir, error);
    std::fs::create_dir_all(data_dir).map_err(failed)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(data_dir.join("lock"))
        .map_err(failed)?;
    // The lock of an instance that was killed lasts as long as any process has its file open. That can be a
    // child that had just been forked: it is given a moment.
    for attempt in 1.. {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if attempt < LOCK_ATTEMPTS => tokio::time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
    Err(EmbeddedError::InUse(data_dir.to_owned()))
}

/// The reason why the embedded Postgres cannot be used. Each is displayed as one line.
#[derive(Debug)]
pub enum EmbeddedError {
    /// Another process holds this data folder.
    InUse(PathBuf),
    /// There is no cluster in this data folder, and none is to be made.
    NoCluster(PathBuf),
    /// The disk is too full.
    NoRoom {
        /// The folder in which something was to be made.
        path: PathBuf,
        /// The room that is needed, in MiB.
        needed: u64,
        /// The room that is free, in MiB; `None` if the system does not tell.
        free: Option<u64>,
    },
    /// A folder or file cannot be made, read or written.
    Folder {
        /// The folder or file that failed.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// There are no suitable Postgres binaries, and none could be fetched. The text is the cause.
    Binaries(String),
    /// `initdb` failed. The text is the cause.
    Initdb(String),
    /// The server did not start. The text is the cause.
    Server(String),
}

impl EmbeddedError {
    fn folder(path: &Path, error: io::Error) -> Self {
        Self::Folder { path: path.to_owned(), error }
    }

    /// Adds a remark to the cause if the disk is full.
    fn on(self, home: &Home) -> Self {
        match (self, room::remark(home.dir())) {
            (Self::Server(cause), Some(remark)) => Self::Server(format!("{cause}; {remark}")),
            (error, _) => error,
        }
    }

    fn url(error: DatabaseUrlError) -> Self {
        Self::Server(error.to_string())
    }
}

impl std::fmt::Display for EmbeddedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InUse(path) => {
                write!(f, "another warta is running on the data folder {} (WARTA_DATA_DIR)", path.display())
            }
            Self::NoCluster(path) => {
                write!(
                    f,
                    "there is no database of Warta in the data folder {} (WARTA_DATA_DIR), and this command makes none",
                    path.display()
                )
            }
            Self::NoRoom { path, needed, free } => {
                write!(
                    f,
                    "not enough room in {} (WARTA_DATA_DIR): a first start needs {needed} MiB",
                    path.display()
                )?;
                free.map_or(Ok(()), |free| write!(f, ", {free} MiB are free"))
            }
            Self::Folder { path, error } => write!(f, "cannot use {}: {error}", path.display()),
            Self::Binaries(cause) => write!(f, "no Postgres to run: {cause}"),
            Self::Initdb(cause) => write!(f, "cannot make the Postgres cluster: {cause}"),
            Self::Server(cause) => write!(f, "the embedded Postgres does not start: {cause}"),
        }
    }
}

impl std::error::Error for EmbeddedError {}
