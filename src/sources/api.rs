//! Sources over HTTP.

use actix_web::{delete, get, patch, post, web::Path};
use diesel_async::AsyncConnection;

use super::{Source, SourceInput, filter::SourcesQuery, store, workflow};
use crate::http::cache_rule::CacheRule;
use crate::{
    auth::{Editor, Viewer, Writer},
    context::Context,
    error::{ApiError, ApiResult, ProblemType},
    http::{
        body::{Body, Json, PARAGRAPHS},
        conditional::IfMatch,
        patch::Patch,
        query::{NoQuery, Query},
        reply::{Created, Found, NoContent, Updated},
    },
    pagination::{Page, TextPosition},
    surrogate::{Cacheable, SurrogateKeys},
    values::Reference,
};

type SourcePatch = Patch<SourceInput>;

/// The rule of what the answers of this route depend on.
pub(crate) const CACHE_RULES: [CacheRule; 1] = [CacheRule::of("/v1/sources").commonly(&["limit"])];

/// List sources
///
/// Every source, in the order of their names. `q` completes what somebody is typing.
#[utoipa::path(
    operation_id = "list_sources", tag = "sources",
    params(SourcesQuery),
    responses((status = 200, description = "A page of sources.", body = Page<Source>)),
)]
#[get("/v1/sources")]
pub(crate) async fn list(
    _: Viewer,
    query: Query<SourcesQuery>,
    context: Context,
) -> ApiResult<Cacheable<Found<Page<Source>>>> {
    let Query { value: query, fingerprint } = query;
    let mut page = context.cursor_key.open_page(&query, &fingerprint)?;
    let mut conn = context.database.get().await?;
    let total = page.total(store::count(&mut conn, &query)).await?;
    let sources = store::list(&mut conn, &query, page.rows(), page.after()).await?;
    page.of(sources, total, |source| TextPosition { text: source.name.clone(), id: source.id })
        .map(|page| Cacheable::new(Found(page), SurrogateKeys::counted("sources")))
}

/// Create a source
///
/// Its slug is made from the name where none is given.
#[utoipa::path(
    operation_id = "create_source", tag = "sources", security(("token" = [])),
    request_body = SourceInput,
    responses(
        (status = 201, description = "The new source.", body = Source),
        (status = 409, description = "The slug is taken.", extensions(("x-problems" = json!([ProblemType::SlugTaken])))),
    ),
)]
#[post("/v1/sources")]
pub(crate) async fn create(
    writer: Writer,
    _: NoQuery,
    context: Context,
    Body(input): Body<SourceInput, PARAGRAPHS>,
) -> ApiResult<Created<Source>> {
    let mut conn = context.database.get().await?;
    let source = conn
        .transaction(async |conn| workflow::create(conn, &context, writer.principal(), input).await)
        .await?;
    Ok(Created { location: format!("/v1/sources/{}", source.slug), value: source })
}

/// Read a source
///
/// By id or slug, with the number of published articles that cite it.
#[utoipa::path(
    operation_id = "read_source", tag = "sources",
    params(("source" = Reference, Path)),
    responses((status = 200, description = "The source.", body = Source)),
)]
#[get("/v1/sources/{source}")]
pub(crate) async fn read(
    _: Viewer,
    reference: Path<Reference>,
    _: NoQuery,
    context: Context,
) -> ApiResult<Cacheable<Found<Source>>> {
    let mut conn = context.database.get().await?;
    let found = store::find(&mut conn, &reference).await;
    let source = found.map_err(|error| ApiError::from(error).made_of(SurrogateKeys::all("sources")))?;
    let keys = SurrogateKeys::none().and("source", source.id).and("articles:source", source.id);
    Ok(Cacheable::new(Found(source), keys))
}

/// Change a source
///
/// Articles that cite the source show the change at once.
#[utoipa::path(
    operation_id = "update_source", tag = "sources", security(("token" = [])),
    params(("source" = Reference, Path)),
    request_body(content((SourcePatch = "application/merge-patch+json"), (SourcePatch = "application/json"))),
    responses(
        (status = 200, description = "The changed source.", body = Source),
        (status = 403, description = "Only editors and admins may do this."),
        (status = 409, description = "The slug is taken.", extensions(("x-problems" = json!([ProblemType::SlugTaken])))),
        (status = 412, description = "If-Match does not name the current state."),
    ),
)]
#[patch("/v1/sources/{source}")]
pub(crate) async fn update(
    editor: Editor,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
    Json(patch): Json<PARAGRAPHS>,
) -> ApiResult<Updated<Source>> {
    let mut conn = context.database.get().await?;
    let by = editor.principal();
    conn.transaction(async |conn| workflow::update(conn, &context, by, &reference, &if_match, patch).await)
        .await
        .map(Updated)
}

/// Delete a source
///
/// Only where no article cites it: otherwise the problem says how many do. A writer may delete only sources
/// of their own.
#[utoipa::path(
    operation_id = "delete_source", tag = "sources", security(("token" = [])),
    params(("source" = Reference, Path)),
    responses(
        (status = 204, description = "The source is gone."),
        (status = 403, description = "A writer may do this only to own sources."),
        (status = 409, description = "The source is cited; `article_count` says by how many articles.", extensions(("x-problems" = json!([ProblemType::SourceCited])))),
        (status = 412, description = "If-Match does not name the current state."),
    ),
)]
#[delete("/v1/sources/{source}")]
pub(crate) async fn remove(
    writer: Writer,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
) -> ApiResult<NoContent> {
    let mut conn = context.database.get().await?;
    let by = writer.principal();
    conn.transaction(async |conn| workflow::remove(conn, &context, by, &reference, &if_match).await).await?;
    Ok(NoContent)
}
