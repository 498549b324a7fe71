//! Tags over HTTP.

use actix_web::{Either, delete, get, patch, post, web::Path};
use diesel_async::AsyncConnection;

use super::{
    MergeInput, Tag, TagInput,
    filter::{Place, TagsQuery},
    store, workflow,
};
use crate::http::cache_rule::CacheRule;
use crate::{
    auth::{Editor, Viewer},
    context::Context,
    error::{ApiError, ApiResult, ProblemType},
    http::{
        body::{Body, Json, PARAGRAPHS},
        conditional::IfMatch,
        patch::Patch,
        query::{NoQuery, Query},
        reply::{Created, Found, Moved, NoContent, Updated},
    },
    pagination::Page,
    surrogate::{Cacheable, SurrogateKeys},
    values::Reference,
};

type TagPatch = Patch<TagInput>;

/// The rule of what the answers of this route depend on.
pub(crate) const CACHE_RULES: [CacheRule; 1] = [CacheRule::of("/v1/tags").commonly(&["limit", "menu"])];

/// List tags
///
/// Every tag, in the order of their names. `menu=true` gives a frontend's menu, in its order; `q` completes
/// what somebody is typing.
#[utoipa::path(
    operation_id = "list_tags", tag = "tags",
    params(TagsQuery),
    responses((status = 200, description = "A page of tags.", body = Page<Tag>)),
)]
#[get("/v1/tags")]
pub(crate) async fn list(
    _: Viewer,
    query: Query<TagsQuery>,
    context: Context,
) -> ApiResult<Cacheable<Found<Page<Tag>>>> {
    let Query { value: query, fingerprint } = query;
    let mut page = context.cursor_key.open_page(&query, &fingerprint)?;
    let mut conn = context.database.get().await?;
    let total = page.total(store::count(&mut conn, &query)).await?;
    let tags = store::list(&mut conn, &query, page.rows(), page.after()).await?;
    page.of(tags, total, Place::of).map(|page| Cacheable::new(Found(page), SurrogateKeys::counted("tags")))
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
        (status = 409, description = "The slug is taken.", extensions(("x-problems" = json!([ProblemType::SlugTaken])))),
    ),
)]
#[post("/v1/tags")]
pub(crate) async fn create(
    editor: Editor,
    _: NoQuery,
    context: Context,
    Body(input): Body<TagInput, PARAGRAPHS>,
) -> ApiResult<Created<Tag>> {
    let mut conn = context.database.get().await?;
    let tag = conn
        .transaction(async |conn| workflow::create(conn, &context, editor.principal(), input).await)
        .await?;
    Ok(Created { location: format!("/v1/tags/{}", tag.slug), value: tag })
}

/// Read a tag
///
/// By id or slug, with the number of published articles that have it. A slug that it had before, and the id
/// and the slugs of a tag that was merged into it, lead to it (`308`).
#[utoipa::path(
    operation_id = "read_tag", tag = "tags",
    params(("tag" = Reference, Path)),
    responses(
        (status = 200, description = "The tag.", body = Tag),
        (status = 308, description = "The tag has another slug now, or was merged into another tag."),
    ),
)]
#[get("/v1/tags/{tag}")]
pub(crate) async fn read(
    _: Viewer,
    reference: Path<Reference>,
    _: NoQuery,
    context: Context,
) -> ApiResult<Either<Cacheable<Found<Tag>>, Cacheable<Moved>>> {
    let mut conn = context.database.get().await?;
    let found = store::find(&mut conn, &reference).await;
    let tag = found.map_err(|error| ApiError::from(error).made_of(SurrogateKeys::all("tags")))?;
    if reference.names(tag.id, &tag.slug) {
        let keys = SurrogateKeys::none().and("tag", tag.id).and("articles:tag", tag.id);
        return Ok(Either::Left(Cacheable::new(Found(tag), keys)));
    }
    let moved = Moved { location: format!("/v1/tags/{}", tag.slug) };
    Ok(Either::Right(Cacheable::new(moved, SurrogateKeys::none().and("tag", tag.id))))
}

/// Change a tag
///
/// Articles that have the tag show the change at once. A slug that it had before keeps leading to it.
#[utoipa::path(
    operation_id = "update_tag", tag = "tags", security(("token" = [])),
    params(("tag" = Reference, Path)),
    request_body(content((TagPatch = "application/merge-patch+json"), (TagPatch = "application/json"))),
    responses(
        (status = 200, description = "The changed tag.", body = Tag),
        (status = 403, description = "Only editors and admins may do this."),
        (status = 409, description = "The slug is taken.", extensions(("x-problems" = json!([ProblemType::SlugTaken])))),
        (status = 412, description = "If-Match does not name the current state."),
    ),
)]
#[patch("/v1/tags/{tag}")]
pub(crate) async fn update(
    editor: Editor,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
    Json(patch): Json<PARAGRAPHS>,
) -> ApiResult<Updated<Tag>> {
    let mut conn = context.database.get().await?;
    let by = editor.principal();
    conn.transaction(async |conn| workflow::update(conn, &context, by, &reference, &if_match, patch).await)
        .await
        .map(Updated)
}

/// Delete a tag
///
/// It is taken off every article that has it. What led to it leads nowhere any more.
#[utoipa::path(
    operation_id = "delete_tag", tag = "tags", security(("token" = [])),
    params(("tag" = Reference, Path)),
    responses(
        (status = 204, description = "The tag is gone."),
        (status = 403, description = "Only editors and admins may do this."),
        (status = 409, description = "The change collided with another one: of an article that has the tag.", extensions(("x-problems" = json!([ProblemType::Conflict])))),
        (status = 412, description = "If-Match does not name the current state."),
    ),
)]
#[delete("/v1/tags/{tag}")]
pub(crate) async fn remove(
    editor: Editor,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
) -> ApiResult<NoContent> {
    let mut conn = context.database.get().await?;
    let by = editor.principal();
    conn.transaction(async |conn| workflow::remove(conn, &context, by, &reference, &if_match).await).await?;
    Ok(NoContent)
}

/// Merge a tag into another one
///
/// Every article that has the tag, published or not, gets the other one in its place, and the tag is gone.
/// Its id and its slugs lead to the other one from then on, in paths, filters and bodies.
#[utoipa::path(
    operation_id = "merge_tag", tag = "tags", security(("token" = [])),
    params(("tag" = Reference, Path)),
    request_body = MergeInput,
    responses(
        (status = 200, description = "The tag that stays.", body = Tag),
        (status = 403, description = "Only editors and admins may do this."),
        (status = 409, description = "The change collided with another one: of an article that has the tag.", extensions(("x-problems" = json!([ProblemType::Conflict])))),
        (status = 412, description = "If-Match does not name the current state."),
    ),
)]
#[post("/v1/tags/{tag}/merge")]
pub(crate) async fn merge_into(
    editor: Editor,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
    Body(input): Body<MergeInput>,
) -> ApiResult<Updated<Tag>> {
    let mut conn = context.database.get().await?;
    let by = editor.principal();
    conn.transaction(async |conn| {
        workflow::merge(conn, &context, by, &reference, &if_match, &input.into).await
    })
    .await
    .map(Updated)
}
