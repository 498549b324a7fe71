//! What is told to those whose state is no longer current: who saved what meanwhile, and what of it clashes with their change.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr,
        schema::{AllOfBuilder, Schema},
    },
};

use crate::{
    articles::{
        model::{
            article::Article,
            content::Field,
            merge::clashes,
            revision::{Fields, RevisionItem, Snapshot},
        },
        store::{self, Locked},
    },
    error::{ApiError, ApiResult, Problem},
    events::EditorLink,
    http::{
        conditional::{IfMatch, stale, stale_because},
        reply::tag_of,
    },
};

/// A state that a change was made from, and what happened since.
#[derive(Debug)]
pub(crate) struct Overtaken {
    newest: RevisionItem,
    /// The revision of that state, and the fields that were changed since; `None` where there was no such state.
    base: Option<(i32, Fields)>,
    clashes: Fields,
}

impl Overtaken {
    /// Looks up what happened to a locked article since the state that `if_match` names. `present` is what is in its draft, `mine`
    /// the fields of it that the change would change.
    ///
    /// # Errors
    /// As any statement.
    pub(crate) async fn of(
        conn: &mut AsyncPgConnection,
        locked: &Locked,
        present: &Snapshot,
        if_match: &IfMatch,
        mine: Fields,
    ) -> ApiResult<Self> {
        let newest = newest(conn, locked).await?;
        let base = match if_match.newest(locked.id).filter(|version| *version <= locked.version) {
            Some(version) => store::find_base(conn, locked.id, version).await?,
            None => None,
        };
        let present = present.facets(locked.translation_group_id);
        let base = base.map(|(number, group, base)| (number, base.facets(group).changed(&present)));
        let clashes = match &base {
            Some((_, theirs)) => clashes(theirs, &mine),
            None => mine,
        };
        Ok(Self { newest, base, clashes })
    }

    /// Whether the change and what was changed since can both be had.
    #[must_use]
    pub(crate) fn can_be_merged(&self) -> bool {
        self.base.is_some() && self.clashes.0.is_empty()
    }

    /// `412` with what the caller needs to merge; `present` is the draft.
    #[must_use]
    pub(crate) fn problem(self, present: &Article) -> ApiError {
        let detail = self.detail();
        let (base_revision, changed) = self.base.unzip();
        of_draft(present, detail, |current_etag| Stale {
            current_etag,
            saved_by: self.newest.editor,
            saved_at: self.newest.created_at,
            revision: self.newest.number,
            base_revision,
            changed,
            clashes: self.clashes,
        })
    }

    /// What happened, and what to do.
    fn detail(&self) -> String {
        let by = &self.newest.editor.name;
        match &self.base {
            None => "If-Match names no state of this draft. Read it, and send the change again.".to_owned(),
            Some((_, changed)) if changed.0.is_empty() => {
                "What became of the draft changed since, not what is in it: with `Prefer: merge` this patch is good.".to_owned()
            }
            Some((_, changed)) if self.clashes.0.is_empty() => format!(
                "{} changed since, last saved by {by}, and clash with nothing in this patch: with `Prefer: merge` both are \
                 kept.",
                changed.named()
            ),
            Some(_) => format!(
                "This patch clashes with what was saved since, last by {by}, in {}. Read the draft, merge, and send the \
                 change again.",
                self.clashes.named()
            ),
        }
    }
}

/// `412` with who saved the draft, for what is no patch and so has nothing to merge; `present` is the draft.
///
/// # Errors
/// As any statement.
pub(crate) async fn problem(
    conn: &mut AsyncPgConnection,
    locked: &Locked,
    present: &Article,
) -> ApiResult<ApiError> {
    let RevisionItem { number, created_at, editor, .. } = newest(conn, locked).await?;
    let detail = format!(
        "The draft was changed since; last saved by {}. The ETag header gives the current state.",
        editor.name
    );
    Ok(of_draft(present, detail, |current_etag| Saved {
        current_etag,
        saved_by: editor,
        saved_at: created_at,
        revision: number,
    }))
}

async fn newest(conn: &mut AsyncPgConnection, locked: &Locked) -> ApiResult<RevisionItem> {
    let newest = store::list_revisions(conn, locked.id, None, 1).await?.pop();
    newest.ok_or_else(|| ApiError::internal("an article has no revision"))
}

fn of_draft<T: Serialize>(present: &Article, detail: String, members: impl FnOnce(String) -> T) -> ApiError {
    let tag = match tag_of(present) {
        Ok(tag) => tag,
        Err(error) => return error,
    };
    match serde_json::to_value(members(tag.to_string())) {
        Ok(Value::Object(members)) => {
            let error = stale_because(&tag, detail);
            members.into_iter().fold(error, |error, (name, value)| error.with_member(&name, value))
        }
        _ => stale(&tag),
    }
}

/// Who saved the present draft.
#[derive(Serialize)]
struct Saved {
    current_etag: String,
    saved_by: EditorLink,
    saved_at: DateTime<Utc>,
    revision: i32,
}

/// What a `412` tells to whom patched a draft, beside what every problem has.
#[derive(Serialize, ToSchema)]
struct Stale {
    /// The draft's ETag.
    #[schema(example = "\"7.q1hYy0c8a0mJ2sX4n5W7bQ\"")]
    current_etag: String,
    /// Who saved its newest revision.
    saved_by: EditorLink,
    /// When.
    saved_at: DateTime<Utc>,
    /// The number of its newest revision.
    #[schema(minimum = 1, example = 4)]
    revision: i32,
    /// The number of the revision that If-Match names, of several the newest; `null` where it names none.
    #[schema(required, minimum = 1, example = 3)]
    base_revision: Option<i32>,
    /// The fields that were changed since that revision; `null` where it is not known.
    #[schema(required, value_type = Option<Vec<Field>>)]
    changed: Option<Fields>,
    /// The fields of the patch that clash: they were changed since, and not to what the patch makes of them. Where none does, the
    /// same patch with `Prefer: merge` is good.
    #[schema(value_type = Vec<Field>)]
    clashes: Fields,
}

/// The `412` of a patch, in the OpenAPI document.
pub(crate) struct StaleProblem;

impl PartialSchema for StaleProblem {
    fn schema() -> RefOr<Schema> {
        let problem = Ref::from_schema_name(Problem::name());
        AllOfBuilder::new()
            .item(problem)
            .item(Stale::schema())
            .description(Some("A problem that says what was changed meanwhile."))
            .into()
    }
}

impl ToSchema for StaleProblem {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Stale::schemas(schemas);
    }
}
