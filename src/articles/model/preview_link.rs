//! Preview links: with such a link, a person without an account reads the draft of one article as readers
//! would see it.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};
use uuid::Uuid;

use crate::{
    events::EditorLink,
    faults::{Faults, Invalid},
    http::{conditional::StateTag, reply::Representation},
};

/// The options for a new preview link.
#[derive(Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"expires_in": 86400}))]
pub(crate) struct PreviewLinkInput {
    /// The time for which the link works, in seconds.
    #[deserr(default)]
    #[schema(inline, required = false)]
    pub expires_in: ExpiresIn,
}

/// The time for which a link works, in whole seconds: one minute to seven days, by default one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExpiresIn(u32);

impl ExpiresIn {
    const MIN: u32 = 60;
    const MAX: u32 = 7 * 24 * 60 * 60;
    const DEFAULT: u32 = 24 * 60 * 60;

    /// Returns the time at which a link ends that is made now. It is a whole second, because tokens count
    /// time in seconds.
    #[must_use]
    pub(crate) fn after(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.trunc_subsecs(0) + TimeDelta::seconds(self.0.into())
    }
}

impl Default for ExpiresIn {
    fn default() -> Self {
        Self(Self::DEFAULT)
    }
}

impl Deserr<Faults> for ExpiresIn {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Faults> {
        let seconds = match value {
            // A negative number is too small; it does not have the wrong type.
            Value::NegativeInteger(_) => 0,
            value => u64::deserialize_from_value(value, location)?,
        };
        match u32::try_from(seconds) {
            Ok(seconds @ Self::MIN..=Self::MAX) => Ok(Self(seconds)),
            _ => {
                let detail =
                    format!("Expected a whole number of seconds from {} to {}.", Self::MIN, Self::MAX);
                Err(Faults::one(location, Invalid::new("out_of_range", detail)))
            }
        }
    }
}

impl PartialSchema for ExpiresIn {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(Self::MIN))
            .maximum(Some(Self::MAX))
            .default(Some(Self::DEFAULT.into()))
            .into()
    }
}

impl ToSchema for ExpiresIn {}

/// A preview link, without the token that makes it work.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PreviewLink {
    /// The id of the link.
    pub id: Uuid,
    /// The time at which the link was made.
    pub created_at: DateTime<Utc>,
    /// The editor who made the link.
    pub created_by: EditorLink,
    /// The time at which the link stops working.
    pub expires_at: DateTime<Utc>,
    /// The time at which the link was revoked; `null` if it was not.
    #[schema(required)]
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Representation for PreviewLink {
    fn state_tag(&self) -> Option<StateTag> {
        // It changes once in its life: when it is revoked.
        Some(StateTag { of: self.id, count: self.revoked_at.is_some().into() })
    }
}

/// A new preview link, with its token. The token is shown only this once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NewPreviewLink {
    /// The id of the link.
    pub id: Uuid,
    /// The address at which the draft can be read without an account. Pass it on as a secret.
    #[schema(
        format = "uri",
        example = "https://cms.example/v1/articles/0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77?draft=true&preview=eyJ0eXAi.eyJpc3Mi.c2lnbmF0"
    )]
    pub url: String,
    /// The token that a frontend sends as `preview`, together with `draft=true`, to show the draft on a page
    /// of its own.
    #[schema(example = "eyJ0eXAi.eyJpc3Mi.c2lnbmF0")]
    pub token: String,
    /// The time at which the link stops working.
    pub expires_at: DateTime<Utc>,
    /// The time at which the link was made.
    pub created_at: DateTime<Utc>,
    /// The editor who made the link.
    pub created_by: EditorLink,
}

impl Representation for NewPreviewLink {}

/// The position of a link in a list: a page starts after that of the link before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkPosition {
    /// The time at which the link was made.
    pub created_at: DateTime<Utc>,
    /// The id of the link.
    pub id: Uuid,
}
