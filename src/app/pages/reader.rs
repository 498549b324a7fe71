//! The demo reader: a news page made from the public API alone. It is three files in this program, and works offline.

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

/// The page's policy: nothing from elsewhere but the pictures of stories, and no text becomes HTML except where the page says so.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: http: data:; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types warta";

const PAGE: &str = include_str!("reader/page.html");
const STYLE: &str = include_str!("reader/reader.css");
const SCRIPT: &str = include_str!("reader/reader.js");

/// What the answers of these routes depend on.
pub(crate) const CACHE_RULES: [CacheRule; 3] = [
    CacheRule::of("/").without_parameters(),
    CacheRule::of("/reader.css").without_parameters(),
    CacheRule::of("/reader.js").without_parameters(),
];

/// The way in, for people. Its script reads from the address what to show.
#[get("/")]
pub(crate) async fn page(_: Viewer) -> Cacheable<CustomizeResponder<Document>> {
    let page = Document { body: PAGE.into(), media_type: ContentType::html(), fresh: false };
    let page = page.customize().insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    Cacheable::new(page, SurrogateKeys::none())
}

/// The page's style.
#[get("/reader.css")]
pub(crate) async fn style(_: Viewer) -> ApiResult<Cacheable<Document>> {
    asset(STYLE, "text/css; charset=utf-8")
}

/// The page's script.
#[get("/reader.js")]
pub(crate) async fn script(_: Viewer) -> ApiResult<Cacheable<Document>> {
    asset(SCRIPT, "text/javascript; charset=utf-8")
}

fn asset(body: &'static str, media_type: &str) -> ApiResult<Cacheable<Document>> {
    let media_type = ContentType(media_type.parse().map_err(ApiError::internal)?);
    Ok(Cacheable::new(Document { body: body.into(), media_type, fresh: false }, SurrogateKeys::none()))
}
