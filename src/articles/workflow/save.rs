//! Saves a draft that a patch or an older revision made. Each step runs in the transaction of its caller.

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

/// A draft that replaces the present one.
pub(crate) struct Save<'a> {
    /// The article, which the transaction has locked.
    pub locked: &'a Locked,
    /// The present draft of the article.
    pub present: Article,
    /// The content of the present draft.
    pub before: &'a Snapshot,
    /// The draft that replaces it.
    pub draft: Draft,
    /// The note of the editor on the save; `None` if there is none.
    pub note: Option<String>,
    /// The number of the revision that is restored; `None` if none is.
    pub restored_from: Option<i32>,
    /// The details of the event, besides the names of the changed fields.
    pub details: Map<String, Value>,
}

/// Saves a draft over the present one as a new revision, and returns the draft. If nothing changes, the draft
/// keeps its status, and a revision is kept only to hold a note.
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

/// Refuses a language that another article of the translation group has.
///
/// # Errors
/// `422` if another article has the language.
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

/// Returns the parts of a draft that are compared.
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

/// The columns of a revision that are known before the draft is read again.
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

/// Keeps the present draft as a revision, and returns the draft.
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
