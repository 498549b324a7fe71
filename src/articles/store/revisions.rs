//! What is kept of each save.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{articles::revisions::Snapshot, schema::revisions};

/// A revision as it is kept.
#[derive(Debug, Insertable)]
#[diesel(table_name = revisions)]
pub struct NewRevision {
    /// Whose it is.
    pub article_id: Uuid,
    /// Counts the article's saves, from 1.
    pub number: i32,
    /// The article's version once it is saved.
    pub version: i64,
    /// Who saved it.
    pub editor_id: Uuid,
    /// When.
    pub created_at: DateTime<Utc>,
    /// What for.
    pub note: Option<String>,
    /// The group of translations that the article was in.
    pub translation_group_id: Uuid,
    /// What was saved.
    pub content: Snapshot,
}

/// Keeps a revision.
///
/// # Errors
/// As any statement.
pub async fn insert_revision(conn: &mut AsyncPgConnection, revision: &NewRevision) -> QueryResult<()> {
    diesel::insert_into(revisions::table).values(revision).execute(conn).await.map(drop)
}
