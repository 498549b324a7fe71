//! Where the cluster lives and as whom its server runs.
//!
//! Postgres refuses to run as root. Started as root, its programs run as an unprivileged user, in a place that this user
//! can reach.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use aws_lc_rs::digest;
use nix::unistd::{self, Gid, Uid, User};

use super::EmbeddedError;

/// Longest path of a socket's folder: a socket's address holds 107 bytes on Linux and 103 on macOS.
const MAX_SOCKET_DIR: usize = 103 - "/.s.PGSQL.5432".len();

/// Where clusters go that cannot stay in their data folder.
const SYSTEM_DIR: &str = "/var/lib/warta";

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
        for parent in [std::env::temp_dir(), "/tmp".into()] {
            let dir = private_temporary(&parent, user)?;
            let home = Self { dir, user, throw_away: true };
            if home.reaches(&home.dir) {
                return Ok(home);
            }
            fs::remove_dir(&home.dir).map_err(|error| EmbeddedError::folder(&home.dir, error))?;
        }
        Err(EmbeddedError::Server("its user cannot reach the temporary folder (TMPDIR)".into()))
    }

    /// The data folder itself, or where its server's user cannot reach it, a folder of the system's made for it.
    pub(super) fn permanent(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let failed = |error| EmbeddedError::folder(data_dir, error);
        let data_dir = fs::canonicalize(data_dir).map_err(failed)?;
        let cluster = data_dir.join("postgres");
        // An existing cluster stays where it is and with its owner: a second place would look like lost data.
        match fs::metadata(&cluster) {
            Ok(found) => return Self::existing(data_dir, (found.uid().into(), found.gid().into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(EmbeddedError::folder(&cluster, error)),
        }
        let user = unprivileged()?;
        let home = Self { dir: data_dir.clone(), user, throw_away: false };
        let away = Self { dir: relocated(&data_dir), ..home.clone() };
        if user.is_none() || (home.reaches(&data_dir) && !away.dir.exists()) {
            return Ok(home);
        }
        make_dir(Path::new(SYSTEM_DIR), 0o755)?;
        away.private_dir(&away.dir)?;
        tracing::info!(
            cluster = %away.dir.display(),
            data_dir = %data_dir.display(),
            "the cluster is kept outside of the data folder, which its server's user cannot reach"
        );
        Ok(away)
    }

    fn existing(data_dir: PathBuf, (uid, gid): (Uid, Gid)) -> Result<Self, EmbeddedError> {
        let us = Uid::effective();
        let refused = |why: &str| {
            let error = io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned());
            Err(EmbeddedError::Folder { path: data_dir.join("postgres"), error })
        };
        if uid != us && !us.is_root() {
            return refused("the cluster belongs to another user; start warta as that user or as root");
        }
        if uid.is_root() {
            return refused("the cluster belongs to root, as whom Postgres does not run");
        }
        let home = Self { dir: data_dir.clone(), user: (uid != us).then_some((uid, gid)), throw_away: false };
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

    /// The folder for the socket, made when missing: here, or where that path is too long, in the temporary folder.
    pub(super) fn socket_dir(&self) -> Result<PathBuf, EmbeddedError> {
        let dir = self.dir.join("socket");
        if dir.as_os_str().len() > MAX_SOCKET_DIR {
            return private_temporary(Path::new("/tmp"), self.user);
        }
        self.private_dir(&dir)?;
        Ok(dir)
    }

    /// Makes a folder that only the server's user can enter, or makes it that.
    pub(super) fn private_dir(&self, dir: &Path) -> Result<(), EmbeddedError> {
        make_dir(dir, 0o700)?;
        give(dir, self.user).map_err(|error| EmbeddedError::folder(dir, error))
    }

    /// A program that will run as the server's user, apart from the terminal: its Ctrl-C is for us.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = self.user {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        // The server must not keep our working directory busy, and may not be able to enter it.
        command.process_group(0).current_dir("/").stdin(Stdio::null());
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

/// The place of a data folder's cluster outside of it. The same for ever: the digest is of the path.
fn relocated(data_dir: &Path) -> PathBuf {
    let digest = digest::digest(&digest::SHA256, data_dir.as_os_str().as_encoded_bytes());
    let name: String = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Path::new(SYSTEM_DIR).join(name)
}

fn private_temporary(parent: &Path, user: Option<(Uid, Gid)>) -> Result<PathBuf, EmbeddedError> {
    let failed = |error| EmbeddedError::folder(parent, error);
    let dir = unistd::mkdtemp(&parent.join("warta-XXXXXX")).map_err(|error| failed(error.into()))?;
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
