//! The real program, started by a test and never left running.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};

/// A `warta` that serves.
pub(super) struct Program {
    child: Child,
    /// What it prints, line by line.
    lines: Receiver<String>,
    /// What it complained of so far.
    complaints: Arc<Mutex<String>>,
    /// The address it printed.
    pub(super) address: String,
}

/// The program with a data folder, a port of its own choice and no other setting.
pub(super) fn command(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warta"));
    for (name, _) in std::env::vars_os() {
        if name == "DATABASE_URL" || name.to_string_lossy().starts_with("WARTA_") {
            command.env_remove(name);
        }
    }
    command.env("WARTA_DATA_DIR", data_dir).env("WARTA_LISTEN", "127.0.0.1:0").env("WARTA_LOG", "error");
    // A test has no balancer to tell.
    command.env("WARTA_DRAIN_SECONDS", "0");
    command
}

/// The same program, started by a shell after `script`, which `outer` runs, such as `unshare`: its process is
/// the program's in the end.
pub(super) fn after(outer: &[&str], script: &str, program: &Command) -> Command {
    let script = format!("{script} && exec \"$0\" \"$@\"");
    let words = outer.iter().copied().chain(["sh", "-c", &script]).collect::<Vec<_>>();
    let mut shell = Command::new(words[0]);
    shell.args(&words[1..]).arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// Runs the program to its end.
pub(super) fn output(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

impl Program {
    /// Starts it and waits until it serves.
    pub(super) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (printed, lines) = channel();
        // Read to its end: it may go on writing when nobody asks for it.
        std::thread::spawn(move || stdout.lines().for_each(|line| drop(printed.send(line.unwrap()))));
        let (complaints, mut stderr) = (Arc::<Mutex<String>>::default(), child.stderr.take().unwrap());
        let heard = Arc::clone(&complaints);
        let hearing = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut bytes) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..length]));
            }
        });
        let address = lines.iter().find_map(|line| Some(line.split_once("http://")?.1.to_owned()));
        let Some(address) = address else {
            hearing.join().unwrap();
            panic!("it did not start: {}", complaints.lock().unwrap());
        };
        Self { child, lines, complaints, address: address.split('/').next().unwrap().to_owned() }
    }

    /// The rest of the line that starts with `word`, once it is printed.
    pub(super) fn told(&self, word: &str) -> String {
        let found =
            self.lines.iter().find_map(|line| line.trim_start().strip_prefix(word).map(str::to_owned));
        found.unwrap_or_else(|| panic!("it never said {word}"))
    }

    /// What it complained of so far.
    pub(super) fn complaints(&self) -> String {
        self.complaints.lock().unwrap().clone()
    }

    /// Asks it to stop; what it printed that no one has read yet.
    pub(super) fn stop(mut self) -> String {
        self.kill(Signal::SIGTERM);
        assert_eq!(self.ended(), Some(0));
        self.lines.iter().collect::<Vec<_>>().join("\n")
    }

    /// Asks it to stop; what it logged.
    pub(super) fn stop_with_log(mut self) -> String {
        self.kill(Signal::SIGTERM);
        assert_eq!(self.ended(), Some(0));
        self.complaints()
    }

    pub(super) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub(super) fn kill(&self, signal: Signal) {
        signal::kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Waits for its end; returns its code, and fails after 5 seconds.
    pub(super) fn ended(&mut self) -> Option<i32> {
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(5) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("still running 5 seconds after it was asked to stop");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Its guard then stops the database.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The number of the server that runs on a data folder's cluster.
pub(super) fn postmaster(data_dir: &Path) -> Option<i32> {
    let text = std::fs::read_to_string(data_dir.join("postgres/postmaster.pid")).ok()?;
    text.lines().next()?.parse().ok()
}

/// Whether a process runs. One that has ended and that no one has asked for its code yet does not.
pub(super) fn is_alive(pid: i32) -> bool {
    match std::fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(arguments) => !arguments.is_empty(),
        Err(_) => signal::kill(Pid::from_raw(pid), None).is_ok() && !Path::new("/proc/self").exists(),
    }
}
