//! Tags over HTTP.

use actix_web::{delete, get, patch, post, web::Path};
use diesel::QueryResult;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use serde_json::json;
use uuid::Uuid;

use super::{Tag, TagInput, store};
use crate::{
    auth::{Editor, Viewer},
    clock,
    error::{ApiError, ApiResult, Kind, violated},
    http::{
        body::{Body, Json},
        conditional::{IfMatch, stale},
        context::Context,
        faults::Fault,
        patch::{Patch, changed_members, merge},
        query::{NoQuery, Query},
        reply::{Created, Found, NoContent, Updated, tag_of},
    },
    pagination::{Page, PageQuery, TextPosition, page},
    values::{Reference, Slug},
};

type TagPatch = Patch<TagInput>;

/// List tags
///
/// Every tag, in the order of their names.
#[utoipa::path(
    operation_id = "list_tags", tag = "tags",
    params(PageQuery),
    responses((status = 200, description = "A page of tags.", body = Page<Tag>)),
)]
#[get("/v1/tags")]
pub async fn list(_: Viewer, query: Query<PageQuery>, context: Context) -> ApiResult<Found<Page<Tag>>> {
    let Query { value: query, fingerprint } = query;
    let after = query.after(&context.cursor_key, &fingerprint)?;
    let mut conn = context.database.get().await?;
    let total = if query.count.0 { Some(store::count(&mut conn).await?) } else { None };
    let tags = store::list(&mut conn, query.limit.rows(), after).await?;
    let position = |tag: &Tag| TextPosition { text: tag.name.clone(), id: tag.id };
    page(tags, query.limit, total, &context.cursor_key, &fingerprint, position).map(Found)
}

/// Create a tag
///
/// Its slug is made from the name where none is given.
#[utoipa::path(
    operation_id = "create_tag", tag = "tags", security(("token" = [])),
    request_body = TagInput,
    responses(
        (status = 201, description = "The new tag.", body = Tag),
        (status = 403, description = "Only editors and admins may do this."),
        (status = 409, description = "The slug is taken."),
    ),
)]
#[post("/v1/tags")]
pub async fn create(
    editor: Editor,
    _: NoQuery,
    context: Context,
    Body(input): Body<TagInput>,
) -> ApiResult<Created<Tag>> {
    let mut conn = context.database.get().await?;
    let tag = conn
        .transaction(async |conn| {
            let id = context.clock.new_id();
            let slug = choose_slug(conn, id, &input).await?;
            let fields = input.into_fields(slug);
            store::insert(conn, id, &fields, context.now()).await.map_err(taken)?;
            context.record(conn, editor.0, "tag.created", ("tag", id), json!({})).await?;
            store::find(conn, &Reference::Id(id)).await.map_err(ApiError::from)
        })
        .await?;
    Ok(Created { location: format!("/v1/tags/{}", tag.slug), value: tag })
}

/// Read a tag
///
/// By id or slug, with the number of published articles that have it.
#[utoipa::path(
    operation_id = "read_tag", tag = "tags",
    params(("tag" = Reference, Path)),
    responses((status = 200, description = "The tag.", body = Tag)),
)]
#[get("/v1/tags/{tag}")]
pub async fn read(
    _: Viewer,
    reference: Path<Reference>,
    _: NoQuery,
    context: Context,
) -> ApiResult<Found<Tag>> {
    let mut conn = context.database.get().await?;
    Ok(Found(store::find(&mut conn, &reference).await?))
}

/// Change a tag
///
/// Articles that have the tag show the change at once.
#[utoipa::path(
    operation_id = "update_tag", tag = "tags", security(("token" = [])),
    params(("tag" = Reference, Path)),
    request_body(content((TagPatch = "application/merge-patch+json"), (TagPatch = "application/json"))),
    responses(
        (status = 200, description = "The changed tag.", body = Tag),
        (status = 403, description = "Only editors and admins may do this."),
        (status = 409, description = "The slug is taken."),
        (status = 412, description = "If-Match does not name the current state."),
    ),
)]
#[patch("/v1/tags/{tag}")]
pub async fn update(
    editor: Editor,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
    Json(patch): Json,
) -> ApiResult<Updated<Tag>> {
    let mut conn = context.database.get().await?;
    conn.transaction(async |conn| {
        let tag = locked(conn, &reference, &if_match).await?;
        let details = json!({"fields": changed_members(&patch)});
        let input: TagInput =
            merge(tag.as_input(), patch, TagInput::MEMBERS).map_err(ApiError::invalid_body)?;
        let slug = choose_slug(conn, tag.id, &input).await?;
        let fields = input.into_fields(slug);
        let now = clock::after(tag.updated_at, context.now());
        store::update(conn, tag.id, &fields, now).await.map_err(taken)?;
        context.record(conn, editor.0, "tag.updated", ("tag", tag.id), details).await?;
        store::find(conn, &Reference::Id(tag.id)).await.map_err(ApiError::from)
    })
    .await
    .map(Updated)
}

/// Delete a tag
///
/// It is taken off every article that has it.
#[utoipa::path(
    operation_id = "delete_tag", tag = "tags", security(("token" = [])),
    params(("tag" = Reference, Path)),
    responses(
        (status = 204, description = "The tag is gone."),
        (status = 403, description = "Only editors and admins may do this."),
        (status = 412, description = "If-Match does not name the current state."),
    ),
)]
#[delete("/v1/tags/{tag}")]
pub async fn remove(
    editor: Editor,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
) -> ApiResult<NoContent> {
    let mut conn = context.database.get().await?;
    conn.transaction(async |conn| {
        store::lock_articles(conn, &reference).await?;
        let tag = locked(conn, &reference, &if_match).await?;
        store::delete(conn, tag.id).await?;
        context.record(conn, editor.0, "tag.deleted", ("tag", tag.id), json!({"slug": tag.slug})).await?;
        Ok(NoContent)
    })
    .await
}

/// The tag, locked, in the state that the caller means.
async fn locked(conn: &mut AsyncPgConnection, reference: &Reference, if_match: &IfMatch) -> ApiResult<Tag> {
    let tag = store::lock(conn, reference).await?;
    if if_match.allows(tag.updated_at.timestamp_micros()) { Ok(tag) } else { Err(stale(&tag_of(&tag)?)) }
}

async fn choose_slug(conn: &mut AsyncPgConnection, id: Uuid, input: &TagInput) -> QueryResult<Slug> {
    match &input.slug {
        Some(slug) => Ok(slug.clone()),
        None => {
            let made = Slug::make(&input.name, "tag");
            let taken = store::slugs_taken(conn, id, &made).await?;
            Ok(made.first_free(&taken, id))
        }
    }
}

fn taken(error: diesel::result::Error) -> ApiError {
    if violated(&error, "tags_slug_key") {
        ApiError::new(Kind::SlugTaken, "Another tag has this slug.").with_fault(Fault::at(
            "/slug",
            "taken",
            "Another tag has this slug.",
        ))
    } else {
        error.into()
    }
}
