//! Feeds and sitemaps over HTTP.

use actix_web::{
    HttpRequest, get,
    http::header::ContentType,
    web::{Bytes, Path},
};
use chrono::TimeDelta;

use crate::http::cache_rule::CacheRule;
use crate::{
    articles::{
        self,
        model::{
            article::Article,
            query::{ArticlesQuery, Include, Position},
            revision::Number,
            view::View,
        },
        workflow::listing,
    },
    auth::Viewer,
    context::{Context, links::Links},
    error::{ApiError, ApiResult},
    feeds::{Feed, atom, json::JsonFeed, query::FeedQuery, rss, sitemap, store},
    http::{
        query::Known as _,
        query::{Lenient, Query, pairs},
        reply::Document,
    },
    pagination::Page,
    surrogate::{Cacheable, SurrogateKeys},
    values::Reference,
};

/// Returns the cache rule of a feed: its links are absolute, so its answers depend on the host, and feed
/// readers append parameters of their own to its address.
const fn feed_rule(pattern: &'static str) -> CacheRule {
    CacheRule::of(pattern)
        .by_host()
        .by_parameters(FeedQuery::knows)
        .commonly(&["language", "limit", "source", "tag"])
}

/// The rules that say what the answers of these routes depend on.
pub(crate) const CACHE_RULES: [CacheRule; 6] = [
    feed_rule("/feeds/rss.xml"),
    feed_rule("/feeds/atom.xml"),
    feed_rule("/feeds/feed.json"),
    CacheRule::of("/sitemap.xml").by_host().without_parameters(),
    CacheRule::of("/sitemap-news.xml").by_host().without_parameters(),
    CacheRule::of("/sitemap-{number}.xml").by_host().without_parameters(),
];

/// Read the latest articles as RSS
///
/// Returns the published articles as RSS 2.0, latest first, with the same filters as the list of articles.
/// Links lead to the public site or, if none is set, to this API. A page ends after `limit` stories, or when
/// their texts get longer than 1 MiB together; `next` links to the next page (RFC 5005).
#[utoipa::path(
    operation_id = "read_rss", tag = "publishing",
    params(FeedQuery),
    responses((
        status = 200, description = "The feed.", body = String, content_type = "application/rss+xml",
        example = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"></rss>"
    )),
)]
#[get("/feeds/rss.xml")]
pub(crate) async fn read_rss(
    _: Viewer,
    query: Lenient<FeedQuery>,
    links: Links,
    request: HttpRequest,
    context: Context,
) -> ApiResult<Cacheable<Document>> {
    let (feed, keys) = feed(&context, links, &request, query.map(|query| query.0)).await?;
    Ok(Cacheable::new(document(rss::write(&feed).into(), "application/rss+xml; charset=utf-8")?, keys))
}

/// Read the latest articles as Atom
///
/// Returns the published articles as Atom (RFC 4287), latest first, with the same filters as the list of
/// articles. Links lead to the public site or, if none is set, to this API. A `via` link is a document that a
/// story comes from. A page ends after `limit` stories, or when their texts get longer than 1 MiB together;
/// `next` links to the next page (RFC 5005).
#[utoipa::path(
    operation_id = "read_atom", tag = "publishing",
    params(FeedQuery),
    responses((
        status = 200, description = "The feed.", body = String, content_type = "application/atom+xml",
        example = "<?xml version=\"1.0\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\"></feed>"
    )),
)]
#[get("/feeds/atom.xml")]
pub(crate) async fn read_atom(
    _: Viewer,
    query: Lenient<FeedQuery>,
    links: Links,
    request: HttpRequest,
    context: Context,
) -> ApiResult<Cacheable<Document>> {
    let (feed, keys) = feed(&context, links, &request, query.map(|query| query.0)).await?;
    Ok(Cacheable::new(document(atom::write(&feed).into(), "application/atom+xml; charset=utf-8")?, keys))
}

/// Read articles as JSON Feed
///
/// Returns the published articles as JSON Feed 1.1, latest first, with the same filters as the list of
/// articles. Links lead to the public site or, if none is set, to this API. A page ends after `limit`
/// stories, or when their texts get longer than 1 MiB together; `next_url` is the address of the next page.
#[utoipa::path(
    operation_id = "read_json_feed", tag = "publishing",
    params(FeedQuery),
    responses((
        status = 200, description = "A page of the feed.", body = JsonFeed, content_type = "application/feed+json"
    )),
)]
#[get("/feeds/feed.json")]
pub(crate) async fn read_json_feed(
    _: Viewer,
    query: Lenient<FeedQuery>,
    links: Links,
    request: HttpRequest,
    context: Context,
) -> ApiResult<Cacheable<Document>> {
    let (feed, keys) = feed(&context, links, &request, query.map(|query| query.0)).await?;
    let body = serde_json::to_vec(&JsonFeed::of(&feed)).map_err(ApiError::internal)?;
    Ok(Cacheable::new(document(body.into(), "application/feed+json")?, keys))
}

/// Read the sitemap
///
/// Returns every story that readers see, each with its translations. If there are more than 50,000 stories,
/// it returns an index of sitemaps with up to 50,000 stories each.
#[utoipa::path(
    operation_id = "read_sitemap", tag = "publishing",
    responses((
        status = 200, description = "The sitemap, or an index of several.", body = String, content_type = "application/xml",
        example = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\"></urlset>"
    )),
)]
#[get("/sitemap.xml")]
pub(crate) async fn read_sitemap(
    _: Viewer,
    links: Links,
    context: Context,
) -> ApiResult<Cacheable<Document>> {
    let mut conn = context.database.get().await?;
    let pages = sitemap::pages(articles::store::count_places(&mut conn).await?);
    let document = if pages > 1 {
        sitemap::index(pages, &links)
    } else {
        sitemap::write(&articles::store::places(&mut conn, None, sitemap::PAGE).await?, &links)
    };
    let document = self::document(document.map_err(ApiError::internal)?.into(), sitemap::MEDIA_TYPE)?;
    Ok(Cacheable::new(document, SurrogateKeys::articles()))
}

/// Read the sitemap of the latest news
///
/// Returns the stories that were first published in the last two days, at most 1,000, latest first, in the
/// form that news search engines require.
#[utoipa::path(
    operation_id = "read_news_sitemap", tag = "publishing",
    responses((
        status = 200, description = "The sitemap.", body = String, content_type = "application/xml",
        example = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\"></urlset>"
    )),
)]
#[get("/sitemap-news.xml")]
pub(crate) async fn read_news_sitemap(_: Viewer, links: Links, context: Context) -> ApiResult<Document> {
    let since = context.now() - TimeDelta::days(2);
    let mut conn = context.database.get().await?;
    let places = articles::store::latest_places(&mut conn, since, sitemap::MAX_NEWS).await?;
    document(sitemap::news(&places, &links).map_err(ApiError::internal)?.into(), sitemap::MEDIA_TYPE)
}

/// Read one of several sitemaps
///
/// Returns one part of the index at `/sitemap.xml`. The parts list the stories in the order of their first
/// publication, oldest first, so that full parts rarely change.
#[utoipa::path(
    operation_id = "read_sitemap_part", tag = "publishing",
    params(("number" = inline(Number), Path, description = "Number of the part, starting at 1.", example = 1)),
    responses((
        status = 200, description = "The sitemap.", body = String, content_type = "application/xml",
        example = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\"></urlset>"
    )),
)]
#[get("/sitemap-{number}.xml")]
pub(crate) async fn read_sitemap_part(
    _: Viewer,
    number: Path<Number>,
    links: Links,
    context: Context,
) -> ApiResult<Cacheable<Document>> {
    let before = number.0 - 1;
    let mut conn = context.database.get().await?;
    // The stories of the parts before it are only counted, in an index.
    let after = match i64::from(before) * sitemap::PAGE {
        0 => None,
        number => {
            let last = articles::store::position_of(&mut conn, number).await?;
            Some(last.ok_or_else(none)?)
        }
    };
    let places = articles::store::places(&mut conn, after, sitemap::PAGE).await?;
    // The first part exists even if it is empty.
    if places.is_empty() && before > 0 {
        return Err(none());
    }
    let sitemap = sitemap::write(&places, &links).map_err(ApiError::internal)?;
    Ok(Cacheable::new(document(sitemap.into(), sitemap::MEDIA_TYPE)?, SurrogateKeys::articles()))
}

/// Returns a `404` for a part that does not exist yet.
fn none() -> ApiError {
    ApiError::not_found().made_of(SurrogateKeys::all("articles"))
}

/// Reads the feed that a query asks for, and the surrogate keys of its answer.
async fn feed(
    context: &Context,
    links: Links,
    request: &HttpRequest,
    asked: Lenient<ArticlesQuery>,
) -> ApiResult<(Feed, SurrogateKeys)> {
    let Lenient { query: Query { value: mut query, fingerprint }, text } = asked;
    let fingerprint = fingerprint.as_str();
    query.include = Some(Include::Body);
    let mut page = context.cursor_key.open_page(&query, fingerprint)?;
    let mut conn = context.database.get().await?;
    let mut names = Vec::new();
    let tags: Vec<Reference> =
        query.tag.iter().chain(&query.tag_all).flat_map(|list| list.0.clone()).collect();
    if !tags.is_empty() {
        names.extend(store::tag_names(&mut conn, &tags).await?);
    }
    if let Some(sources) = &query.source {
        names.extend(store::source_names(&mut conn, &sources.0).await?);
    }
    let keys = listing::keys(&mut conn, &query).await?;
    let (found, _) = listing::list(&mut conn, View::Live, &query, page.after()).await?;
    let keys = keys.and_all("article", found.rows.iter().map(|article| article.id));
    let position = |article: &Article| Position::of(article, query.sort);
    let Page { data, next_cursor, .. } = page.of_rows(found, None, position)?;
    let language = match query.language.as_ref().map(|list| list.0.as_slice()) {
        Some([language]) => Some(language.to_string()),
        _ => None,
    };
    let title =
        if names.is_empty() { links.name() } else { format!("{} – {}", names.join(", "), links.name()) };
    let next_url = next_cursor.map(|cursor| links.here(&target(request, &text, Some(&cursor))));
    let url = links.here(&target(request, &text, query.cursor.as_deref()));
    let first_url = links.here(&target(request, &text, None));
    Ok((Feed { title, url, first_url, language, articles: data, next_url, links }, keys))
}

/// Returns the target of the request with the known parameters of its query, at a cursor or, without one, at
/// the first page.
fn target(request: &HttpRequest, query: &str, cursor: Option<&str>) -> String {
    let kept = pairs(query).filter(|pair| !pair.starts_with("cursor=")).map(str::to_owned);
    let query: Vec<_> = kept.chain(cursor.map(|cursor| format!("cursor={cursor}"))).collect();
    if query.is_empty() {
        request.path().to_owned()
    } else {
        format!("{}?{}", request.path(), query.join("&"))
    }
}

fn document(body: Bytes, media_type: &str) -> ApiResult<Document> {
    let media_type = ContentType(media_type.parse().map_err(ApiError::internal)?);
    Ok(Document { body, media_type, fresh: false })
}
