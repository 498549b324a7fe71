//! Typed answers. Each type sets the headers of its kind of answer, so that no handler can forget one.

use std::time::Duration;

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, Responder,
    http::header::{self, ContentType, EntityTag, HeaderValue},
    web::Data,
};
use serde::Serialize;

use crate::{
    error::{ApiError, ApiResult},
    http::{
        conditional::{IfMatch, StateTag, entity_tag, stale},
        prefer::{APPLIED, Prefer},
    },
    principal::SignedIn,
};

/// A value that answers are made of.
pub(crate) trait Representation: Serialize {
    /// The state of the thing itself; `None` for what cannot be changed through this representation.
    fn state_tag(&self) -> Option<StateTag> {
        None
    }

    /// Returns `true` if the value is only good for the moment, so that no cache keeps it.
    fn fresh(&self) -> bool {
        false
    }

    /// The cursor of the next page, if this is a page and not the last one.
    fn next_cursor(&self) -> Option<&str> {
        None
    }
}

/// Checks that a change is meant for the present state of a thing.
///
/// # Errors
/// `412` with the present entity tag if `If-Match` names another state.
pub(crate) fn require_match(if_match: &IfMatch, value: &impl Representation) -> ApiResult<()> {
    if value.state_tag().is_none_or(|state| if_match.allows(state)) {
        return Ok(());
    }
    Err(stale(&tag_of(value)?))
}

/// The tag of the representation, as any answer would carry it.
///
/// # Errors
/// `500` if the value cannot be written as JSON.
pub(crate) fn tag_of<T: Representation>(value: &T) -> Result<EntityTag, ApiError> {
    serialize(value).map(|(_, tag)| tag)
}

fn serialize<T: Representation>(value: &T) -> Result<(Vec<u8>, EntityTag), ApiError> {
    let body = serde_json::to_vec(value).map_err(ApiError::internal)?;
    let tag = entity_tag(value.state_tag(), &body);
    Ok((body, tag))
}

/// The caching of an anonymous answer: browsers and CDNs can reuse it for 5 seconds without asking, and for
/// 30 seconds more while they ask.
const PUBLIC: &str = "public, max-age=5, stale-while-revalidate=30";

/// The caching of an anonymous answer that says that there is nothing. It must not be reused while asking, so
/// that a reader who comes once there is something is not told the old answer again.
const NOTHING: &str = "public, max-age=5";

pub(super) const PRIVATE: &str = "private, no-store";

/// The caching rules for answers to readers.
#[derive(Clone, Debug)]
pub(crate) struct Sharing {
    found: HeaderValue,
    nothing: HeaderValue,
}

impl Sharing {
    /// Creates the rules; `stale_if_error` is the time for which caches can reuse an answer while this
    /// program cannot answer.
    #[must_use]
    pub(crate) fn new(stale_if_error: Duration) -> Self {
        let value = |text: &'static str| match stale_if_error.as_secs() {
            0 => HeaderValue::from_static(text),
            seconds => HeaderValue::try_from(format!("{text}, stale-if-error={seconds}"))
                .unwrap_or(HeaderValue::from_static(text)),
        };
        Self { found: value(PUBLIC), nothing: value(NOTHING) }
    }

    /// Returns the rule for an answer that says that there is nothing at an address.
    #[must_use]
    pub(crate) fn of_nothing(request: &HttpRequest) -> HeaderValue {
        let sharing = request.app_data::<Data<Self>>();
        sharing.map_or(HeaderValue::from_static(NOTHING), |sharing| sharing.nothing.clone())
    }
}

fn cache_control(request: &HttpRequest, fresh: bool) -> HeaderValue {
    match (fresh, request.extensions().contains::<SignedIn>()) {
        (true, _) => HeaderValue::from_static("no-store"),
        (false, true) => HeaderValue::from_static(PRIVATE),
        (false, false) => {
            let sharing = request.app_data::<Data<Sharing>>();
            sharing.map_or(HeaderValue::from_static(PUBLIC), |sharing| sharing.found.clone())
        }
    }
}

/// A `200` to a `GET`. If the client has the answer already, the envelope turns it into a `304`.
pub(crate) struct Found<T>(pub T);

impl<T: Representation> Responder for Found<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let (body, tag) = match serialize(&self.0) {
            Ok(serialized) => serialized,
            Err(error) => return HttpResponse::from_error(error),
        };
        let mut response = found(request, tag, self.0.fresh());
        if let Some(cursor) = self.0.next_cursor() {
            response.insert_header((header::LINK, next_link(request, cursor)));
        }
        response.insert_header(ContentType::json()).body(body)
    }
}

/// A text that is not made of JSON values, such as a page.
pub(crate) struct Document {
    pub body: actix_web::web::Bytes,
    /// The media type of the text.
    pub media_type: ContentType,
    /// Set if the text is only good for the moment, so that no cache keeps it.
    pub fresh: bool,
}

impl Responder for Document {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let tag = entity_tag(None, &self.body);
        found(request, tag, self.fresh).insert_header(self.media_type).body(self.body)
    }
}

pub(super) fn found(request: &HttpRequest, tag: EntityTag, fresh: bool) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header(header::ETag(tag))
        .insert_header((header::CACHE_CONTROL, cache_control(request, fresh)))
        .insert_header((header::VARY, "Authorization, Accept-Encoding"));
    response
}

/// Returns the `Link` of a page (RFC 8288): this request's own target, with the next cursor.
fn next_link(request: &HttpRequest, cursor: &str) -> String {
    let kept =
        request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query: Vec<_> = kept.map(str::to_owned).chain([format!("cursor={cursor}")]).collect();
    format!("<{}?{}>; rel=\"next\"", request.path(), query.join("&"))
}

/// A `201` with the address of what was created.
pub(crate) struct Created<T> {
    /// The whole resource.
    pub value: T,
    /// The path of the resource.
    pub location: String,
}

impl<T: Representation> Responder for Created<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::Created();
        response.insert_header((header::LOCATION, self.location));
        changed(response, &self.value)
    }
}

/// A `200` with the whole resource after a change or an action.
pub(crate) struct Updated<T>(pub T);

impl<T: Representation> Responder for Updated<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        changed(HttpResponse::Ok(), &self.0)
    }
}

/// A `200` with the whole resource after a patch. The patch was perhaps merged with what others changed
/// meanwhile.
pub(crate) struct Patched<T> {
    /// The whole resource.
    pub value: T,
    /// Set if the patch was merged with other changes.
    pub merged: bool,
}

impl<T: Representation> Responder for Patched<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        response.insert_header((header::VARY, "Prefer"));
        if self.merged {
            response.insert_header((APPLIED, Prefer::MERGE));
        }
        changed(response, &self.value)
    }
}

fn changed<T: Representation>(mut response: HttpResponseBuilder, value: &T) -> HttpResponse {
    match serialize(value) {
        Ok((body, tag)) => response
            .insert_header(header::ETag(tag))
            .insert_header((header::CACHE_CONTROL, PRIVATE))
            .insert_header(ContentType::json())
            .body(body),
        Err(error) => HttpResponse::from_error(error),
    }
}

/// A `308`: the same thing is at another address now. The request's query string is appended to it.
pub(crate) struct Moved {
    /// The path of the new address.
    pub location: String,
}

impl Responder for Moved {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let location = match request.query_string() {
            "" => self.location,
            query => format!("{}?{query}", self.location),
        };
        HttpResponse::PermanentRedirect()
            .insert_header((header::LOCATION, location))
            // Kept as long as an article can be: it can move again, also back.
            .insert_header((header::CACHE_CONTROL, cache_control(request, false)))
            .insert_header((header::VARY, "Authorization"))
            .finish()
    }
}

/// A `204` without a body.
pub(crate) struct NoContent;

impl Responder for NoContent {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}
