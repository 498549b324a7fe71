//! The log of requests: the span around every line that a request logs, and the line at its end.

use std::{sync::Arc, time::Instant};

use actix_web::{
    HttpMessage,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header::HeaderMap},
};
use tracing::{
    Span,
    field::{Empty, display},
};

use crate::{
    app::{
        ops::metrics::Metrics,
        settings::{Settings, X_REQUEST_ID},
    },
    principal::Principal,
};

/// Opens the span of a request. The route, the status and the editor are recorded once they are known. The
/// query is left out, since it can hold what should not be logged.
pub(crate) fn begin(request: &ServiceRequest, id: &str, settings: &Settings) -> Span {
    let trace = if settings.trusts_peer(request) { trace_id(request.headers()) } else { None };
    tracing::info_span!(
        "request",
        request_id = id,
        method = %request.method(),
        path = request.path(),
        route = Empty,
        status = Empty,
        ms = Empty,
        editor = Empty,
        trace_id = trace,
    )
}

/// Records the editor in the present span.
pub(crate) fn identify(request: &ServiceRequest) {
    if let Some(principal) = request.extensions().get::<Principal>() {
        Span::current().record("editor", display(principal.editor_id));
    }
}

/// Returns the id of the trace that a request belongs to (W3C Trace Context, section 3.2).
fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |part: &str, length| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |part: &str, length| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
    let valid =
        is_hex(version, 2) && version != "ff" && is_id(trace, 32) && is_id(parent, 16) && is_hex(flags, 2);
    // Later versions may say more; this one says no more.
    (valid && (version != "00" || parts.next().is_none())).then_some(trace)
}

/// Counts an answer and logs it: at `warn` if it is a server error, at `info` if the settings ask for a line
/// for each request, else at `debug`.
pub(crate) fn end(
    metrics: &Metrics,
    settings: &Settings,
    response: &ServiceResponse<BoxBody>,
    method: &Method,
    route: Option<Arc<str>>,
    began: Instant,
) {
    let elapsed = began.elapsed();
    let (status, request) = (response.status().as_u16(), response.request());
    let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let request_id = response.headers().get(&X_REQUEST_ID).and_then(|id| id.to_str().ok());
    let editor = request.extensions().get::<Principal>().map(|principal| display(principal.editor_id));
    let span = Span::current();
    span.record("status", status).record("ms", ms);
    if let Some(route) = &route {
        span.record("route", &**route);
    }
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request_id, %method, route = route.as_deref(), path = request.path(), status, ms, editor, "request"
            )
        };
    }
    if response.status().is_server_error() {
        line!(warn);
    } else if settings.log_requests {
        line!(info);
    } else {
        line!(debug);
    }
    metrics.count(method, route, response.status(), elapsed);
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_trace_is_taken_where_it_is_one() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        let found = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static("traceparent"), HeaderValue::from_str(value).unwrap());
            trace_id(&headers).map(str::to_owned)
        };
        for good in
            ["00-{}-00f067aa0ba902b7-01", "00-{}-00f067aa0ba902b7-00", "cc-{}-00f067aa0ba902b7-01-more"]
        {
            assert_eq!(found(&good.replace("{}", TRACE)).as_deref(), Some(TRACE), "{good}");
        }
        for bad in [
            "",
            "00",
            TRACE,
            "00-{}-00f067aa0ba902b7",
            "00-{}-00f067aa0ba902b7-01-more",
            "ff-{}-00f067aa0ba902b7-01",
            "00-{}-0000000000000000-01",
            "00-{}-00F067AA0BA902B7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-{}a-00f067aa0ba902b7-01",
        ] {
            assert_eq!(found(&bad.replace("{}", TRACE)), None, "{bad}");
        }
    }
}
