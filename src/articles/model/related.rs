//! The query parameters of the list of articles that are related to another one.

use deserr::Deserr;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};

use crate::{
    faults::{Faults, Invalid},
    read_from_text,
    values::FromText,
};

/// The query parameters for listing related articles.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RelatedQuery {
    /// The most articles that are returned.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub limit: RelatedLimit,
}

/// The most related articles that are returned: 1 to [`RelatedLimit::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RelatedLimit(u16);

impl RelatedLimit {
    /// The greatest limit that can be asked for.
    pub(crate) const MAX: u16 = 20;
    /// The limit if none is asked for.
    pub(crate) const DEFAULT: u16 = 5;

    /// Returns the number of rows to read.
    #[must_use]
    pub(crate) fn rows(self) -> i64 {
        self.0.into()
    }
}

impl Default for RelatedLimit {
    fn default() -> Self {
        Self(Self::DEFAULT)
    }
}

impl FromText for RelatedLimit {
    fn from_text(text: String) -> Result<Self, Invalid> {
        let plain = !text.starts_with(['+', '0']);
        match text.parse() {
            Ok(limit @ 1..=Self::MAX) if plain => Ok(Self(limit)),
            _ => {
                Err(Invalid::new("out_of_range", format!("Expected a whole number from 1 to {}.", Self::MAX)))
            }
        }
    }
}

read_from_text!(RelatedLimit);

impl PartialSchema for RelatedLimit {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(Self::MAX))
            .default(Some(Self::DEFAULT.into()))
            .into()
    }
}

impl ToSchema for RelatedLimit {}
