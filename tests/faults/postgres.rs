//! The servers of a rehearsal: real ones, found as the program finds them.

use std::{
    ffi::OsStr,
    fs::{self, File},
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::RunQueryDsl;
use nix::sys::signal::Signal;
use tokio::sync::OnceCell;
use warta::database::{
    Database, DatabaseUrl,
    embedded::{Embedded, EmbeddedOptions},
    migrations,
};

use crate::guard::{at_work_in, signal_all, signal_each};

/// How long a server may take to start: far longer than it does.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who may connect: everybody, from here.
const ACCESS: &str = "local all all trust\nlocal replication all trust\nhost all all all trust\nhost replication all all trust\n";

/// A migrated, empty database that servers are copied from, and the programs of its Postgres.
pub(crate) struct Seed {
    programs: PathBuf,
    /// As whom Postgres runs: as another one than root.
    user: (u32, u32),
    url: DatabaseUrl,
    _embedded: Embedded,
}

impl Seed {
    /// The one of this process.
    pub(crate) async fn get() -> &'static Self {
        static SEED: OnceCell<Seed> = OnceCell::const_new();
        SEED.get_or_init(Self::start).await
    }

    async fn start() -> Self {
        let options = EmbeddedOptions { throw_away: true, ..EmbeddedOptions::default() };
        let embedded = Embedded::start(options).await.expect("a Postgres to copy");
        let url = embedded.url().clone();
        migrations::migrate(&url).await.expect("migrations");
        let programs =
            ask(&url, "select setting as text from pg_config where name = 'BINDIR'").await.unwrap();
        let data = ask(&url, "select current_setting('data_directory') as text").await.unwrap();
        let owner = fs::metadata(data).unwrap();
        Self { programs: programs.into(), user: (owner.uid(), owner.gid()), url, _embedded: embedded }
    }

    /// Where the programs of Postgres are.
    pub(crate) fn programs(&self) -> &Path {
        &self.programs
    }

    /// A command of Postgres, as its user, that works in a folder.
    fn command(&self, name: &str, folder: &Path) -> Command {
        let mut command = self.unprivileged(self.programs.join(name));
        command.current_dir(folder).stdin(Stdio::null());
        command
    }

    /// Any command as its user.
    pub(crate) fn unprivileged(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        if nix::unistd::geteuid().as_raw() != self.user.0 {
            command.uid(self.user.0).gid(self.user.1);
        }
        command.env_clear().envs([("PATH", "/usr/bin:/bin"), ("LC_ALL", "C"), ("TZ", "UTC")]);
        command
    }

    /// A folder for a server.
    pub(crate) fn folder(&self, parent: &Path, name: &str) -> PathBuf {
        let folder = parent.join(name);
        fs::create_dir(&folder).unwrap();
        chown(&folder, Some(self.user.0), Some(self.user.1)).unwrap();
        folder
    }
}

#[derive(QueryableByName)]
struct Cell {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Asks a server for one text, called `text`; why not, where it gives none.
pub(crate) async fn ask(url: &DatabaseUrl, sql: &str) -> Result<String, String> {
    let url = format!("{} application_name=rehearsal", url.expose()).parse().unwrap();
    let database = Database::connect(&url, 1).await.map_err(|error| error.to_string())?;
    let mut conn = database.get().await.map_err(|error| error.to_string())?;
    let cell = sql_query(sql).get_result::<Cell>(&mut *conn).await;
    cell.map(|cell| cell.text).map_err(|error| error.to_string())
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Where a server listens.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The namespace of the network that it is in, where that is not ours.
    pub(crate) namespace: Option<String>,
}

impl Place {
    /// On this machine, for everybody on it.
    pub(crate) fn here() -> Self {
        Self { host: "127.0.0.1".into(), port: free_port(), namespace: None }
    }
}

/// A server.
pub(crate) struct Server {
    seed: &'static Seed,
    name: &'static str,
    folder: PathBuf,
    place: Place,
    settings: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// A primary: a copy of the seed.
    pub(crate) async fn primary(parent: &Path, place: Place, settings: &[&str]) -> Self {
        let seed = Seed::get().await;
        let origin = seed.url.expose();
        Self::copy(seed, parent, "primary", &origin, place, settings, &[]).await
    }

    /// Its standby, which reaches it at an address.
    pub(crate) async fn standby(&self, parent: &Path, at: &str, place: Place) -> Self {
        let (host, port) = at.split_once(':').unwrap();
        let origin = format!("host={host} port={port} user=warta");
        Self::copy(self.seed, parent, "standby", &origin, place, &[], &["-R"]).await
    }

    async fn copy(
        seed: &'static Seed,
        parent: &Path,
        name: &'static str,
        origin: &str,
        place: Place,
        settings: &[&str],
        more: &[&str],
    ) -> Self {
        let folder = seed.folder(parent, name);
        let mut copying = seed.command("pg_basebackup", &folder);
        // A database is no part of the address of a copy.
        let pairs = origin.split(' ').filter(|pair| !pair.starts_with("dbname="));
        copying
            .args(["-d", &pairs.collect::<Vec<_>>().join(" "), "-D", "data", "-c", "fast", "-N"])
            .args(more);
        let output = tokio::process::Command::from(copying).kill_on_drop(true).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::write(folder.join("data/pg_hba.conf"), ACCESS).unwrap();
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut server = Self { seed, name, folder, place, settings, child: None };
        server.start().await;
        server
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts it, as it was before; returns once it can be asked something.
    pub(crate) async fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let mut command = match &self.place.namespace {
            None => self.seed.command("postgres", &self.folder),
            Some(namespace) => {
                // It becomes the server's user itself, as only root may enter.
                let mut enter = Command::new("nsenter");
                let user = self.seed.user;
                enter.arg(format!("--net=/run/netns/{namespace}"));
                enter.args(["-S", &user.0.to_string(), "-G", &user.1.to_string(), "--"]);
                enter.arg(self.seed.programs.join("postgres")).current_dir(&self.folder).stdin(Stdio::null());
                enter
            }
        };
        command.arg("-D").arg(self.data()).arg("-k").arg(&self.folder);
        let own = [format!("listen_addresses={}", self.place.host), format!("port={}", self.place.port)];
        for setting in own.iter().chain(&self.settings) {
            command.args(["-c", setting]);
        }
        self.child = Some(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        let since = Instant::now();
        while !self.is_ready() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none() && since.elapsed() < PATIENCE, "the {}: {}", self.name, self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn is_ready(&self) -> bool {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines();
        let ours = lines.next().is_some_and(|pid| pid == self.pid().to_string());
        ours && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    fn pid(&self) -> i32 {
        self.child.as_ref().unwrap().id().cast_signed()
    }

    /// The last of what it said.
    fn log(&self) -> String {
        let text = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let last: Vec<_> = text.lines().rev().take(20).collect();
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Where clients find it.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.place.host, self.place.port)
    }

    /// The same for whoever wants to go through something that stands before it.
    pub(crate) fn url(&self) -> DatabaseUrl {
        let Place { host, port, .. } = &self.place;
        format!("host='{host}' port='{port}' user='warta' dbname='warta'").parse().unwrap()
    }

    /// Asks it something, by a way of its own, whatever its network is like.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        let (folder, port) = (self.folder.display(), self.place.port);
        let url = format!("host='{folder}' port='{port}' user='warta' dbname='warta'").parse().unwrap();
        ask(&url, sql).await.unwrap_or_else(|error| panic!("{}: {error}\n{}", self.name, self.log()))
    }

    /// Asks it for a number.
    pub(crate) async fn count(&self, of: &str) -> u64 {
        self.ask(&format!("select count(*)::text as text from {of}")).await.parse().unwrap()
    }

    /// Makes it the primary; returns when it is.
    pub(crate) async fn promote(&self) {
        let done = self.ask("select pg_promote(true, 60)::text as text").await;
        assert_eq!(done, "true", "{}", self.log());
    }

    /// Ends all its processes, at once.
    pub(crate) fn kill(&mut self) {
        signal_all(&self.data(), self.pid(), Signal::SIGKILL);
        self.child.take().unwrap().wait().unwrap();
        let since = Instant::now();
        while !at_work_in(&self.data()).is_empty() {
            assert!(since.elapsed() < PATIENCE, "it cannot be killed");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops all its processes where they are.
    pub(crate) fn freeze(&self) {
        signal_all(&self.data(), self.pid(), Signal::SIGSTOP);
    }

    /// They go on.
    pub(crate) fn thaw(&self) {
        signal_each(&self.data(), Signal::SIGCONT);
    }
}
