//! The real program, whose Postgres is stopped: it accepts connections, and says nothing.

use std::time::{Duration, Instant};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};
use tempfile::TempDir;

use super::{
    hostile::status,
    program::{Program, command, postmaster},
};

/// Far more than it takes: the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

/// A Postgres that is stopped, until the value is dropped.
struct Stopped(Vec<Pid>);

impl Stopped {
    /// Stops the server on a data folder's cluster, with all its processes.
    fn stop(folder: &TempDir) -> Self {
        let server = postmaster(folder.path()).unwrap();
        let mut all = vec![Pid::from_raw(server)];
        // So that it starts no more of them.
        signal::kill(all[0], Signal::SIGSTOP).unwrap();
        for entry in std::fs::read_dir("/proc").unwrap() {
            let Ok(pid) = entry.unwrap().file_name().to_string_lossy().parse() else { continue };
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
            if parent == Some(&server.to_string()) {
                all.push(Pid::from_raw(pid));
                let _ = signal::kill(Pid::from_raw(pid), Signal::SIGSTOP);
            }
        }
        assert!(all.len() > 3, "{all:?}");
        Self(all)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for pid in self.0.iter().rev() {
            let _ = signal::kill(*pid, Signal::SIGCONT);
        }
    }
}

/// How long an answer took, which has to have this status.
fn answered(program: &Program, path: &str, expected: u16) -> Duration {
    let since = Instant::now();
    assert_eq!(status(program, path), expected, "{path}");
    since.elapsed()
}

#[test]
fn readers_and_balancers_are_answered_while_postgres_is_stopped() {
    let folder = TempDir::new().unwrap();
    let mut program = Program::start(&mut command(folder.path()));
    let read = ["/v1/articles", "/v1/tags?menu=true", "/feeds/rss.xml"];
    for path in read {
        answered(&program, path, 200);
    }
    answered(&program, "/readyz", 200);
    let stopped = Stopped::stop(&folder);
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(8) {
        for path in read {
            let took = answered(&program, path, 200);
            assert!(took < PATIENCE, "{path}: {took:?}");
        }
        let took = answered(&program, "/readyz", 200);
        assert!(took < PATIENCE, "{took:?}");
    }
    let took = answered(&program, "/v1/articles?limit=3", 503);
    assert!(took < PATIENCE, "{took:?}");
    drop(stopped);
    let since = Instant::now();
    while status(&program, "/v1/articles?limit=3") != 200 {
        assert!(since.elapsed() < PATIENCE, "it does not come back");
    }
    program.kill(Signal::SIGTERM);
    assert_eq!(program.ended(), Some(0));
}
