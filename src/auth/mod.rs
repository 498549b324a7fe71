//! Who is asking: passwords, tokens, keys and sessions, and the extractors that say which right a handler needs.
//!
//! The envelope authenticates a request before it is routed and leaves a [`Principal`] in its extensions; the extractors
//! here only read it, so they are ready at once and, standing first, answer before anything else is looked at.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use uuid::Uuid;

use crate::{
    error::{ApiError, ApiResult},
    text_enum,
};

text_enum! {
    /// What an editor may do; each role may do all that the one before it may.
    pub enum Role {
        /// Writes articles, and sees and edits only their own unpublished ones.
        Author = "author",
        /// Edits and publishes everything, and keeps tags and sources in order.
        Editor = "editor",
        /// Also manages the editors, and deletes for good.
        Admin = "admin",
    }
}

/// A signed-in editor, as of this request: roles and sessions are read from the database each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The editor's id.
    pub editor_id: Uuid,
    /// The session that the token belongs to.
    pub session_id: Uuid,
    /// The editor's present role.
    pub role: Role,
}

impl Principal {
    /// Whether this is an editor or an admin.
    #[must_use]
    pub fn edits_everything(self) -> bool {
        self.role >= Role::Editor
    }
}

/// Anyone: `None` is a reader without a token.
pub struct Viewer(pub Option<Principal>);

/// Any signed-in editor.
pub struct Author(pub Principal);

/// An editor or an admin.
pub struct Editor(pub Principal);

/// An admin.
pub struct Admin(pub Principal);

fn signed_in(request: &HttpRequest, at_least: Role) -> ApiResult<Principal> {
    let principal = request.extensions().get::<Principal>().copied();
    match principal {
        None => Err(ApiError::unauthenticated("This operation needs an access token.")),
        Some(principal) if principal.role >= at_least => Ok(principal),
        Some(_) => Err(ApiError::forbidden(match at_least {
            Role::Admin => "Only an admin may do this.",
            Role::Author | Role::Editor => "Only an editor or an admin may do this.",
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
        impl FromRequest for $name {
            type Error = ApiError;
            type Future = Ready<ApiResult<Self>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready(signed_in(request, $role).map(Self))
            }
        }
    };
}

extractor!(Author, Role::Author);
extractor!(Editor, Role::Editor);
extractor!(Admin, Role::Admin);
