//! The address under which a client reached this instance, for links that leave the API.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap, HeaderName},
};
use url::Url;

use crate::error::{ApiError, ApiResult, ProblemType};

/// A mark that the other end of the connection is a proxy that we trust. The envelope leaves it in the
/// request's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FromTrustedProxy;

/// A mark that the answer can depend on the address by which the request came. [`BaseUrl::of`] leaves it in
/// the request's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostUsed;

/// The scheme, host and port as the client sees them, such as `https://cms.example`.
///
/// The host is that of the `Host` header, and the scheme is `http`, unless a proxy that we trust says
/// otherwise in `X-Forwarded-Host` and `X-Forwarded-Proto`. These headers are not believed if anybody else
/// sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl(String);

impl BaseUrl {
    /// Returns the absolute address of a path.
    #[must_use]
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Returns the base address of a request.
    ///
    /// # Errors
    /// `400` if the `Host` header is missing or names no host.
    pub(crate) fn of(request: &HttpRequest) -> ApiResult<Self> {
        let trusted = request.extensions().contains::<FromTrustedProxy>();
        request.extensions_mut().insert(HostUsed);
        let missing =
            || ApiError::new(ProblemType::BadRequest, "The Host header is missing, or names no host.");
        Self::read(request.headers(), trusted).ok_or_else(missing)
    }

    fn read(headers: &HeaderMap, from_trusted_proxy: bool) -> Option<Self> {
        // Of several values the last one is the trusted proxy's own.
        let forwarded = |name| {
            let value = headers.get_all(HeaderName::from_static(name)).last()?.to_str().ok()?;
            value.rsplit(',').next().map(str::trim).filter(|_| from_trusted_proxy)
        };
        let scheme = match forwarded("x-forwarded-proto") {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
            _ => "http",
        };
        let host = forwarded("x-forwarded-host").or_else(|| headers.get(header::HOST)?.to_str().ok())?;
        let url = Url::parse(&format!("{scheme}://{host}")).ok()?;
        let only_host = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        only_host.then(|| Self(url.origin().ascii_serialization()))
    }
}

impl FromRequest for BaseUrl {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn base(trusted: bool, headers: &[(&'static str, &'static str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        BaseUrl::read(&map, trusted).map(|base| base.0)
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let headers =
            [("host", "10.0.0.7:8080"), ("x-forwarded-host", "cms.example"), ("x-forwarded-proto", "https")];
        assert_eq!(base(false, &headers).as_deref(), Some("http://10.0.0.7:8080"));
        assert_eq!(base(true, &headers).as_deref(), Some("https://cms.example"));
        assert_eq!(base(true, &headers[..1]).as_deref(), Some("http://10.0.0.7:8080"));
        // The values before the proxy's own were written by the sender of the request.
        let several = [("host", "a"), ("x-forwarded-host", "evil.example, cms.example:8443")];
        assert_eq!(base(true, &several).as_deref(), Some("http://cms.example:8443"));
        let several = [("host", "a"), ("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")];
        assert_eq!(base(true, &several).as_deref(), Some("http://a"));
        let odd = [("host", "a"), ("x-forwarded-proto", "javascript")];
        assert_eq!(base(true, &odd).as_deref(), Some("http://a"));
    }

    #[test]
    fn what_names_no_host_is_refused() {
        assert_eq!(base(false, &[]), None);
        for host in ["", "a/b", "u@a", "u:p@a", "a?b", "a#", "a b", "a:port", "[::1"] {
            assert_eq!(base(false, &[("host", host)]), None, "{host}");
            assert_eq!(base(true, &[("host", "a"), ("x-forwarded-host", host)]), None, "{host}");
        }
        assert_eq!(base(false, &[("host", "a, b")]), None);
        assert_eq!(base(false, &[("host", "[::1]:80")]).as_deref(), Some("http://[::1]"));
    }
}
