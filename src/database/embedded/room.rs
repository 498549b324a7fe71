//! Room on the disk: the room that a first start needs, the free room, and the reserve.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use nix::{fcntl::posix_fallocate, sys::statvfs::statvfs};

use super::EmbeddedError;

/// The number of bytes in a MiB.
const MIB: u64 = 1 << 20;

/// The room that a first start takes, in bytes: a cluster of 40 MiB with Warta's tables and the demo in it,
/// and another file of its write-ahead log.
const FIRST_START: u64 = 72 * MIB;

/// The reserve of a disk, which is kept for the day when the disk is full: its size divided by the first
/// number, and at most the second number of bytes. If there is no room at all, Postgres ends itself (`PANIC`)
/// at the next checkpoint, and does not start again. With this reserve it can do both.
const RESERVED: u64 = 16;
const RESERVE: u64 = 32 * MIB;

/// The name of the file, in the cluster, that takes up the reserve.
const RESERVE_FILE: &str = "warta-reserve";

/// A disk with fewer free bytes than this counts as full when something failed.
const FULL: u64 = 16 * MIB;

/// Returns the bytes that users other than root can still write below a folder; `None` if the system does not
/// say.
pub(super) fn free(folder: &Path) -> Option<u64> {
    let disk = statvfs(folder).ok()?;
    // File systems without a size, such as a `tmpfs` that has none, count no blocks at all.
    #[expect(clippy::useless_conversion, reason = "32 bits wide on some systems")]
    (disk.blocks() > 0)
        .then(|| u64::from(disk.blocks_available()).saturating_mul(u64::from(disk.fragment_size())))
}

/// The reserve of a disk. Its file in the cluster is there, or has been given up.
pub(super) struct Reserve {
    file: PathBuf,
    size: u64,
}

impl Reserve {
    /// Returns the reserve of a cluster's disk; `None` if the system does not tell how large the disk is.
    pub(super) fn of(cluster: &Path) -> Option<Self> {
        let disk = statvfs(cluster).ok()?;
        #[expect(clippy::useless_conversion, reason = "32 bits wide on some systems")]
        let size = u64::from(disk.blocks()).saturating_mul(u64::from(disk.fragment_size()));
        let size = (size / RESERVED).min(RESERVE);
        (size > 0).then(|| Self { file: cluster.join(RESERVE_FILE), size })
    }

    /// Returns the number of bytes of the reserve that are not set aside.
    pub(super) fn lacking(&self) -> u64 {
        self.size.saturating_sub(fs::metadata(&self.file).map_or(0, |file| file.len()))
    }

    /// Sets the whole reserve aside.
    pub(super) fn make(&self) -> io::Result<()> {
        let _ = fs::remove_file(&self.file);
        let file = File::options().write(true).create_new(true).open(&self.file)?;
        let size = self.size.try_into().map_err(io::Error::other)?;
        // Half of the reserve would be taken for the whole.
        posix_fallocate(&file, 0, size).map_err(|error| {
            self.give_up();
            error.into()
        })
    }

    /// Gives the reserve up to make room. Returns true if there was any.
    pub(super) fn give_up(&self) -> bool {
        fs::remove_file(&self.file).is_ok()
    }
}

/// Refuses a first start that cannot succeed, before anything is made.
pub(super) fn for_a_first_start(folder: &Path) -> Result<(), EmbeddedError> {
    match free(folder) {
        Some(free) if free < FIRST_START => Err(none_for_a_first_start(folder)),
        _ => Ok(()),
    }
}

/// Returns the error for a first start that found too little room after all.
pub(super) fn none_for_a_first_start(folder: &Path) -> EmbeddedError {
    none(folder, FIRST_START)
}

/// Refuses to unpack this many bytes if they do not fit, together with the room that a first start needs
/// after it.
pub(super) fn for_unpacking(folder: &Path, bytes: u64, starts_first: bool) -> Result<(), EmbeddedError> {
    let needed = bytes + if starts_first { FIRST_START } else { 0 };
    match free(folder) {
        Some(free) if free < needed => Err(none(folder, needed)),
        _ => Ok(()),
    }
}

/// Returns the error for a folder with less free room than `needed`, in bytes.
pub(super) fn none(folder: &Path, needed: u64) -> EmbeddedError {
    EmbeddedError::NoRoom {
        path: folder.to_owned(),
        needed: needed.div_ceil(MIB),
        free: free(folder).map(in_mib),
    }
}

/// Returns true if a program complained, in English, that there is no room.
pub(super) fn is_missing(complaint: &str) -> bool {
    ["No space left on device", "Disk quota exceeded"].iter().any(|cause| complaint.contains(cause))
}

/// Returns a remark on the disk for when something failed; `None` unless the disk is full.
pub(super) fn remark(folder: &Path) -> Option<String> {
    let folder = fs::canonicalize(folder).ok()?;
    let free = free(&folder).filter(|free| *free < FULL)?;
    Some(format!("the disk of {} is full: {} MiB are free", folder.display(), in_mib(free)))
}

fn in_mib(bytes: u64) -> u64 {
    bytes / MIB
}
