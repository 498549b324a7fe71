//! `DATABASE_URL`: the connection string, which is parsed once and never printed with its password.

use std::{borrow::Cow, fmt, path::PathBuf, str::FromStr, sync::Arc};

use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::form_urlencoded;

use super::{hosts::Hosts, one_line, tls};

/// The address of the database and the way to reach it: a libpq connection string in URL or key=value form.
///
/// `Debug` and `Display` print only the hosts and the database.
#[derive(Clone)]
pub struct DatabaseUrl {
    pub(super) config: tokio_postgres::Config,
    ssl: Ssl,
    pub(super) tls: MakeRustlsConnect,
    /// The state of the servers, as far as it is known; clones share it.
    pub(super) hosts: Arc<Hosts>,
}

/// The two parameters that tokio-postgres does not know, as they were given.
#[derive(Clone, Debug, Default)]
struct Ssl {
    mode: Option<String>,
    root_cert: Option<String>,
}

/// The reason why a connection string cannot be used: one line without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrlError(String);

impl DatabaseUrl {
    /// Returns the URL of a database of the private server that listens in `socket_dir`.
    pub(super) fn unix(
        socket_dir: &std::path::Path,
        port: u16,
        user: &str,
        database: &str,
    ) -> Result<Self, DatabaseUrlError> {
        let mut config = tokio_postgres::Config::new();
        config.host_path(socket_dir).port(port).user(user).dbname(database);
        let ssl = Ssl { mode: Some("disable".into()), root_cert: None };
        Self::new(config, ssl)
    }

    fn new(mut config: tokio_postgres::Config, ssl: Ssl) -> Result<Self, DatabaseUrlError> {
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(DatabaseUrlError("it names no host".into()));
        }
        if config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(name) if name.contains('@'))) {
            let hint = "its password holds a reserved character: percent-encode it (@ is %40)";
            return Err(DatabaseUrlError(hint.into()));
        }
        if config.get_application_name().is_none() {
            config.application_name("warta");
        }
        let count = config.get_hosts().len().max(config.get_hostaddrs().len());
        let uneven = |given: usize| given > 0 && given != count;
        if uneven(config.get_hosts().len()) || uneven(config.get_hostaddrs().len()) {
            return Err(DatabaseUrlError("host and hostaddr do not name as many servers".into()));
        }
        if config.get_ports().len() > 1 && config.get_ports().len() != count {
            return Err(DatabaseUrlError("it does not name as many ports as hosts".into()));
        }
        let (mode, check) = ssl.resolve()?;
        config.ssl_mode(mode);
        let tls = tls::connector(&check).map_err(DatabaseUrlError)?;
        let for_writes = config.get_target_session_attrs() == TargetSessionAttrs::ReadWrite;
        let hosts = Arc::new(Hosts::new(places(&config), for_writes));
        Ok(Self { config, ssl, tls, hosts })
    }

    /// Returns the URL of another database on the same server, with the same user.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.config.dbname(name);
        other
    }

    /// Returns the name of the database, if the string has one.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        self.config.get_dbname()
    }

    /// Returns the connection string in key=value form, **with its password**: it is for another program's
    /// environment, never for a log. Settings other than host, port, user, password, database, TLS and
    /// `target_session_attrs` are left out.
    #[must_use]
    pub fn expose(&self) -> String {
        let config = &self.config;
        let hosts = config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => Cow::from(name),
            Host::Unix(path) => path.to_string_lossy(),
        });
        let join = |items: Vec<Cow<'_, str>>| (!items.is_empty()).then(|| items.join(","));
        let password = config.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
        let session = match config.get_target_session_attrs() {
            TargetSessionAttrs::ReadWrite => Some("read-write".to_owned()),
            TargetSessionAttrs::ReadOnly => Some("read-only".to_owned()),
            _ => None,
        };
        let parameters = [
            ("host", join(hosts.collect())),
            ("hostaddr", join(config.get_hostaddrs().iter().map(|ip| ip.to_string().into()).collect())),
            ("port", join(config.get_ports().iter().map(|port| port.to_string().into()).collect())),
            ("user", config.get_user().map(str::to_owned)),
            ("password", password),
            ("dbname", config.get_dbname().map(str::to_owned)),
            ("sslmode", self.ssl.mode.clone()),
            ("sslrootcert", self.ssl.root_cert.clone()),
            ("target_session_attrs", session),
        ];
        let quoted = |value: String| value.replace('\\', r"\\").replace('\'', r"\'");
        let parameters = parameters.into_iter().filter_map(|(key, value)| Some((key, quoted(value?))));
        parameters.map(|(key, value)| format!("{key}='{value}'")).collect::<Vec<_>>().join(" ")
    }
}

impl Ssl {
    /// Returns the settings for tokio-postgres and rustls. The modes mean the same as in libpq.
    fn resolve(&self) -> Result<(SslMode, tls::Check), DatabaseUrlError> {
        let system = self.root_cert.as_deref() == Some("system");
        let roots = self.root_cert.as_ref().filter(|_| !system).map(PathBuf::from);
        let mode = self.mode.as_deref().unwrap_or(if system { "verify-full" } else { "prefer" });
        if system && mode != "verify-full" {
            return Err(DatabaseUrlError("sslrootcert=system needs sslmode=verify-full".into()));
        }
        match (mode, roots) {
            ("disable", _) => Ok((SslMode::Disable, tls::Check::Nothing)),
            ("prefer", _) => Ok((SslMode::Prefer, tls::Check::Nothing)),
            ("require", None) => Ok((SslMode::Require, tls::Check::Nothing)),
            ("require" | "verify-ca", Some(roots)) => Ok((SslMode::Require, tls::Check::Chain(roots))),
            ("verify-ca", None) => Err(DatabaseUrlError("sslmode=verify-ca needs sslrootcert".into())),
            ("verify-full", roots) => Ok((SslMode::Require, tls::Check::ChainAndName(roots))),
            (unknown, _) => Err(DatabaseUrlError(format!(
                "unknown sslmode {unknown:?}: use disable, prefer, require, verify-ca or verify-full"
            ))),
        }
    }

    /// Keeps the parameter if it is one of these two, and returns true if it was.
    fn take(&mut self, key: &str, value: &str) -> bool {
        match key {
            "sslmode" => self.mode = Some(value.to_owned()),
            "sslrootcert" => self.root_cert = Some(value.to_owned()),
            _ => return false,
        }
        true
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut ssl = Ssl::default();
        let is_url = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if let Some((scheme, _)) =
            text.split_once("://").filter(|(scheme, _)| !is_url && !scheme.contains('='))
        {
            let scheme: String = scheme.chars().take(20).collect();
            return Err(DatabaseUrlError(format!(
                "`{scheme}://` is no Postgres; use postgres:// or key=value pairs"
            )));
        }
        let rest = if is_url { from_query(text, &mut ssl) } else { from_pairs(text, &mut ssl) };
        let config = rest.parse().map_err(|error| DatabaseUrlError(one_line(&error)))?;
        Self::new(config, ssl)
    }
}

/// Returns each server with its port.
fn places(config: &tokio_postgres::Config) -> Vec<String> {
    let ports = config.get_ports();
    let names = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    });
    let addresses = config.get_hostaddrs().iter().map(ToString::to_string);
    let hosts: Vec<_> = if config.get_hosts().is_empty() { addresses.collect() } else { names.collect() };
    let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
    hosts.iter().enumerate().map(|(index, host)| format!("{host}:{}", port(index))).collect()
}

/// Returns the URL without the parameters that `ssl` takes.
fn from_query(url: &str, ssl: &mut Ssl) -> String {
    let after_password = url.find('@').unwrap_or(0);
    let Some(mark) = url[after_password..].find('?').map(|at| after_password + at) else {
        return url.to_owned();
    };
    let mine = |pair: &str, ssl: &mut Ssl| {
        // A `+` is a plus sign here, not the space of HTML forms.
        let pair = pair.replace('+', "%2B");
        form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(key, value)| ssl.take(&key, &value))
    };
    let others: Vec<_> = url[mark + 1..].split('&').filter(|pair| !mine(pair, ssl)).collect();
    if others.is_empty() { url[..mark].to_owned() } else { format!("{}?{}", &url[..mark], others.join("&")) }
}

/// Returns the key=value string without the parameters that `ssl` takes. Malformed parts stay, so that the
/// parser refuses them.
fn from_pairs(pairs: &str, ssl: &mut Ssl) -> String {
    let mut others = String::new();
    let mut rest = pairs.trim_start();
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, length) = value(after);
        let end = rest.len() - after.len() + length;
        if !ssl.take(key.trim_end(), &value) {
            others.push_str(&rest[..end]);
            others.push(' ');
        }
        rest = rest[end..].trim_start();
    }
    others + rest
}

/// Returns the unquoted value at the start of `text`, and the number of bytes that it takes there.
fn value(text: &str) -> (String, usize) {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, character)) = characters.next() {
        match character {
            '\'' if quoted => return (value, at + 1),
            space if !quoted && space.is_whitespace() => return (value, at),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, text.len())
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = places(&self.config).join(",");
        write!(f, "{hosts}/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

impl fmt::Display for DatabaseUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DatabaseUrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DatabaseUrl, String> {
        text.parse::<DatabaseUrl>().map_err(|error| error.to_string())
    }

    #[test]
    fn takes_both_forms_and_several_hosts() {
        let url =
            parse("postgres://u:p%40s@one:1,two:2/news?sslmode=disable&target_session_attrs=read-write")
                .unwrap();
        assert_eq!(url.to_string(), "one:1,two:2/news");
        assert_eq!(url.config.get_password(), Some(b"p@s".as_slice()));
        assert_eq!(url.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);

        let pairs =
            parse(r"sslmode = 'disable' host=one,two port=1 user=u password='p\' q' dbname=news").unwrap();
        assert_eq!(pairs.to_string(), "one:1,two:1/news");
        assert_eq!(pairs.config.get_password(), Some(b"p' q".as_slice()));
        assert_eq!(pairs.config.get_ssl_mode(), SslMode::Disable);
    }

    #[test]
    fn understands_libpqs_ssl_modes() {
        for (mode, expected) in
            [("prefer", SslMode::Prefer), ("require", SslMode::Require), ("verify-full", SslMode::Require)]
        {
            assert_eq!(
                parse(&format!("postgres://h/d?sslmode={mode}")).unwrap().config.get_ssl_mode(),
                expected
            );
            assert_eq!(parse(&format!("host=h sslmode={mode}")).unwrap().config.get_ssl_mode(), expected);
        }
        assert!(parse("postgres://h/d?sslmode=verify").unwrap_err().contains("unknown sslmode \"verify\""));
        assert!(parse("host=h sslmode=verify-ca").unwrap_err().contains("needs sslrootcert"));
        assert!(parse("host=h sslmode=verify-full sslrootcert=/none.pem").unwrap_err().contains("/none.pem"));
        assert!(parse("host=h sslmode=require sslrootcert=system").unwrap_err().contains("verify-full"));
    }

    #[test]
    fn tells_no_password() {
        let url = parse("postgres://u:secret@h/d").unwrap();
        assert!(!format!("{url:?} {url}").contains("secret"));
        assert!(!parse("postgres://u:sec@ret@h/d").unwrap_err().contains("ret@"));
    }

    #[test]
    fn exposes_a_string_that_parses_to_the_same() {
        let url = parse(r"host=/run/x port=6 user=u password='a\'\\ b' dbname=d sslmode=disable").unwrap();
        let again = parse(&url.expose()).unwrap();
        assert_eq!(again.config, url.config);
        assert_eq!(url.with_database("other").database(), Some("other"));
    }

    #[test]
    fn refuses_what_cannot_work() {
        assert_eq!(parse("postgres:///news").unwrap_err(), "it names no host");
        assert!(parse("postgres://h/d?sslkey=k").unwrap_err().contains("sslkey"));
        assert!(parse("nonsense").is_err());
        assert!(parse("postgres://h:port/d").is_err());
    }
}
