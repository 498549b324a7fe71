//! Tags over HTTP.

use actix_web::{Either, delete, get, patch, post, web::Path};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use serde_json::json;
use uuid::Uuid;

use super::{
    MergeInput, Tag, TagInput,
    filter::{Place, TagsQuery},
    store,
};
use crate::http::cache_rule::CacheRule;
use crate::{
    auth::{Editor, Viewer},
    clock,
    context::Context,
    error::{ApiError, ApiResult, ProblemType},
    events::{EventType, SubjectType},
    faults::{Fault, Faults},
    http::{
        body::{Body, Json, PARAGRAPHS},
        conditional::{IfMatch, StateTag, stale},
        patch::{Patch, changed_members, merge},
        query::{NoQuery, Query},
        reply::{Created, Found, Moved, NoContent, Updated, tag_of},
    },
    pagination::{Page, page},
    surrogate::{Cacheable, SurrogateKeys},
    values::{Reference, Slug},
};

type TagPatch = Patch<TagInput>;

/// What the answers of this route depend on.
pub(crate) const CACHE_RULES: [CacheRule; 1] = [CacheRule::of("/v1/tags").commonly(&["limit", "menu"])];

/// List tags
///
/// Every tag, in the order of their names. `menu=true` gives a frontend's menu, in its order; `q` completes what somebody is typing.
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
    let after = context.cursor_key.open(&fingerprint, query.cursor.as_deref())?;
    let mut conn = context.database.get().await?;
    let total = if query.count.0 { Some(store::count(&mut conn, &query).await?) } else { None };
    let tags = store::list(&mut conn, &query, query.limit.rows(), after).await?;
    page(tags, query.limit, total, &context.cursor_key, &fingerprint, Place::of)
        .map(|page| Cacheable::new(Found(page), SurrogateKeys::counted("tags")))
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
        .transaction(async |conn| {
            let id = context.clock.new_id();
            let slug = choose_slug(conn, id, &input).await?;
            let fields = input.into_fields(slug);
            store::insert(conn, id, &fields, context.now()).await?;
            context
                .record(conn, editor.principal(), EventType::TagCreated, (SubjectType::Tag, id), json!({}))
                .await?;
            store::find(conn, &Reference::Id(id)).await.map_err(ApiError::from)
        })
        .await?;
    Ok(Created { location: format!("/v1/tags/{}", tag.slug), value: tag })
}

/// Read a tag
///
/// By id or slug, with the number of published articles that have it. A slug that it had before, and the id and the slugs of a tag
/// that was merged into it, lead to it (`308`).
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
    conn.transaction(async |conn| {
        let tag = locked(conn, &reference, &if_match).await?;
        let details = json!({"fields": changed_members(&patch)});
        let input: TagInput =
            merge(tag.as_input(), patch, TagInput::MEMBERS).map_err(ApiError::invalid_body)?;
        let slug = choose_slug(conn, tag.id, &input).await?;
        let fields = input.into_fields(slug);
        let now = clock::after(tag.updated_at, context.now());
        store::update(conn, tag.id, &fields, now).await?;
        context
            .record(conn, editor.principal(), EventType::TagUpdated, (SubjectType::Tag, tag.id), details)
            .await?;
        store::find(conn, &Reference::Id(tag.id)).await.map_err(ApiError::from)
    })
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
    conn.transaction(async |conn| {
        store::lock_articles(conn, &reference).await?;
        let tag = locked(conn, &reference, &if_match).await?;
        hold(conn, &tag).await?;
        store::delete(conn, tag.id).await?;
        context
            .record(
                conn,
                editor.principal(),
                EventType::TagDeleted,
                (SubjectType::Tag, tag.id),
                json!({"slug": tag.slug}),
            )
            .await?;
        Ok(NoContent)
    })
    .await
}

/// Merge a tag into another one
///
/// Every article that has the tag, published or not, gets the other one in its place, and the tag is gone. Its id and its slugs
/// lead to the other one from then on, in paths, filters and bodies.
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
    conn.transaction(async |conn| {
        store::lock_articles(conn, &reference).await?;
        let tag = locked(conn, &reference, &if_match).await?;
        let into = surviving(conn, &tag, &input.into).await?;
        let article_count = hold(conn, &tag).await?;
        store::merge(conn, tag.id, into).await?;
        let details = json!({"into": into, "article_count": article_count});
        context
            .record(conn, editor.principal(), EventType::TagMerged, (SubjectType::Tag, tag.id), details)
            .await?;
        store::find(conn, &Reference::Id(into)).await.map_err(ApiError::from)
    })
    .await
    .map(Updated)
}

/// The id of the tag that another one is to be merged into.
async fn surviving(conn: &mut AsyncPgConnection, tag: &Tag, into: &Reference) -> ApiResult<Uuid> {
    let fault = match store::find(conn, into).await {
        Ok(found) if found.id != tag.id => return Ok(found.id),
        Ok(_) => Fault::at("/into", "itself", "A tag cannot be merged into itself."),
        Err(diesel::NotFound) => Fault::at("/into", "not_found", "No tag has this slug or id."),
        Err(error) => return Err(error.into()),
    };
    let mut faults = Faults::none();
    faults.push(fault);
    Err(ApiError::invalid_body(faults))
}

/// Keeps the tag from getting on articles; how many have it.
async fn hold(conn: &mut AsyncPgConnection, tag: &Tag) -> ApiResult<usize> {
    let detail = "An article that has the tag is being changed; please retry.";
    store::hold(conn, tag.id).await?.ok_or_else(|| ApiError::new(ProblemType::Conflict, detail))
}

/// The tag, locked, in the state that the caller means.
async fn locked(conn: &mut AsyncPgConnection, reference: &Reference, if_match: &IfMatch) -> ApiResult<Tag> {
    let tag = store::lock(conn, reference).await?;
    if if_match.allows(StateTag::at(tag.id, tag.updated_at)) { Ok(tag) } else { Err(stale(&tag_of(&tag)?)) }
}

/// The slug that was given, or one made of the name that leads to no other tag.
async fn choose_slug(conn: &mut AsyncPgConnection, id: Uuid, input: &TagInput) -> ApiResult<Slug> {
    let slug = match &input.slug {
        Some(slug) => slug.clone(),
        None => {
            let made = Slug::make(&input.name, "tag");
            let taken = store::slugs_taken(conn, id, &made).await?;
            made.first_free(&taken, id)
        }
    };
    match store::reserve_slug(conn, id, &slug).await? {
        Ok(()) => Ok(slug),
        Err(other) => Err(taken(&slug, &other)),
    }
}

fn taken(slug: &Slug, other: &str) -> ApiError {
    let detail = if **slug == *other {
        "Another tag has this slug.".to_owned()
    } else {
        format!("The slug leads to the tag `{other}`.")
    };
    ApiError::new(ProblemType::SlugTaken, detail.clone()).with_fault(Fault::at("/slug", "taken", detail))
}
