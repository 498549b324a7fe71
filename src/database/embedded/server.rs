//! The server: starting it, waiting for it, stopping it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Child,
    time::{Duration, Instant},
};

use super::{
    EmbeddedError, NAME,
    cluster::Cluster,
    guard::Guard,
    home::Home,
    process::{self, PidFile},
};
use crate::database::DatabaseUrl;

/// How often the server is asked whether it is ready.
const POLL: Duration = Duration::from_millis(5);

/// How long a start may take; recovery after a crash of the machine is part of it.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long processes of a server that was killed may keep its memory.
const LEFTOVERS: Duration = Duration::from_secs(10);

/// A log beyond this many bytes is put aside at the next start.
const LOG_SIZE: u64 = 1 << 20;

/// What ours differs in from any server. No text of a statement and no row reaches the log.
const SETTINGS: [(&str, &str); 7] = [
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("log_checkpoints", "off"),
    ("log_min_error_statement", "panic"),
    ("log_error_verbosity", "terse"),
    ("logging_collector", "off"),
    ("timezone", "UTC"),
];

/// For a cluster that is deleted anyway: nothing waits for the disk.
const THROW_AWAY: [(&str, &str); 4] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "300"),
];

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    socket_dir: PathBuf,
    port: u16,
}

impl Server {
    /// Starts the server of a cluster, after whatever an earlier process may have left of it is gone.
    pub(super) async fn start(
        home: &Home,
        cluster: &Cluster,
        settings: &[(String, String)],
        guard: &mut Guard,
    ) -> Result<Self, EmbeddedError> {
        let path = home.cluster();
        clear(&path).await?;
        let socket_dir = home.socket_dir()?;
        let port =
            settings.iter().rfind(|(name, _)| name == "port").map_or("5432", |(_, port)| port.as_str());
        let port = port.parse().map_err(|_| EmbeddedError::Server(format!("port {port:?}")))?;
        remove(&socket_dir.join(format!(".s.PGSQL.{port}")))?;
        remove(&socket_dir.join(format!(".s.PGSQL.{port}.lock")))?;

        let started = Instant::now();
        loop {
            let log = open_log(home)?;
            let mut command = home.command(cluster.binaries.dir.join("postgres"));
            command.arg("-D").arg(&path).arg("-k").arg(&socket_dir);
            let throw_away = THROW_AWAY.iter().filter(|_| home.throw_away);
            let ours = SETTINGS.iter().chain(throw_away).map(|(name, value)| format!("{name}={value}"));
            let given = settings.iter().map(|(name, value)| format!("{name}={value}"));
            for setting in ours.chain(given) {
                command.args(["-c", &setting]);
            }
            let log_start = log.metadata().map_or(0, |log| log.len());
            command
                .stdout(log.try_clone().map_err(|error| EmbeddedError::folder(&home.log(), error))?)
                .stderr(log);
            let child = command.spawn().map_err(|error| EmbeddedError::Server(error.to_string()))?;
            let mut server = Self { child, socket_dir: socket_dir.clone(), port };
            if let Err(error) = guard.watch(server.child.id(), &socket_dir) {
                server.stop().await;
                return Err(error);
            }
            match server.ready(&path, &home.log(), log_start).await {
                Ok(()) => return Ok(server),
                Err(complaint) if complaint.contains("still in use") && started.elapsed() < LEFTOVERS => {
                    tokio::time::sleep(POLL * 20).await;
                }
                Err(complaint) => {
                    server.stop().await;
                    return Err(EmbeddedError::Server(complaint));
                }
            }
        }
    }

    /// Waits until the server takes connections; else tells what it said, in one line.
    async fn ready(&mut self, cluster: &Path, log: &Path, log_start: u64) -> Result<(), String> {
        let started = Instant::now();
        let mut told = false;
        while started.elapsed() < PATIENCE {
            let file = PidFile::read(cluster);
            if file.is_some_and(|file| file.ready && i64::from(file.pid) == i64::from(self.child.id())) {
                return Ok(());
            }
            if !self.is_running() {
                return Err(complaint(log, log_start));
            }
            if !told && started.elapsed() > Duration::from_secs(3) {
                told = true;
                tracing::info!(log = %log.display(), "still waiting for the embedded Postgres");
            }
            tokio::time::sleep(POLL).await;
        }
        Err(format!("not ready after {} s, see {}", PATIENCE.as_secs(), log.display()))
    }

    /// A database of this server.
    pub(super) fn url(&self, database: &str) -> Result<DatabaseUrl, EmbeddedError> {
        DatabaseUrl::unix(&self.socket_dir, self.port, NAME, database).map_err(EmbeddedError::url)
    }

    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(super) async fn stop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            process::stop(pid, || !self.is_running()).await;
        }
    }
}

/// Stops a server that lost its process, and removes the traces of one that was killed. The data folder's lock is ours, so
/// no one else is about to start one here.
async fn clear(cluster: &Path) -> Result<(), EmbeddedError> {
    if let Some(pid) = process::orphan(cluster) {
        tracing::info!(pid, "stopping the Postgres that an earlier start left running");
        process::stop(pid, || process::orphan(cluster).is_none()).await;
        if process::orphan(cluster).is_some() {
            return Err(EmbeddedError::Server(format!("process {pid} of an earlier start does not stop")));
        }
    }
    remove(&PidFile::path(cluster))
}

fn remove(file: &Path) -> Result<(), EmbeddedError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(EmbeddedError::folder(file, error)),
        _ => Ok(()),
    }
}

fn open_log(home: &Home) -> Result<File, EmbeddedError> {
    let path = home.log();
    let failed = |error| EmbeddedError::folder(&path, error);
    if fs::metadata(&path).is_ok_and(|log| log.len() > LOG_SIZE) {
        fs::rename(&path, path.with_extension("log.old")).map_err(failed)?;
    }
    let mut options = File::options();
    std::os::unix::fs::OpenOptionsExt::mode(options.create(true).append(true), 0o600);
    options.open(&path).map_err(failed)
}

/// The first thing that a server that did not start complained of.
fn complaint(log: &Path, from: u64) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(text.get(usize::try_from(from).unwrap_or(0)..).unwrap_or_default());
    let fatal = text.lines().find_map(|line| Some(line.split_once("FATAL:")?.1.trim().to_owned()));
    let line = fatal.or_else(|| text.lines().last().map(str::to_owned));
    format!("{} (log: {})", line.unwrap_or_default(), log.display())
}
