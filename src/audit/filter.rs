//! What the record can be asked for.

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

/// Which events, in which order.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Events of the thing with this id.
    #[deserr(default)]
    #[param(value_type = String, format = Uuid, required = false)]
    pub subject: Option<Id>,
    /// Events of things of this type.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub subject_type: Option<SubjectType>,
    /// What the editor with this id did.
    #[deserr(default)]
    #[param(value_type = String, format = Uuid, required = false)]
    pub actor: Option<Id>,
    /// Events of any of these types.
    #[deserr(default, rename = "type")]
    #[param(rename = "type", value_type = Vec<EventType>, inline, style = Form, explode = false, required = false, min_items = 1, example = json!(["article.published", "tag.created"]))]
    pub types: Option<List<EventType>>,
    /// Events after this time (RFC 3339), not at it.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false)]
    pub created_after: Option<Timestamp>,
    /// Events before this time (RFC 3339), not at it.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false)]
    pub created_before: Option<Timestamp>,
    /// Events after the one with this sequence number: where a walk that ended there goes on.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub after_sequence: Option<Sequence>,
    /// The order.
    #[deserr(default = Sort::Descending)]
    #[param(inline, required = false)]
    pub sort: Sort,
    /// How many events a page has at most.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the page before; without it, the first page.
    #[deserr(default)]
    #[param(value_type = String, required = false, min_length = 1)]
    pub cursor: Option<String>,
    /// Whether to count the events of all pages, into `total`.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub count: Flag,
}

crate::paged!(EventsQuery);

text_enum! {
    /// The order of a list of events.
    pub enum Sort {
        /// Newest first.
        Descending = "-sequence",
        /// Oldest first.
        Ascending = "sequence",
    }
}

/// A sequence number, or 0 for the place before the first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sequence(pub i64);

impl FromText for Sequence {
    fn from_text(text: String) -> Result<Self, Invalid> {
        // One spelling for one number.
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
