//! What is left of a rehearsal is cleaned up, however it ends.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};
use tempfile::TempDir;

/// Is given a folder, and after it the namespaces that are made. Reads until the pipe closes, which it does
/// when our process ends, however that happens. Then whatever works in the folder is killed, also what is
/// stopped, and the folder is deleted.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
folder=$1
namespaces=
while read -r name; do namespaces="$namespaces $name"; done
for round in 1 2 3; do
  for link in /proc/[0-9]*/cwd; do
    case "$(readlink "$link")" in
      "$folder" | "$folder"/*) pid=${link#/proc/}; kill -KILL "${pid%/cwd}" ;;
    esac
  done
  sleep 0.1
done 2>/dev/null
for name in $namespaces; do ip netns del "$name"; done
rm -rf "$folder"
"#;

/// The folder of a rehearsal, in which all its processes work, and the shell that waits for its end.
pub(crate) struct Guard {
    folder: PathBuf,
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    pub(crate) fn set() -> Self {
        let folder = TempDir::with_prefix("warta-faults-").unwrap().keep();
        let folder = fs::canonicalize(folder).unwrap();
        // The servers' user has to get there.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "warta-faults-guard"]).arg(&folder).current_dir("/");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pipe = child.stdin.take();
        Self { folder, child, pipe }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A namespace of the network is about to be made.
    pub(crate) fn watch_namespace(&mut self, name: &str) {
        use std::io::Write;

        writeln!(self.pipe.as_mut().unwrap(), "{name}").unwrap();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.pipe = None;
        let _ = self.child.wait();
    }
}

/// The processes that work in a folder: a server, and all that it has started.
pub(crate) fn at_work_in(folder: &Path) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        let place = fs::read_link(process.path().join("cwd")).ok()?;
        (place == folder).then_some(Pid::from_raw(pid))
    });
    pids.collect()
}

/// Sends a signal to all that work in a folder: after the first of them, which starts the others, was
/// stopped.
pub(crate) fn signal_all(folder: &Path, first: i32, signal: Signal) {
    // It may have ended.
    let _ = signal::kill(Pid::from_raw(first), Signal::SIGSTOP);
    signal_each(folder, signal);
}

/// The same for those that start no others.
pub(crate) fn signal_each(folder: &Path, signal: Signal) {
    for pid in at_work_in(folder) {
        // One may have ended meanwhile.
        let _ = signal::kill(pid, signal);
    }
}
