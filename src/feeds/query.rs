//! What a feed can be asked for: the filters of the list of articles, of which it is the latest part.

use deserr::{Deserr, IntoValue, Map, Value, ValuePointerRef};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

use crate::{
    articles::model::query::ArticlesQuery,
    faults::{Faults, Invalid},
    http::query::Known,
};

/// As [`ArticlesQuery`] has it, without what a feed does not have.
#[derive(Debug)]
pub(crate) struct FeedQuery(pub ArticlesQuery);

/// What a feed can be asked for.
const PRESENT: [&str; 12] = [
    "cites",
    "cursor",
    "language",
    "limit",
    "published_after",
    "published_before",
    "q",
    "source",
    "tag",
    "tag_all",
    "tag_none",
    "updated_after",
];

/// Whether a feed knows a parameter: those of the list of articles, also where it has none of them. What others append to an address
/// is none of it.
#[must_use]
pub(crate) fn knows(name: &str) -> bool {
    PRESENT.contains(&name) || ABSENT.contains(&name)
}

impl Known for FeedQuery {
    fn knows(name: &str) -> bool {
        knows(name)
    }
}

/// A feed has what readers see, the latest first, with its text.
const ABSENT: [&str; 7] = ["created_by", "draft", "trashed", "status", "sort", "count", "include"];

impl Deserr<Faults> for FeedQuery {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Faults> {
        let Value::Map(mut parameters) = value else {
            return ArticlesQuery::deserialize_from_value(value, location).map(Self);
        };
        let mut faults = Faults::none();
        for name in ABSENT {
            if parameters.remove(name).is_some() {
                let invalid = Invalid::new("unknown", "A feed has no such parameter.");
                faults.extend(Faults::one(location.push_key(name), invalid));
            }
        }
        match ArticlesQuery::deserialize_from_value(Value::<V>::Map(parameters), location) {
            Ok(query) => faults.or(Self(query)),
            Err(others) => {
                faults.extend(others);
                Err(faults)
            }
        }
    }
}

impl IntoParams for FeedQuery {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = ArticlesQuery::into_params(place);
        parameters.retain(|parameter| !ABSENT.contains(&&*parameter.name));
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_of_the_list_of_articles_is_known() {
        let mut names: Vec<_> =
            ArticlesQuery::into_params(|| None).into_iter().map(|parameter| parameter.name).collect();
        let mut known = [&PRESENT[..], &ABSENT].concat();
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known);
    }
}
