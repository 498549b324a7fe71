//! A connection that hears what others notify (`LISTEN`).

use std::{future::poll_fn, pin::pin, time::Duration};

use tokio_postgres::{AsyncMessage, Client};

use super::{
    Database, DatabaseUrl, one_line,
    opening::{Driver, Opened},
};

/// The time that Postgres has to answer a command that needs no work.
const PATIENCE: Duration = Duration::from_secs(1);

/// Listens to one channel. It has a connection of its own beside the pool.
pub(crate) struct Listener {
    client: Client,
    driver: Driver,
}

impl Listener {
    /// Listens on a channel. The channel's name is not quoted. If the server has no room for one more
    /// connection, the pool gives one back, for the next attempt.
    ///
    /// # Errors
    /// Returns the reason, in one line, if it cannot listen.
    pub(crate) async fn open(
        url: &DatabaseUrl,
        pool: &Database,
        channel: &'static str,
    ) -> Result<Self, String> {
        let opened = url.open(None, "").await.map_err(|error| {
            if error.is_full() {
                pool.make_room();
            }
            error.cause
        });
        let Opened { client, driver, .. } = opened?;
        let mut listener = Self { client, driver };
        listener.run(&format!("listen {channel}"), |_| {}).await?;
        Ok(listener)
    }

    /// Waits for the next notification, and returns its payload.
    ///
    /// # Errors
    /// Returns the reason, in one line, if the connection ended.
    pub(crate) async fn next(&mut self) -> Result<String, String> {
        loop {
            if let Some(payload) = message(&mut self.driver).await? {
                return Ok(payload);
            }
        }
    }

    /// Hears everything that was committed before the call: Postgres sends the notifications before it says
    /// that a command is done.
    ///
    /// # Errors
    /// Returns the reason, in one line, if the connection ended or Postgres does not answer within a second.
    pub(crate) async fn catch_up(&mut self, heard: impl FnMut(&str)) -> Result<(), String> {
        self.run("", heard).await
    }

    /// Runs a command, and moves the connection's bytes meanwhile. `heard` is called for each notification.
    async fn run(&mut self, command: &str, mut heard: impl FnMut(&str)) -> Result<(), String> {
        let mut running = pin!(self.client.batch_execute(command));
        let driver = &mut self.driver;
        let running = async {
            loop {
                tokio::select! {
                    // In this order: what came before the answer is heard before the answer.
                    biased;
                    payload = message(driver) => payload?.into_iter().for_each(|payload| heard(&payload)),
                    done = &mut running => return done.map_err(|error| one_line(&error)),
                }
            }
        };
        let slow = |_| format!("no answer in {} s", PATIENCE.as_secs());
        tokio::time::timeout(PATIENCE, running).await.map_err(slow)?
    }
}

/// Returns the next message that Postgres sends on its own; `None` if it is not a notification.
async fn message(driver: &mut Driver) -> Result<Option<String>, String> {
    match poll_fn(|context| driver.poll_message(context)).await {
        Some(Ok(AsyncMessage::Notification(notification))) => Ok(Some(notification.payload().to_owned())),
        Some(Ok(_)) => Ok(None),
        Some(Err(error)) => Err(one_line(&error)),
        None => Err("the connection was closed".to_owned()),
    }
}
