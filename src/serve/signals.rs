//! What the process is told by signals.

use std::{io, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, SIGTERM and SIGHUP.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

/// How the process is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// By somebody at a terminal, who does not want to wait.
    Now,
    /// By whoever runs it: balancers may first learn that it is going to stop.
    Drained,
}

impl Signals {
    /// From now on these signals do not end the process by themselves.
    ///
    /// # Errors
    /// The signals cannot be listened to.
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

    /// Waits for so long, or until the process is asked to stop once more.
    pub(super) async fn wait(&mut self, seconds: u64) {
        // Either way it goes on: nothing is different for whoever waited.
        let _ = tokio::time::timeout(Duration::from_secs(seconds), self.asked_to_stop()).await;
    }
}
