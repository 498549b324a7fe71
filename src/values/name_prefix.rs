//! The beginning of a name, for autocompletion.

use std::ops::Deref;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

use crate::values::{FromText, Line};
use crate::{faults::Invalid, read_from_text};

/// The beginning of a name, as somebody types it: 1 to 100 characters, not only white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed(Line<1, 100>);

impl FromText for Typed {
    fn from_text(text: String) -> Result<Self, Invalid> {
        FromText::from_text(text).map(Self)
    }
}

read_from_text!(Typed);

impl PartialSchema for Typed {
    fn schema() -> RefOr<Schema> {
        Line::<1, 100>::schema()
    }
}

impl ToSchema for Typed {}

impl Deref for Typed {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}
