//! The folder of the cluster, and the user that its server runs as.
//!
//! Postgres refuses to run as root. If Warta is started as root, the programs of Postgres run as an
//! unprivileged user, in a place that this user can reach.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::unistd::{self, Gid, Uid, User};

use super::{EmbeddedError, environment};

/// The longest path of a socket's folder, in bytes: a socket's address holds 107 bytes on Linux and 103 on
/// macOS.
const MAX_SOCKET_DIR: usize = 103 - "/.s.PGSQL.5432".len();

/// The folder for clusters that cannot stay in their data folder; each has a folder of its own there.
const SYSTEM_DIR: &str = "/var/lib/warta";

/// The folder, beside a cluster, for things that are being made. The next start deletes what an earlier one
/// left in it, and nothing else.
const TEMPORARY: &str = "temporary";

/// The folder of the server's socket.
#[derive(Clone, Debug)]
pub(super) struct SocketDir {
    pub(super) path: PathBuf,
    /// True if the folder was made for this start, and is deleted with it.
    pub(super) temporary: bool,
}

/// The folder of a cluster, and the user of its server.
#[derive(Clone, Debug)]
pub(super) struct Home {
    dir: PathBuf,
    /// The user to become; `None` means the current one.
    user: Option<(Uid, Gid)>,
    /// True if the folder is deleted in the end.
    pub(super) throw_away: bool,
}

impl Home {
    /// Makes a new folder below the system's temporary one.
    pub(super) fn temporary() -> Result<Self, EmbeddedError> {
        let user = unprivileged()?;
        let mut refused = None;
        for parent in [std::env::temp_dir(), "/tmp".into()] {
            let made = private_dir_in(&parent, "warta-", user);
            let home = match made {
                Ok(dir) => Self { dir, user, throw_away: true },
                Err(error) => {
                    refused = Some(error);
                    continue;
                }
            };
            if home.reaches(&home.dir) {
                return Ok(home);
            }
            fs::remove_dir(&home.dir).map_err(|error| EmbeddedError::folder(&home.dir, error))?;
        }
        Err(refused.unwrap_or_else(|| {
            EmbeddedError::Server("its user cannot reach the temporary folder (TMPDIR)".into())
        }))
    }

    /// Returns the home for a data folder: the data folder itself or, if its server's user cannot reach it, a
    /// folder in `/var/lib/warta`. Then `postgres` in the data folder links to it.
    pub(super) fn permanent(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let data_dir = fs::canonicalize(data_dir).map_err(|error| EmbeddedError::folder(data_dir, error))?;
        if data_dir.as_os_str().as_bytes().contains(&b'\n') {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "its path has a line break");
            return Err(EmbeddedError::folder(&data_dir, error));
        }
        let cluster = data_dir.join("postgres");
        // A link that is not ours, perhaps to a bigger disk, is followed like any folder.
        let ours = |dir: &PathBuf| dir.parent() == Some(Path::new(SYSTEM_DIR));
        let link =
            fs::read_link(&cluster).ok().and_then(|target| Some(target.parent()?.to_owned())).filter(ours);
        let away = link.is_some();
        let dir = link.unwrap_or(data_dir);
        // An existing cluster stays where it is and with its owner: a second place would look like lost data.
        match fs::metadata(dir.join("postgres")) {
            Ok(found) => return Self::existing(dir, (found.uid().into(), found.gid().into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(EmbeddedError::folder(&cluster, error)),
        }
        if let (false, Ok(target)) = (away, fs::read_link(&cluster)) {
            // A new cluster in its place would look like lost data.
            let what = format!("it links to {}, which is not there: is its disk mounted?", target.display());
            return Err(EmbeddedError::folder(&cluster, io::Error::new(io::ErrorKind::NotFound, what)));
        }
        let home = Self { dir, user: unprivileged()?, throw_away: false };
        if away {
            make_dir(Path::new(SYSTEM_DIR), 0o755)?;
            home.private_dir(&home.dir)?;
            return Ok(home);
        }
        if home.reaches(&home.dir) { Ok(home) } else { home.away() }
    }

    /// Makes a new place for the cluster of a data folder that its server's user cannot reach.
    fn away(self) -> Result<Self, EmbeddedError> {
        make_dir(Path::new(SYSTEM_DIR), 0o755)?;
        let away = Self { dir: private_dir_in(Path::new(SYSTEM_DIR), "", self.user)?, ..self.clone() };
        let (link, cluster) = (self.cluster(), away.cluster());
        std::os::unix::fs::symlink(&cluster, &link).map_err(|error| EmbeddedError::folder(&link, error))?;
        tracing::info!(
            cluster = %cluster.display(),
            data_dir = %self.dir.display(),
            "the cluster is kept outside of the data folder, which its server's user cannot reach"
        );
        Ok(away)
    }

    /// Returns the home of a cluster that exists.
    fn existing(dir: PathBuf, (uid, gid): (Uid, Gid)) -> Result<Self, EmbeddedError> {
        let us = Uid::effective();
        let refused = |why: &str| {
            let error = io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned());
            Err(EmbeddedError::Folder { path: dir.join("postgres"), error })
        };
        if uid != us && !us.is_root() {
            return refused("the cluster belongs to another user; start warta as that user or as root");
        }
        if uid.is_root() {
            return refused("the cluster belongs to root, as whom Postgres does not run");
        }
        let home = Self { dir: dir.clone(), user: (uid != us).then_some((uid, gid)), throw_away: false };
        if home.reaches(&home.cluster()) { Ok(home) } else { refused("the cluster's owner cannot reach it") }
    }

    /// Returns the folder that contains everything of this cluster.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the folder of the cluster, which Postgres calls its data directory.
    pub(super) fn cluster(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    /// Returns the path of the server's log.
    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    /// Returns the folder for the socket, and makes it if it is missing: in the home or, if that path is too
    /// long, a temporary one in `/tmp`.
    pub(super) fn socket_dir(&self) -> Result<SocketDir, EmbeddedError> {
        let path = self.dir.join("socket");
        if path.as_os_str().len() > MAX_SOCKET_DIR {
            let path = private_dir_in(Path::new("/tmp"), "warta-", self.user)?;
            return Ok(SocketDir { path, temporary: true });
        }
        self.private_dir(&path)?;
        Ok(SocketDir { path, temporary: false })
    }

    /// Makes a new folder for something unfinished, for the server's user only. Once it is finished, it is
    /// moved to its place.
    pub(super) fn unfinished(&self) -> Result<PathBuf, EmbeddedError> {
        let parent = self.dir.join(TEMPORARY);
        self.private_dir(&parent)?;
        private_dir_in(&parent, "", self.user)
    }

    /// Deletes everything that is unfinished. We hold the data folder's lock, so nobody else uses it.
    pub(super) fn clear_unfinished(&self) {
        let parent = self.dir.join(TEMPORARY);
        match fs::remove_dir_all(&parent) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                // A program that a killed start left behind can still write into it. It will have ended by
                // the next start.
                tracing::warn!(folder = %parent.display(), %error, "cannot delete what an earlier start left unfinished");
            }
            _ => {}
        }
    }

    /// Makes a folder that only the server's user can enter, or restricts an existing one to that user.
    pub(super) fn private_dir(&self, dir: &Path) -> Result<(), EmbeddedError> {
        make_dir(dir, 0o700)?;
        give(dir, self.user).map_err(|error| EmbeddedError::folder(dir, error))
    }

    /// Makes the command for a program that runs as the server's user, with an environment of its own.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = environment::command(program);
        if let Some((uid, gid)) = self.user {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command
    }

    /// Returns true if the server's user can enter a folder. The system is asked, as it alone knows its
    /// access lists.
    fn reaches(&self, dir: &Path) -> bool {
        let script = r#"cd "$1""#;
        let mut probe = self.command("/bin/sh");
        probe.args(["-c", script, "sh"]).arg(dir).stdout(Stdio::null()).stderr(Stdio::null());
        self.user.is_none() || probe.status().is_ok_and(|status| status.success())
    }
}

/// Returns the user to become; `None` unless we are root.
fn unprivileged() -> Result<Option<(Uid, Gid)>, EmbeddedError> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .map(|user| Some((user.uid, user.gid)))
        .ok_or_else(|| {
            EmbeddedError::Server("as root it needs a user named postgres or nobody to run as".into())
        })
}

/// Makes a new folder with a unique name, for the server's user only.
fn private_dir_in(parent: &Path, prefix: &str, user: Option<(Uid, Gid)>) -> Result<PathBuf, EmbeddedError> {
    let failed = |error| EmbeddedError::folder(parent, error);
    let dir =
        unistd::mkdtemp(&parent.join(format!("{prefix}XXXXXX"))).map_err(|error| failed(error.into()))?;
    give(&dir, user).map_err(failed)?;
    Ok(dir)
}

fn make_dir(dir: &Path, mode: u32) -> Result<(), EmbeddedError> {
    let made = DirBuilder::new().recursive(true).mode(mode).create(dir);
    let limited = made.and_then(|()| fs::set_permissions(dir, Permissions::from_mode(mode)));
    limited.map_err(|error| EmbeddedError::folder(dir, error))
}

fn give(path: &Path, user: Option<(Uid, Gid)>) -> io::Result<()> {
    match user {
        Some((uid, gid)) => Ok(unistd::chown(path, Some(uid), Some(gid))?),
        None => Ok(()),
    }
}
