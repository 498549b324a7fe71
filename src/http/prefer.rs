//! The preferences of callers in `Prefer`: wishes that an answer can ignore (RFC 7240).

use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The header that says which preferences were honoured.
pub(crate) const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The preferences that have a meaning here. Any other preference, and a malformed one, is ignored, as the
/// standard says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prefer {
    /// The wish that a patch of an older state is merged with the changes since, if the two do not clash.
    pub merge: bool,
}

impl Prefer {
    /// The name of the preference.
    pub(crate) const MERGE: &str = "merge";

    fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(PREFER).filter_map(|value: &HeaderValue| value.to_str().ok());
        let mut preferences = values.flat_map(|value| split(value, ','));
        // Of one that is there twice, the first counts.
        let named = |preference: &&str| name(preference).eq_ignore_ascii_case(Self::MERGE);
        let merge = preferences.find(named).is_some_and(has_no_value);
        Self { merge }
    }
}

impl FromRequest for Prefer {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request.headers())))
    }
}

/// Splits a text at separators outside of quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character| {
        let separates = character == separator && !quoted;
        quoted ^= character == '"' && !escaped;
        escaped = quoted && character == '\\' && !escaped;
        separates
    })
}

fn name(preference: &str) -> &str {
    preference.split([';', '=']).next().unwrap_or_default().trim_matches([' ', '\t'])
}

/// Returns `true` if a preference has no value. An empty value counts as none.
fn has_no_value(preference: &str) -> bool {
    let preference = split(preference, ';').next().unwrap_or_default();
    let value = preference.split_once('=').map_or("", |(_, value)| value.trim_matches([' ', '\t']));
    matches!(value, "" | "\"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(PREFER, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        Prefer::of(&headers).merge
    }

    #[test]
    fn a_preference_is_found_among_others() {
        for values in [
            &["merge"][..],
            &["Merge"],
            &["respond-async, merge ,wait=10"],
            &["return=minimal", "merge"],
            &["foo; bar=\"a, b\"; c , merge;strategy=field"],
            &["foo=\"a\\\", b\", merge"],
            &["merge=\"\""],
            &["merge="],
            &[",, merge"],
            &["\u{e9}", "merge"],
        ] {
            assert!(merge(values), "{values:?}");
        }
    }

    #[test]
    fn what_is_no_such_preference_is_passed_over() {
        for values in [
            &[][..],
            &[""],
            &["return=minimal"],
            &["merged"],
            &["foo=merge"],
            &["foo; merge"],
            &["foo=\"a, merge\""],
            &["foo=\"a\\\", merge\""],
            &["merge=theirs"],
            // Of one that is there twice, the first counts.
            &["merge=theirs, merge"],
            &["merge=theirs", "merge"],
            &["merge merge"],
        ] {
            assert!(!merge(values), "{values:?}");
        }
    }
}
