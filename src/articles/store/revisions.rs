//! Reads and writes revisions: each save of a draft keeps one.

use chrono::{DateTime, Utc};
use diesel::{dsl::max, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::model::revision::{Fields, Revision, RevisionItem, Snapshot},
    events::EditorLink,
    schema::{editors, revisions, versions},
};

/// A revision as it is stored.
#[derive(Debug, Insertable)]
#[diesel(table_name = revisions)]
pub struct NewRevision {
    /// The id of the article.
    pub article_id: Uuid,
    /// The number of the revision; it counts the saves of the article, from 1.
    pub number: i32,
    /// The version of the article after the save.
    pub version: i64,
    /// The id of the editor who saved it.
    pub editor_id: Uuid,
    /// The time of the save.
    pub created_at: DateTime<Utc>,
    /// The note of the editor on the save; `None` if there is none.
    pub note: Option<String>,
    /// The group of translations that the article was in.
    pub translation_group_id: Uuid,
    /// The fields that the save changed.
    pub changed: Fields,
    /// The number of the revision whose content this save restored; `None` if it restored none.
    pub restored_from: Option<i32>,
    /// The content of the draft after the save.
    pub content: Snapshot,
}

/// Stores a revision of an article.
pub(crate) async fn insert_revision(conn: &mut AsyncPgConnection, revision: &NewRevision) -> QueryResult<()> {
    diesel::insert_into(revisions::table).values(revision).execute(conn).await.map(drop)
}

type ItemRow = (i32, DateTime<Utc>, Uuid, String, Option<String>, Option<i32>, Fields);

const ITEM: (
    revisions::number,
    revisions::created_at,
    editors::id,
    editors::name,
    revisions::note,
    revisions::restored_from,
    revisions::changed,
) = (
    revisions::number,
    revisions::created_at,
    editors::id,
    editors::name,
    revisions::note,
    revisions::restored_from,
    revisions::changed,
);

fn item((number, created_at, id, name, note, restored_from, changed): ItemRow) -> RevisionItem {
    RevisionItem { number, created_at, editor: EditorLink { id, name }, note, restored_from, changed }
}

/// Returns up to `rows` revisions of an article, newest first. If `before` is given, only revisions with a
/// lower number are returned.
pub(crate) async fn list_revisions(
    conn: &mut AsyncPgConnection,
    article_id: Uuid,
    before: Option<i32>,
    rows: i64,
) -> QueryResult<Vec<RevisionItem>> {
    let rows: Vec<ItemRow> = revisions::table
        .inner_join(editors::table)
        .filter(revisions::article_id.eq(article_id))
        .filter(revisions::number.lt(before.unwrap_or(i32::MAX)))
        .order(revisions::number.desc())
        .limit(rows)
        .select(ITEM)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(item).collect())
}

/// Counts the revisions of an article.
pub(crate) async fn count_revisions(conn: &mut AsyncPgConnection, article_id: Uuid) -> QueryResult<i64> {
    revisions::table.filter(revisions::article_id.eq(article_id)).count().get_result(conn).await
}

/// A revision, and the group of translations that the article was in.
pub(crate) type Kept = (Revision, Uuid);

/// Returns the revisions of an article that have these numbers, in ascending order.
pub(crate) async fn find_revisions(
    conn: &mut AsyncPgConnection,
    article_id: Uuid,
    numbers: &[i32],
) -> QueryResult<Vec<Kept>> {
    let rows: Vec<(ItemRow, Uuid, Snapshot)> = revisions::table
        .inner_join(editors::table)
        .filter(revisions::article_id.eq(article_id))
        .filter(revisions::number.eq_any(numbers))
        .order(revisions::number)
        .select((ITEM, revisions::translation_group_id, revisions::content))
        .load(conn)
        .await?;
    let kept = |(row, group, content)| (Revision { item: item(row), content }, group);
    Ok(rows.into_iter().map(kept).collect())
}

/// Returns one revision of an article.
///
/// # Errors
/// Returns [`diesel::NotFound`] if the article has no revision with this number.
pub(crate) async fn find_revision(
    conn: &mut AsyncPgConnection,
    article_id: Uuid,
    number: i32,
) -> QueryResult<Revision> {
    let kept = find_revisions(conn, article_id, &[number]).await?.pop();
    kept.map(|(revision, _)| revision).ok_or(diesel::NotFound)
}

/// Returns the draft as it was at a version of the article: the number of the revision, the group of
/// translations, and the content. Returns `None` if there was no revision yet.
pub(crate) async fn find_base(
    conn: &mut AsyncPgConnection,
    article_id: Uuid,
    version: i64,
) -> QueryResult<Option<(i32, Uuid, Snapshot)>> {
    revisions::table
        .filter(revisions::article_id.eq(article_id))
        .filter(revisions::version.le(version))
        .order(revisions::number.desc())
        .select((revisions::number, revisions::translation_group_id, revisions::content))
        .first(conn)
        .await
        .optional()
}

/// Returns the editors who wrote what is to be published, each once: those who saved changes after the last
/// version that was published, whether readers still see it or not, or all if there was none. If nothing was
/// changed after that version, which is published again, those who wrote it are returned. A save that only
/// leaves a note does not count.
pub(crate) async fn writers_since_published(
    conn: &mut AsyncPgConnection,
    id: Uuid,
) -> QueryResult<Vec<Uuid>> {
    let nothing = Fields::default();
    let later = diesel::alias!(revisions as later);
    let newest = later
        .filter(later.field(revisions::article_id).eq(id))
        .filter(later.field(revisions::changed).ne(&nothing))
        .select(max(later.field(revisions::number)))
        .single_value();
    let published = versions::table
        .filter(versions::article_id.eq(id))
        .filter(versions::revision.nullable().lt(newest))
        .select(max(versions::revision))
        .single_value();
    revisions::table
        .filter(revisions::article_id.eq(id))
        .filter(revisions::changed.ne(&nothing))
        .filter(published.is_null().or(revisions::number.nullable().gt(published)))
        .select(revisions::editor_id)
        .distinct()
        .load(conn)
        .await
}
