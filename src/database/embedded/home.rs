//! Where the cluster lives and as whom its server runs.
//!
//! Postgres refuses to run as root. Started as root, its programs run as an unprivileged user, in a place that this user
//! can reach.

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

/// Longest path of a socket's folder: a socket's address holds 107 bytes on Linux and 103 on macOS.
const MAX_SOCKET_DIR: usize = 103 - "/.s.PGSQL.5432".len();

/// Where clusters go that cannot stay in their data folder; each has a folder of its own.
const SYSTEM_DIR: &str = "/var/lib/warta";

/// The folder, beside a cluster, of what is being made. What a start leaves in it is deleted by the next one, and nothing else is.
const TEMPORARY: &str = "temporary";

/// Where the socket is.
#[derive(Clone, Debug)]
pub(super) struct SocketDir {
    pub(super) path: PathBuf,
    /// Whether it was made for this start, and goes with it.
    pub(super) temporary: bool,
}

/// The folder of a cluster, and the user of its server.
#[derive(Clone, Debug)]
pub(super) struct Home {
    dir: PathBuf,
    /// The user to become; `None`: the one we are.
    user: Option<(Uid, Gid)>,
    /// Whether the folder is deleted in the end.
    pub(super) throw_away: bool,
}

impl Home {
    /// A new folder below the system's temporary one.
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

    /// The data folder itself, or where its server's user cannot reach it, a folder of the system's that `postgres` in the
    /// data folder then links to.
    pub(super) fn permanent(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let data_dir = fs::canonicalize(data_dir).map_err(|error| EmbeddedError::folder(data_dir, error))?;
        if data_dir.as_os_str().as_bytes().contains(&b'\n') {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "its path has a line break");
            return Err(EmbeddedError::folder(&data_dir, error));
        }
        let cluster = data_dir.join("postgres");
        // A link that is not ours, to a bigger disk perhaps, is followed like any folder.
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

    /// A new place for the cluster of a data folder that its server's user cannot reach.
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

    /// The home of a cluster that is there.
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

    /// The folder that everything of this cluster is in.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The cluster: what Postgres calls its data directory.
    pub(super) fn cluster(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    /// What the server said.
    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    /// The folder for the socket, made when missing: here, or where that path is too long, one of this start's in `/tmp`.
    pub(super) fn socket_dir(&self) -> Result<SocketDir, EmbeddedError> {
        let path = self.dir.join("socket");
        if path.as_os_str().len() > MAX_SOCKET_DIR {
            let path = private_dir_in(Path::new("/tmp"), "warta-", self.user)?;
            return Ok(SocketDir { path, temporary: true });
        }
        self.private_dir(&path)?;
        Ok(SocketDir { path, temporary: false })
    }

    /// A new folder for something unfinished, for the server's user only. Once finished it is moved to its place.
    pub(super) fn unfinished(&self) -> Result<PathBuf, EmbeddedError> {
        let parent = self.dir.join(TEMPORARY);
        self.private_dir(&parent)?;
        private_dir_in(&parent, "", self.user)
    }

    /// Deletes what is unfinished. The data folder's lock is ours: nobody else is at it.
    pub(super) fn clear_unfinished(&self) {
        let parent = self.dir.join(TEMPORARY);
        match fs::remove_dir_all(&parent) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                // A program that a killed start left behind may still write into it: the next start finds it at rest.
                tracing::warn!(folder = %parent.display(), %error, "cannot delete what an earlier start left unfinished");
            }
            _ => {}
        }
    }

    /// Makes a folder that only the server's user can enter, or makes it that.
    pub(super) fn private_dir(&self, dir: &Path) -> Result<(), EmbeddedError> {
        make_dir(dir, 0o700)?;
        give(dir, self.user).map_err(|error| EmbeddedError::folder(dir, error))
    }

    /// A program that will run as the server's user, with an environment of its own.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = environment::command(program);
        if let Some((uid, gid)) = self.user {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command
    }

    /// Whether the server's user can enter a folder. Asked of the system, which alone knows its access lists.
    fn reaches(&self, dir: &Path) -> bool {
        let script = r#"cd "$1""#;
        let mut probe = self.command("/bin/sh");
        probe.args(["-c", script, "sh"]).arg(dir).stdout(Stdio::null()).stderr(Stdio::null());
        self.user.is_none() || probe.status().is_ok_and(|status| status.success())
    }
}

/// Whom to become: no one, unless we are root.
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

/// A new folder with a name of its own, for the server's user only.
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
