//! The HTTP routes of preview links, and the draft that the token of such a link opens.

use actix_web::{
    delete, get, post,
    web::{Data, Path},
};
use diesel_async::AsyncConnection;
use serde_json::json;

use crate::{
    articles::{
        model::{
            article::Article,
            preview_link::{LinkPosition, NewPreviewLink, PreviewLink, PreviewLinkInput},
            view::View,
        },
        store,
        workflow::access::visible,
    },
    auth::{
        Auth, Writer,
        previews::{Pass, PreviewToken},
    },
    context::Context,
    error::{ApiError, ApiResult},
    events::{EventType, SubjectType},
    http::{
        base_url::BaseUrl,
        body::OptionalBody,
        conditional::{IfMatch, stale},
        query::{NoQuery, Query},
        reply::{Created, Found, NoContent, Representation, tag_of},
    },
    pagination::{Page, PageQuery},
    values::{Reference, reference::Id},
};

/// Create a preview link
///
/// With the link, a person without an account reads the draft as readers would see it, including later
/// changes. It works until it expires or is revoked, the article is moved to the trash, or the editor who
/// made the link may no longer see the draft.
#[utoipa::path(
    operation_id = "create_preview_link", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path)),
    request_body = Option<PreviewLinkInput>,
    responses(
        (status = 201, description = "The link, with its token.", body = NewPreviewLink),
        (status = 403, description = "Writers can do this only to their own articles."),
    ),
)]
#[post("/v1/articles/{article}/preview-links")]
pub(crate) async fn create(
    writer: Writer,
    reference: Path<Reference>,
    _: NoQuery,
    base: BaseUrl,
    auth: Data<Auth>,
    context: Context,
    OptionalBody(input): OptionalBody<PreviewLinkInput>,
) -> ApiResult<Created<NewPreviewLink>> {
    let mut conn = context.database.get().await?;
    let (pass, link) = conn
        .transaction(async |conn| {
            let article_id = visible(conn, View::drafts(writer.principal()), &reference).await?;
            // No lock is needed, because each use of the link checks again that its maker may see the draft.
            let pass = Pass { link_id: context.clock.new_id(), article_id };
            let now = context.now();
            let expires_at = input.expires_in.after(now);
            store::insert_preview_link(conn, pass, writer.principal().editor_id, (now, expires_at)).await?;
            let details = json!({"preview_link_id": pass.link_id, "expires_at": expires_at});
            context
                .record(
                    conn,
                    writer.principal(),
                    EventType::PreviewLinkCreated,
                    (SubjectType::Article, article_id),
                    details,
                )
                .await?;
            Ok::<_, ApiError>((pass, store::find_preview_link(conn, pass).await?))
        })
        .await?;
    let token = auth.preview_token(pass, link.expires_at)?;
    let article = format!("/v1/articles/{}", pass.article_id);
    let value = NewPreviewLink {
        id: link.id,
        url: base.join(&format!("{article}?draft=true&preview={token}")),
        token,
        expires_at: link.expires_at,
        created_at: link.created_at,
        created_by: link.created_by,
    };
    Ok(Created { location: format!("{article}/preview-links/{}", link.id), value })
}

/// List an article's preview links
///
/// Lists the links, newest first, including those that have ended. The tokens are not shown again.
#[utoipa::path(
    operation_id = "list_preview_links", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path), PageQuery),
    responses(
        (status = 200, description = "A page of links.", body = Page<PreviewLink>),
        (status = 403, description = "Writers can do this only to their own articles."),
    ),
)]
#[get("/v1/articles/{article}/preview-links")]
pub(crate) async fn list(
    writer: Writer,
    reference: Path<Reference>,
    query: Query<PageQuery>,
    context: Context,
) -> ApiResult<Found<Page<PreviewLink>>> {
    let Query { value: query, fingerprint } = query;
    let mut page = context.cursor_key.open_page(&query, &fingerprint)?;
    let mut conn = context.database.get().await?;
    let article_id = visible(&mut conn, View::drafts(writer.principal()), &reference).await?;
    let total = page.total(store::count_preview_links(&mut conn, article_id)).await?;
    let links = store::list_preview_links(&mut conn, article_id, page.rows(), page.after()).await?;
    page.of(links, total, |link| LinkPosition { created_at: link.created_at, id: link.id }).map(Found)
}

/// Read a preview link
///
/// Returns the link without its token, which is not shown again.
#[utoipa::path(
    operation_id = "read_preview_link", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path), ("id" = Uuid, Path, description = "The link's id.")),
    responses(
        (status = 200, description = "The link.", body = PreviewLink),
        (status = 403, description = "Writers can do this only to their own articles."),
    ),
)]
#[get("/v1/articles/{article}/preview-links/{id}")]
pub(crate) async fn read(
    writer: Writer,
    path: Path<(Reference, Id)>,
    _: NoQuery,
    context: Context,
) -> ApiResult<Found<PreviewLink>> {
    let (reference, Id(link_id)) = path.into_inner();
    let mut conn = context.database.get().await?;
    let article_id = visible(&mut conn, View::drafts(writer.principal()), &reference).await?;
    Ok(Found(store::find_preview_link(&mut conn, Pass { link_id, article_id }).await?))
}

/// Revoke a preview link
///
/// The link stops working at once. Revoking a revoked link succeeds and changes nothing.
#[utoipa::path(
    operation_id = "revoke_preview_link", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path), ("id" = Uuid, Path, description = "The link's id.")),
    responses(
        (status = 204, description = "The link is revoked."),
        (status = 403, description = "Writers can do this only to their own articles."),
        (status = 412, description = "If-Match does not name the link's current state."),
    ),
)]
#[delete("/v1/articles/{article}/preview-links/{id}")]
pub(crate) async fn revoke(
    writer: Writer,
    path: Path<(Reference, Id)>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
) -> ApiResult<NoContent> {
    let (reference, Id(link_id)) = path.into_inner();
    let mut conn = context.database.get().await?;
    conn.transaction(async |conn| {
        let article_id = visible(conn, View::drafts(writer.principal()), &reference).await?;
        let link = store::find_preview_link(conn, Pass { link_id, article_id }).await?;
        if link.state_tag().is_some_and(|version| !if_match.allows(version)) {
            return Err(stale(&tag_of(&link)?));
        }
        // The statement itself decides between two requests at the same time.
        if store::revoke_preview_link(conn, link_id, context.now()).await? {
            let details = json!({"preview_link_id": link_id, "expires_at": link.expires_at});
            context
                .record(
                    conn,
                    writer.principal(),
                    EventType::PreviewLinkRevoked,
                    (SubjectType::Article, article_id),
                    details,
                )
                .await?;
        }
        Ok(NoContent)
    })
    .await
}

/// Returns the draft that a preview token opens. Whatever is wrong with the token, the answer is the same and
/// tells nothing about the article.
pub(super) async fn draft(
    auth: &Auth,
    context: &Context,
    reference: &Reference,
    token: &PreviewToken,
) -> ApiResult<Article> {
    let refused = || {
        ApiError::token_needed(
            "The preview link is not valid, has expired or was revoked. Ask for a new one.",
        )
    };
    let now = context.now();
    let pass = auth.open_preview(now, token).ok_or_else(refused)?;
    let mut conn = context.database.get().await?;
    if !store::opens_preview(&mut conn, pass, reference, now).await? {
        return Err(refused());
    }
    match store::find(&mut conn, View::Preview, &Reference::Id(pass.article_id)).await {
        // The article was trashed or deleted in this moment.
        Err(diesel::NotFound) => Err(refused()),
        found => Ok(found?),
    }
}
