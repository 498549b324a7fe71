//! Reads the settings from arguments, variables and files, and reports a wrong one.

use std::{
    error::Error,
    ffi::{OsStr, OsString},
};

use clap::{
    ArgMatches, CommandFactory, FromArgMatches,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use super::{Cli, Command, unknown};

impl Cli {
    /// Reads arguments and environment. Help and version are printed and end the program with code 0.
    /// Anything wrong is told in one line on standard error and ends the program with code 2.
    #[must_use]
    pub fn from_process() -> Self {
        let read = Self::from_args(std::env::args_os().collect(), |name| std::env::var_os(name));
        let checked = read.and_then(|cli| {
            unknown::refuse(std::env::vars_os()).map_err(Refused::Wrong)?;
            Ok(cli)
        });
        match checked {
            Ok(cli) => cli,
            Err(Refused::Asked(help)) => help.exit(),
            Err(Refused::Wrong(line)) => {
                eprintln!("error: {line}");
                std::process::exit(2);
            }
        }
    }

    /// Reads the arguments; `variable` returns the value of a variable of the environment.
    pub(super) fn from_args(
        args: Vec<OsString>,
        variable: impl Fn(&OsStr) -> Option<OsString>,
    ) -> Result<Self, Refused> {
        let documented = Self::command().mut_args(|arg| arg.global(true));
        let mut command = documented.clone();
        for arg in documented.get_arguments() {
            let Some(name) = arg.get_env() else { continue };
            let set = |name: &OsStr| variable(name).filter(|value| !value.is_empty());
            let file_name = [name, OsStr::new("_FILE")].join(OsStr::new(""));
            let value = match (set(name), set(&file_name)) {
                (Some(_), None) => continue,
                (None, None) => None,
                (None, Some(file)) => Some(read_value(&file_name, &file)?),
                (Some(_), Some(_)) => {
                    let line = format!("{}: {} is set as well", file_name.display(), name.display());
                    return Err(Refused::Wrong(line));
                }
            };
            command = command.mut_arg(arg.get_id(), |arg| {
                let arg = arg.env(None::<&'static str>);
                if let Some(value) = value { arg.default_value(value) } else { arg }
            });
        }
        let matches = command.try_get_matches_from(&args).map_err(|error| match error.kind() {
            // Help names every variable, the unset ones too.
            ErrorKind::DisplayHelp => documented.try_get_matches_from(&args).err().unwrap_or(error).into(),
            _ => Refused::from(error),
        })?;
        let cli = Self::from_arg_matches(&matches)?;
        if given_as_argument(&matches, "admin_password") {
            let line = "WARTA_ADMIN_PASSWORD: set the variable; an argument can be seen by others";
            return Err(Refused::Wrong(line.into()));
        }
        let serves = matches!(cli.command, None | Some(Command::Serve));
        cli.config.check(serves).map_err(Refused::Wrong)?;
        Ok(cli)
    }
}

/// Reads the value of a setting from a file, without the end of its last line.
fn read_value(variable: &OsStr, file: &OsStr) -> Result<&'static str, Refused> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Refused::Wrong(format!("{}: {:?}: {error}", variable.display(), file.display().to_string()))
    })?;
    // Read once, and kept while the program runs, as the parser wants its defaults.
    Ok(Box::leak(text.trim_end_matches(['\r', '\n']).to_owned().into_boxed_str()))
}

fn given_as_argument(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
        || matches.subcommand().is_some_and(|(_, matches)| {
            // An argument that this subcommand does not have makes `value_source` panic.
            matches.try_contains_id(id).is_ok() && given_as_argument(matches, id)
        })
}

/// The reason why there is no [`Cli`].
#[derive(Debug)]
pub(super) enum Refused {
    /// Help or version was asked for.
    Asked(clap::Error),
    /// Something is wrong; the text is one line that names the setting.
    Wrong(String),
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        let command = Cli::command();
        if let ErrorKind::DisplayHelp | ErrorKind::DisplayVersion = error.kind() {
            return Self::Asked(error);
        }
        let context = |kind| error.get(kind).map(ToString::to_string);
        let named = context(ContextKind::InvalidArg).and_then(|shown| {
            let long = shown.strip_prefix("--")?.split(' ').next()?.to_owned();
            let arg = command.get_arguments().find(|arg| arg.get_long() == Some(&long))?;
            Some((arg.get_env()?.to_string_lossy().into_owned(), arg.is_hide_env_values_set()))
        });
        let value = context(ContextKind::InvalidValue);
        let Some(((name, secret), value)) = named.zip(value) else {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            let first = first.strip_prefix("error: ").unwrap_or(first);
            return Self::Wrong(match possible(&error) {
                Some(values) => format!("{first}: {values}"),
                None => first.to_owned(),
            });
        };
        let reason = match (error.source(), possible(&error)) {
            (Some(reason), _) => reason.to_string(),
            (None, Some(values)) => values,
            (None, None) => "is not valid".to_owned(),
        };
        Self::Wrong(if secret { format!("{name}: {reason}") } else { format!("{name}: {value:?}: {reason}") })
    }
}

/// Returns the values that are possible instead, if these are a few words.
fn possible(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::ValidValue)? {
        ContextValue::Strings(values) if !values.is_empty() => Some(format!("use {}", values.join(", "))),
        _ => None,
    }
}
