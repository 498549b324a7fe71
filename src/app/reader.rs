//! The demo reader: a news page made from the public API alone. It is three files in this program, and works offline.

use actix_web::{
    CustomizeResponder, Responder, get,
    http::header::{self, ContentType},
};
use deserr::Deserr;

use crate::{
    auth::Viewer,
    error::{ApiError, ApiResult},
    http::{
        faults::Faults,
        query::{NoQuery, Query},
        reply::Document,
        surrogate::{Cacheable, SurrogateKeys},
    },
};

/// The page's policy: nothing from elsewhere but the pictures of stories, and no text becomes HTML except where the page says so.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: http: data:; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types warta";

const PAGE: &str = include_str!("reader/page.html");
const STYLE: &str = include_str!("reader/reader.css");
const SCRIPT: &str = include_str!("reader/reader.js");

/// What the page shows. Its script reads them from the address; what names nothing becomes a page that says so.
#[derive(Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct Shown {
    /// One story, by slug or id.
    #[deserr(default)]
    pub article: Option<String>,
    /// The stories with this tag, by slug or id.
    #[deserr(default)]
    pub tag: Option<String>,
    /// The stories that a search finds.
    #[deserr(default)]
    pub q: Option<String>,
    /// The language of the page and of its lists: `id` or `en`.
    #[deserr(default)]
    pub language: Option<String>,
}

/// The way in, for people.
#[get("/")]
pub async fn page(_: Viewer, _: Query<Shown>) -> Cacheable<CustomizeResponder<Document>> {
    let page = Document { body: PAGE.into(), media_type: ContentType::html(), fresh: false };
    let page = page.customize().insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    Cacheable::new(page, SurrogateKeys::none())
}

/// The page's style.
#[get("/reader.css")]
pub async fn style(_: Viewer, _: NoQuery) -> ApiResult<Cacheable<Document>> {
    asset(STYLE, "text/css; charset=utf-8")
}

/// The page's script.
#[get("/reader.js")]
pub async fn script(_: Viewer, _: NoQuery) -> ApiResult<Cacheable<Document>> {
    asset(SCRIPT, "text/javascript; charset=utf-8")
}

fn asset(body: &'static str, media_type: &str) -> ApiResult<Cacheable<Document>> {
    let media_type = ContentType(media_type.parse().map_err(ApiError::internal)?);
    Ok(Cacheable::new(Document { body: body.into(), media_type, fresh: false }, SurrogateKeys::none()))
}
