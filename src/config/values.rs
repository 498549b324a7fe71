//! The types of settings, and their parsers.

use std::{
    fmt,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    str::FromStr,
    time::Duration,
};

use ipnet::IpNet;
use tracing_subscriber::EnvFilter;
use url::Url;

/// A value that is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Returns the secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

/// A web origin as browsers send it: `https://desk.example.org`, with a port if it is not the scheme's
/// default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Returns the origin as an `Origin` header has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = web_url(text.trim())?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err("an origin is scheme, host and port only".into());
        }
        Ok(Self(url.origin().ascii_serialization()))
    }
}

/// A filter of log lines, in the syntax of `tracing_subscriber::EnvFilter`.
#[derive(Clone, Debug)]
pub struct LogFilter(String);

impl LogFilter {
    /// Returns the filter to install, which makes some noisy modules quiet.
    #[must_use]
    pub fn to_env_filter(&self) -> EnvFilter {
        // These modules log each thread, each attempt, and each fault in an editor's text, of which one text
        // can have a hundred thousand. A filter that names them still applies.
        EnvFilter::new(format!(
            "actix_server=warn,reqwest_retry=error,html5ever=off,tokio_postgres=warn,{}",
            self.0
        ))
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A word alone would be taken for the name of a module, and silence everything else.
        let told = |part: &str| {
            part.contains('=') || part.trim().parse::<tracing::level_filters::LevelFilter>().is_ok()
        };
        if !text.split(',').any(told) {
            return Err("names no level: error, warn, info, debug, trace or off".to_owned());
        }
        EnvFilter::try_new(text).map(|_| Self(text.to_owned())).map_err(|error| error.to_string())
    }
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|_| "use address:port or host:port".to_owned())?;
    found.next().ok_or_else(|| "this host has no address".to_owned())
}

/// Parses a whole number from `MIN` to `MAX`.
pub(super) fn number<const MIN: u64, const MAX: u64, T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| (MIN..=MAX).contains(number));
    let number = number.and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| format!("use a whole number, {MIN} to {MAX}"))
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err("use whole seconds, 1 to 3600".into()),
    }
}

pub(super) fn up_to_a_day(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 0..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("use whole seconds, 0 to 86400".into()),
    }
}

pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| single()).map_err(|_| "use an address or a network such as 10.0.0.0/8".into())
}

fn web_url(text: &str) -> Result<Url, String> {
    let whole = |error: url::ParseError| match error {
        url::ParseError::RelativeUrlWithoutBase => "write it whole, with http:// or https://".to_owned(),
        error => error.to_string(),
    };
    let url: Url = text.parse().map_err(whole)?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err("use http:// or https://".into()) }
}

pub(super) fn site_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    match name.chars().count() {
        1..=200 if !name.chars().any(char::is_control) => Ok(name.to_owned()),
        _ => Err("use 1 to 200 characters in one line".into()),
    }
}

pub(super) fn site_url(text: &str) -> Result<Url, String> {
    let url = web_url(text)?;
    if url.query().is_some() || url.fragment().is_some() { Err("no ? or # here".into()) } else { Ok(url) }
}
