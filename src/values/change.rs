//! The members of a JSON Merge Patch (RFC 7396): absent leaves a field alone, `null` clears it, a value replaces it.

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};

use crate::http::faults::Faults;

/// A change of a field that cannot be empty: `null` is a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change<T>(pub Option<T>);

impl<T: Deserr<Faults>> Deserr<Faults> for Change<T> {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Faults> {
        T::deserialize_from_value(value, location).map(|value| Self(Some(value)))
    }
}

/// A change of a field that can be cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Clear<T> {
    /// The field stays as it is.
    #[default]
    Keep,
    /// `null`: the field becomes empty.
    Clear,
    /// The field gets this value.
    Set(T),
}

impl<T> Clear<T> {
    /// The new value of a field that is `None` when empty, given the present one.
    pub fn apply(self, present: Option<T>) -> Option<T> {
        match self {
            Self::Keep => present,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }

    /// The new value of a field that has an empty value of its own, given the present one.
    pub fn apply_or_default(self, present: T) -> T
    where
        T: Default,
    {
        self.apply(Some(present)).unwrap_or_default()
    }
}

impl<T: Deserr<Faults>> Deserr<Faults> for Clear<T> {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Faults> {
        match value {
            Value::Null => Ok(Self::Clear),
            value => T::deserialize_from_value(value, location).map(Self::Set),
        }
    }
}
