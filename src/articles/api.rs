//! The HTTP routes of articles: list, create, change and delete. The other routes are in the modules below.

pub(crate) mod actions;
pub(crate) mod corrections;
pub(crate) mod forms;
mod not_live;
pub(crate) mod previews;
pub(crate) mod related;
pub(crate) mod revisions;
pub(crate) mod slugs;
pub(crate) mod versions;

use actix_web::{delete, get, patch, post, web::Path};
use diesel_async::AsyncConnection;
use serde_json::json;

use crate::http::cache_rule::CacheRule;
use crate::{
    articles::{
        model::{
            article::{Article, ArticleItem},
            input::ArticleInput,
            query::{ArticlesQuery, CreateQuery, DeleteQuery, Position, SourceArticlesQuery},
            state::Action,
            view::View,
        },
        store,
        workflow::{
            access::{claimed, draft, locked},
            conflict::StaleProblem,
            edit::{self, Edit},
            listing,
            transition::dropped,
        },
    },
    auth::{Viewer, Writer},
    clock,
    context::Context,
    error::{ApiError, ApiResult, ProblemType},
    events::{EventType, SubjectType},
    http::{
        body::{Json, STORY},
        conditional::IfMatch,
        patch::Patch,
        prefer::Prefer,
        query::{List, NoQuery, Query},
        reply::{Created, Found, NoContent, Patched},
    },
    pagination::{Page, Rows},
    surrogate::{Cacheable, SurrogateKeys},
    values::Reference,
};

type ArticlePatch = Patch<ArticleInput>;

/// The parts of a request on which the answers of these routes depend.
pub(crate) const CACHE_RULES: [CacheRule; 2] = [
    CacheRule::of("/v1/articles").commonly(&["language", "limit", "source", "tag"]),
    CacheRule::of("/v1/sources/{source}/articles").commonly(&["language", "limit", "tag"]),
];

/// List articles
///
/// Lists what readers see, latest first, or with `draft=true` what editors work on. An article has to pass
/// all filters.
///
/// With `q`, the list is a search, and each article has a `highlight`. A search that takes more than 2
/// seconds is stopped (`503`).
#[utoipa::path(
    operation_id = "list_articles", tag = "articles", security((), ("token" = [])),
    params(ArticlesQuery),
    responses((status = 200, description = "A page of articles.", body = Page<ArticleItem>)),
)]
#[get("/v1/articles")]
pub(crate) async fn list(
    viewer: Viewer,
    query: Query<ArticlesQuery>,
    context: Context,
) -> ApiResult<Cacheable<Found<Page<ArticleItem>>>> {
    listed(&context, viewer, query.value, &query.fingerprint, None).await
}

/// List the articles that cite a source
///
/// The parameters are those of the list of articles. The `citations` of each article name the documents that
/// it cites.
#[utoipa::path(
    operation_id = "list_source_articles", tag = "sources", security((), ("token" = [])),
    params(("source" = Reference, Path), SourceArticlesQuery),
    responses((status = 200, description = "A page of articles.", body = Page<ArticleItem>)),
)]
#[get("/v1/sources/{source}/articles")]
pub(crate) async fn list_of_source(
    viewer: Viewer,
    source: Path<Reference>,
    query: Query<SourceArticlesQuery>,
    context: Context,
) -> ApiResult<Cacheable<Found<Page<ArticleItem>>>> {
    listed(&context, viewer, query.value.0, &query.fingerprint, Some(&source)).await
}

/// Returns the page that a query asks for; if there is a `source`, of the articles that cite it.
async fn listed(
    context: &Context,
    viewer: Viewer,
    mut query: ArticlesQuery,
    fingerprint: &str,
    source: Option<&Reference>,
) -> ApiResult<Cacheable<Found<Page<ArticleItem>>>> {
    let view = query.view(viewer.principal())?;
    let mut page = context.cursor_key.open_page(&query, fingerprint)?;
    let mut conn = context.database.get().await?;
    if let Some(source) = source {
        let id = store::source_id(&mut conn, source).await;
        let id = id.map_err(|error| ApiError::from(error).made_of(SurrogateKeys::all("sources")))?;
        query.source = Some(List(vec![Reference::Id(id)]));
    }
    // The keys are read before the rows, so that a change in between also reaches this answer.
    let keys = if view == View::Live { Some(listing::keys(&mut conn, &query).await?) } else { None };
    let (Rows { rows, has_next }, total) = listing::list(&mut conn, view, &query, page.after()).await?;
    let keys = keys.map(|keys| keys.and_all("article", rows.iter().map(|article| article.id)));
    let rows = Rows { rows: rows.into_iter().map(ArticleItem).collect(), has_next };
    let position = |item: &ArticleItem| Position::of(&item.0, query.sort);
    let page = page.of_rows(rows, total, position)?;
    Ok(Cacheable { answer: Found(page), keys })
}

/// Create an article
///
/// The article starts as a draft that readers do not see, and belongs to the signed-in editor. If it cites a
/// document as `original` or `translated_from` that another story already cites in one of these roles, the
/// answer is `409`.
#[utoipa::path(
    operation_id = "create_article", tag = "articles", security(("token" = [])),
    params(CreateQuery),
    request_body = ArticleInput,
    responses(
        (status = 201, description = "The draft.", body = Article),
        (
            status = 409,
            description = "The document is covered already: `article` and the Link header name the story. Only stories \
                           that the caller may see count. Pass `allow_duplicate=true` to create the article anyway. The slug may also be taken.",
            extensions(("x-problems" = json!([ProblemType::AlreadyCovered, ProblemType::SlugTaken]))),
        ),
    ),
)]
#[post("/v1/articles")]
pub(crate) async fn create(
    writer: Writer,
    query: Query<CreateQuery>,
    context: Context,
    Json(body): Json<STORY>,
) -> ApiResult<Created<Article>> {
    let allow_duplicate = query.value.allow_duplicate.0;
    let (rendering, _turn) = edit::render(writer.principal(), &body).await?;
    let mut conn = context.database.get().await?;
    let article = conn
        .transaction(async |conn| {
            let id = context.clock.new_id();
            edit::create(conn, &context, writer.principal(), id, body, rendering, allow_duplicate).await
        })
        .await?;
    Ok(Created { location: format!("/v1/articles/{}", article.content.slug), value: article })
}

/// Change an article's draft
///
/// Readers see the change only when it is published. `If-Match` must name the draft's ETag, so that nobody's
/// work is overwritten.
///
/// If the draft was changed since, the answer is `412`. It tells who changed it, which fields, and which of
/// them clash with the patch. With `Prefer: merge`, a patch without clashes is applied to the present draft.
/// `Preference-Applied: merge` then tells that it was, and that the answer contains changes of others too.
/// Fields are taken whole: two changes of one text clash.
///
/// A draft that was handed in for review becomes a draft again when it is changed, because the text that was
/// reviewed is no longer the same.
///
/// `note` says in one line what the change is for. It is kept with the revision that the change makes. A
/// patch that changes nothing makes no revision, unless it has a note.
#[utoipa::path(
    operation_id = "update_article", tag = "articles", security(("token" = [])),
    params(
        ("article" = Reference, Path),
        (
            "Prefer" = Option<String>, Header,
            description = "`merge`: apply the patch even if the draft was changed since, as long as the changes do not clash (RFC 7240).",
            example = "merge"
        ),
    ),
    request_body(content((ArticlePatch = "application/merge-patch+json"), (ArticlePatch = "application/json"))),
    responses(
        (
            status = 200, description = "The changed draft.", body = Article,
            headers(("Preference-Applied" = String, description = "`merge`, if the patch was merged with changes of others."))
        ),
        (status = 403, description = "Writers can do this only to their own articles, and only before they are first published."),
        (status = 409, description = "The slug is taken, or the present state does not allow a change.", extensions(("x-problems" = json!([ProblemType::SlugTaken, ProblemType::NotAllowedInState])))),
        (
            status = 412, description = "It was changed meanwhile: If-Match does not name the current draft.",
            body = StaleProblem, content_type = "application/problem+json",
            example = json!({
                "current_etag": "\"7.q1hYy0c8a0mJ2sX4n5W7bQ\"",
                "saved_by": {"id": "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77", "name": "Ayu Lestari"},
                "saved_at": "2026-08-17T10:00:00Z",
                "revision": 4,
                "base_revision": 3,
                "changed": ["title", "summary"],
                "clashes": ["title"],
            })
        ),
        (status = 428, description = "If-Match is missing."),
    ),
)]
#[patch("/v1/articles/{article}")]
pub(crate) async fn update(
    writer: Writer,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    prefer: Prefer,
    context: Context,
    Json(patch): Json<STORY>,
) -> ApiResult<Patched<Article>> {
    let if_match = if_match.required()?;
    let (rendering, _turn) = edit::render(writer.principal(), &patch).await?;
    let mut conn = context.database.get().await?;
    conn.transaction(async |conn| {
        let locked = claimed(conn, writer.principal(), Action::Edit, &reference).await?;
        let present = draft(conn, writer.principal(), locked.id).await?;
        let edit = Edit { locked: &locked, present, patch, rendering, if_match: &if_match, prefer };
        edit::update(conn, &context, writer.principal(), edit).await
    })
    .await
}

/// Delete an article
///
/// Moves the article to the trash, where readers do not see it. With `permanent=true`, deletes it for good.
#[utoipa::path(
    operation_id = "delete_article", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path), DeleteQuery),
    responses(
        (status = 204, description = "The article is gone."),
        (status = 403, description = "Writers can do this only to their own articles, and only before they are first published."),
        (status = 412, description = "If-Match does not name the current draft."),
    ),
)]
#[delete("/v1/articles/{article}")]
pub(crate) async fn remove(
    writer: Writer,
    reference: Path<Reference>,
    query: Query<DeleteQuery>,
    if_match: IfMatch,
    context: Context,
) -> ApiResult<NoContent> {
    let permanent = query.value.permanent.0;
    let action = if permanent { Action::Delete } else { Action::Trash };
    let mut conn = context.database.get().await?;
    conn.transaction(async |conn| {
        let locked = locked(conn, writer.principal(), action, &reference, &if_match).await?;
        let kind = if permanent {
            store::delete(conn, &locked).await?;
            EventType::ArticleDeleted
        } else {
            store::trash(conn, &locked, clock::after(locked.updated_at, context.now())).await?;
            EventType::ArticleTrashed
        };
        let details = if permanent { json!({}) } else { dropped(&locked, json!({})) };
        context.record(conn, writer.principal(), kind, (SubjectType::Article, locked.id), details).await?;
        Ok(NoContent)
    })
    .await
}
