//! The values that inputs are parsed into. A value of one of these types is valid. Its limits are defined
//! once, in its type, and the OpenAPI document takes them from there.

pub(crate) mod document;
pub(crate) mod enumeration;
pub(crate) mod language;
pub(crate) mod name_prefix;
pub(crate) mod reference;
pub(crate) mod slug;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod url;
pub(crate) mod visible;

pub use self::{
    document::DocumentKey,
    language::Language,
    reference::{Id, Reference},
    slug::Slug,
    text::{Line, Prose},
    time::Timestamp,
    url::WebUrl,
};
pub use crate::values::name_prefix::Typed;

/// A value that is written as a string.
pub trait FromText: Sized {
    /// Parses the value from a string.
    ///
    /// # Errors
    /// Returns the fault of the string.
    fn from_text(text: String) -> Result<Self, crate::faults::Invalid>;
}

/// Makes a [`FromText`] type part of a body or a query string: a JSON string is parsed, and its faults are
/// collected. The rule for combining marks, which every input text has to follow, is checked here.
#[macro_export]
macro_rules! read_from_text {
    ($({$($generics:tt)*})? $type:ty) => {
        impl $(<$($generics)*>)? ::deserr::Deserr<$crate::faults::Faults> for $type {
            fn deserialize_from_value<V: ::deserr::IntoValue>(
                value: ::deserr::Value<V>,
                location: ::deserr::ValuePointerRef<'_>,
            ) -> Result<Self, $crate::faults::Faults> {
                let text = String::deserialize_from_value(value, location)?;
                $crate::values::text::few_marks(&text)
                    .and_then(|()| <Self as $crate::values::FromText>::from_text(text))
                    .map_err(|invalid| $crate::faults::Faults::one(location, invalid))
            }
        }
    };
}
