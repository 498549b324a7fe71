//! The environment of the programs that are started here: it is their own, never the caller's.
//!
//! `PGPORT`, `PGDATA`, `PGOPTIONS` and similar variables would send the server elsewhere; `LC_*`, `LANG` and
//! `TZ` would go into a cluster for good; `LD_*`, `ENV` and `BASH_ENV` would run somebody's code in it. No
//! list of such names can be complete, so nothing is passed on.

use std::{
    env,
    ffi::OsStr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// All variables that our programs get. The locale is one that every system has; on macOS, Postgres does not
/// start without one.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("PATH", "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/run/current-system/sw/bin"),
    ("LC_ALL", "C"),
    ("TZ", "UTC"),
];

/// Makes the command for a program that is detached from the terminal: Ctrl-C there is for us. It runs in
/// `/`, because it must not keep our working directory busy, and perhaps cannot enter it.
pub(super) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(ENVIRONMENT).process_group(0).current_dir("/").stdin(Stdio::null());
    command
}

/// Returns the absolute folders in the caller's `PATH`. Programs are searched for there; we take nothing else
/// from the caller.
pub(super) fn path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).filter(|dir| dir.is_absolute()).collect()
}

/// Finds a program in one of those folders.
pub(super) fn on_path(name: impl AsRef<Path>) -> Option<PathBuf> {
    path().into_iter().map(|dir| dir.join(&name)).find(|program| program.is_file())
}
