//! The statements that the server really runs for a request, out of Postgres' log.

use std::{collections::HashSet, time::Duration};

use tokio_postgres::Client;

use crate::{cluster::Cluster, outcome::Outcome};

/// How often a request is repeated: what most of the captures agree on is the request's; others have
/// something of the workers.
const ROUNDS: usize = 7;

/// Longer than the pauses of an instance's workers.
const IDLE: Duration = Duration::from_millis(2500);

/// What the sealer of the record asks for, and nobody else.
const SEALER: &str = "pg_try_advisory_xact_lock";

/// What a connection asks about types, once.
const TYPES: &str = "pg_type";

/// A statement with the values of its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Option<String>>,
}

impl Statement {
    /// Whether it only begins or ends a transaction.
    pub(crate) fn is_control(&self) -> bool {
        self.begins() || self.ends()
    }

    fn begins(&self) -> bool {
        self.sql.to_ascii_uppercase().starts_with("BEGIN")
    }

    fn ends(&self) -> bool {
        let upper = self.sql.to_ascii_uppercase();
        upper.starts_with("COMMIT") || upper == "ROLLBACK"
    }
}

/// Has Postgres log every statement while it lives.
#[derive(Debug)]
pub(crate) struct Capture<'a> {
    cluster: &'a Cluster,
    admin: &'a Client,
    /// What the workers of an instance run when nobody asks for anything.
    background: HashSet<String>,
}

impl<'a> Capture<'a> {
    /// Begins; instances are to be idle.
    pub(crate) async fn begin(cluster: &'a Cluster, admin: &'a Client) -> Outcome<Self> {
        admin.batch_execute("alter system set log_statement = 'all'").await?;
        admin.batch_execute("select pg_reload_conf()").await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let start = cluster.log(0)?.len();
        tokio::time::sleep(IDLE).await;
        let idle = entries(&cluster.log(start)?).into_iter().map(|(_, statement)| statement);
        let background =
            idle.filter(|statement| !statement.is_control()).map(|statement| statement.sql).collect();
        Ok(Self { cluster, admin, background })
    }

    /// What a request runs, begin and end of its transactions too. `ask` makes the request once, the number
    /// given each time.
    pub(crate) async fn of(&self, mut ask: impl AsyncFnMut(usize) -> Outcome<()>) -> Outcome<Vec<Statement>> {
        let mut captures: Vec<Vec<Statement>> = Vec::new();
        for round in 0..ROUNDS {
            // What the one before left for the workers to do.
            tokio::time::sleep(Duration::from_millis(450)).await;
            let start = self.cluster.log(0)?.len();
            ask(round).await?;
            captures.push(self.without_background(entries(&self.cluster.log(start)?)));
        }
        let alike = |one: &Vec<Statement>, other: &Vec<Statement>| {
            one.iter().map(|statement| &statement.sql).eq(other.iter().map(|statement| &statement.sql))
        };
        let votes = |one: &Vec<Statement>| captures.iter().filter(|other| alike(one, other)).count();
        // The last of those, which nothing was new for.
        let chosen = captures.iter().max_by_key(|capture| votes(capture)).cloned().unwrap_or_default();
        if votes(&chosen) * 2 <= ROUNDS || chosen.is_empty() {
            let told =
                captures.iter().map(|one| one.iter().map(|statement| &*statement.sql).collect::<Vec<_>>());
            return Err(format!("captures of a request differ: {:#?}", told.collect::<Vec<_>>()).into());
        }
        Ok(chosen)
    }

    /// Ends.
    pub(crate) async fn end(self) -> Outcome<()> {
        self.admin.batch_execute("alter system reset log_statement").await?;
        self.admin.batch_execute("select pg_reload_conf()").await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(())
    }

    /// Without the transactions that are the workers'.
    fn without_background(&self, entries: Vec<(String, Statement)>) -> Vec<Statement> {
        let mut units: Vec<(String, Vec<Statement>, bool)> = Vec::new();
        for (process, statement) in entries {
            let open = units.iter_mut().find(|(owner, _, open)| *owner == process && *open);
            match open {
                Some((_, unit, open)) => {
                    *open = !statement.ends();
                    unit.push(statement);
                }
                None => {
                    let begins = statement.begins();
                    units.push((process, vec![statement], begins));
                }
            }
        }
        let is_background = |unit: &Vec<Statement>| {
            let mut inner = unit.iter().filter(|statement| !statement.is_control());
            unit.iter().any(|statement| statement.sql.contains(SEALER))
                || inner.all(|statement| {
                    self.background.contains(&statement.sql) || statement.sql.contains(TYPES)
                })
        };
        units.into_iter().filter(|(_, unit, _)| !is_background(unit)).flat_map(|(_, unit, _)| unit).collect()
    }
}

/// The statements in a log, each with the process that ran it.
fn entries(log: &str) -> Vec<(String, Statement)> {
    let mut found: Vec<(String, Statement)> = Vec::new();
    // A line that begins with a tab continues the one before.
    for entry in log.replace("\n\t", "\u{1}").lines() {
        let entry = entry.replace('\u{1}', "\n");
        let Some((process, rest)) = entry.split_once('|') else { continue };
        if let Some(message) = rest.strip_prefix("LOG:  ") {
            let sql = match message.strip_prefix("statement: ") {
                Some(sql) => Some(sql),
                None => message.strip_prefix("execute ").and_then(|named| Some(named.split_once(": ")?.1)),
            };
            if let Some(sql) = sql {
                let statement = Statement { sql: sql.trim().to_owned(), parameters: Vec::new() };
                found.push((process.to_owned(), statement));
            }
        } else if let Some(values) = rest.strip_prefix("DETAIL:  ").and_then(parameters)
            && let Some((_, statement)) = found.iter_mut().rfind(|(owner, _)| owner == process)
        {
            statement.parameters = values;
        }
    }
    found
}

/// Reads the likes of `parameters: $1 = 'it''s', $2 = NULL`.
fn parameters(detail: &str) -> Option<Vec<Option<String>>> {
    let mut rest = detail.strip_prefix("parameters: ").or_else(|| detail.strip_prefix("Parameters: "))?;
    let mut values = Vec::new();
    while let Some((_, value)) = rest.split_once(" = ") {
        let Some(mut quoted) = value.strip_prefix('\'') else {
            values.push(None);
            rest = value.strip_prefix("NULL")?;
            continue;
        };
        let mut text = String::new();
        loop {
            let (part, after) = quoted.split_once('\'')?;
            text.push_str(part);
            match after.strip_prefix('\'') {
                Some(more) => {
                    text.push('\'');
                    quoted = more;
                }
                None => {
                    rest = after;
                    break;
                }
            }
        }
        values.push(Some(text));
    }
    Some(values)
}
