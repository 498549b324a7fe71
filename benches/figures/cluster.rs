//! The Postgres that everything runs on, and the connections to it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tokio_postgres::{Client, NoTls};
use warta::database::{
    DatabaseUrl,
    embedded::{Embedded, EmbeddedOptions},
};

use crate::outcome::{Outcome, about};

/// While databases are filled: a crash loses nothing that cannot be made again.
const FILLING: [(&str, &str); 10] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "30min"),
    ("autovacuum", "off"),
    ("shared_buffers", "512MB"),
    ("max_locks_per_transaction", "256"),
];

/// While it is measured: as a server of this size is run, durable. Statements can be logged whole.
const MEASURING: [(&str, &str); 4] = [
    ("shared_buffers", "512MB"),
    ("log_error_verbosity", "default"),
    ("log_line_prefix", "%p|"),
    ("max_wal_size", "4GB"),
];

/// What the server is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Many rows, fast.
    Filling,
    /// Figures.
    Measuring,
}

/// A running cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: PathBuf,
    embedded: Embedded,
}

impl Cluster {
    /// Starts it in its folder, where it is made when missing.
    pub(crate) async fn start(folder: &Path, purpose: Purpose) -> Outcome<Self> {
        let settings: &[(&str, &str)] = match purpose {
            Purpose::Filling => &FILLING,
            Purpose::Measuring => &MEASURING,
        };
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let options = EmbeddedOptions {
            data_dir: folder.to_owned(),
            settings: settings.collect(),
            ..EmbeddedOptions::default()
        };
        Ok(Self { folder: folder.to_owned(), embedded: Embedded::start(options).await? })
    }

    /// Stops it; what it holds stays.
    pub(crate) async fn stop(self) {
        self.embedded.stop().await;
    }

    /// Deletes what a cluster left behind.
    pub(crate) fn delete(folder: &Path) -> Outcome<()> {
        // Where its user cannot reach the folder, the cluster is elsewhere and linked.
        let elsewhere = fs::read_link(folder.join("postgres")).ok();
        for place in elsewhere.as_deref().into_iter().chain([folder]) {
            if place.exists() {
                fs::remove_dir_all(place).map_err(about(place.display()))?;
            }
        }
        Ok(())
    }

    /// A database of it.
    pub(crate) fn url(&self, database: &str) -> DatabaseUrl {
        self.embedded.url().with_database(database)
    }

    /// A connection to a database of it.
    pub(crate) async fn connect(&self, database: &str) -> Outcome<Client> {
        let (client, connection) = tokio_postgres::connect(&self.url(database).expose(), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// What the server said from this byte on.
    pub(crate) fn log(&self, from: usize) -> Outcome<String> {
        let bytes = fs::read(self.folder.join("postgres.log"))?;
        Ok(String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).into_owned())
    }

    /// A program that comes with the server, such as `pgbench`.
    pub(crate) fn program(&self, name: &str) -> Outcome<PathBuf> {
        // The command line that the server was started with.
        let options = fs::read_to_string(self.folder.join("postgres/postmaster.opts"))?;
        let server = Path::new(options.split(' ').next().unwrap_or_default());
        let beside = server.with_file_name(name);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).map(|folder| folder.join(name)).collect::<Vec<_>>();
        let found = [beside].into_iter().chain(on_path).find(|program| program.is_file());
        found.ok_or_else(|| format!("there is no {name}: install postgresql-contrib or postgresql").into())
    }
}
