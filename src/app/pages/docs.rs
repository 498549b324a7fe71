//! The OpenAPI document, and the page that shows it. Everything that the page loads is part of this program,
//! so that it works offline.

use std::sync::OnceLock;

use actix_web::{
    CustomizeResponder, Responder, get,
    http::header::{self, ContentType},
    web::{self, Bytes},
};
use serde_json::Value;

use crate::http::cache_rule::CacheRule;
use crate::{
    auth::Viewer,
    http::reply::Document,
    surrogate::{Cacheable, SurrogateKeys},
};

/// The OpenAPI document as text, as it is served.
pub(crate) struct Documented(Bytes);

impl Documented {
    /// Writes the document as text, once.
    #[must_use]
    pub(crate) fn new(document: &Value) -> Self {
        Self(document.to_string().into())
    }
}

/// The page's Content-Security-Policy: nothing is loaded from elsewhere. The reference sets styles from its
/// script, hence the one exception.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("docs.html");

/// The cache rules of these routes.
pub(crate) const CACHE_RULES: [CacheRule; 3] = [
    CacheRule::of("/openapi.json").without_parameters(),
    CacheRule::of("/docs").without_parameters(),
    CacheRule::of("/docs/scalar.js").without_parameters(),
];

/// Read the OpenAPI document
///
/// This document: OpenAPI 3.1, generated from the code that serves.
#[utoipa::path(
    operation_id = "read_openapi", tag = "service",
    responses((status = 200, description = "The document.", content_type = "application/json", body = Object)),
)]
#[get("/openapi.json")]
pub(crate) async fn openapi(_: Viewer, document: web::Data<Documented>) -> Cacheable<Document> {
    let document = Document { body: document.0.clone(), media_type: ContentType::json(), fresh: false };
    Cacheable::new(document, SurrogateKeys::none())
}

/// Serves the page with the API reference.
#[get("/docs")]
pub(crate) async fn page(_: Viewer) -> Cacheable<CustomizeResponder<Document>> {
    let page = Document { body: PAGE.into(), media_type: ContentType::html(), fresh: false };
    let page = page.customize().insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    Cacheable::new(page, SurrogateKeys::none())
}

/// Serves the page's script, which the crate `scalar_api_reference` carries.
#[get("/docs/scalar.js")]
pub(crate) async fn script(_: Viewer) -> Option<Cacheable<Document>> {
    // The crate gives a copy of its 5 MB each time; one for all is enough.
    static SCRIPT: OnceLock<Option<Bytes>> = OnceLock::new();
    let asset = || scalar_api_reference::get_asset("scalar.js").map(Bytes::from);
    let body = SCRIPT.get_or_init(asset).clone()?;
    let media_type = ContentType("text/javascript; charset=utf-8".parse().ok()?);
    Some(Cacheable::new(Document { body, media_type, fresh: false }, SurrogateKeys::none()))
}
