//! The HTTP routes of an article's versions, as readers could read them.

use actix_web::{Either, get, web::Path};

use crate::{
    articles::{
        api::not_live::{MovedArticle, no_part, of, seen},
        model::{
            revision::Number,
            version::{Version, VersionItem},
        },
        store,
    },
    auth::Viewer,
    context::Context,
    error::ApiResult,
    http::{
        query::{NoQuery, Query},
        reply::Found,
    },
    pagination::{Page, PageQuery},
    surrogate::Cacheable,
    values::Reference,
};

/// List the versions of an article
///
/// Lists what readers could read and when, newest first. Each publication of the article made one version.
/// The versions can be read as long as readers see the article.
#[utoipa::path(
    operation_id = "list_versions", tag = "articles", security((), ("token" = [])),
    params(("article" = Reference, Path), PageQuery),
    responses(
        (status = 200, description = "A page of versions.", body = Page<VersionItem>),
        (status = 308, description = "The article has another slug now."),
        (status = 410, description = "The story was retracted. `reason` says why, `retracted_at` when."),
    ),
)]
#[get("/v1/articles/{article}/versions")]
pub(crate) async fn list(
    viewer: Viewer,
    reference: Path<Reference>,
    query: Query<PageQuery>,
    context: Context,
) -> ApiResult<Either<Cacheable<Found<Page<VersionItem>>>, MovedArticle>> {
    let Query { value: query, fingerprint } = query;
    let mut page = context.cursor_key.open_page(&query, &fingerprint)?;
    let mut conn = context.database.get().await?;
    let article = match seen(&mut conn, &viewer, &reference, "versions").await? {
        Either::Left(id) => id,
        Either::Right(moved) => return Ok(Either::Right(moved)),
    };
    let total = page.total(store::count_versions(&mut conn, article)).await?;
    let versions = store::list_versions(&mut conn, article, page.rows(), page.after()).await?;
    page.of(versions, total, |version| version.number).map(|page| Either::Left(of(article, page)))
}

/// Read a version of an article
///
/// Returns the article as readers saw it then. A citation that names the version stays true when the article
/// changes.
#[utoipa::path(
    operation_id = "read_version", tag = "articles", security((), ("token" = [])),
    params(
        ("article" = Reference, Path),
        ("number" = inline(Number), Path, description = "The version's number."),
    ),
    responses(
        (status = 200, description = "The version.", body = Version),
        (status = 308, description = "The article has another slug now."),
        (status = 410, description = "The story was retracted. `reason` says why, `retracted_at` when."),
    ),
)]
#[get("/v1/articles/{article}/versions/{number}")]
pub(crate) async fn read(
    viewer: Viewer,
    path: Path<(Reference, Number)>,
    _: NoQuery,
    context: Context,
) -> ApiResult<Either<Cacheable<Found<Version>>, MovedArticle>> {
    let (reference, Number(number)) = path.into_inner();
    let mut conn = context.database.get().await?;
    match seen(&mut conn, &viewer, &reference, &format!("versions/{number}")).await? {
        Either::Left(article) => Ok(Either::Left(of(
            article,
            store::find_version(&mut conn, article, number).await.map_err(no_part(article))?,
        ))),
        Either::Right(moved) => Ok(Either::Right(moved)),
    }
}
