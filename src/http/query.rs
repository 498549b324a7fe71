//! Reads query strings strictly: an unknown parameter, a repeated one or a value that cannot be applied is a
//! `400`.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use deserr::{Deserr, ValuePointerRef};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};

use crate::{
    error::ApiError,
    faults::{Faults, Invalid},
    http::body::parse,
    read_from_text,
    values::FromText,
};

/// The query string parsed into a `T`.
pub(crate) struct Query<T> {
    pub value: T,
    /// The part of the request that a cursor is bound to: the path, and all parameters except those that
    /// change neither the rows nor their order.
    pub fingerprint: String,
}

/// The query string of an address that others append parameters to, such as a feed's, parsed into a `T`.
/// Unknown parameters are ignored.
pub(crate) struct Lenient<T> {
    /// The query without the ignored parameters.
    pub query: Query<T>,
    /// The query string without the ignored parameters.
    pub text: String,
}

/// The parameters that an input has, by name.
pub(crate) trait Known {
    /// Returns `true` if there is a parameter of this name.
    fn knows(name: &str) -> bool;
}

impl<T> Lenient<T> {
    /// Turns the value into another type, and keeps the rest.
    pub(crate) fn map<U>(self, into: impl FnOnce(T) -> U) -> Lenient<U> {
        let Query { value, fingerprint } = self.query;
        Lenient { query: Query { value: into(value), fingerprint }, text: self.text }
    }
}

impl<T: Deserr<Faults> + Known> FromRequest for Lenient<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let known: Vec<_> = pairs(request.query_string()).filter(|pair| is_of(pair, T::knows)).collect();
        let text = known.join("&");
        let fingerprint = fingerprint(request.path(), &text);
        let value = read(&text).map_err(ApiError::invalid_query);
        ready(value.map(|value| Self { query: Query { value, fingerprint }, text }))
    }
}

/// Returns the parameters of a query string, as they are written.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter(|pair| !pair.is_empty())
}

/// Returns `true` if a parameter, as it is written, has a known name.
#[must_use]
pub(crate) fn is_of(pair: &str, knows: impl Fn(&str) -> bool) -> bool {
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    if name.contains(['%', '+']) { decode(name).is_some_and(|name| knows(&name)) } else { knows(name) }
}

/// A query string that must be empty: for operations without parameters.
pub(crate) type NoQuery = Query<NoParameters>;

/// No parameters at all.
#[derive(Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
pub(crate) struct NoParameters {}

impl<T: Deserr<Faults>> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = request.query_string();
        let fingerprint = fingerprint(request.path(), query);
        ready(read(query).map(|value| Self { value, fingerprint }).map_err(ApiError::invalid_query))
    }
}

/// Reads a query string.
///
/// # Errors
/// Returns every fault of the query string.
pub(crate) fn read<T: Deserr<Faults>>(query: &str) -> Result<T, Faults> {
    let mut faults = Faults::none();
    let mut parameters = Map::new();
    for pair in pairs(query) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (decode(name), decode(value)) else {
            faults.extend(Faults::one(
                ValuePointerRef::Origin.push_key(name),
                Invalid::new("invalid_encoding", "The parameter is not UTF-8 when percent-decoded."),
            ));
            continue;
        };
        if parameters.contains_key(&name) {
            faults.extend(Faults::one(
                ValuePointerRef::Origin.push_key(&name),
                Invalid::new("repeated", "The parameter is given more than once. Lists are comma-separated."),
            ));
            continue;
        }
        parameters.insert(name, Value::String(value));
    }
    match parse(Value::Object(parameters)) {
        Ok(value) => faults.or(value),
        Err(others) => {
            faults.extend(others);
            Err(faults)
        }
    }
}

/// Returns `true` if a query string names a parameter, with any value.
#[must_use]
pub(crate) fn names(query: &str, name: &str) -> bool {
    query.split('&').any(|pair| decode(pair.split('=').next().unwrap_or_default()).as_deref() == Some(name))
}

fn fingerprint(path: &str, query: &str) -> String {
    let bound = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        !matches!(name, "" | "cursor" | "limit" | "count" | "include")
    };
    let mut pairs: Vec<_> = query.split('&').filter(bound).collect();
    pairs.sort_unstable();
    format!("{path}?{}", pairs.join("&"))
}

/// Decodes one part of a query string as forms are (WHATWG URL, application/x-www-form-urlencoded), but
/// refuses text that is not UTF-8 instead of replacing it.
fn decode(part: &str) -> Option<String> {
    let spaces = part.replace('+', " ");
    percent_encoding::percent_decode_str(&spaces).decode_utf8().ok().map(Into::into)
}

/// A parameter that is `true` or `false`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag(pub bool);

impl FromText for Flag {
    fn from_text(text: String) -> Result<Self, Invalid> {
        match text.as_str() {
            "true" => Ok(Self(true)),
            "false" => Ok(Self(false)),
            _ => Err(Invalid::new("wrong_type", "Expected `true` or `false`.")),
        }
    }
}

read_from_text!(Flag);

impl PartialSchema for Flag {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).default(Some(false.into())).into()
    }
}
impl ToSchema for Flag {}

/// A parameter that is a comma-separated list of 1 to [`List::MAX`] elements, none of them empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List<T>(pub Vec<T>);

impl<T> List<T> {
    /// The longest list, in elements.
    pub(crate) const MAX: usize = 20;
}

impl<T: FromText> FromText for List<T> {
    fn from_text(text: String) -> Result<Self, Invalid> {
        let elements: Vec<_> = text.split(',').collect();
        if elements.len() > Self::MAX {
            return Err(Invalid::new("too_many", format!("At most {} elements.", Self::MAX)));
        }
        let element = |element: &str| match T::from_text(element.to_owned()) {
            // Not to be mistaken for "no filter": see strapi#16169.
            _ if element.is_empty() => {
                Err(Invalid::new("empty_element", "A list has at least one element, and none is empty."))
            }
            Ok(value) => Ok(value),
            Err(invalid) => Err(Invalid::new(invalid.code, format!("`{element}`: {}", invalid.detail))),
        };
        elements.into_iter().map(element).collect::<Result<_, _>>().map(Self)
    }
}

read_from_text!({T: FromText} List<T>);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserr)]
    #[deserr(error = Faults, deny_unknown_fields)]
    struct Sample {
        #[deserr(default)]
        flag: Flag,
        #[deserr(default)]
        words: Option<List<crate::values::Slug>>,
    }

    fn faults(query: &str) -> Vec<(String, &'static str)> {
        let faults = read::<Sample>(query).unwrap_err().into_query_faults();
        faults.into_iter().map(|fault| (fault.parameter.unwrap(), fault.code)).collect()
    }

    #[test]
    fn values_are_decoded() {
        let sample = read::<Sample>("flag=true&words=a%2Cb,c").unwrap();
        assert!(sample.flag.0);
        assert_eq!(sample.words.unwrap().0.len(), 3);
        assert!(!read::<Sample>("").unwrap().flag.0);
    }

    #[test]
    fn a_parameter_is_named_in_whatever_way_it_is_written() {
        for query in
            ["preview", "preview=", "a=1&preview=x", "p%72eview=x", "preview=x&preview=y", "preview=%FF"]
        {
            assert!(names(query, "preview"), "{query}");
        }
        for query in ["", "a=preview", "previews=x", "Preview=x", "a&=preview"] {
            assert!(!names(query, "preview"), "{query}");
        }
    }

    #[test]
    fn every_fault_is_told() {
        let expected = [("flag", "repeated"), ("nope", "unknown"), ("words", "empty_element")];
        let mut found = faults("flag=true&flag=true&nope=1&words=a,,b");
        found.sort();
        assert_eq!(found, expected.map(|(name, code)| (name.to_owned(), code)));
        assert_eq!(faults("words="), [("words".to_owned(), "empty_element")]);
        assert_eq!(faults("flag=%FF"), [("flag".to_owned(), "invalid_encoding")]);
        assert_eq!(faults("flag"), [("flag".to_owned(), "wrong_type")]);
    }
}
