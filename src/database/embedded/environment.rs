//! The environment of the programs that are started here: their own, never the caller's.
//!
//! `PGPORT`, `PGDATA`, `PGOPTIONS` and their like would send the server elsewhere; `LC_*`, `LANG` and `TZ` would go into a cluster for
//! good; `LD_*`, `ENV` and `BASH_ENV` would put somebody's code into it. No list of names would ever be whole, so nothing is passed on.

use std::{
    env,
    ffi::OsStr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// All that our programs know. With a locale that every system has; macOS' Postgres does not start without one.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("PATH", "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/run/current-system/sw/bin"),
    ("LC_ALL", "C"),
    ("TZ", "UTC"),
];

/// A program, apart from the terminal: its Ctrl-C is for us. It must not keep our working directory busy, and may not be able to
/// enter it.
pub(super) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(ENVIRONMENT).process_group(0).current_dir("/").stdin(Stdio::null());
    command
}

/// The folders that the caller's `PATH` names: where programs are looked for, and the only thing that we take from the caller.
pub(super) fn path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).filter(|dir| dir.is_absolute()).collect()
}

/// A program in one of those folders.
pub(super) fn on_path(name: impl AsRef<Path>) -> Option<PathBuf> {
    path().into_iter().map(|dir| dir.join(&name)).find(|program| program.is_file())
}
