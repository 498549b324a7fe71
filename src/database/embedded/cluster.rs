//! The making of the cluster, which happens once, and of its database.

use std::fs;

use diesel_async::SimpleAsyncConnection;

use super::{EmbeddedError, NAME, binaries, binaries::Wanted, home::Home, programs::Binaries, room};
use crate::database::{DatabaseUrl, one_line};

/// A cluster that exists, and the binaries that fit it.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) binaries: Binaries,
}

/// The ways to ask for "Unicode, no country's order", best first: builds differ in what they support.
const LOCALES: [&[&str]; 4] = [
    &["--locale-provider=icu", "--icu-locale=und", "--locale=C.UTF-8"],
    &["--locale-provider=icu", "--icu-locale=und", "--locale=C"],
    &["--locale=C.UTF-8"],
    &["--locale=C"],
];

impl Cluster {
    /// Finds the cluster in `home`, or makes it.
    pub(super) async fn open(home: &Home, wanted: Wanted<'_>) -> Result<Self, EmbeddedError> {
        home.clear_unfinished();
        let path = home.cluster();
        let Ok(version) = fs::read_to_string(path.join("PG_VERSION")) else {
            let binaries = binaries::find(home, wanted, None).await?;
            create(home, &binaries).await?;
            return Ok(Self { binaries });
        };
        let major = version.trim().parse().map_err(|_| {
            EmbeddedError::Server(format!(
                "{} is not a Postgres cluster's",
                path.join("PG_VERSION").display()
            ))
        })?;
        Ok(Self { binaries: binaries::find(home, wanted, Some(major)).await? })
    }
}

/// Makes the cluster in a temporary folder and then moves it to its place, so that a start that was cut short
/// leaves nothing half done.
async fn create(home: &Home, binaries: &Binaries) -> Result<(), EmbeddedError> {
    room::for_a_first_start(home.dir())?;
    let outcome = initdb(home, binaries).await;
    // This also clears those of earlier starts. It happens now, because their `initdb` can outlive them by a
    // second.
    home.clear_unfinished();
    outcome
}

async fn initdb(home: &Home, binaries: &Binaries) -> Result<(), EmbeddedError> {
    let mut complaint = String::new();
    for locale in LOCALES {
        let unfinished = home.unfinished()?;
        let mut initdb = home.command(binaries.dir.join("initdb"));
        initdb
            .arg("-D")
            .arg(&unfinished)
            .args(["--username", NAME, "--auth=trust", "--encoding=UTF8"])
            .args(locale);
        initdb.args(home.throw_away.then_some("--no-sync"));
        let output = tokio::process::Command::from(initdb).kill_on_drop(true).output().await;
        let output = output.map_err(|error| EmbeddedError::Initdb(error.to_string()))?;
        if output.status.success() {
            let path = home.cluster();
            return fs::rename(&unfinished, &path).map_err(|error| EmbeddedError::folder(&path, error));
        }
        let text = String::from_utf8_lossy(&output.stderr);
        if room::is_missing(&text) {
            return Err(room::none_for_a_first_start(home.dir()));
        }
        let line = text.lines().find(|line| line.contains("error:") || line.contains("FATAL"));
        complaint = line.or(text.lines().last()).map_or_else(|| output.status.to_string(), str::to_owned);
    }
    Err(EmbeddedError::Initdb(complaint))
}

/// Returns the named database of the cluster, and makes it if it is missing.
pub(super) async fn database(postgres: &DatabaseUrl, name: &str) -> Result<DatabaseUrl, EmbeddedError> {
    let url = postgres.with_database(name);
    let Err(missing) = url.establish().await else { return Ok(url) };
    let failed = |cause: String| EmbeddedError::Server(cause);
    let mut connection = postgres.establish().await.map_err(|_| failed(one_line(&missing)))?;
    let created = connection.batch_execute(&format!("CREATE DATABASE {name}")).await;
    created.map_err(|error| failed(one_line(&error)))?;
    Ok(url)
}
