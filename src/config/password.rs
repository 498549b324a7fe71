//! Reads the password for the commands on editors.

use std::io::{self, BufRead, BufReader, Read};

use super::Secret;

/// Reads the password for `editor create` and `editor set-password`: `WARTA_EDITOR_PASSWORD`, else the first
/// line of standard input.
///
/// # Errors
/// Returns an error if there is none, or if it is not UTF-8.
pub fn editor_password() -> io::Result<Secret> {
    let missing =
        || io::Error::other("no password: set WARTA_EDITOR_PASSWORD or write a line to standard input");
    if let Some(value) = std::env::var_os("WARTA_EDITOR_PASSWORD").filter(|value| !value.is_empty()) {
        let value = value.into_string().map_err(|_| io::Error::other("WARTA_EDITOR_PASSWORD: not UTF-8"))?;
        return Ok(Secret::from(value));
    }
    let mut text = String::new();
    // Enough for any password that is accepted; a line that never ends must not fill the memory.
    BufReader::new(io::stdin().lock().take(64 * 1024)).read_line(&mut text)?;
    let line = text.trim_end_matches(['\r', '\n']);
    if line.is_empty() { Err(missing()) } else { Ok(Secret::from(line.to_owned())) }
}
