//! Accounts: what sign-in needs to know of an editor.

use chrono::{DateTime, Utc};
use diesel::{QueryResult, dsl::sql, expression_methods::TextExpressionMethods as _, prelude::*, sql_types::Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use crate::{
    auth::{Role, sessions},
    clock::Clock,
    events::{self, Actor},
    schema::editors,
};

/// An editor as sign-in sees them.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = editors)]
pub struct Account {
    /// The editor's id.
    pub id: Uuid,
    /// The email, as it was written.
    pub email: String,
    /// The present role.
    pub role: Role,
    /// Whether the editor may sign in.
    pub active: bool,
    /// A PHC string.
    pub password_hash: String,
}
