//! The search for Postgres binaries: on the machine, or else fetched once.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    EmbeddedError, environment, fetch,
    fetch::ArchiveAddress,
    home::Home,
    programs::{Binaries, OLDEST, probe},
};

/// The binaries that the settings ask for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// The only folder to look in; `None` means that every usual place is searched.
    pub(super) pg_bin: Option<&'a Path>,
    /// The address to fetch the binaries from if there are none; `None` means the published release.
    pub(super) archive: Option<&'a ArchiveAddress>,
}

/// Finds binaries for the cluster in `home`: of major version `needed` if the cluster exists.
pub(super) async fn find(
    home: &Home,
    wanted: Wanted<'_>,
    needed: Option<u32>,
) -> Result<Binaries, EmbeddedError> {
    let suits = |found: &Binaries| found.suits(needed);
    if let Some(dir) = wanted.pg_bin {
        return match probe(home, dir) {
            Ok(found) if suits(&found) => Ok(found),
            Ok(Binaries { major, .. }) => Err(EmbeddedError::Binaries(match needed {
                Some(needed) => {
                    format!("the cluster needs Postgres {needed}, WARTA_PG_BIN={} has {major}", dir.display())
                }
                None => format!("WARTA_PG_BIN={} has Postgres {major}, older than {OLDEST}", dir.display()),
            })),
            Err(_) => Err(EmbeddedError::Binaries(format!(
                "WARTA_PG_BIN={} has no postgres and initdb that can be run",
                dir.display()
            ))),
        };
    }
    let candidates =
        environment::path().into_iter().chain(from_pg_config(home)).chain(packaged()).chain(fetched(home));
    if let Some(found) = candidates.filter_map(|dir| probe(home, &dir).ok()).find(suits) {
        return Ok(found);
    }
    let fetched = fetch::fetch(home, wanted.archive, needed).await;
    home.clear_unfinished();
    fetched
}

fn from_pg_config(home: &Home) -> impl Iterator<Item = PathBuf> {
    // The program runs only if the search comes this far.
    std::iter::once_with(|| {
        let output = home.command(environment::on_path("pg_config")?).arg("--bindir").output().ok()?;
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
    })
    .flatten()
}

/// Returns the folders of the binaries that were fetched before, newest first.
fn fetched(home: &Home) -> impl Iterator<Item = PathBuf> {
    newest_first(home.dir(), |name| name.strip_prefix(fetch::FOLDER)).into_iter()
}

/// Returns the folders in which packages install several versions, newest first: Debian, Red Hat, Homebrew on
/// both kinds of Mac and on Linux.
fn packaged() -> impl Iterator<Item = PathBuf> {
    let roots = [
        "/usr/lib/postgresql",
        "/usr",
        "/opt/homebrew/opt",
        "/usr/local/opt",
        "/home/linuxbrew/.linuxbrew/opt",
    ];
    roots.into_iter().flat_map(|root| {
        newest_first(Path::new(root), |name| {
            Some(name.strip_prefix("postgresql@").or(name.strip_prefix("pgsql-")).unwrap_or(name))
        })
    })
}

/// Returns the `bin` of each folder below `root` whose name is one of a version, newest first.
fn newest_first(root: &Path, version: impl Fn(&str) -> Option<&str>) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some((version(&name)?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, dir)| dir).collect()
}
