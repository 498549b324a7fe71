//! Room on the disk: what a first start needs, and what there is.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use nix::{fcntl::posix_fallocate, sys::statvfs::statvfs};

use super::EmbeddedError;

/// A MiB.
const MIB: u64 = 1 << 20;

/// What a first start takes: a cluster of 40 MiB with Warta's tables and the demo in it, and another file of its log of changes.
const FIRST_START: u64 = 72 * MIB;

/// The part of a disk that is kept for the day when it is full, and the most of it. Postgres ends itself (`PANIC`) at the next
/// checkpoint, and does not start again, where there is no room at all; with this much it can do both.
const RESERVED: u64 = 16;
const RESERVE: u64 = 32 * MIB;

/// The file that takes the reserve's place, in the cluster.
const RESERVE_FILE: &str = "warta-reserve";

/// Less than this is a full disk, when a start fails for whatever reason.
const FULL: u64 = 16 * MIB;

/// The bytes that others than root may still write below a folder; `None` where the system does not say.
pub(super) fn free(folder: &Path) -> Option<u64> {
    let disk = statvfs(folder).ok()?;
    // File systems without a size, such as a `tmpfs` that has none, count no blocks at all.
    #[expect(clippy::useless_conversion, reason = "32 bits wide on some systems")]
    (disk.blocks() > 0)
        .then(|| u64::from(disk.blocks_available()).saturating_mul(u64::from(disk.fragment_size())))
}

/// The reserve of a disk, as far as it has been set aside in this cluster, or given up.
pub(super) struct Reserve {
    file: PathBuf,
    size: u64,
}

impl Reserve {
    /// `None` where the system does not tell how large the disk is.
    pub(super) fn of(cluster: &Path) -> Option<Self> {
        let disk = statvfs(cluster).ok()?;
        #[expect(clippy::useless_conversion, reason = "32 bits wide on some systems")]
        let size = u64::from(disk.blocks()).saturating_mul(u64::from(disk.fragment_size()));
        let size = (size / RESERVED).min(RESERVE);
        (size > 0).then(|| Self { file: cluster.join(RESERVE_FILE), size })
    }

    /// How much is not there that should be.
    pub(super) fn lacking(&self) -> u64 {
        self.size.saturating_sub(fs::metadata(&self.file).map_or(0, |file| file.len()))
    }

    /// Sets it aside.
    pub(super) fn make(&self) -> io::Result<()> {
        let _ = fs::remove_file(&self.file);
        let file = File::options().write(true).create_new(true).open(&self.file)?;
        let size = self.size.try_into().map_err(io::Error::other)?;
        // Half of it would be taken for the whole.
        posix_fallocate(&file, 0, size).map_err(|error| {
            self.give_up();
            error.into()
        })
    }

    /// Makes room; whether there was any to be made.
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

/// There was not enough room after all.
pub(super) fn none_for_a_first_start(folder: &Path) -> EmbeddedError {
    none(folder, FIRST_START)
}

/// Refuses to unpack so many bytes where they do not fit, with what a first start needs after it.
pub(super) fn for_unpacking(folder: &Path, bytes: u64, starts_first: bool) -> Result<(), EmbeddedError> {
    let needed = bytes + if starts_first { FIRST_START } else { 0 };
    match free(folder) {
        Some(free) if free < needed => Err(none(folder, needed)),
        _ => Ok(()),
    }
}

/// There is less room than that.
pub(super) fn none(folder: &Path, needed: u64) -> EmbeddedError {
    EmbeddedError::NoRoom {
        path: folder.to_owned(),
        needed: needed.div_ceil(MIB),
        free: free(folder).map(in_mib),
    }
}

/// Whether that is what a program complained of, in English.
pub(super) fn is_missing(complaint: &str) -> bool {
    ["No space left on device", "Disk quota exceeded"].iter().any(|cause| complaint.contains(cause))
}

/// What there is to say of the disk when a start failed: nothing, unless it is full.
pub(super) fn remark(folder: &Path) -> Option<String> {
    let folder = fs::canonicalize(folder).ok()?;
    let free = free(&folder).filter(|free| *free < FULL)?;
    Some(format!("the disk of {} is full: {} MiB are free", folder.display(), in_mib(free)))
}

fn in_mib(bytes: u64) -> u64 {
    bytes / MIB
}
