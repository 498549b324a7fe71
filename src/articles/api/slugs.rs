//! The HTTP routes of an article's slugs.

use actix_web::{delete, get, web::Path};
use diesel_async::AsyncConnection;
use serde_json::json;

use crate::{
    articles::{
        model::{slug::ArticleSlug, state::Action, view::View},
        store,
        workflow::access::{claimed, require_match, visible},
    },
    auth::{Editor, Writer},
    context::Context,
    error::{ApiError, ApiResult, ProblemType},
    events::{EventType, SubjectType},
    http::{
        conditional::IfMatch,
        query::{NoQuery, Query},
        reply::{Found, NoContent},
    },
    pagination::{Page, PageQuery},
    values::{Reference, Slug},
};

/// List an article's slugs
///
/// Lists the present slugs, and the old ones that lead readers to them. No other article can take any of
/// these slugs.
#[utoipa::path(
    operation_id = "list_article_slugs", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path), PageQuery),
    responses(
        (status = 200, description = "A page of slugs, in alphabetical order.", body = Page<ArticleSlug>),
        (status = 403, description = "Writers can do this only to their own articles."),
    ),
)]
#[get("/v1/articles/{article}/slugs")]
pub(crate) async fn list(
    writer: Writer,
    reference: Path<Reference>,
    query: Query<PageQuery>,
    context: Context,
) -> ApiResult<Found<Page<ArticleSlug>>> {
    let Query { value: query, fingerprint } = query;
    let mut page = context.cursor_key.open_page(&query, &fingerprint)?;
    let mut conn = context.database.get().await?;
    let article_id = visible(&mut conn, View::drafts(writer.principal()), &reference).await?;
    let total = page.total(store::count_slugs(&mut conn, article_id)).await?;
    let slugs = store::list_slugs(&mut conn, article_id, page.rows(), page.after()).await?;
    page.of(slugs, total, |slug| slug.slug.clone()).map(Found)
}

/// Free an old slug of an article
///
/// The slug no longer redirects, and another article can use it.
#[utoipa::path(
    operation_id = "free_article_slug", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path), ("slug" = Slug, Path, description = "The slug to free.")),
    responses(
        (status = 204, description = "The slug is free."),
        (status = 403, description = "Only editors and admins may do this."),
        (status = 409, description = "The slug is in use: the draft or what readers see has it.", extensions(("x-problems" = json!([ProblemType::SlugInUse])))),
        (status = 412, description = "If-Match does not name the current draft."),
    ),
)]
#[delete("/v1/articles/{article}/slugs/{slug}")]
pub(crate) async fn free(
    editor: Editor,
    path: Path<(Reference, Slug)>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
) -> ApiResult<NoContent> {
    let (reference, slug) = path.into_inner();
    let mut conn = context.database.get().await?;
    conn.transaction(async |conn| {
        // The lock keeps an edition from taking the slug back meanwhile.
        let locked = claimed(conn, editor.principal(), Action::Edit, &reference).await?;
        require_match(conn, editor.principal(), &locked, &if_match).await?;
        if store::find_slug(conn, locked.id, &slug).await?.current {
            let detail = "The draft or what readers see has this slug. First give the article another one, and publish it.";
            return Err(ApiError::new(ProblemType::SlugInUse, detail));
        }
        store::free_slug(conn, &slug).await?;
        let (subject, details) = ((SubjectType::Article, locked.id), json!({"slug": &*slug}));
        context.record(conn, editor.principal(), EventType::ArticleSlugFreed, subject, details).await?;
        Ok(NoContent)
    })
    .await
}
