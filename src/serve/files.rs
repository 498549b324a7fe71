//! The limit of open files of the process; each connection is an open file.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// The files besides the connections: the database's, the listener, logs, files that libraries open.
const RESERVED: usize = 128;

/// Raises the soft limit of open files to the hard one. Returns how many of the wanted connections of clients
/// fit, besides this many connections to the database.
pub(super) fn connections(wanted: usize, database: usize) -> usize {
    let files = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() => hard,
        Ok((soft, _)) => soft,
        Err(_) => return wanted,
    };
    let most = fitting(usize::try_from(files).unwrap_or(usize::MAX), database);
    if most < wanted {
        tracing::warn!(
            wanted,
            most,
            files,
            "the process may open too few files for WARTA_CONNECTIONS; raise its limit (`ulimit -Hn`)"
        );
    }
    wanted.min(most)
}

fn fitting(files: usize, database: usize) -> usize {
    // At least one, so that the instance can be asked what is wrong.
    files.saturating_sub(RESERVED + database).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_rest() {
        assert_eq!(fitting(1024, 16), 1024 - 128 - 16);
        assert_eq!(fitting(64, 16), 1);
        assert_eq!(fitting(usize::MAX, 16), usize::MAX - 144);
    }
}
