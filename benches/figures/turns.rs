//! Two things that are held against each other, in turns: what else the machine does meanwhile bears on both
//! alike.

use crate::{
    outcome::median,
    report::{Budget, Report, per_second},
};

/// So many a second, of what is measured and of what it is held against, turn by turn.
#[derive(Debug, Default)]
pub(crate) struct Turns(Vec<(f64, f64)>);

impl Turns {
    /// Adds a turn of each.
    pub(crate) fn push(&mut self, measured: f64, against: f64) {
        self.0.push((measured, against));
    }

    /// Adds a row: the medians of the rates, and the median of the ratios.
    pub(crate) fn report(&self, report: &mut Report, what: impl Into<String>, budget: Budget) {
        let middle = |of: fn(&(f64, f64)) -> f64| median(&self.0.iter().map(of).collect::<Vec<_>>());
        let shown = (per_second(middle(|turn| turn.0)), per_second(middle(|turn| turn.1)));
        report.ratio(what, shown, middle(|(measured, against)| measured / against), budget);
    }
}
