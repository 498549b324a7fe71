//! The faults of an input, collected all at once.
//!
//! Input types derive [`deserr::Deserr`] with [`Faults`] as their error. The parser goes on after a fault, so
//! that a caller learns of every fault in one answer.

pub(crate) mod codes;

use std::ops::ControlFlow;

use deserr::{DeserializeError, ErrorKind, IntoValue, MergeWithError, ValueKind, ValuePointerRef};
use serde::Serialize;
use utoipa::ToSchema;

use crate::faults::codes::Code;

/// One fault of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// The place of the fault in the body, as a JSON pointer (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/tags/0")]
    pub pointer: Option<String>,
    /// The query parameter with the fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The kind of fault, as a stable word for programs.
    #[schema(value_type = Code, example = "not_found")]
    pub code: &'static str,
    /// The fault in a sentence, for people.
    #[schema(example = "No tag has this slug or id.")]
    pub detail: String,
}

impl Fault {
    /// Creates a fault at a place in the body.
    pub fn at(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let pointer = Some(shortened(pointer.into(), LONGEST_PLACE));
        Self { pointer, parameter: None, code, detail: shortened(detail.into(), LONGEST_DETAIL) }
    }
}

/// A fault of a value whose place is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// A stable word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
}

impl Invalid {
    /// Creates a fault without its place.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// The most faults in one answer: a caller who sends more has made one mistake many times, or wants a long
/// answer.
pub const TOLD: usize = 100;

/// The longest place of a fault, in bytes. Both the place and the sentence can repeat what was sent, which
/// can be long.
const LONGEST_PLACE: usize = 500;
const LONGEST_DETAIL: usize = 1000;

/// Returns the text, or its beginning if it is longer than `most` bytes.
fn shortened(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most - '…'.len_utf8()));
        text.push('…');
    }
    text
}

/// The faults of one input, of which the first [`TOLD`] are kept; [`Fault::pointer`] is set in each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    told: Vec<Fault>,
    /// The number of further faults.
    more: usize,
}

impl Faults {
    /// Creates an empty collection.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Creates a collection with one fault, at a location.
    #[must_use]
    pub fn one(location: ValuePointerRef<'_>, invalid: Invalid) -> Self {
        Self { told: vec![Fault::at(pointer(location), invalid.code, invalid.detail)], more: 0 }
    }

    /// Adds a fault; faults after the first [`TOLD`] are only counted.
    pub fn push(&mut self, fault: Fault) {
        if self.told.len() < TOLD {
            self.told.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// Adds all faults of another collection.
    pub fn extend(&mut self, other: Self) {
        self.more += other.more;
        other.told.into_iter().for_each(|fault| self.push(fault));
    }

    /// Returns the value if there is no fault.
    ///
    /// # Errors
    /// Returns the faults if there are any.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.told.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Returns the number of all faults, kept or only counted.
    #[must_use]
    pub fn count(&self) -> usize {
        self.told.len() + self.more
    }

    /// Returns the faults as faults of a body.
    #[must_use]
    pub fn into_body_faults(self) -> Vec<Fault> {
        self.told
    }

    /// Returns the faults as faults of a query string: the first step of the pointer is the parameter.
    #[must_use]
    pub fn into_query_faults(self) -> Vec<Fault> {
        let parameter = |fault: Fault| Fault {
            parameter: fault.pointer.map(|pointer| pointer.trim_start_matches('/').to_owned()),
            pointer: None,
            ..fault
        };
        self.told.into_iter().map(parameter).collect()
    }
}

/// Returns a sentence that says how many faults something has; for a single fault, with its place and detail.
#[must_use]
pub fn summary(of: &str, faults: &Faults) -> String {
    match faults.told.as_slice() {
        [only] => {
            let place = only.pointer.as_ref().or(only.parameter.as_ref());
            format!("The {of} has 1 fault at `{}`: {}", place.map_or("", String::as_str), only.detail)
        }
        _ if faults.more > 0 => {
            format!("The {of} has {} faults; `errors` lists the first {TOLD}.", faults.count())
        }
        several => format!("The {of} has {} faults; `errors` lists them.", several.len()),
    }
}

impl MergeWithError<Self> for Faults {
    fn merge(self_: Option<Self>, other: Self, _: ValuePointerRef<'_>) -> ControlFlow<Self, Self> {
        let mut faults = self_.unwrap_or_default();
        faults.extend(other);
        ControlFlow::Continue(faults)
    }
}

impl DeserializeError for Faults {
    fn error<V: IntoValue>(
        self_: Option<Self>,
        error: ErrorKind<'_, V>,
        location: ValuePointerRef<'_>,
    ) -> ControlFlow<Self, Self> {
        let fault = match error {
            ErrorKind::MissingField { field } => {
                Self::one(location.push_key(field), Invalid::new("required", "This field is required."))
            }
            ErrorKind::UnknownKey { key, accepted } => Self::one(
                location.push_key(key),
                Invalid::new(
                    "unknown",
                    match accepted {
                        [] => format!("There is no `{key}` here; nothing is taken."),
                        known => format!("There is no `{key}` here; known are {}.", list(known)),
                    },
                ),
            ),
            ErrorKind::UnknownValue { value, accepted } => Self::one(
                location,
                Invalid::new("unknown_value", format!("`{value}` is not one of {}.", list(accepted))),
            ),
            ErrorKind::IncorrectValueKind { actual, accepted } => Self::one(
                location,
                Invalid::new(
                    "wrong_type",
                    format!(
                        "Expected {}, got {}.",
                        accepted.iter().map(|kind| kind_name(*kind)).collect::<Vec<_>>().join(" or "),
                        kind_name(actual.kind())
                    ),
                ),
            ),
            ErrorKind::BadSequenceLen { expected, .. } => {
                Self::one(location, Invalid::new("wrong_length", format!("Expected {expected} elements.")))
            }
            ErrorKind::Unexpected { msg } => Self::one(location, Invalid::new("invalid", msg)),
        };
        Self::merge(self_, fault, location)
    }
}

fn kind_name(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Null => "null",
        ValueKind::Boolean => "a boolean",
        ValueKind::Integer => "an integer",
        ValueKind::NegativeInteger => "a negative integer",
        ValueKind::Float => "a number",
        ValueKind::String => "a string",
        ValueKind::Sequence => "an array",
        ValueKind::Map => "an object",
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Returns a location as a JSON pointer (RFC 6901), with `~` and `/` escaped.
#[must_use]
pub fn pointer(location: ValuePointerRef<'_>) -> String {
    match location {
        ValuePointerRef::Origin => String::new(),
        ValuePointerRef::Key { key, prev } => {
            format!("{}/{}", pointer(*prev), key.replace('~', "~0").replace('/', "~1"))
        }
        ValuePointerRef::Index { index, prev } => format!("{}/{index}", pointer(*prev)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_faults_are_told_and_all_are_counted() {
        let mut faults = Faults::none();
        for number in 0..TOLD + 20 {
            faults.push(Fault::at(format!("/{number}"), "unknown", "There is no such member."));
        }
        let mut all = Faults::none();
        all.push(Fault::at("/first", "unknown", "There is no such member."));
        all.extend(faults);
        assert_eq!(all.count(), TOLD + 21);
        assert_eq!(summary("body", &all), "The body has 121 faults; `errors` lists the first 100.");
        let told = all.into_body_faults();
        assert_eq!((told.len(), told[0].pointer.as_deref()), (TOLD, Some("/first")));
    }

    #[test]
    fn a_fault_repeats_the_beginning_of_what_was_sent() {
        let fault = Fault::at(format!("/{}", "é".repeat(1000)), "unknown", "x".repeat(100_000));
        assert_eq!(fault.pointer.map(|pointer| pointer.len()), Some(LONGEST_PLACE));
        assert_eq!(fault.detail.len(), LONGEST_DETAIL);
        assert!(fault.detail.ends_with("x…"));
    }

    #[test]
    fn a_pointer_escapes_what_rfc_6901_reserves() {
        let origin = ValuePointerRef::Origin;
        let key = origin.push_key("a/b~c");
        assert_eq!(pointer(key.push_index(3)), "/a~1b~0c/3");
        assert_eq!(pointer(origin), "");
    }
}
