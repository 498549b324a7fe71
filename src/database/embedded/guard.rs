//! The guard: a shell that outlives this process just long enough to stop the server.

use std::{
    io::Write,
    process::{Child, ChildStdin, Stdio},
    time::Duration,
};

use super::{EmbeddedError, home::Home};

/// Reads two lines, the server's number and the folder of its socket, then waits for the pipe to close, which it does
/// when our process ends, however that happens. By then an orderly stop has removed `postmaster.pid`; while that file
/// still names our server, and that process works in our cluster (where the system tells), the server is stopped: in order,
/// after 3 seconds at once.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
read -r pid
read -r socket
read -r _
runs() {
  read -r first <"$1/postmaster.pid" && [ "$first" = "$pid" ] && kill -0 "$pid" || return 1
  case "$(readlink "/proc/$pid/cwd")" in "$1" | '') ;; *) return 1 ;; esac
}
wait_for() { n=0; while runs "$1" && [ $n -lt 30 ]; do sleep 0.1; n=$((n + 1)); done; }
if [ -n "$pid" ] && runs "$1"; then
  kill -INT "$pid"; wait_for "$1"
  if runs "$1"; then kill -QUIT "$pid"; wait_for "$1"; fi
fi
case "$socket" in */warta-*) rm -rf "$socket" ;; esac
[ -z "$2" ] || rm -rf "$2" || { sleep 1; rm -rf "$2"; }
"#;

/// Holds the guard's pipe open.
#[derive(Debug)]
pub(super) struct Guard {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    /// Starts the guard of the cluster in `home`, before there is a server.
    pub(super) fn set(home: &Home) -> Result<Self, EmbeddedError> {
        let mut command = home.command("/bin/sh");
        command.args(["-c", SCRIPT, "warta-guard"]).arg(home.cluster());
        if home.throw_away {
            command.arg(home.dir());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command
            .spawn()
            .map_err(|error| EmbeddedError::Server(format!("/bin/sh for its guard: {error}")))?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }

    /// Tells it whom to stop.
    pub(super) fn watch(&mut self, pid: u32, socket_dir: &std::path::Path) -> Result<(), EmbeddedError> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        writeln!(pipe, "{pid}\n{}", socket_dir.display())
            .map_err(|error| EmbeddedError::Server(format!("its guard is gone: {error}")))
    }

    /// Lets it clean up now; waits until it has.
    pub(super) async fn dismiss(&mut self) {
        self.pipe = None;
        while let Ok(None) = self.child.try_wait() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
