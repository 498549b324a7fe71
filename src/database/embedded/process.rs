//! Postgres server processes: finding, stopping and reloading them. They are known by more than a number, as
//! process ids are used again.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};

use super::environment;

/// The time that a server has to stop in order, before it is forced to.
const FAST_SHUTDOWN: Duration = Duration::from_millis(2500);

/// The time that a server has to stop at once.
const IMMEDIATE_SHUTDOWN: Duration = Duration::from_secs(2);

/// The content of `postmaster.pid`, which a running server writes into its cluster.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: i32,
    /// True if the server takes connections.
    pub(super) ready: bool,
    pub(super) port: u16,
    /// The folder of its socket; empty until it has one.
    pub(super) socket_dir: PathBuf,
}

impl PidFile {
    pub(super) fn path(cluster: &Path) -> PathBuf {
        cluster.join("postmaster.pid")
    }

    pub(super) fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&fs::read(Self::path(cluster)).ok()?)
    }

    /// Reads the file's text. Paths in it are bytes, whatever the folders are called.
    fn parse(text: &[u8]) -> Option<Self> {
        let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let pid = std::str::from_utf8(lines.next()?).ok()?.parse().ok().filter(|pid| *pid > 1)?;
        // The fourth and fifth line are the port and the socket's folder. The eighth is the state, which is
        // written last.
        let port = lines.nth(2).and_then(|port| std::str::from_utf8(port).ok()?.parse().ok()).unwrap_or(0);
        let socket_dir = OsStr::from_bytes(lines.next().unwrap_or_default()).into();
        Some(Self { pid, port, socket_dir, ready: lines.nth(2) == Some(b"ready") })
    }
}

/// Finds the server of `cluster` that an earlier process left running, if any. A process that merely has its
/// number does not count.
pub(super) fn orphan(cluster: &Path) -> Option<i32> {
    let PidFile { pid, .. } = PidFile::read(cluster)?;
    is_postmaster(&arguments(pid)?, cluster).then_some(pid)
}

/// Stops a server: first in order, then at once. Returns when `is_gone` says so, or when there is nothing
/// more to do.
pub(super) async fn stop(pid: i32, mut is_gone: impl FnMut() -> bool) {
    for (signal, patience) in [
        (Signal::SIGINT, FAST_SHUTDOWN),
        (Signal::SIGQUIT, IMMEDIATE_SHUTDOWN),
        (Signal::SIGKILL, IMMEDIATE_SHUTDOWN),
    ] {
        let asked = Instant::now();
        if is_gone() || signal::kill(Pid::from_raw(pid), signal).is_err() {
            return;
        }
        while asked.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if is_gone() {
                return;
            }
        }
    }
}

/// Makes a server read its settings again.
pub(super) fn reload(pid: u32) {
    let Ok(pid) = i32::try_from(pid) else { return };
    // A server that has just ended reads them when it is started again.
    let _ = signal::kill(Pid::from_raw(pid), Signal::SIGHUP);
}

/// Returns a process's command line; `None` if there is no such process.
fn arguments(pid: i32) -> Option<Vec<String>> {
    if Path::new("/proc/self/cmdline").exists() {
        let text = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let words = text.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        return Some(words.collect());
    }
    let output =
        environment::command("ps").args(["-ww", "-o", "args=", "-p", &pid.to_string()]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    // Paths with spaces are split here; `is_postmaster` joins them again.
    Some(text.split(' ').map(str::to_owned).collect())
}

/// Returns true if a command line is that of a server that we started on `cluster`: `.../postgres -D
/// <cluster> ...`.
fn is_postmaster(arguments: &[String], cluster: &Path) -> bool {
    let line = arguments.join(" ");
    let started = format!("postgres -D {} -k ", cluster.display());
    line.starts_with(&started) || line.contains(&format!("/{started}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pid_files() {
        let text = "4711\n/data\n1700000000\n5432\n/socket\n\n  1234  5678\nready   \n";
        assert_eq!(
            PidFile::parse(text.as_bytes()),
            Some(PidFile { pid: 4711, port: 5432, socket_dir: "/socket".into(), ready: true })
        );
        assert_eq!(
            PidFile::parse(b"4711\n/data\n"),
            Some(PidFile { pid: 4711, port: 0, socket_dir: PathBuf::new(), ready: false })
        );
        assert_eq!(PidFile::parse(b"-4711\n"), None);
        assert_eq!(PidFile::parse(b""), None);
    }

    #[test]
    fn knows_a_postmaster_by_its_cluster() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let ours = words("/usr/lib/postgresql/15/bin/postgres -D /a b/postgres -k /s -c fsync=off");
        assert!(is_postmaster(&ours, Path::new("/a b/postgres")));
        assert!(!is_postmaster(&ours, Path::new("/a")));
        assert!(!is_postmaster(&words("vim -D /a/postgres -k /s"), Path::new("/a/postgres")));
        assert!(!is_postmaster(&arguments(1).unwrap_or_default(), Path::new("/a/postgres")));
    }
}
