//! Times: parsed from RFC 3339 with any offset, written in UTC with `Z`.

use chrono::{DateTime, Datelike, SubsecRound, Timelike, Utc};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{KnownFormat, Schema, SchemaFormat, Type},
    },
};

use crate::{faults::Invalid, read_from_text, values::FromText};

/// A moment, given in RFC 3339 with any offset; kept in UTC, to the microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub DateTime<Utc>);

impl FromText for Timestamp {
    fn from_text(text: String) -> Result<Self, Invalid> {
        match DateTime::parse_from_rfc3339(&text) {
            // In UTC it can be outside of the years that RFC 3339 can write; leap seconds are not supported.
            Ok(time) if !(0..=9999).contains(&time.to_utc().year()) || time.nanosecond() >= 1_000_000_000 => {
                Err(Invalid::new("invalid_time", "This time cannot be written in RFC 3339 in UTC."))
            }
            Ok(time) => Ok(Self(time.to_utc().trunc_subsecs(6))),
            Err(_) if text.contains(' ') => Err(Invalid::new(
                "invalid_time",
                "This is no RFC 3339 time. In a query string, write the `+` of an offset as `%2B`.",
            )),
            Err(_) => Err(Invalid::new(
                "invalid_time",
                "This is no RFC 3339 time, such as `2026-08-17T10:00:00Z` or `2026-08-17T17:00:00+07:00`.",
            )),
        }
    }
}

read_from_text!(Timestamp);

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2026-08-17T10:00:00Z"])
            .into()
    }
}

impl ToSchema for Timestamp {}
