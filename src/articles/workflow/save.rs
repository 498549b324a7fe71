//! How a draft is saved, whatever it was made by: a patch or an older revision. Each step runs in the transaction of its caller.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    articles::{
        model::{
            article::Article,
            revision::{Facets, Fields, Snapshot},
            view::View,
        },
        store::{self, Draft, Locked, NewRevision},
    },
    clock,
    context::Context,
    error::{ApiError, ApiResult},
    events::{EventType, SubjectType},
    faults::{Fault, Faults},
    principal::Principal,
    values::Reference,
};

/// A draft that is saved over another one.
pub(crate) struct Save<'a> {
    /// The article.
    pub locked: &'a Locked,
    /// Its draft.
    pub present: Article,
    /// What is in its draft.
    pub before: &'a Snapshot,
    /// The draft that it gets.
    pub draft: Draft,
    /// What for.
    pub note: Option<String>,
    /// The revision whose content it is, where it is one's.
    pub restored_from: Option<i32>,
    /// What the record says beside the names of the changed fields.
    pub details: Map<String, Value>,
}

/// Saves a draft over the present one as a new revision; the draft. Where nothing changes there is a revision only to hold a note,
/// and the draft's status stays.
///
/// # Errors
/// As any statement.
pub(crate) async fn save(
    conn: &mut AsyncPgConnection,
    context: &Context,
    principal: Principal,
    save: Save<'_>,
) -> ApiResult<Article> {
    let Save { locked, present, before, draft, note, restored_from, mut details } = save;
    let changed = before.facets(locked.translation_group_id).changed(&facets(&draft));
    if changed.0.is_empty() && note.is_none() {
        return Ok(present);
    }
    let now = clock::after(locked.updated_at, context.now());
    if changed.0.is_empty() {
        store::renumber_draft(conn, locked).await?;
    } else {
        store::update_draft(conn, locked, &draft, now).await?;
    }
    details.insert("fields".to_owned(), json!(changed));
    let kind =
        if restored_from.is_some() { EventType::ArticleRevisionRestored } else { EventType::ArticleUpdated };
    context.record(conn, principal, kind, (SubjectType::Article, locked.id), details.into()).await?;
    let stamp = Stamp {
        number: locked.revision + 1,
        version: locked.version + 1,
        now,
        note,
        group: draft.text.translation_group_id,
        changed,
        restored_from,
    };
    keep_revision(conn, principal, locked.id, stamp).await
}

/// The place among the translations of a story must be free.
///
/// # Errors
/// `422` where another article has it.
pub(crate) async fn require_free_language(
    conn: &mut AsyncPgConnection,
    group: Uuid,
    language: &str,
    id: Uuid,
) -> ApiResult<()> {
    if !store::language_taken(conn, group, language, id).await? {
        return Ok(());
    }
    let detail = format!("The story has an article in `{language}` already.");
    let mut faults = Faults::none();
    faults.push(Fault::at("/language", "taken", detail));
    Err(ApiError::invalid_body(faults))
}

/// What of a draft is compared.
#[must_use]
pub(crate) fn facets(draft: &Draft) -> Facets<'_> {
    Facets {
        content: &draft.content,
        body: &draft.text.body,
        provenance: draft.text.provenance.as_ref(),
        tags: draft.tags.clone(),
        citations: draft
            .citations
            .iter()
            .map(|row| (row.source_id, &*row.url, &*row.title, row.role))
            .collect(),
        group: draft.text.translation_group_id,
    }
}

/// What is known of a revision before the draft is read again.
#[derive(Debug)]
pub(crate) struct Stamp {
    pub number: i32,
    pub version: i64,
    pub now: DateTime<Utc>,
    pub note: Option<String>,
    pub group: Uuid,
    pub changed: Fields,
    pub restored_from: Option<i32>,
}

/// Keeps the draft as it is now; the draft.
///
/// # Errors
/// As any statement.
pub(crate) async fn keep_revision(
    conn: &mut AsyncPgConnection,
    principal: Principal,
    id: Uuid,
    stamp: Stamp,
) -> ApiResult<Article> {
    let saved = store::find(conn, View::drafts(principal), &Reference::Id(id)).await?;
    let revision = NewRevision {
        article_id: id,
        number: stamp.number,
        version: stamp.version,
        editor_id: principal.editor_id,
        created_at: stamp.now,
        note: stamp.note,
        translation_group_id: stamp.group,
        changed: stamp.changed,
        restored_from: stamp.restored_from,
        content: Snapshot::from(&saved),
    };
    store::insert_revision(conn, &revision).await?;
    Ok(saved)
}
