//! The HTTP routes of an article's forms: all of them at its own address by the `Accept` header, and each at
//! an address of its own.

use actix_web::{
    CustomizeResponder, Either, HttpRequest, Responder, get,
    http::header,
    web::{Data, Path},
};

use crate::http::cache_rule::CacheRule;
use crate::{
    articles::{
        api::not_live::{Elsewhere, MovedArticle, elsewhere, moved},
        formats::{Form, json_ld::NewsArticle, ninjs::News},
        model::{article::Article, query::ArticleQuery, view::View},
        store,
        workflow::access::told,
    },
    auth::{Auth, Viewer},
    context::{Context, links::Links},
    error::ApiResult,
    http::{
        negotiation::{Accept, Negotiated, VARY},
        preview::Preview,
        query::Query,
    },
    surrogate::Cacheable,
    values::Reference,
};

/// The parts of a request on which the answers of these routes depend.
pub(crate) const CACHE_RULES: [CacheRule; 4] = [
    CacheRule::of("/v1/articles/{article}").by_media_type(&Form::MEDIA_TYPES),
    CacheRule::of("/v1/articles/{article}/json-ld").by_host(),
    CacheRule::of("/v1/articles/{article}/ninjs").by_host(),
    CacheRule::of("/v1/articles/{article}/markdown").by_host(),
];

/// Read an article
///
/// Returns the article as readers see it, or with `draft=true` as editors work on it. If the token of a
/// preview link is sent too, it is the draft as readers would see it. A slug that readers once knew redirects
/// to the present one (`308`).
///
/// `Accept` can also name the media types of the article's other forms, which have addresses of their own:
/// `application/ld+json`, `application/ninjs+json` and `text/markdown`. `If-Match` of a change accepts the
/// ETag of each of them.
#[utoipa::path(
    operation_id = "read_article", tag = "articles", security((), ("token" = [])),
    params(("article" = Reference, Path), ArticleQuery),
    responses(
        (status = 200, description = "The article.", body = Article),
        (status = 308, description = "The article has another slug now."),
        (status = 406, description = "The Accept header allows none of the representations. `available` lists them."),
        (status = 410, description = "The story was retracted. `reason` says why, `retracted_at` when."),
        (status = 403, description = "Writers can read only their own drafts."),
    ),
)]
#[get("/v1/articles/{article}")]
pub(crate) async fn read(
    _: Preview,
    viewer: Viewer,
    reference: Path<Reference>,
    query: Query<ArticleQuery>,
    client: (Accept, HttpRequest),
    auth: Data<Auth>,
    context: Context,
) -> ApiResult<Either<Cacheable<Negotiated>, CustomizeResponder<MovedArticle>>> {
    let (accept, request) = client;
    let form = accept.choose(&Form::OFFERED)?;
    Ok(match found(&viewer, &reference, &query.value, &auth, &context, "").await? {
        Either::Left(article) => Either::Left(written(form, &article, &query.value, &request, VARY)?),
        Either::Right(moved) => Either::Right(moved.customize().insert_header((header::VARY, VARY))),
    })
}

/// Read an article as JSON-LD
///
/// Returns a `NewsArticle` of schema.org, as pages contain it for search engines. Its links lead to the
/// public site or, if none is set, to this API. `draft`, `trashed` and `preview` are those of `read_article`.
#[utoipa::path(
    operation_id = "read_article_json_ld", tag = "articles", security((), ("token" = [])),
    params(("article" = Reference, Path), ArticleQuery),
    responses(
        (status = 200, description = "The article.", body = NewsArticle, content_type = "application/ld+json"),
        (status = 308, description = "The article has another slug now."),
        (status = 410, description = "The story was retracted. `reason` says why, `retracted_at` when."),
        (status = 403, description = "Writers can read only their own drafts."),
    ),
)]
#[get("/v1/articles/{article}/json-ld")]
pub(crate) async fn read_json_ld(
    _: Preview,
    viewer: Viewer,
    reference: Path<Reference>,
    query: Query<ArticleQuery>,
    request: HttpRequest,
    auth: Data<Auth>,
    context: Context,
) -> ApiResult<Either<Cacheable<Negotiated>, MovedArticle>> {
    let found = found(&viewer, &reference, &query.value, &auth, &context, "/json-ld").await?;
    only(Form::JsonLd, found, &query.value, &request)
}

/// Read an article as ninjs
///
/// Returns a news item of IPTC's ninjs 3.1, for agencies and archives. Its links lead to the public site or,
/// if none is set, to this API. `draft`, `trashed` and `preview` are those of `read_article`.
#[utoipa::path(
    operation_id = "read_article_ninjs", tag = "articles", security((), ("token" = [])),
    params(("article" = Reference, Path), ArticleQuery),
    responses(
        (status = 200, description = "The article.", body = News, content_type = "application/ninjs+json"),
        (status = 308, description = "The article has another slug now."),
        (status = 410, description = "The story was retracted. `reason` says why, `retracted_at` when."),
        (status = 403, description = "Writers can read only their own drafts."),
    ),
)]
#[get("/v1/articles/{article}/ninjs")]
pub(crate) async fn read_ninjs(
    _: Preview,
    viewer: Viewer,
    reference: Path<Reference>,
    query: Query<ArticleQuery>,
    request: HttpRequest,
    auth: Data<Auth>,
    context: Context,
) -> ApiResult<Either<Cacheable<Negotiated>, MovedArticle>> {
    let found = found(&viewer, &reference, &query.value, &auth, &context, "/ninjs").await?;
    only(Form::Ninjs, found, &query.value, &request)
}

/// Read an article as Markdown
///
/// Returns CommonMark with tables, footnotes and strikethrough, below the article's other fields as YAML
/// between lines of dashes. Its links lead to the public site or, if none is set, to this API. `draft`,
/// `trashed` and `preview` are those of `read_article`.
#[utoipa::path(
    operation_id = "read_article_markdown", tag = "articles", security((), ("token" = [])),
    params(("article" = Reference, Path), ArticleQuery),
    responses(
        (
            status = 200, description = "The article.",
            content((String = "text/markdown", example = "# Model bahasa terbuka kini memahami tujuh bahasa daerah\n")),
        ),
        (status = 308, description = "The article has another slug now."),
        (status = 410, description = "The story was retracted. `reason` says why, `retracted_at` when."),
        (status = 403, description = "Writers can read only their own drafts."),
    ),
)]
#[get("/v1/articles/{article}/markdown")]
pub(crate) async fn read_markdown(
    _: Preview,
    viewer: Viewer,
    reference: Path<Reference>,
    query: Query<ArticleQuery>,
    request: HttpRequest,
    auth: Data<Auth>,
    context: Context,
) -> ApiResult<Either<Cacheable<Negotiated>, MovedArticle>> {
    let found = found(&viewer, &reference, &query.value, &auth, &context, "/markdown").await?;
    only(Form::Markdown, found, &query.value, &request)
}

/// Writes what was found in the one form that an address has.
fn only(
    form: Form,
    found: Either<Article, MovedArticle>,
    query: &ArticleQuery,
    request: &HttpRequest,
) -> ApiResult<Either<Cacheable<Negotiated>, MovedArticle>> {
    Ok(match found {
        Either::Left(article) => Either::Left(written(form, &article, query, request, "Authorization")?),
        Either::Right(moved) => Either::Right(moved),
    })
}

fn written(
    form: Form,
    article: &Article,
    query: &ArticleQuery,
    request: &HttpRequest,
    vary: &'static str,
) -> ApiResult<Cacheable<Negotiated>> {
    let keys = (!query.draft.0).then(|| article.keys());
    Ok(Cacheable { answer: form.of(article, || Links::of(request), vary)?, keys })
}

/// Returns the article at an address, or the `308` to its present one. `part` is the rest of the path.
async fn found(
    viewer: &Viewer,
    reference: &Reference,
    query: &ArticleQuery,
    auth: &Auth,
    context: &Context,
    part: &str,
) -> ApiResult<Either<Article, MovedArticle>> {
    if let Some(token) = query.preview(viewer.principal())? {
        return super::previews::draft(auth, context, reference, token).await.map(Either::Left);
    }
    let view = View::of(query.draft, query.trashed, viewer.principal())?;
    let mut conn = context.database.get().await?;
    match (store::find(&mut conn, view, reference).await, view) {
        (Err(diesel::NotFound), View::Live) => match elsewhere(&mut conn, viewer, reference).await? {
            Elsewhere::Retracted(id) => {
                let retracted = store::find_retracted(&mut conn, &Reference::Id(id)).await?;
                Ok(Either::Left(retracted))
            }
            Elsewhere::Moved(id, slug) => Ok(Either::Right(moved(id, format!("/v1/articles/{slug}{part}")))),
        },
        (found, _) => told(&mut conn, view, reference, found).await.map(Either::Left),
    }
}
