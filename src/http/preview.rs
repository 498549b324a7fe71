//! Protects the answers to previews, which somebody without an account sees by a link that was passed on. No
//! cache can keep them, and no search engine can list them.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
};

use crate::{
    error::ApiError,
    http::{query::names, reply::PRIVATE},
};

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// A mark that a request comes with a preview token, good or bad. A handler that gives previews takes it as
/// its first argument, so that the envelope also knows about requests that are refused before the handler
/// runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preview;

impl FromRequest for Preview {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if names(request.query_string(), "preview") {
            request.extensions_mut().insert(Self);
        }
        ready(Ok(Self))
    }
}

/// Adds the headers that every answer to a preview has.
pub(crate) fn protect(request: &HttpRequest, headers: &mut HeaderMap) {
    if request.extensions().contains::<Preview>() {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(PRIVATE));
        headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
    }
}
