//! Sets up logging: readable lines on a terminal, JSON elsewhere, always to standard error. Secrets are never
//! logged: the types that hold them do not print them.

use std::io::{self, IsTerminal};

use crate::config::LogFilter;

/// Installs the process's logger. Only the first call has an effect.
pub fn init(filter: &LogFilter) {
    let lines = tracing_subscriber::fmt().with_env_filter(filter.to_env_filter()).with_writer(io::stderr);
    let installed = if io::stderr().is_terminal() {
        lines.with_target(false).try_init()
    } else {
        lines.json().flatten_event(true).with_span_list(false).with_ansi(false).try_init()
    };
    // A second call, which only tests make, finds a logger in place and leaves it there.
    drop(installed);
}
