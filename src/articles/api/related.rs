//! The HTTP route of the articles that are related to another one.

use actix_web::{Either, get, web::Path};

use crate::http::cache_rule::CacheRule;
use crate::{
    articles::{
        api::not_live::{MovedArticle, seen},
        model::{article::ArticleItem, related::RelatedQuery},
        store,
    },
    auth::Viewer,
    context::Context,
    error::ApiResult,
    http::{query::Query, reply::Found},
    pagination::Page,
    surrogate::{Cacheable, SurrogateKeys},
    values::Reference,
};

/// The parts of a request on which the answers of this route depend.
pub(crate) const CACHE_RULES: [CacheRule; 1] = [CacheRule::of("/v1/articles/{article}/related").uncommon()];

/// List related articles
///
/// Lists live articles that have something in common with this one, except its translations. Articles that
/// cite the same documents come first, then those that cite the same sources, then those that share tags with
/// it, then those in the same language whose headlines share words with its headline. If there is a tie, the
/// latest published comes first. The list is one page, without a cursor.
#[utoipa::path(
    operation_id = "list_related_articles", tag = "articles", security((), ("token" = [])),
    params(("article" = Reference, Path), RelatedQuery),
    responses(
        (status = 200, description = "The related articles.", body = Page<ArticleItem>),
        (status = 308, description = "The article has another slug now."),
        (status = 410, description = "The story was retracted. `reason` says why, `retracted_at` when."),
    ),
)]
#[get("/v1/articles/{article}/related")]
pub(crate) async fn list(
    viewer: Viewer,
    reference: Path<Reference>,
    query: Query<RelatedQuery>,
    context: Context,
) -> ApiResult<Either<Cacheable<Found<Page<ArticleItem>>>, MovedArticle>> {
    let mut conn = context.database.get().await?;
    let article = match seen(&mut conn, &viewer, &reference, "related").await? {
        Either::Left(id) => id,
        Either::Right(moved) => return Ok(Either::Right(moved)),
    };
    let articles = store::list_related(&mut conn, article, query.value.limit.rows()).await?;
    // Any article can come to have something in common with it.
    let keys = SurrogateKeys::articles()
        .and("article", article)
        .and_all("article", articles.iter().map(|article| article.id));
    let data = articles.into_iter().map(ArticleItem).collect();
    Ok(Either::Left(Cacheable::new(Found(Page { data, next_cursor: None, total: None }), keys)))
}
