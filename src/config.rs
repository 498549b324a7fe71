//! Every setting and command of the program, parsed into types. A wrong setting stops the start with one
//! line.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{ArgAction, Args, Parser, Subcommand};
use email_address::EmailAddress;
use ipnet::IpNet;
use url::Url;

use self::values::{listen, network, number, seconds, site_name, site_url, up_to_a_day};
pub use self::{
    password::editor_password,
    values::{LogFilter, Origin, Secret},
};
use crate::{
    audit::chain::Head,
    context::Policy,
    database::{DatabaseUrl, embedded::ArchiveAddress},
    site::ArticlePath,
};

/// A headless CMS for newsrooms.
///
/// Set each setting as an environment variable or as a command-line option; the option wins. An empty
/// variable counts as unset. To read a value from a file, append _FILE to the variable's name, such as
/// DATABASE_URL_FILE. Any other variable that starts with WARTA_ stops the start.
#[derive(Debug, Parser)]
#[command(name = "warta", version, max_term_width = 110)]
pub struct Cli {
    /// The settings of this start.
    #[command(flatten)]
    pub config: Config,
    /// The command; without one, the program serves.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API (the default)
    Serve,
    /// Bring the database up to date, then end
    Migrate {
        /// Change nothing; list the pending migrations, and fail if there are any
        #[arg(long)]
        check: bool,
    },
    /// Manage the editors
    #[command(subcommand)]
    Editor(EditorCommand),
    /// Check the record of what changed
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print the OpenAPI document
    Openapi,
}

/// The commands on the record.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Find the first event that was changed, removed, inserted or moved; fails if there is one
    Verify {
        /// The head printed by an earlier run: detects truncation and complete rewrites
        #[arg(long, value_name = "SEQUENCE:HASH")]
        head: Option<Head>,
    },
}

/// The commands on editors.
///
/// Passwords come from `WARTA_EDITOR_PASSWORD`, else from the first line of standard input; see
/// [`editor_password`].
#[derive(Debug, Subcommand)]
pub enum EditorCommand {
    /// Create an editor; the password is WARTA_EDITOR_PASSWORD or a line on standard input
    Create {
        /// The email address to sign in with
        #[arg(long)]
        email: EmailAddress,
        /// The name that readers and colleagues see
        #[arg(long)]
        name: String,
        /// The role of the editor
        #[arg(long, default_value = "editor", value_parser = ["writer", "editor", "admin"])]
        role: String,
    },
    /// List the editors
    List,
    /// Change a password: WARTA_EDITOR_PASSWORD or a line on standard input; ends the editor's sessions
    SetPassword {
        /// Email of the editor
        #[arg(long)]
        email: EmailAddress,
    },
    /// Bar an editor from signing in; ends the editor's sessions
    Disable {
        /// Email of the editor
        #[arg(long)]
        email: EmailAddress,
    },
}

/// The settings. `warta --help` is their documentation.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// Address and port to serve on; port 0 takes a free one
    #[arg(long, env = "WARTA_LISTEN", default_value = "127.0.0.1:8080", value_parser = listen, value_name = "HOST:PORT")]
    pub listen: SocketAddr,

    /// Threads that serve requests, 1 to 256 [default: the number of cores]
    #[arg(long, env = "WARTA_WORKERS", value_parser = number::<1, 256, usize>, value_name = "NUMBER")]
    pub workers: Option<usize>,

    /// Most connections of clients at a time, 16 to 1000000; beyond that, a new one replaces the slowest
    #[arg(long, env = "WARTA_CONNECTIONS", default_value = "10000",
          value_parser = number::<16, 1_000_000, usize>, value_name = "NUMBER")]
    pub connections: usize,

    /// Most connections from one address, or one /64 network of IPv6, 1 to 1000000; this machine and trusted
    /// proxies are exempt
    #[arg(long, env = "WARTA_CONNECTIONS_PER_ADDRESS", default_value = "256",
          value_parser = number::<1, 1_000_000, usize>, value_name = "NUMBER")]
    pub connections_per_address: usize,

    /// Seconds from SIGTERM until connections are no longer accepted, 0 to 3600; meanwhile /readyz says 503
    #[arg(long, env = "WARTA_DRAIN_SECONDS", default_value = "3",
          value_parser = number::<0, 3600, u64>, value_name = "SECONDS")]
    pub drain_seconds: u64,

    /// Seconds in which the body of a request has to arrive, 1 to 3600
    #[arg(long, env = "WARTA_REQUEST_TIMEOUT", default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    pub request_timeout: Duration,

    /// Origins whose pages can write, such as `https://desk.example.org`, separated by commas [default: none]
    #[arg(long, env = "WARTA_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub cors_origins: Vec<Origin>,

    /// Networks of proxies whose X-Forwarded-For, -Host and -Proto are believed, such as 10.0.0.0/8,
    /// separated by commas [default: none]
    #[arg(long, env = "WARTA_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network, value_name = "NETWORKS")]
    pub trusted_proxies: Vec<IpNet>,

    /// Bytes of memory for answers that readers ask for again; 0 keeps none
    #[arg(long, env = "WARTA_CACHE_BYTES", default_value = "33554432", value_parser = number::<0, { u64::MAX }, u64>, value_name = "NUMBER")]
    pub cache_bytes: u64,

    /// Seconds for which readers are answered from memory while the database is away, 0 to 86400; 0 for none
    #[arg(long, env = "WARTA_STALE_IF_ERROR", default_value = "600", value_parser = up_to_a_day, value_name = "SECONDS")]
    pub stale_if_error: Duration,

    /// Folder of the embedded Postgres and of the keys made for it
    #[arg(long, env = "WARTA_DATA_DIR", default_value = "./.warta", value_name = "FOLDER")]
    pub data_dir: PathBuf,

    /// Postgres to use, as a libpq URL or key=value string with sslmode and sslrootcert [default: an embedded
    /// one]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<DatabaseUrl>,

    /// Most connections to the database at a time, 1 to 1000
    #[arg(long, env = "WARTA_DATABASE_CONNECTIONS", default_value = "16",
          value_parser = number::<1, 1000, usize>, value_name = "NUMBER")]
    pub database_connections: usize,

    /// Folder that contains the postgres and initdb binaries, version 15 or newer [default: searched for,
    /// else downloaded]
    #[arg(long, env = "WARTA_PG_BIN", value_name = "FOLDER")]
    pub pg_bin: Option<PathBuf>,

    /// Archive of Postgres to download if none is found: the http(s) address of a .tar.gz, with its .sha256
    /// next to it; {major} and {target} stand for the version and the kind of machine [default: the newest
    /// published one]
    #[arg(long, env = "WARTA_PG_ARCHIVE", hide_env_values = true, value_name = "URL")]
    pub pg_archive: Option<ArchiveAddress>,

    /// Email of the first admin, who is created if there is no editor; needs WARTA_ADMIN_PASSWORD [default:
    /// embedded, one is created and its password printed once]
    #[arg(long, env = "WARTA_ADMIN_EMAIL", value_name = "EMAIL")]
    pub admin_email: Option<EmailAddress>,

    /// Password of the first admin: only the variable counts, as arguments can be seen by others
    #[arg(long, env = "WARTA_ADMIN_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub admin_password: Option<Secret>,

    /// File with the Ed25519 key that signs tokens, in PEM; needed with DATABASE_URL [default: embedded,
    /// jwt.pem in the data folder, created with mode 0600]
    #[arg(long, env = "WARTA_JWT_KEY_FILE", value_name = "FILE")]
    pub jwt_key_file: Option<PathBuf>,

    /// Public site that feeds and sitemaps link to, such as `https://news.example.org` [default: none; they
    /// link to this API]
    #[arg(long, env = "WARTA_SITE_URL", value_parser = site_url, value_name = "URL")]
    pub site_url: Option<Url>,

    /// Name of the publication in feeds and structured data, up to 200 characters [default: the host of the
    /// site]
    #[arg(long, env = "WARTA_SITE_NAME", value_parser = site_name, value_name = "NAME")]
    pub site_name: Option<String>,

    /// Path of an article on the public site, with {slug} or {id}, and {language} if wanted
    #[arg(long, env = "WARTA_ARTICLE_PATH", default_value = "/{language}/{slug}", value_name = "PATH")]
    pub article_path: ArticlePath,

    /// Load demo content on the first start [default: true with the embedded Postgres, else false]
    #[arg(long, env = "WARTA_DEMO", value_name = "true|false")]
    pub demo: Option<bool>,

    /// Publish and schedule only stories that have a citation; an admin can override it, which is recorded
    #[arg(long, env = "WARTA_REQUIRE_CITATION", default_value = "false", action = ArgAction::Set, value_name = "true|false")]
    pub require_citation: bool,

    /// Require that somebody other than the publisher has edited unpublished changes; an admin can override
    /// it, which is recorded
    #[arg(long, env = "WARTA_REQUIRE_REVIEW", default_value = "false", action = ArgAction::Set, value_name = "true|false")]
    pub require_review: bool,

    /// Log filter: error, warn, info, debug or trace, also by module, such as info,warta=debug
    #[arg(long, env = "WARTA_LOG", default_value = "info", value_name = "FILTER")]
    pub log: LogFilter,

    /// Log a line for each request, at info
    #[arg(long, env = "WARTA_LOG_REQUESTS", default_value = "false", action = ArgAction::Set, value_name = "true|false")]
    pub log_requests: bool,
}

impl Config {
    /// Returns `true` if Postgres is the embedded one.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.database_url.is_none()
    }

    /// Returns `true` if a first start loads demo content.
    #[must_use]
    pub fn loads_demo(&self) -> bool {
        self.demo.unwrap_or(self.is_embedded())
    }

    /// Returns the rules that a story has to meet before readers see it.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy { require_citation: self.require_citation, require_review: self.require_review }
    }

    /// Returns the number of threads that serve requests.
    #[must_use]
    pub fn worker_count(&self) -> usize {
        self.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from))
    }

    /// Returns the file of the signing key: the given one, else the one in the data folder.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.jwt_key_file.clone().unwrap_or_else(|| self.data_dir.join("jwt.pem"))
    }

    /// Checks the settings that depend on each other.
    fn check(&self, serves: bool) -> Result<(), String> {
        match (&self.admin_email, &self.admin_password) {
            (Some(_), None) => return Err("WARTA_ADMIN_PASSWORD: needed with WARTA_ADMIN_EMAIL".into()),
            (None, Some(_)) => return Err("WARTA_ADMIN_EMAIL: needed with WARTA_ADMIN_PASSWORD".into()),
            _ => {}
        }
        if serves && !self.is_embedded() && self.jwt_key_file.is_none() {
            return Err(
                "WARTA_JWT_KEY_FILE: needed with DATABASE_URL, so that every instance signs alike".into()
            );
        }
        Ok(())
    }
}

mod password;
mod reading;
#[cfg(test)]
mod tests;
mod unknown;
mod values;
