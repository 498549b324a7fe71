//! The query parameters of a feed: the filters of the list of articles, without its order and editorial
//! parameters.

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

/// A query of a feed: an [`ArticlesQuery`] without the parameters that a feed does not have.
#[derive(Debug)]
pub(crate) struct FeedQuery(pub ArticlesQuery);

/// The parameters that a feed has.
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

/// Returns `true` if a feed knows a parameter: any parameter of the list of articles, also those that a feed
/// refuses. Other parameters, which feed readers append to an address, are not known.
#[must_use]
pub(crate) fn knows(name: &str) -> bool {
    PRESENT.contains(&name) || ABSENT.contains(&name)
}

impl Known for FeedQuery {
    fn knows(name: &str) -> bool {
        knows(name)
    }
}

/// The parameters that a feed refuses: it always has what readers see, latest first, with texts.
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
