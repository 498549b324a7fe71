//! Sources over HTTP.

use actix_web::{delete, get, patch, post, web::Path};
use diesel::QueryResult;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use serde_json::json;
use uuid::Uuid;

use super::{Source, SourceInput, filter::SourcesQuery, store};
use crate::http::cache_rule::CacheRule;
use crate::{
    auth::{Editor, Viewer, Writer},
    clock,
    context::Context,
    error::{ApiError, ApiResult, ProblemType, violated},
    events::{EventType, SubjectType},
    faults::Fault,
    http::{
        body::{Body, Json, PARAGRAPHS},
        conditional::{IfMatch, StateTag, stale},
        patch::{Patch, changed_members, merge},
        query::{NoQuery, Query},
        reply::{Created, Found, NoContent, Updated, tag_of},
    },
    pagination::{Page, TextPosition, page},
    surrogate::{Cacheable, SurrogateKeys},
    values::{Reference, Slug},
};

type SourcePatch = Patch<SourceInput>;

/// What the answers of this route depend on.
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
    let after = context.cursor_key.open(&fingerprint, query.cursor.as_deref())?;
    let mut conn = context.database.get().await?;
    let total = if query.count.0 { Some(store::count(&mut conn, &query).await?) } else { None };
    let sources = store::list(&mut conn, &query, query.limit.rows(), after).await?;
    let position = |source: &Source| TextPosition { text: source.name.clone(), id: source.id };
    page(sources, query.limit, total, &context.cursor_key, &fingerprint, position)
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
        .transaction(async |conn| {
            let id = context.clock.new_id();
            let slug = choose_slug(conn, id, &input).await?;
            let fields = input.into_fields(slug);
            store::insert(conn, id, &fields, Some(writer.principal().editor_id), context.now())
                .await
                .map_err(taken)?;
            context
                .record(
                    conn,
                    writer.principal(),
                    EventType::SourceCreated,
                    (SubjectType::Source, id),
                    json!({}),
                )
                .await?;
            store::find(conn, &Reference::Id(id)).await.map_err(ApiError::from)
        })
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
    conn.transaction(async |conn| {
        let source = locked(conn, &reference, &if_match).await?;
        let details = json!({"fields": changed_members(&patch)});
        let input: SourceInput =
            merge(source.as_input(), patch, SourceInput::MEMBERS).map_err(ApiError::invalid_body)?;
        let slug = choose_slug(conn, source.id, &input).await?;
        let fields = input.into_fields(slug);
        let now = clock::after(source.updated_at, context.now());
        store::update(conn, source.id, &fields, now).await.map_err(taken)?;
        context
            .record(
                conn,
                editor.principal(),
                EventType::SourceUpdated,
                (SubjectType::Source, source.id),
                details,
            )
            .await?;
        store::find(conn, &Reference::Id(source.id)).await.map_err(ApiError::from)
    })
    .await
    .map(Updated)
}

/// Delete a source
///
/// Only where no article cites it: otherwise the problem says how many do. A writer may delete only sources of their own.
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
    conn.transaction(async |conn| {
        let source = store::lock(conn, &reference).await?;
        let principal = writer.principal();
        if !principal.edits_everything() && !store::is_made_by(conn, source.id, principal.editor_id).await? {
            return Err(ApiError::forbidden("A writer may delete only own sources that no article cites."));
        }
        require_match(&source, &if_match)?;
        match store::citing_articles(conn, source.id).await? {
            0 => store::delete(conn, source.id).await?,
            // How many drafts of others cite it is not for writers to know.
            _ if !principal.edits_everything() => return Err(cited(source.article_count)),
            count => return Err(cited(count)),
        }
        context
            .record(
                conn,
                principal,
                EventType::SourceDeleted,
                (SubjectType::Source, source.id),
                json!({"slug": source.slug}),
            )
            .await?;
        Ok(NoContent)
    })
    .await
}

/// The source, locked, in the state that the caller means.
async fn locked(
    conn: &mut AsyncPgConnection,
    reference: &Reference,
    if_match: &IfMatch,
) -> ApiResult<Source> {
    let source = store::lock(conn, reference).await?;
    require_match(&source, if_match)?;
    Ok(source)
}

fn require_match(source: &Source, if_match: &IfMatch) -> ApiResult<()> {
    if if_match.allows(StateTag::at(source.id, source.updated_at)) {
        return Ok(());
    }
    Err(stale(&tag_of(source)?))
}

/// `count`: of those that the caller may know of.
fn cited(count: i64) -> ApiError {
    let articles = match count {
        0 => "Articles that are not published cite".to_owned(),
        1 => "1 article cites".to_owned(),
        _ => format!("{count} articles cite"),
    };
    ApiError::new(ProblemType::SourceCited, format!("{articles} this source; change the citations first."))
        .with_member("article_count", count)
}

async fn choose_slug(conn: &mut AsyncPgConnection, id: Uuid, input: &SourceInput) -> QueryResult<Slug> {
    match &input.slug {
        Some(slug) => Ok(slug.clone()),
        None => {
            let made = Slug::make(&input.name, "source");
            let taken = store::slugs_taken(conn, id, &made).await?;
            Ok(made.first_free(&taken, id))
        }
    }
}

fn taken(error: diesel::result::Error) -> ApiError {
    if violated(&error, "sources_slug_key") {
        ApiError::new(ProblemType::SlugTaken, "Another source has this slug.").with_fault(Fault::at(
            "/slug",
            "taken",
            "Another source has this slug.",
        ))
    } else {
        error.into()
    }
}
