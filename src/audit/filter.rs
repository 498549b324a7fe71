//! The query parameters of the list of events.

use deserr::Deserr;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, RefOr, SchemaFormat,
        schema::{Schema, Type},
    },
};

use crate::events::{EventType, SubjectType};
use crate::{
    faults::{Faults, Invalid},
    http::query::{Flag, List},
    pagination::Limit,
    read_from_text, text_enum,
    values::{FromText, Id, Timestamp},
};

/// The filters, the order and the page of the list of events.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Only events of the thing with this id.
    #[deserr(default)]
    #[param(value_type = String, format = Uuid, required = false)]
    pub subject: Option<Id>,
    /// Only events of things of this type.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub subject_type: Option<SubjectType>,
    /// Only events that the editor with this id caused.
    #[deserr(default)]
    #[param(value_type = String, format = Uuid, required = false)]
    pub actor: Option<Id>,
    /// Only events of any of these types.
    #[deserr(default, rename = "type")]
    #[param(rename = "type", value_type = Vec<EventType>, inline, style = Form, explode = false, required = false, min_items = 1, example = json!(["article.published", "tag.created"]))]
    pub types: Option<List<EventType>>,
    /// Only events after this time (RFC 3339), excluding the time itself.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false)]
    pub created_after: Option<Timestamp>,
    /// Only events before this time (RFC 3339), excluding the time itself.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false)]
    pub created_before: Option<Timestamp>,
    /// Only events after the one with this sequence number, so that a client can continue where it stopped.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub after_sequence: Option<Sequence>,
    /// The order of the events.
    #[deserr(default = Sort::Descending)]
    #[param(inline, required = false)]
    pub sort: Sort,
    /// The maximum number of events on a page.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the previous page; without it, the first page.
    #[deserr(default)]
    #[param(value_type = String, required = false, min_length = 1)]
    pub cursor: Option<String>,
    /// Count the events of all pages, and return the number as `total`.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub count: Flag,
}

crate::paged!(EventsQuery);

text_enum! {
    /// The order of a list of events.
    pub enum Sort {
        /// The newest event comes first.
        Descending = "-sequence",
        /// The oldest event comes first.
        Ascending = "sequence",
    }
}

/// A sequence number, or 0 for the place before the first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sequence(pub i64);

impl FromText for Sequence {
    fn from_text(text: String) -> Result<Self, Invalid> {
        // Each number has one spelling.
        let sequence =
            text.parse().ok().filter(|sequence: &i64| *sequence >= 0 && sequence.to_string() == text);
        sequence.map(Self).ok_or_else(|| {
            Invalid::new("out_of_range", format!("Expected a whole number from 0 to {}.", i64::MAX))
        })
    }
}

read_from_text!(Sequence);

impl PartialSchema for Sequence {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(0))
            .into()
    }
}

impl ToSchema for Sequence {}
