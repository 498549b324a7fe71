//! The demo reader: a news page that uses nothing but the public API. Its three files are part of this
//! program, so that it works offline.

use crate::http::cache_rule::CacheRule;
use crate::{
    auth::Viewer,
    error::{ApiError, ApiResult},
    http::reply::Document,
    surrogate::{Cacheable, SurrogateKeys},
};
use actix_web::{
    CustomizeResponder, Responder, get,
    http::header::{self, ContentType},
};

/// The page's Content-Security-Policy: nothing is loaded from elsewhere except the pictures of stories, and
/// text becomes HTML only in the one place of the script that is allowed to do so.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: http: data:; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types warta";

const PAGE: &str = include_str!("reader/page.html");
const STYLE: &str = include_str!("reader/reader.css");
const SCRIPT: &str = include_str!("reader/reader.js");

/// The cache rules of these routes.
pub(crate) const CACHE_RULES: [CacheRule; 3] = [
    CacheRule::of("/").without_parameters(),
    CacheRule::of("/reader.css").without_parameters(),
    CacheRule::of("/reader.js").without_parameters(),
];

/// Serves the front page for people. Its script reads from the address what to show.
#[get("/")]
pub(crate) async fn page(_: Viewer) -> Cacheable<CustomizeResponder<Document>> {
    let page = Document { body: PAGE.into(), media_type: ContentType::html(), fresh: false };
    let page = page.customize().insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    Cacheable::new(page, SurrogateKeys::none())
}

/// Serves the style of the page.
#[get("/reader.css")]
pub(crate) async fn style(_: Viewer) -> ApiResult<Cacheable<Document>> {
    asset(STYLE, "text/css; charset=utf-8")
}

/// Serves the script of the page.
#[get("/reader.js")]
pub(crate) async fn script(_: Viewer) -> ApiResult<Cacheable<Document>> {
    asset(SCRIPT, "text/javascript; charset=utf-8")
}

fn asset(body: &'static str, media_type: &str) -> ApiResult<Cacheable<Document>> {
    let media_type = ContentType(media_type.parse().map_err(ApiError::internal)?);
    Ok(Cacheable::new(Document { body: body.into(), media_type, fresh: false }, SurrogateKeys::none()))
}
