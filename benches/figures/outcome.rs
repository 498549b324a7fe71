//! What everything here gives back, and words for the person who waits.

use std::{error::Error, fmt::Display, time::Duration};

/// Why the harness cannot go on. A missed budget is no failure.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// What a step gives back.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// Says what an error is about.
pub(crate) fn about<E: Into<Failure>>(what: impl Display) -> impl FnOnce(E) -> Failure {
    move |error| format!("{what}: {}", whole(&*error.into())).into()
}

/// An error with its causes: that of a statement has the server's words as its cause.
pub(crate) fn whole(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", whole(cause)),
        None => error.to_string(),
    }
}

/// Tells on standard error what goes on: the table alone is on standard output.
pub(crate) fn progress(what: impl Display) {
    eprintln!("{what}");
}

/// The value that the given part of all are not above: 0.5 is the median. 0 where there are none.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

/// The median.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// In milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
