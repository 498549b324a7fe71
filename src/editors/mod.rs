//! Editors: the people with an account.

pub(crate) mod api;
pub mod command;
pub mod store;
pub mod workflow;

use chrono::{DateTime, Utc};
use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    auth::{
        email::Email,
        secret::{GivenPassword, Password},
    },
    faults::Faults,
    http::{conditional::StateTag, reply::Representation},
    principal::Role,
    schema::editors,
    values::Line,
};

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = editors)]
pub struct Editor {
    /// The id of the editor.
    pub id: Uuid,
    /// The email to sign in with, as it was written; unique if case is ignored.
    #[schema(inline, value_type = Email)]
    pub email: String,
    /// The name that others see.
    #[schema(example = "Ayu Lestari")]
    pub name: String,
    /// The role, which decides what the editor can do.
    pub role: Role,
    /// `true` if the editor can sign in.
    pub active: bool,
    /// The time at which the account was created.
    pub created_at: DateTime<Utc>,
    /// The time of the last change.
    pub updated_at: DateTime<Utc>,
}

impl Representation for Editor {
    fn state_tag(&self) -> Option<StateTag> {
        Some(StateTag::at(self.id, self.updated_at))
    }
}

impl Editor {
    fn is_acting_admin(&self) -> bool {
        self.active && self.role == Role::Admin
    }
}

/// The name of an editor.
pub type Name = Line<1, 200>;

/// The input for a new editor.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "email": "ayu@example.org", "name": "Ayu Lestari", "role": "writer", "password": "correct horse battery",
}))]
pub struct EditorInput {
    /// The email to sign in with.
    #[schema(inline)]
    pub email: Email,
    /// The name that others see.
    #[schema(inline)]
    pub name: Name,
    /// The role, which decides what the editor can do.
    pub role: Role,
    /// The first password, which the editor can change.
    #[schema(inline)]
    pub password: Password,
}

/// A member of a patch: absent or a value. `null` is a fault, as nothing of an editor can be empty.
#[derive(Debug)]
pub struct Change<T>(pub Option<T>);

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Deserr<Faults>> Deserr<Faults> for Change<T> {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Faults> {
        T::deserialize_from_value(value, location).map(|value| Self(Some(value)))
    }
}

/// A change of an editor (JSON Merge Patch, RFC 7396): what is left out stays as it is, and nothing can be
/// `null`.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "editor"}))]
pub struct EditorPatch {
    /// The email to sign in with.
    #[deserr(default)]
    #[schema(inline, value_type = Email, required = false)]
    pub email: Change<Email>,
    /// The name that others see.
    #[deserr(default)]
    #[schema(inline, value_type = Name, required = false)]
    pub name: Change<Name>,
    /// The role; it holds from the next request of the editor on.
    #[deserr(default)]
    #[schema(value_type = Role, required = false)]
    pub role: Change<Role>,
    /// `false` disables the account and ends its sessions.
    #[deserr(default)]
    #[schema(value_type = bool, required = false)]
    pub active: Change<bool>,
    /// A new password; it ends the sessions of the editor.
    #[deserr(default)]
    #[schema(inline, value_type = Password, required = false)]
    pub password: Change<Password>,
}

/// A change of one's own account (JSON Merge Patch, RFC 7396): what is left out stays as it is, and nothing
/// can be `null`.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ayu Lestari"}))]
pub struct ProfilePatch {
    /// The email to sign in with.
    #[deserr(default)]
    #[schema(inline, value_type = Email, required = false)]
    pub email: Change<Email>,
    /// The name that others see.
    #[deserr(default)]
    #[schema(inline, value_type = Name, required = false)]
    pub name: Change<Name>,
    /// The present password; required if the email changes.
    #[deserr(default)]
    #[schema(inline, value_type = GivenPassword, required = false)]
    pub current_password: Change<GivenPassword>,
}

/// The changes of an editor's row; `None` leaves a column as it is.
#[derive(Default, AsChangeset)]
#[diesel(table_name = editors)]
pub struct Changes {
    /// The new email, if it changes.
    pub email: Option<String>,
    /// The new name, if it changes.
    pub name: Option<String>,
    /// The new role, if it changes.
    pub role: Option<Role>,
    /// `true` if the editor can sign in.
    pub active: Option<bool>,
}

impl Changes {
    /// Leaves out the changes that change nothing.
    fn of(self, present: &Editor) -> Self {
        Self {
            email: self.email.filter(|email| *email != present.email),
            name: self.name.filter(|name| *name != present.name),
            role: self.role.filter(|role| *role != present.role),
            active: self.active.filter(|active| *active != present.active),
        }
    }

    /// Returns the names of the fields that change, for the record.
    fn fields(&self) -> Vec<&'static str> {
        [
            self.email.as_ref().map(|_| "email"),
            self.name.as_ref().map(|_| "name"),
            self.role.map(|_| "role"),
            self.active.map(|_| "active"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Returns true if these changes take the admin role or the account from an active admin.
    fn retire(&self, present: &Editor) -> bool {
        let stays = self.active.unwrap_or(present.active) && self.role.unwrap_or(present.role) == Role::Admin;
        present.is_acting_admin() && !stays
    }
}

impl From<ProfilePatch> for Changes {
    fn from(patch: ProfilePatch) -> Self {
        Self { email: patch.email.0.map(Into::into), name: patch.name.0.map(Into::into), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{clock::Clock, http::body::parse};

    fn admin() -> Editor {
        let clock = Clock::default();
        Editor {
            id: clock.new_id(),
            email: "ayu@example.org".to_owned(),
            name: "Ayu".to_owned(),
            role: Role::Admin,
            active: true,
            created_at: clock.now(),
            updated_at: clock.now(),
        }
    }

    #[test]
    fn nothing_of_an_editor_can_be_null() {
        let patch =
            json!({"email": null, "name": null, "role": null, "active": null, "password": null, "x": null});
        let faults = parse::<EditorPatch>(patch).unwrap_err().into_body_faults();
        assert_eq!(faults.len(), 6);
        assert!(faults.iter().all(|fault| fault.code == "wrong_type" || fault.code == "unknown"));
        // One's own role is not one's own to change.
        assert!(parse::<ProfilePatch>(json!({"role": "admin"})).is_err());
    }

    #[test]
    fn what_is_so_already_is_no_change() {
        let present = admin();
        let changes = |email: &str, active| Changes {
            email: Some(email.to_owned()),
            active: Some(active),
            ..Changes::default()
        };
        assert!(changes("ayu@example.org", true).of(&present).fields().is_empty());
        assert_eq!(changes("AYU@example.org", false).of(&present).fields(), ["email", "active"]);
    }

    #[test]
    fn an_admin_retires_by_role_or_by_state() {
        let present = admin();
        let role = |role| Changes { role: Some(role), ..Changes::default() };
        let active = |active| Changes { active: Some(active), ..Changes::default() };
        assert!(role(Role::Editor).retire(&present));
        assert!(active(false).retire(&present));
        assert!(!role(Role::Admin).retire(&present));
        assert!(!active(true).retire(&present));
        assert!(!role(Role::Writer).retire(&Editor { active: false, ..present }));
    }
}
