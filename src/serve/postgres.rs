//! Opens the database of the settings. An embedded one is started and stopped with the program.

use std::future::pending;

use super::ServeError;
use crate::{
    config::Config,
    database::{
        DatabaseUrl,
        embedded::{Embedded, EmbeddedError, EmbeddedOptions},
    },
};

/// Returns the address of the settings' database. If there is a second value, the caller has to stop it, with
/// [`stop`].
pub(super) async fn postgres(
    config: &Config,
    must_exist: bool,
) -> Result<(DatabaseUrl, Option<Embedded>), ServeError> {
    if let Some(url) = &config.database_url {
        return Ok((url.clone(), None));
    }
    let options = EmbeddedOptions {
        data_dir: config.data_dir.clone(),
        pg_bin: config.pg_bin.clone(),
        pg_archive: config.pg_archive.clone(),
        must_exist,
        // Room for the pool, for the command line beside it, and for a person with psql.
        settings: vec![(
            "max_connections".to_owned(),
            (config.database_connections + 20).max(100).to_string(),
        )],
        ..EmbeddedOptions::default()
    };
    let embedded = Embedded::start(options).await.map_err(ServeError::Embedded)?;
    Ok((embedded.url().clone(), Some(embedded)))
}

/// Returns the database for a command of an administrator. If an instance is running on this data folder, it
/// is that instance's database; otherwise it is started for the command. With `must_exist`, an empty data
/// folder is not filled, since the command only wants to look.
pub(super) async fn administered(
    config: &Config,
    must_exist: bool,
) -> Result<(DatabaseUrl, Option<Embedded>), ServeError> {
    match postgres(config, must_exist).await {
        Err(ServeError::Embedded(EmbeddedError::InUse(folder))) => match Embedded::running(&folder) {
            Some(url) => Ok((url, None)),
            None => Err(ServeError::Embedded(EmbeddedError::InUse(folder))),
        },
        other => other,
    }
}

/// Keeps the embedded server running; never returns.
pub(super) async fn look_after(embedded: Option<&mut Embedded>) {
    match embedded {
        Some(embedded) => match embedded.look_after().await {},
        None => pending().await,
    }
}

/// Stops the embedded server. If its disk is full, an error gets a remark about that.
pub(super) async fn stop<T>(
    embedded: Option<Embedded>,
    outcome: Result<T, ServeError>,
) -> Result<T, ServeError> {
    let Some(embedded) = embedded else { return outcome };
    let remark = embedded.remark();
    embedded.stop().await;
    outcome.map_err(|error| match remark {
        Some(remark) => ServeError::OnFullDisk { error: Box::new(error), remark },
        None => error,
    })
}
