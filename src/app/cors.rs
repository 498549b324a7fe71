//! Cross-origin requests (the Fetch standard): every origin can read, configured origins can write.
//!
//! Credentials are never sent automatically here (a client adds its token on purpose, and there are no
//! cookies), so reading can be open to `*`. One cached answer is then good for every origin.

use std::sync::Arc;

use actix_web::http::{
    Method,
    header::{self, HeaderMap, HeaderValue},
};

/// The origins that can write.
#[derive(Clone, Debug, Default)]
pub struct Cors(Arc<[String]>);

const EXPOSED: &str = "ETag, Link, Location, Preference-Applied, Retry-After, X-Request-Id";
const SENT: &str = "Accept, Authorization, Content-Type, If-Match, If-None-Match, Prefer, X-Request-Id";
const READS: &str = "GET, HEAD, OPTIONS";
const WRITES: &str = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

/// The seconds for which a browser can remember the answer to a preflight.
const REMEMBER: &str = "7200";

impl Cors {
    /// Allows `writers` to write: origins as browsers send them, such as `https://newsroom.example`.
    #[must_use]
    pub fn new(writers: impl IntoIterator<Item = String>) -> Self {
        Self(writers.into_iter().collect())
    }

    fn may_write(&self, origin: &HeaderValue) -> bool {
        self.0.iter().any(|writer| writer.as_bytes() == origin.as_bytes())
    }

    /// Adds the headers for a request from this origin; `reads` says if its method only reads.
    pub fn decorate(&self, reads: bool, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if reads {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
            match origin {
                Some(origin) if self.may_write(origin) => {
                    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                }
                _ => return,
            }
        }
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }

    /// Returns `true` if a request is a preflight, by which the browser asks before it sends another one.
    #[must_use]
    pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
        method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Adds the headers of the answer to a preflight. An origin that is not allowed to write gets none for a
    /// write.
    pub fn preflight(&self, request: &HeaderMap, headers: &mut HeaderMap) {
        let asked = request.get(header::ACCESS_CONTROL_REQUEST_METHOD).map(HeaderValue::as_bytes);
        let reads = matches!(asked, Some(b"GET" | b"HEAD"));
        self.decorate(reads, request.get(header::ORIGIN), headers);
        headers.append(header::VARY, HeaderValue::from_static("Access-Control-Request-Method"));
        if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            let methods = if reads { READS } else { WRITES };
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(SENT));
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBER));
        }
    }
}
