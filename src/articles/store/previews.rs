//! Reads and writes preview links in Postgres.

use chrono::{DateTime, Utc};
use diesel::{dsl::exists, pg::Pg, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::database::keyset::descending;
use crate::{
    articles::model::preview_link::{LinkPosition, PreviewLink},
    auth::previews::Pass,
    events::EditorLink,
    principal::Role,
    schema::{article_slugs, articles, editors, preview_links},
    values::Reference,
};

/// Adds a preview link to an article. The last parameter is `created_at` and `expires_at`, in this order.
pub(crate) async fn insert_preview_link(
    conn: &mut AsyncPgConnection,
    pass: Pass,
    created_by: Uuid,
    (created_at, expires_at): (DateTime<Utc>, DateTime<Utc>),
) -> QueryResult<()> {
    diesel::insert_into(preview_links::table)
        .values((
            preview_links::id.eq(pass.link_id),
            preview_links::article_id.eq(pass.article_id),
            preview_links::created_by.eq(created_by),
            preview_links::created_at.eq(created_at),
            preview_links::expires_at.eq(expires_at),
        ))
        .execute(conn)
        .await
        .map(drop)
}

type Columns = (Uuid, DateTime<Utc>, DateTime<Utc>, Option<DateTime<Utc>>, Uuid, String);

fn link((id, created_at, expires_at, revoked_at, editor_id, name): Columns) -> PreviewLink {
    PreviewLink { id, created_at, created_by: EditorLink { id: editor_id, name }, expires_at, revoked_at }
}

/// Returns up to `rows` links of an article, newest first, from after a position.
pub(crate) async fn list_preview_links(
    conn: &mut AsyncPgConnection,
    article_id: Uuid,
    rows: i64,
    after: Option<LinkPosition>,
) -> QueryResult<Vec<PreviewLink>> {
    let query = preview_links::table
        .inner_join(editors::table)
        .filter(preview_links::article_id.eq(article_id))
        .into_boxed::<Pg>();
    let after = after.map(|after| (after.created_at, after.id));
    let links = descending!(query, preview_links::created_at, preview_links::id, after)
        .limit(rows)
        .select((
            preview_links::id,
            preview_links::created_at,
            preview_links::expires_at,
            preview_links::revoked_at,
            editors::id,
            editors::name,
        ))
        .load(conn)
        .await?;
    Ok(links.into_iter().map(link).collect())
}

/// Counts the links of an article.
pub(crate) async fn count_preview_links(conn: &mut AsyncPgConnection, article_id: Uuid) -> QueryResult<i64> {
    preview_links::table.filter(preview_links::article_id.eq(article_id)).count().get_result(conn).await
}

/// Returns a link of an article.
///
/// # Errors
/// Returns [`diesel::NotFound`] if the article has no such link.
pub(crate) async fn find_preview_link(
    conn: &mut AsyncPgConnection,
    Pass { link_id, article_id }: Pass,
) -> QueryResult<PreviewLink> {
    preview_links::table
        .inner_join(editors::table)
        .filter(preview_links::id.eq(link_id))
        .filter(preview_links::article_id.eq(article_id))
        .select((
            preview_links::id,
            preview_links::created_at,
            preview_links::expires_at,
            preview_links::revoked_at,
            editors::id,
            editors::name,
        ))
        .first(conn)
        .await
        .map(link)
}

/// Revokes a link. Returns `false` if it is revoked already.
pub(crate) async fn revoke_preview_link(
    conn: &mut AsyncPgConnection,
    link_id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let link = preview_links::table.find(link_id).filter(preview_links::revoked_at.is_null());
    diesel::update(link).set(preview_links::revoked_at.eq(now)).execute(conn).await.map(|rows| rows > 0)
}

/// Returns `true` if a link opens the article that the reference names: the link exists and has neither
/// expired nor been revoked, the article is not in the trash, and the editor who made the link can still see
/// the draft.
pub(crate) async fn opens_preview(
    conn: &mut AsyncPgConnection,
    Pass { link_id, article_id }: Pass,
    reference: &Reference,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let (id, slug) = reference.parts();
    let by_slug = article_slugs::table
        .filter(article_slugs::article_id.eq(articles::id))
        .filter(article_slugs::slug.nullable().eq(slug));
    let link = preview_links::table
        .inner_join(articles::table)
        .inner_join(editors::table)
        .filter(preview_links::id.eq(link_id))
        .filter(preview_links::article_id.eq(article_id))
        .filter(articles::id.nullable().eq(id).or(exists(by_slug)))
        .filter(preview_links::revoked_at.is_null())
        .filter(preview_links::expires_at.gt(now))
        .filter(articles::trashed_at.is_null())
        .filter(editors::active)
        .filter(editors::role.ne(Role::Writer).or(articles::created_by.eq(editors::id)));
    diesel::select(exists(link)).get_result(conn).await
}
