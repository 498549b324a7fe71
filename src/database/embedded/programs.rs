//! The programs of a Postgres, and the check that they can be run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::home::Home;

/// The oldest major version that Warta runs on.
pub(super) const OLDEST: u32 = 15;

/// A folder with `postgres` and `initdb` that the server's user can run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) dir: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    /// Returns true if the binaries fit a cluster of this major version; `None` means a new cluster.
    pub(super) fn suits(&self, needed: Option<u32>) -> bool {
        self.major >= OLDEST && needed.is_none_or(|needed| self.major == needed)
    }
}

/// Returns the binaries in `dir` if the server's user can run them; otherwise the reason why not.
pub(super) fn probe(home: &Home, dir: &Path) -> Result<Binaries, String> {
    let found = fs::canonicalize(dir.join("postgres")).map_err(|error| error.to_string())?;
    let dir = found.parent().unwrap_or(dir).to_owned();
    if !dir.join("initdb").exists() {
        return Err("there is no initdb beside postgres".to_owned());
    }
    let output = home.command(&found).arg("--version").output().map_err(|error| error.to_string())?;
    let major = major(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        said.lines().next().map_or_else(|| output.status.to_string(), str::to_owned)
    })?;
    Ok(Binaries { major, dir })
}

/// Returns the major version in texts such as `postgres (PostgreSQL) 15.18 (Debian ...)` and `... 18beta1`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
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
