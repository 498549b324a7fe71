//! The Postgres server: starting it, waiting for it, switching its writes off and on, and stopping it.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
    process::{Child, ExitStatus},
    time::{Duration, Instant},
};

use super::{
    EmbeddedError, NAME,
    cluster::Cluster,
    guard::Guard,
    home::{Home, SocketDir},
    process::{self, PidFile},
    room,
};
use crate::database::DatabaseUrl;

/// The time between two checks whether the server is ready.
const POLL: Duration = Duration::from_millis(5);

/// The time that a start can take, including recovery after a crash of the machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The time for which processes of a server that was killed can keep its memory.
const LEFTOVERS: Duration = Duration::from_secs(10);

/// The size of a log, in bytes, beyond which it is put aside at the next start.
const LOG_SIZE: u64 = 1 << 20;

/// The settings in which our server differs from any other. No text of a statement and no row reaches the
/// log.
const SETTINGS: [(&str, &str); 9] = [
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("log_checkpoints", "off"),
    ("log_min_error_statement", "panic"),
    ("log_error_verbosity", "terse"),
    ("logging_collector", "off"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    // This program reads its complaints.
    ("lc_messages", "C"),
];

/// The settings for a cluster that is deleted anyway: nothing waits for the disk.
const THROW_AWAY: [(&str, &str); 4] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "300"),
];

/// The file with the settings that refuse writes, when it is in force and when it is not. It is switched by
/// renaming, which needs no room on the disk.
const READ_ONLY: &str = "warta-read-only.conf";
const SWITCHED_OFF: &str = "warta-read-only.conf.off";

/// Makes that file, and makes the server read it. Each change is written beside its place and then moved:
/// half a line would stop the server.
const PREPARE: &str = r#"
set -e
umask 077
cd "$1"
if [ ! -e warta-read-only.conf.off ] && [ ! -e warta-read-only.conf ]; then
  # Vacuuming writes, too.
  printf '%s\n' "default_transaction_read_only = on" "autovacuum = off" >warta-read-only.conf.new
  mv -f warta-read-only.conf.new warta-read-only.conf.off
fi
if ! grep -q "^include_if_exists 'warta-read-only.conf'" postgresql.conf; then
  { cat postgresql.conf; echo; echo "include_if_exists 'warta-read-only.conf'"; } >postgresql.conf.new
  mv -f postgresql.conf.new postgresql.conf
fi
"#;

/// The server of a cluster, running or not.
#[derive(Debug)]
pub(super) struct Server {
    child: Option<Child>,
    socket: SocketDir,
    port: u16,
    settings: Vec<(String, String)>,
    started: Instant,
}

impl Server {
    /// Makes a server that does not run yet.
    pub(super) fn new(socket: SocketDir, settings: Vec<(String, String)>) -> Result<Self, EmbeddedError> {
        let port =
            settings.iter().rfind(|(name, _)| name == "port").map_or("5432", |(_, port)| port.as_str());
        let port = port.parse().map_err(|_| EmbeddedError::Server(format!("port {port:?}")))?;
        Ok(Self { child: None, socket, port, settings, started: Instant::now() })
    }

    /// Starts the server, after everything that an earlier process left of it is gone.
    ///
    /// [`Server::stop`] stops what runs, however this ends, also if it is dropped on the way.
    pub(super) async fn start(
        &mut self,
        home: &Home,
        cluster: &Cluster,
        guard: &mut Guard,
    ) -> Result<(), EmbeddedError> {
        let path = home.cluster();
        clear(&path).await?;
        home.private_dir(&self.socket.path)?;
        remove(&self.socket.path.join(format!(".s.PGSQL.{}", self.port)))?;
        remove(&self.socket.path.join(format!(".s.PGSQL.{}.lock", self.port)))?;
        self.started = Instant::now();
        loop {
            let log = open_log(home)?;
            let mut command = home.command(cluster.binaries.dir.join("postgres"));
            command.arg("-D").arg(&path).arg("-k").arg(quoted(&self.socket.path));
            let throw_away = THROW_AWAY.iter().filter(|_| home.throw_away);
            let ours = SETTINGS.iter().chain(throw_away).map(|(name, value)| format!("{name}={value}"));
            let given = self.settings.iter().map(|(name, value)| format!("{name}={value}"));
            for setting in ours.chain(given) {
                command.args(["-c", &setting]);
            }
            let log_start = log.metadata().map_or(0, |log| log.len());
            command
                .stdout(log.try_clone().map_err(|error| EmbeddedError::folder(&home.log(), error))?)
                .stderr(log);
            let child = command.spawn().map_err(|error| EmbeddedError::Server(error.to_string()))?;
            let pid = child.id();
            self.child = Some(child);
            let outcome = match guard.watch(pid) {
                Ok(()) => self.ready(&path, &home.log(), log_start).await,
                Err(error) => {
                    self.stop().await;
                    return Err(error);
                }
            };
            match outcome {
                Ok(()) => return Ok(()),
                Err(complaint)
                    if complaint.contains("still in use") && self.started.elapsed() < LEFTOVERS =>
                {
                    tokio::time::sleep(POLL * 20).await;
                }
                Err(complaint) => {
                    self.stop().await;
                    return Err(EmbeddedError::Server(complaint));
                }
            }
        }
    }

    /// Prepares the cluster for [`Server::refuse_writes`]. With `read_only`, the server refuses writes from
    /// the start.
    pub(super) fn prepare(home: &Home, read_only: bool) -> Result<(), EmbeddedError> {
        let failed =
            |cause: String| EmbeddedError::Server(format!("its settings cannot be written: {cause}"));
        let mut shell = home.command("/bin/sh");
        let output = shell.args(["-c", PREPARE, "sh"]).arg(home.cluster()).output();
        let output = output.map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(failed(said.lines().last().unwrap_or_default().to_owned()));
        }
        switch(home, read_only)
    }

    /// Makes each transaction that begins from now on read-only, or lets it write again.
    pub(super) fn refuse_writes(&self, home: &Home, read_only: bool) -> Result<(), EmbeddedError> {
        switch(home, read_only)?;
        if let Some(child) = &self.child {
            process::reload(child.id());
        }
        Ok(())
    }

    /// Waits until the server takes connections; otherwise returns its complaint, in one line.
    async fn ready(&mut self, cluster: &Path, log: &Path, log_start: u64) -> Result<(), String> {
        let started = Instant::now();
        let mut told = false;
        while started.elapsed() < PATIENCE {
            let file = PidFile::read(cluster);
            if file.is_some_and(|file| {
                file.ready && u32::try_from(file.pid).ok() == self.child.as_ref().map(Child::id)
            }) {
                return Ok(());
            }
            if self.ended().is_some() {
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

    /// Returns the URL of a database of this server.
    pub(super) fn url(&self, database: &str) -> Result<DatabaseUrl, EmbeddedError> {
        DatabaseUrl::unix(&self.socket.path, self.port, NAME, database).map_err(EmbeddedError::url)
    }

    /// Returns the exit status of the server; `None` while it runs.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().ok().flatten()
    }

    pub(super) fn socket(&self) -> &SocketDir {
        &self.socket
    }

    /// Returns the time since it was last started.
    pub(super) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) async fn stop(&mut self) {
        let Some(pid) = self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok()) else { return };
        process::stop(pid, || self.ended().is_some()).await;
    }
}

/// Returns a folder's name as an element of the list of folders that Postgres expects. It can contain commas
/// and quotes.
fn quoted(folder: &Path) -> OsString {
    let doubled =
        folder.as_os_str().as_bytes().split(|byte| *byte == b'"').collect::<Vec<_>>().join(&b"\"\""[..]);
    OsString::from_vec([b"\"", doubled.as_slice(), b"\""].concat())
}

/// Renames the file of settings, so that the server reads it or ignores it.
fn switch(home: &Home, read_only: bool) -> Result<(), EmbeddedError> {
    let cluster = home.cluster();
    let (from, to) = if read_only { (SWITCHED_OFF, READ_ONLY) } else { (READ_ONLY, SWITCHED_OFF) };
    match fs::rename(cluster.join(from), cluster.join(to)) {
        // It has that name already.
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(EmbeddedError::folder(&cluster.join(from), error))
        }
        _ => Ok(()),
    }
}

/// Stops a server that lost its parent process, and removes the traces of one that was killed. We hold the
/// data folder's lock, so no one else is about to start one here.
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

/// Returns the complaint of a server that did not start: a lack of room if there is one, or else the first
/// fatal error.
fn complaint(log: &Path, from: u64) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(text.get(usize::try_from(from).unwrap_or(0)..).unwrap_or_default());
    let severe = |line: &str| {
        let (_, said) = line.split_once("FATAL:").or_else(|| line.split_once("PANIC:"))?;
        Some(said.trim().to_owned())
    };
    let room = text.lines().filter(|line| room::is_missing(line)).find_map(severe);
    let line =
        room.or_else(|| text.lines().find_map(severe)).or_else(|| text.lines().last().map(str::to_owned));
    format!("{} (log: {})", line.unwrap_or_default(), log.display())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn folders_are_quoted_as_lists_want_them() {
        assert_eq!(quoted(Path::new("/a b/c")), OsStr::new("\"/a b/c\""));
        assert_eq!(quoted(Path::new("/a,b/\"c\"/d'e")), OsStr::new("\"/a,b/\"\"c\"\"/d'e\""));
        let bytes = Path::new(OsStr::from_bytes(b"/\xff"));
        assert_eq!(quoted(bytes), OsStr::from_bytes(b"\"/\xff\""));
    }
}
