//! pgbench, which runs the same statements with nothing around them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;
use tokio_postgres::Client;
use warta::database::{DatabaseUrl, SESSION};

use crate::{
    capture::Statement,
    outcome::{Outcome, about},
};

/// How long, or how often on each connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    /// For a time.
    Time(Duration),
    /// So many transactions a connection.
    Transactions(usize),
}

/// How pgbench sets its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    /// As the program does.
    Same,
    /// Not at all.
    Plain,
}

impl Session {
    /// What `PGOPTIONS` says.
    fn options(self) -> String {
        let settings = SESSION.iter().filter(|_| self == Self::Same);
        settings.map(|(name, value)| format!("-c {name}={value} ")).collect()
    }
}

/// A script, with the values that it is given as variables: pgbench sends them as parameters of prepared
/// statements.
#[derive(Debug, Default)]
pub(crate) struct Script {
    text: String,
    variables: BTreeMap<String, String>,
}

/// What stands for a parameter in a script: an expression of SQL, where it is not the value that was
/// captured.
pub(crate) type Replace<'a> = dyn Fn(&str, &str, &str) -> Option<String> + 'a;

impl Script {
    /// A script of captured statements. `replace` is asked with the statement, the parameter's type and its
    /// value.
    pub(crate) async fn of(
        client: &Client,
        statements: &[Statement],
        replace: &Replace<'_>,
    ) -> Outcome<Self> {
        let mut script = Self::default();
        for (number, statement) in statements.iter().enumerate() {
            let sql = typed(statement);
            let types = types(client, &sql).await?;
            let mut text = sql.clone();
            for (place, value) in statement.parameters.iter().enumerate() {
                let r#type = types.get(place).map_or("text", |name| name);
                let expression = match value {
                    None => "NULL".to_owned(),
                    Some(value) => replace(&sql, r#type, value).unwrap_or_else(|| {
                        let name = format!("s{number}p{}", place + 1);
                        script.variables.insert(name.clone(), value.clone());
                        format!(":{name}")
                    }),
                };
                text = with(&text, place + 1, &expression);
            }
            writeln!(script.text, "{};", text.trim_end_matches(';'))?;
        }
        Ok(script)
    }

    /// With a variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Puts it into a file that a person can read, after commands of pgbench; the variables are comments
    /// there.
    pub(crate) fn save(&self, folder: &Path, name: &str, prelude: &str) -> Outcome<PathBuf> {
        let folder = folder.join("statements");
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.sql"));
        let mut text = String::new();
        for (name, value) in &self.variables {
            writeln!(text, "-- {name} = {}", value.replace('\n', "\\n"))?;
        }
        std::fs::write(&path, text + prelude + &self.text)?;
        Ok(path)
    }

    /// Runs the saved script; transactions per second.
    pub(crate) async fn run(
        &self,
        pgbench: &Path,
        url: &DatabaseUrl,
        file: &Path,
        clients: usize,
        length: Length,
        session: Session,
    ) -> Outcome<f64> {
        let mut command = Command::new(pgbench);
        command.env("PGOPTIONS", session.options());
        command.args(["-n", "-M", "prepared", "-j", "1", "-c"]).arg(clients.to_string());
        match length {
            Length::Time(time) => command.arg("-T").arg(time.as_secs().max(1).to_string()),
            Length::Transactions(count) => command.arg("-t").arg(count.to_string()),
        };
        for (name, value) in &self.variables {
            command.arg("-D").arg(format!("{name}={value}"));
        }
        command.arg("-f").arg(file).arg(url.expose()).stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.map_err(about("pgbench"))?;
        let (said, complaint) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        match rate {
            Some(rate) if output.status.success() && !complaint.contains("aborted") => Ok(rate),
            _ => Err(format!("pgbench with {}: {said}{complaint}", file.display()).into()),
        }
    }
}

/// The types of a statement's parameters.
pub(crate) async fn types(client: &Client, sql: &str) -> Outcome<Vec<String>> {
    let prepared = client.prepare(sql).await.map_err(about(sql))?;
    Ok(prepared.params().iter().map(|kind| kind.name().to_owned()).collect())
}

/// The statement, with the types of arrays that Postgres alone could not tell.
pub(crate) fn typed(statement: &Statement) -> String {
    let mut sql = statement.sql.clone();
    for (place, value) in statement.parameters.iter().enumerate() {
        let number = place + 1;
        if !sql.contains(&format!("unnest(${number})")) {
            continue;
        }
        let elements = value.as_deref().unwrap_or("{?}").trim_matches(['{', '}']).split(',');
        let are_numbers = elements.into_iter().all(|element| element.parse::<i64>().is_ok());
        sql = with(&sql, number, &format!("${number}::{}", if are_numbers { "bigint[]" } else { "text[]" }));
    }
    sql
}

/// A statement with this in place of a parameter.
fn with(sql: &str, number: usize, expression: &str) -> String {
    let parameter = format!("${number}");
    let mut parts = sql.split(&parameter);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // `$1` is also how `$12` begins.
        let is_longer = part.starts_with(|next: char| next.is_ascii_digit());
        text += if is_longer { &parameter } else { expression };
        text += part;
    }
    text
}
