//! Stops work that takes too long, or that nobody waits for any more.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nix::time::{ClockId, clock_gettime};

/// The number of calls between two looks at the clock. Each look costs about as much as 300 bytes of text.
const LOOKS: u32 = 8;

/// Tells a piece of work that it should end: it kept a core busy for too long, or nobody waits for it any
/// more. It measures the processor time of its thread instead of the time of day, so that the same text is
/// refused on a busy machine and on an idle one. It works only on the thread that made it.
#[derive(Debug)]
pub struct Stop {
    cancelled: Arc<AtomicBool>,
    since: Duration,
    patience: Duration,
    looks: Cell<u32>,
    too_long: Cell<bool>,
}

impl Stop {
    /// Stops work that nobody waits for any more, or that takes longer than `patience`.
    #[must_use]
    pub fn new(cancelled: Arc<AtomicBool>, patience: Duration) -> Self {
        Self { cancelled, since: busy(), patience, looks: Cell::new(0), too_long: Cell::new(false) }
    }

    /// Stops work that takes longer than `patience`.
    #[must_use]
    pub fn after(patience: Duration) -> Self {
        Self::new(Arc::default(), patience)
    }

    /// Returns `true` if the work should end.
    pub fn is_due(&self) -> bool {
        if self.too_long.get() || self.cancelled.load(Ordering::Relaxed) {
            return true;
        }
        let looks = self.looks.get();
        self.looks.set((looks + 1) % LOOKS);
        if looks == 0 && busy().saturating_sub(self.since) > self.patience {
            self.too_long.set(true);
        }
        self.too_long.get()
    }

    /// Returns `true` if the work was told to end since it took too long.
    #[must_use]
    pub fn was_too_long(&self) -> bool {
        self.too_long.get()
    }
}

/// Returns the time for which this thread kept a core busy.
fn busy() -> Duration {
    // Every kernel that the program runs on has this clock. Without it no work would be stopped, and none
    // refused wrongly.
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn only_what_keeps_a_core_busy_takes_long() {
        let stop = Stop::after(Duration::from_millis(50));
        std::thread::sleep(Duration::from_millis(100));
        assert!((0..=LOOKS).all(|_| !stop.is_due()));
        let started = Instant::now();
        while !stop.is_due() {
            assert!(started.elapsed() < Duration::from_secs(60));
        }
        assert!(stop.was_too_long());
    }
}
