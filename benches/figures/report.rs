//! The table.

use std::{fmt::Write as _, fs, path::Path};

use crate::outcome::Outcome;

/// The lines of docs/figures.md that the table stands between.
const MARKERS: (&str, &str) = ("<!-- figures: begin -->", "<!-- figures: end -->");

/// How a figure is held against its budget.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Budget {
    /// Reported only.
    None,
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

/// A row.
#[derive(Debug)]
struct Row {
    what: String,
    measured: String,
    against: String,
    ratio: Option<f64>,
    budget: Budget,
    unit: &'static str,
}

/// All rows so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    /// How much went wrong, which is worse than a missed budget.
    failures: usize,
}

impl Report {
    /// Tells what is wrong, at once: what comes after may fail.
    pub(crate) fn fail(&mut self, what: &str) {
        eprintln!("failed: {what}");
        self.failures += 1;
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_clean(&self) -> bool {
        self.failures == 0
    }

    /// A ratio, with what it is made of.
    pub(crate) fn ratio(
        &mut self,
        what: impl Into<String>,
        (measured, against): (String, String),
        ratio: f64,
        budget: Budget,
    ) {
        self.push(what.into(), measured, against, Some(ratio), budget, "");
    }

    /// A value with a budget of its own, such as `87 MiB`.
    pub(crate) fn value(
        &mut self,
        what: impl Into<String>,
        (value, unit): (f64, &'static str),
        note: impl Into<String>,
        budget: Budget,
    ) {
        let ratio = if matches!(budget, Budget::None) { None } else { Some(value) };
        self.push(what.into(), format!("{} {unit}", short(value)), note.into(), ratio, budget, unit);
    }

    /// Something that only has words.
    pub(crate) fn note(
        &mut self,
        what: impl Into<String>,
        measured: impl Into<String>,
        against: impl Into<String>,
    ) {
        self.push(what.into(), measured.into(), against.into(), None, Budget::None, "");
    }

    fn push(
        &mut self,
        what: String,
        measured: String,
        against: String,
        ratio: Option<f64>,
        budget: Budget,
        unit: &'static str,
    ) {
        eprintln!("  {what}: {measured}{}{against}", if against.is_empty() { "" } else { " | " });
        self.rows.push(Row { what, measured, against, ratio, budget, unit });
    }

    /// The table in Markdown, under what describes the machine.
    pub(crate) fn markdown(&self, machine: &str) -> String {
        let mut text = format!(
            "{machine}\n\n| what | measured | against | ratio | budget | ok? |\n|---|---|---|---|---|---|\n"
        );
        for Row { what, measured, against, ratio, budget, unit } in &self.rows {
            let is_ratio = unit.is_empty();
            let shown = ratio.filter(|_| is_ratio).map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
            let space = if is_ratio { "" } else { " " };
            let limit = match budget {
                Budget::None => String::new(),
                Budget::AtLeast(least) => format!("≥ {least}{space}{unit}"),
                Budget::AtMost(most) => format!("≤ {most}{space}{unit}"),
            };
            let held = ratio.and_then(|ratio| match budget {
                Budget::None => None,
                Budget::AtLeast(least) => Some(ratio >= *least),
                Budget::AtMost(most) => Some(ratio <= *most),
            });
            let held = held.map(|held| if held { "yes" } else { "**no**" }).unwrap_or_default();
            // Writing to a string does not fail.
            let _ = writeln!(text, "| {what} | {measured} | {against} | {shown} | {limit} | {held} |");
        }
        text
    }
}

/// Puts the table into docs/figures.md between its markers.
pub(crate) fn write(folder: &Path, table: &str) -> Outcome<()> {
    let path = folder.join("docs/figures.md");
    let text = fs::read_to_string(&path)?;
    let (begin, end) = MARKERS;
    let cut = text.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let (before, after) = cut.ok_or_else(|| format!("docs/figures.md has no {begin} and {end}"))?;
    Ok(fs::write(path, format!("{before}{begin}\n\n{}\n\n{end}{after}", table.trim()))?)
}

/// A number with three digits or so.
pub(crate) fn short(number: f64) -> String {
    match number.abs() {
        100.0.. => format!("{number:.0}"),
        10.0.. => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// So many a second.
pub(crate) fn per_second(rate: f64) -> String {
    format!("{}/s", short(rate))
}

/// A latency.
pub(crate) fn ms(time: f64) -> String {
    format!("{} ms", short(time))
}
