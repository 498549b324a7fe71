//! Who is asking, and what they may do.

use uuid::Uuid;

use crate::{events::Actor, text_enum};

text_enum! {
    /// What an editor may do; each role may do all that the one before it may.
    pub enum Role {
        /// Writes articles, and sees and edits only their own unpublished ones.
        Writer = "writer",
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

    /// Who did it, for the events of this request.
    #[must_use]
    pub fn actor(self, request_id: &str) -> Actor {
        Actor { editor_id: Some(self.editor_id), request_id: Some(request_id.to_owned()) }
    }
}

/// That it did; the envelope leaves it in the request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn;
