//! The caller of a request, and the caller's rights.

use uuid::Uuid;

use crate::{events::Actor, text_enum};

text_enum! {
    /// The rights of an editor; each role has all rights of the role before it.
    pub enum Role {
        /// Writes articles, and sees and edits only their own unpublished ones.
        Writer = "writer",
        /// Edits and publishes everything, and keeps tags and sources in order.
        Editor = "editor",
        /// Also manages the editors, and deletes for good.
        Admin = "admin",
    }
}

/// A signed-in editor. Role and session are read from the database for each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The id of the editor.
    pub editor_id: Uuid,
    /// The session that the token belongs to.
    pub session_id: Uuid,
    /// The editor's present role.
    pub role: Role,
}

impl Principal {
    /// Returns `true` for editors and admins.
    #[must_use]
    pub fn edits_everything(self) -> bool {
        self.role >= Role::Editor
    }

    /// Returns the actor for the events of this request.
    #[must_use]
    pub fn actor(self, request_id: &str) -> Actor {
        Actor { editor_id: Some(self.editor_id), request_id: Some(request_id.to_owned()) }
    }
}

/// A mark that the request came with a good token. The envelope leaves it in the request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn;
