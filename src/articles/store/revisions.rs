//! What is kept of each save.

use chrono::{DateTime, Utc};
use diesel::{dsl::max, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::model::revision::{Fields, Revision, RevisionItem, Snapshot},
    events::EditorLink,
    schema::{editors, revisions, versions},
};

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
    /// The fields that the save changed.
    pub changed: Fields,
    /// The revision whose content was made the draft's again.
    pub restored_from: Option<i32>,
    /// What was saved.
    pub content: Snapshot,
}

/// Keeps a revision.
///
/// # Errors
/// As any statement.
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

/// Up to `rows` revisions of an article, newest first, from before a number.
///
/// # Errors
/// As any statement.
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

/// How many revisions an article has.
///
/// # Errors
/// As any statement.
pub(crate) async fn count_revisions(conn: &mut AsyncPgConnection, article_id: Uuid) -> QueryResult<i64> {
    revisions::table.filter(revisions::article_id.eq(article_id)).count().get_result(conn).await
}

/// A revision with the group of translations that the article was in.
pub(crate) type Kept = (Revision, Uuid);

/// The revisions of an article that have these numbers, in ascending order.
///
/// # Errors
/// As any statement.
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

/// One revision of an article.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
pub(crate) async fn find_revision(
    conn: &mut AsyncPgConnection,
    article_id: Uuid,
    number: i32,
) -> QueryResult<Revision> {
    let kept = find_revisions(conn, article_id, &[number]).await?.pop();
    kept.map(|(revision, _)| revision).ok_or(diesel::NotFound)
}

/// The draft as it was when the article was at a version: the number of the revision, the group of translations, the content.
///
/// # Errors
/// As any statement.
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

/// Who wrote what is to be published, each once: since the last version that readers got, whether they still see it or not, or ever
/// where there was none. Of what readers got already, and is published again unchanged, those who wrote that version. A save that
/// changed nothing, to leave a note, is no writing.
///
/// # Errors
/// As any statement.
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
