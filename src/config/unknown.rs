//! Refuses variables that look like settings and are none: a mistyped one must not be ignored silently.

use std::{collections::BTreeSet, ffi::OsString};

use clap::CommandFactory;

use super::Cli;

const PREFIX: &str = "WARTA_";

/// The variable with an editor's password, which a command reads; it is no setting of the program.
const ELSEWHERE: &str = "WARTA_EDITOR_PASSWORD";

/// The similarity (Jaro, 0 to 1) from which on a name is taken for a misspelling of another one.
const SIMILAR: f64 = 0.75;

/// Looks for a variable that starts with `WARTA_` and is no setting. An empty variable counts as unset.
///
/// # Errors
/// Returns one line that names the variable and, if there is a similar one, the setting that may be meant.
pub(super) fn refuse(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<(), String> {
    let known = known();
    // In the order of their names, so that the same environment gives the same line.
    let unknown: BTreeSet<_> = variables
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX) && !known.contains(name))
        .filter(|(name, value)| !is_service_link(name, &value.to_string_lossy()))
        .map(|(name, _)| name)
        .collect();
    let Some(name) = unknown.first() else { return Ok(()) };
    let likeness = |setting: &&String| strsim::jaro(bare(name), bare(setting));
    let meant = known.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    Err(match meant.filter(|setting| likeness(setting) >= SIMILAR) {
        Some(setting) => format!("{name}: there is no such setting; {setting} may be meant"),
        None => format!("{name}: there is no such setting; --help lists them"),
    })
}

/// Returns every variable that has a meaning.
fn known() -> BTreeSet<String> {
    let command = Cli::command();
    let settings = command.get_arguments().filter_map(|arg| arg.get_env()).map(|name| name.to_string_lossy());
    let with_file = settings.flat_map(|name| [name.to_string(), format!("{name}_FILE")]);
    with_file.chain([ELSEWHERE.to_owned()]).collect()
}

/// Removes the prefix that nearly all names share, and that would make them all look alike.
fn bare(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// Returns `true` if Kubernetes, or Docker's links, made the variable, as they do for a service that is
/// called `warta` or `warta-...`: `WARTA_SERVICE_HOST=10.0.0.7`, `WARTA_PORT=tcp://10.0.0.7:80`,
/// `WARTA_PORT_80_TCP_ADDR=10.0.0.7`.
fn is_service_link(name: &str, value: &str) -> bool {
    let is_address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let of_port = |part: &str| part.starts_with(|first: char| first.is_ascii_digit());
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT") && is_address
        || name.split_once("_PORT_").is_some_and(|(_, rest)| of_port(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(variables: &[(&str, &str)]) -> Option<String> {
        let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        refuse(variables).err()
    }

    #[test]
    fn a_slip_is_told_with_what_may_be_meant() {
        for (name, meant) in [
            ("WARTA_LISTN", "WARTA_LISTEN"),
            ("WARTA_JWT_KEY", "WARTA_JWT_KEY_FILE"),
            ("WARTA_DATABASE_URL", "DATABASE_URL"),
            ("WARTA_TRUSTED_PROXY", "WARTA_TRUSTED_PROXIES"),
            ("WARTA_ADMIN_PASSWORD_FLE", "WARTA_ADMIN_PASSWORD_FILE"),
            ("WARTA_CORS_ORIGIN", "WARTA_CORS_ORIGINS"),
        ] {
            let line = line(&[("PATH", "/bin"), (name, "x")]).unwrap();
            assert_eq!(line, format!("{name}: there is no such setting; {meant} may be meant"));
        }
        for name in ["WARTA_PORT", "WARTA_", "WARTA_XYZZY"] {
            let line = line(&[(name, "8080")]).unwrap();
            assert_eq!(line, format!("{name}: there is no such setting; --help lists them"));
        }
    }

    #[test]
    fn what_is_known_or_not_ours_passes() {
        let names =
            known().into_iter().chain(["DATABASE_URL", "LISTEN", "wARTA_X", "XWARTA_Y"].map(str::to_owned));
        for name in names {
            assert_eq!(line(&[(&name, "x")]), None, "{name}");
        }
        assert_eq!(line(&[("WARTA_LISTN", "")]), None, "an empty variable is an unset one");
        assert!(known().len() > 20 && known().contains("WARTA_LISTEN_FILE"));
    }

    #[test]
    fn what_kubernetes_makes_for_a_service_of_that_name_passes() {
        for (name, value) in [
            ("WARTA_SERVICE_HOST", "10.0.0.7"),
            ("WARTA_SERVICE_PORT", "80"),
            ("WARTA_SERVICE_PORT_HTTP", "80"),
            ("WARTA_PORT", "tcp://10.0.0.7:80"),
            ("WARTA_PORT_80_TCP", "tcp://10.0.0.7:80"),
            ("WARTA_PORT_80_TCP_PROTO", "tcp"),
            ("WARTA_PORT_80_TCP_PORT", "80"),
            ("WARTA_PORT_80_TCP_ADDR", "10.0.0.7"),
            ("WARTA_DB_SERVICE_HOST", "10.0.0.8"),
        ] {
            assert_eq!(line(&[(name, value)]), None, "{name}");
        }
    }
}
