//! The guard: a shell that outlives this process just long enough to stop the server.

use std::{
    fs,
    io::Write,
    process::{Child, ChildStdin, Stdio},
    time::Duration,
};

use super::{
    EmbeddedError,
    home::{Home, SocketDir},
};

/// The guard's program. Its arguments are the cluster, and then each folder that is temporary: it never
/// deletes anything else.
///
/// It reads the server's process id, and another one when the server is started again, until the pipe closes.
/// The pipe closes when our process ends, however that happens. By then an orderly stop has removed
/// `postmaster.pid`. If that file still names our server, and that process works in our cluster (as far as
/// the system tells), the guard stops the server: in order, and after 3 seconds at once.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
cluster=$1
shift
pid=
while read -r line; do pid=$line; done
runs() {
  read -r first <"$cluster/postmaster.pid" && [ "$first" = "$pid" ] && kill -0 "$pid" || return 1
  case "$(readlink "/proc/$pid/cwd")" in "$cluster" | '') ;; *) return 1 ;; esac
}
wait_for() { n=0; while runs && [ $n -lt 30 ]; do sleep 0.1; n=$((n + 1)); done; }
if [ -n "$pid" ] && runs; then
  kill -INT "$pid"; wait_for
  if runs; then kill -QUIT "$pid"; wait_for; fi
fi
for temporary; do
  rm -rf "$temporary" || { sleep 1; rm -rf "$temporary"; }
done
"#;

/// The handle of the guard, which holds its pipe open.
#[derive(Debug)]
pub(super) struct Guard {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    /// Starts the guard of the cluster in `home`, before there is a server.
    pub(super) fn set(home: &Home, socket: &SocketDir) -> Result<Self, EmbeddedError> {
        let mut command = home.command("/bin/sh");
        // A link to another disk is resolved: the system reports the folder in which the server really works.
        let cluster = fs::canonicalize(home.cluster()).unwrap_or_else(|_| home.cluster());
        command.args(["-c", SCRIPT, "warta-guard"]).arg(cluster);
        command.args(socket.temporary.then_some(&socket.path)).args(home.throw_away.then(|| home.dir()));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command
            .spawn()
            .map_err(|error| EmbeddedError::Server(format!("/bin/sh for its guard: {error}")))?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }

    /// Tells the guard which server to stop: this one, and no longer an earlier one.
    pub(super) fn watch(&mut self, pid: u32) -> Result<(), EmbeddedError> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        writeln!(pipe, "{pid}").map_err(|error| EmbeddedError::Server(format!("its guard is gone: {error}")))
    }

    /// Returns true if the guard still waits for our end.
    pub(super) fn is_there(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Lets the guard clean up now, and waits until it has.
    pub(super) async fn dismiss(&mut self) {
        self.pipe = None;
        while let Ok(None) = self.child.try_wait() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
