//! Authentication and roles: passwords, tokens, keys and sessions, and the extractors with which a handler
//! states the role that it needs.
//!
//! The envelope authenticates a request before it is routed, and puts a [`Principal`] into its extensions.
//! The extractors here only read it. So they are ready at once and, as the first arguments of a handler,
//! answer before anything else is looked at.

pub(crate) mod accounts;
pub(crate) mod address;
pub(crate) mod api;
pub(crate) mod counts;
pub(crate) mod email;
pub mod keys;
mod lanes;
mod memory;
pub(crate) mod passwords;
pub(crate) mod previews;
pub(crate) mod proof;
pub mod secret;
pub(crate) mod sessions;
pub(crate) mod strength;
pub(crate) mod throttle;
pub(crate) mod tokens;
pub(crate) mod turns;

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use chrono::{DateTime, Utc};

use self::{
    counts::{Counters, SignInCounts},
    keys::Keys,
    passwords::Passwords,
    throttle::Throttle,
};
use crate::{
    clock::Clock,
    error::{ApiError, ApiResult},
    principal::{Principal, Role},
};

/// The state that sign-in works with. There is one for the process: it limits how many passwords are hashed
/// at once.
#[derive(Clone, Debug)]
pub struct Auth {
    /// The keys that sign and verify access tokens.
    pub keys: Keys,
    /// The service that hashes and verifies passwords.
    pub passwords: Passwords,
    throttle: Arc<Throttle>,
    counters: Counters,
    issuer: String,
}

impl Auth {
    /// Makes the state. `issuer` is the `iss` of the tokens: a token of another issuer is refused.
    #[must_use]
    pub fn new(keys: Keys, issuer: impl Into<String>) -> Self {
        Self {
            throttle: Arc::new(Throttle::new(&keys)),
            keys,
            passwords: Passwords::default(),
            counters: Counters::default(),
            issuer: issuer.into(),
        }
    }

    /// Returns how sign-ins have ended since the start, and how many requests wait.
    #[must_use]
    pub fn counts(&self) -> SignInCounts {
        self.counters.read(self.passwords.waiting())
    }

    fn access_token(&self, clock: &Clock, now: DateTime<Utc>, principal: &Principal) -> ApiResult<String> {
        tokens::issue(&self.keys, &self.issuer, clock.new_id(), now, principal)
    }
}

/// The extractor for anyone, also without a token.
pub struct Viewer(Option<Principal>);

impl Viewer {
    /// Returns the editor who asks; `None` for a reader without a token.
    #[must_use]
    pub fn principal(&self) -> Option<Principal> {
        self.0
    }
}

/// The extractor for any signed-in editor.
pub struct Writer(Principal);

/// The extractor for an editor or an admin.
pub struct Editor(Principal);

/// The extractor for an admin only.
pub struct Admin(Principal);

fn signed_in(request: &HttpRequest, at_least: Role) -> ApiResult<Principal> {
    let principal = request.extensions().get::<Principal>().copied();
    match principal {
        None => Err(ApiError::token_needed("This operation needs an access token.")),
        Some(principal) if principal.role >= at_least => Ok(principal),
        Some(_) => Err(ApiError::forbidden(match at_least {
            Role::Admin => "Only an admin may do this.",
            Role::Writer | Role::Editor => "Only an editor or an admin may do this.",
        })),
    }
}

impl FromRequest for Viewer {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.extensions().get::<Principal>().copied())))
    }
}

macro_rules! extractor {
    ($name:ident, $role:expr) => {
        impl $name {
            /// Returns the editor who asks.
            #[must_use]
            pub fn principal(&self) -> Principal {
                self.0
            }
        }

        impl FromRequest for $name {
            type Error = ApiError;
            type Future = Ready<ApiResult<Self>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready(signed_in(request, $role).map(Self))
            }
        }
    };
}

extractor!(Writer, Role::Writer);
extractor!(Editor, Role::Editor);
extractor!(Admin, Role::Admin);
