//! The command `warta audit`, which verifies the record.

use std::io::{self, Write};

use super::{ServeError, postgres};
use crate::{
    audit::verify::{Verdict, verify},
    config::{AuditCommand, Config},
    database::{Database, DatabaseUrl, migrations},
};

/// Runs one command on the record. It changes nothing, not even the version of the database.
///
/// # Errors
/// Returns a [`ServeError`], whose text is one line; also if the record was tampered with.
pub async fn audit(config: Config, command: AuditCommand) -> Result<(), ServeError> {
    let AuditCommand::Verify { head } = command;
    let (url, embedded) = postgres::administered(&config, true).await?;
    let verdict = async {
        let database = open(&config, &url).await?;
        let verdict = verify(&database, head).await;
        database.close();
        verdict.map_err(|error| {
            let cause = error.cause().map(ToString::to_string);
            ServeError::Audit(cause.unwrap_or_else(|| error.to_string()))
        })
    };
    let verdict = verdict.await;
    match postgres::stop(embedded, verdict).await? {
        Verdict::Tampered(finding) => Err(ServeError::Tampered(finding)),
        Verdict::Whole { head, unsealed } => {
            let mut out = io::stdout().lock();
            writeln!(out, "{} events verified, head {head}", head.sequence).map_err(ServeError::Http)?;
            writeln!(out, "{unsealed} events not sealed yet").map_err(ServeError::Http)
        }
    }
}

async fn open(config: &Config, url: &DatabaseUrl) -> Result<Database, ServeError> {
    match migrations::pending(url).await.map_err(ServeError::Database)?.len() {
        0 => Database::connect(url, config.database_connections).await.map_err(ServeError::Database),
        pending => Err(ServeError::Pending(pending)),
    }
}
