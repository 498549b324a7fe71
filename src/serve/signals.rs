//! Listens to the signals that the process gets.

use std::{io, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that the process listens to: Ctrl-C, SIGTERM and SIGHUP.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

/// The way in which the process is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Somebody at a terminal asks, who does not want to wait.
    Now,
    /// A supervisor asks: balancers can first learn that the process is going to stop.
    Drained,
}

impl Signals {
    /// Listens to these signals; from now on they do not end the process by themselves.
    ///
    /// # Errors
    /// Returns an error if the signals cannot be listened to.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits until the process is asked to stop.
    pub(super) async fn asked_to_stop(&mut self) -> Stop {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return Stop::Now,
                _ = self.terminate.recv() => return Stop::Drained,
                _ = self.hang_up.recv() => {
                    tracing::info!("SIGHUP is ignored: settings, keys and certificates are read at the start");
                }
            }
        }
    }

    /// Waits for this many seconds, or until the process is asked to stop once more.
    pub(super) async fn wait(&mut self, seconds: u64) {
        // A time-out and a second signal have the same effect: the caller goes on.
        let _ = tokio::time::timeout(Duration::from_secs(seconds), self.asked_to_stop()).await;
    }
}
