//! Preview links: with one, a person without an account reads the draft of one article as readers would.

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

/// What a preview link is made from.
#[derive(Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"expires_in": 86400}))]
pub(crate) struct PreviewLinkInput {
    /// Seconds that the link is good for.
    #[deserr(default)]
    #[schema(inline, required = false)]
    pub expires_in: ExpiresIn,
}

/// How long a link is good for, in whole seconds: a minute to seven days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExpiresIn(u32);

impl ExpiresIn {
    const MIN: u32 = 60;
    const MAX: u32 = 7 * 24 * 60 * 60;
    const DEFAULT: u32 = 24 * 60 * 60;

    /// When a link ends that is made now: at a whole second, as tokens count time.
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
            // Too little, however little it is, and not a value of the wrong type.
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
    /// The link's id.
    pub id: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: EditorLink,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked, where it was.
    #[schema(required)]
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Representation for PreviewLink {
    fn state_tag(&self) -> Option<StateTag> {
        // Once in its life it changes.
        Some(StateTag { of: self.id, count: self.revoked_at.is_some().into() })
    }
}

/// A new preview link. Its token is shown this once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NewPreviewLink {
    /// The link's id.
    pub id: Uuid,
    /// The address at which the draft is read, without an account. Pass it on as a secret.
    #[schema(
        format = "uri",
        example = "https://cms.example/v1/articles/0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77?draft=true&preview=eyJ0eXAi.eyJpc3Mi.c2lnbmF0"
    )]
    pub url: String,
    /// What a frontend sends as `preview`, together with `draft=true`, to show the draft on a page of its own.
    #[schema(example = "eyJ0eXAi.eyJpc3Mi.c2lnbmF0")]
    pub token: String,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: EditorLink,
}

impl Representation for NewPreviewLink {}

/// The last link that was seen of a list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkPosition {
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Its id.
    pub id: Uuid,
}
