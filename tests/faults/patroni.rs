//! The same with Patroni and etcd, which promote the standby by themselves. Rehearsed where
//! `REHEARSE_PATRONI` is set: it needs their programs (Debian: `patroni`, `python3-etcd`, `etcd-server`), and
//! takes a minute for each fault.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use warta::database::DatabaseUrl;

use crate::{
    guard::{Guard, at_work_in, signal_all, signal_each},
    load::Load,
    newsroom::Newsroom,
    postgres::{Seed, ask, free_port},
    rehearsal::{AFTER, BEFORE, BOUND, Fault, judge},
    say,
};

/// How long Patroni may take for anything. A leader that is lost keeps its place for `ttl`, 20 seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The settings of the cluster, the shortest times that Patroni allows.
const CLUSTER: &str = r#"{"ttl": 20, "loop_wait": 2, "retry_timeout": 5, "maximum_lag_on_failover": 1048576, "synchronous_mode": true,
"postgresql": {"use_pg_rewind": true, "remove_data_directory_on_rewind_failure": true,
"parameters": {"max_connections": 100, "synchronous_commit": "on"}}}"#;

/// A Patroni with its server.
struct Node {
    seed: &'static Seed,
    folder: PathBuf,
    port: u16,
    patroni: Option<Child>,
}

/// A program that is killed with the value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program that goes on, as the user of the servers, in a folder of its own.
fn start(seed: &Seed, folder: &Path, program: &str, arguments: &[String]) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut command = seed.unprivileged(program);
    command.args(arguments).current_dir(folder).env("HOME", folder).process_group(0);
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// Waits until something is so.
async fn until(what: &str, limit: Duration, mut is_so: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !is_so().await {
        assert!(since.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Node {
    async fn start(guard: &Guard, seed: &'static Seed, name: &str, etcd: u16) -> Self {
        let folder = seed.folder(guard.folder(), name);
        let (port, rest) = (free_port(), free_port());
        let (at, bin) = (folder.display(), seed.programs().display());
        let settings = format!(
            r#"{{"scope": "warta", "name": "{name}",
"restapi": {{"listen": "127.0.0.1:{rest}", "connect_address": "127.0.0.1:{rest}"}},
"etcd3": {{"host": "127.0.0.1:{etcd}"}},
"bootstrap": {{"dcs": {CLUSTER}, "initdb": [{{"encoding": "UTF8"}}, {{"locale": "C"}}, {{"auth": "trust"}}]}},
"postgresql": {{"listen": "127.0.0.1:{port}", "connect_address": "127.0.0.1:{port}", "data_dir": "{at}/data", "bin_dir": "{bin}",
"pgpass": "{at}/pgpass", "basebackup": [{{"checkpoint": "fast"}}], "parameters": {{"unix_socket_directories": "{at}"}},
"pg_hba": ["local all all trust", "host all all all trust", "host replication all all trust"],
"authentication": {{"superuser": {{"username": "warta"}}, "replication": {{"username": "warta"}}}}}}}}"#
        );
        // JSON is YAML, too.
        fs::write(folder.join("patroni.yml"), settings).unwrap();
        let mut node = Self { seed, folder, port, patroni: None };
        node.go();
        node
    }

    fn go(&mut self) {
        self.patroni = Some(start(self.seed, &self.folder, "patroni", &["patroni.yml".to_owned()]));
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn url(&self, database: &str) -> DatabaseUrl {
        let (folder, port) = (self.folder.display(), self.port);
        format!("host='{folder}' port='{port}' user='warta' dbname='{database}'").parse().unwrap()
    }

    /// Whether something holds of its server; `false` where that cannot be asked.
    async fn is(&self, what: &str) -> bool {
        let sql = format!("select ({what})::text as text");
        ask(&self.url("postgres"), &sql).await.is_ok_and(|answer| answer == "true")
    }

    fn log(&self) -> String {
        let text = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let last: Vec<_> = text.lines().rev().take(30).collect();
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Sends a signal to Patroni, and to all of its server.
    fn signal(&self, signal: Signal) {
        let patroni = self.patroni.as_ref().unwrap().id().cast_signed();
        signal_all(&self.folder, patroni, signal);
        let server = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        signal_all(&self.data(), server.lines().next().unwrap().parse().unwrap(), signal);
    }

    fn strike(&mut self, fault: Fault) {
        if fault == Fault::Stopped {
            return self.signal(Signal::SIGSTOP);
        }
        self.signal(Signal::SIGKILL);
        self.patroni.take().unwrap().wait().unwrap();
        let since = Instant::now();
        while !at_work_in(&self.data()).is_empty() {
            assert!(since.elapsed() < PATIENCE, "it cannot be killed");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn heal(&mut self, fault: Fault) {
        if fault == Fault::Stopped {
            // The server first: for a moment it is a primary that nobody minds.
            signal_each(&self.data(), Signal::SIGCONT);
            signal_each(&self.folder, Signal::SIGCONT);
        } else {
            self.go();
        }
    }
}

/// The whole of it.
pub(crate) async fn rehearse(fault: Fault) {
    if std::env::var_os("REHEARSE_PATRONI").is_none() {
        return say(&format!(
            "{fault:?} with Patroni: NOT REHEARSED, as REHEARSE_PATRONI is not set (.ci/patroni sets it)"
        ));
    }
    let guard = Guard::set();
    let seed = Seed::get().await;
    let (etcd, peers) = (free_port(), free_port());
    let folder = seed.folder(guard.folder(), "etcd");
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let arguments = [
        ("data-dir", "data".to_owned()),
        ("listen-client-urls", url(etcd)),
        ("advertise-client-urls", url(etcd)),
        ("listen-peer-urls", url(peers)),
        ("initial-advertise-peer-urls", url(peers)),
        ("initial-cluster", format!("default={}", url(peers))),
    ];
    let arguments = arguments.map(|(name, value)| format!("--{name}={value}"));
    let _etcd = Running(start(seed, &folder, "etcd", &arguments));
    until("etcd", PATIENCE, async || tokio::net::TcpStream::connect(("127.0.0.1", etcd)).await.is_ok()).await;

    let mut one = Node::start(&guard, seed, "one", etcd).await;
    let is_primary = "not pg_is_in_recovery()";
    until("a leader", PATIENCE, async || one.is(is_primary).await).await;
    let create = Command::new(seed.programs().join("createdb"))
        .args(["-h", "127.0.0.1", "-p", &one.port.to_string(), "-U", "warta", "warta"])
        .output()
        .unwrap();
    assert!(create.status.success(), "{}", String::from_utf8_lossy(&create.stderr));
    let two = Node::start(&guard, seed, "two", etcd).await;
    let has_standby = "select count(*) = 1 from pg_stat_replication where sync_state = 'sync'";
    until("a synchronous standby", PATIENCE, async || one.is(has_standby).await).await;

    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", one.port, two.port);
    let url = format!("postgres://warta@{hosts}/warta?target_session_attrs=read-write");
    let newsroom = Newsroom::open(guard.folder(), &url).await;
    let load = Load::start(&newsroom.desks).await;
    tokio::time::sleep(BEFORE).await;

    one.strike(fault);
    let struck = Instant::now();
    until(&format!("the promotion\n{}", two.log()), PATIENCE, async || two.is(is_primary).await).await;
    let promoted = Instant::now();
    let mut again = Vec::new();
    for desk in &newsroom.desks {
        again.push(load.acknowledged(desk, promoted, BOUND).await);
    }
    let away = struck.elapsed();
    tokio::time::sleep(AFTER).await;

    let returned = ask(&two.url("postgres"), "select clock_timestamp()::text as text").await.unwrap();
    one.heal(fault);
    let sessions = format!(
        "exists (select from pg_stat_activity where application_name = 'warta' and backend_start > '{returned}')"
    );
    let became_standby = "select count(*) = 1 from pg_stat_replication where state = 'streaming'";
    until("the old leader as a standby", PATIENCE, async || {
        assert!(!one.is(&sessions).await, "an instance went back to the old leader");
        two.is(became_standby).await
    })
    .await;
    let back = Instant::now();
    for desk in &newsroom.desks {
        load.acknowledged(desk, back, BOUND).await;
    }
    let measured = format!(
        "writes again {:.1?} and {:.1?} after the promotion was seen, {away:.1?} after the fault",
        again[0], again[1]
    );
    judge(&format!("{fault:?} with Patroni"), load, &newsroom, &measured).await;
}
