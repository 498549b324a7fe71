//! Explains a `412` to clients whose state is no longer current: who saved what meanwhile, and which parts of
//! it clash with their change.

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

/// A state from which a change was made, and what happened since.
#[derive(Debug)]
pub(crate) struct Overtaken {
    newest: RevisionItem,
    /// The number of the revision of that state, and the fields that were changed since; `None` if there was
    /// no such state.
    base: Option<(i32, Fields)>,
    clashes: Fields,
}

impl Overtaken {
    /// Looks up what happened to a locked article since the state that `if_match` names. `present` is the
    /// content of its draft, and `mine` are the fields that the change would change.
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

    /// Returns `true` if the change can be merged with what was changed since: the state is known, and
    /// nothing clashes.
    #[must_use]
    pub(crate) fn can_be_merged(&self) -> bool {
        self.base.is_some() && self.clashes.0.is_empty()
    }

    /// Returns a `412` with what the caller needs to merge; `present` is the draft.
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

    /// Says what happened, and what to do.
    fn detail(&self) -> String {
        let by = &self.newest.editor.name;
        match &self.base {
            None => {
                "If-Match does not match any state of this draft. Read the draft again, then repeat the change.".to_owned()
            }
            Some((_, changed)) if changed.0.is_empty() => {
                "The draft's status has changed, but not its content. Send the patch again with `Prefer: merge`.".to_owned()
            }
            Some((_, changed)) if self.clashes.0.is_empty() => format!(
                "{} changed since, last saved by {by}, and this patch does not clash with that. Send it again with \
                 `Prefer: merge` to keep both.",
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

/// Returns a `412` that says who saved the draft, for a change that is not a patch and so has nothing to
/// merge; `present` is the draft.
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

/// The members of a `412` that say who saved the present draft.
#[derive(Serialize)]
struct Saved {
    current_etag: String,
    saved_by: EditorLink,
    saved_at: DateTime<Utc>,
    revision: i32,
}

/// Additional members of the `412` problem if a draft has changed since it was read.
#[derive(Serialize, ToSchema)]
struct Stale {
    /// The ETag of the present draft.
    #[schema(example = "\"7.q1hYy0c8a0mJ2sX4n5W7bQ\"")]
    current_etag: String,
    /// The editor who saved the newest revision.
    saved_by: EditorLink,
    /// The time at which the newest revision was saved.
    saved_at: DateTime<Utc>,
    /// The number of the newest revision.
    #[schema(minimum = 1, example = 4)]
    revision: i32,
    /// The number of the revision that `If-Match` names, the newest one if it names several; `null` if it
    /// names none.
    #[schema(required, minimum = 1, example = 3)]
    base_revision: Option<i32>,
    /// The fields that were changed since that revision; `null` if the revision is not known.
    #[schema(required, value_type = Option<Vec<Field>>)]
    changed: Option<Fields>,
    /// The fields of the patch that clash: they were changed since, to other values than those of the patch.
    /// If there are none, the same patch succeeds with `Prefer: merge`.
    #[schema(value_type = Vec<Field>)]
    clashes: Fields,
}

/// The schema of a `412` after a patch, in the OpenAPI document.
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
