//! What a feed can be asked for: the filters of the list of articles, of which it is the latest part.

use deserr::{Deserr, IntoValue, Map, Value, ValuePointerRef};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

use crate::{
    articles::filter::ArticlesQuery,
    http::faults::{Faults, Invalid},
};

/// As [`ArticlesQuery`] has it, without what a feed does not have.
#[derive(Debug)]
pub struct FeedQuery(pub ArticlesQuery);

/// A feed has what readers see, the latest first, with its text.
const ABSENT: [&str; 7] = ["author", "draft", "trashed", "status", "sort", "count", "include"];

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
