//! Counts and durations, for Prometheus. What each one tells is in `docs/operating.md`.
//!
//! | file | what it has |
//! |---|---|
//! | `metrics` | the requests, and the operation that gives all of it |
//! | `figures` | what the parts of an instance count |
//! | `process` | what the operating system counts |
//! | `format` | the text format of Prometheus, where OpenMetrics is not asked for |

mod figures;
mod format;
mod process;

use std::{sync::Arc, time::Duration};

use actix_web::{
    get,
    http::{Method, StatusCode, header::ContentType},
    web,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{family::Family, histogram::Histogram, info::Info},
    registry::Registry,
};

pub(crate) use self::figures::Sources;
use self::{
    figures::{Backlog, Figures},
    process::Process,
};
use crate::{
    auth::Viewer,
    error::{ApiError, ApiResult},
    http::{negotiation::Accept, reply::Document},
};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: Arc<str>,
    status: u16,
}

/// What is counted. Routes are patterns and never addresses, so that a scan does not fill the memory.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Histogram, fn() -> Histogram>,
    sources: Sources,
    backlog: Backlog,
}

fn seconds() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
}

impl Metrics {
    /// Nothing counted yet, but by the parts themselves.
    #[must_use]
    pub(crate) fn new(sources: Sources) -> Self {
        let mut registry = Registry::default();
        let requests = Family::new_with_constructor(seconds as fn() -> Histogram);
        registry.register("http_request_duration_seconds", "Time to answer a request", requests.clone());
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("warta_build", "What this program is", build);
        let backlog = Backlog::default();
        registry.register_collector(Box::new(Figures(sources.clone(), backlog.clone())));
        registry.register_collector(Box::new(Process));
        Self { registry, requests, sources, backlog }
    }

    /// Counts one answer.
    pub(crate) fn count(
        &self,
        method: &Method,
        route: Option<Arc<str>>,
        status: StatusCode,
        elapsed: Duration,
    ) {
        const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let method = METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
        let route = route.unwrap_or_else(|| "none".into());
        let labels = Labels { method, route, status: status.as_u16() };
        self.requests.get_or_create(&labels).observe(elapsed.as_secs_f64());
    }
}

const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The forms, first what those get who take anything.
const OFFERED: [(&str, &str); 2] = [(PLAIN, PLAIN), (OPEN, OPEN)];

/// Read the metrics
///
/// Counts and durations for Prometheus, in its text format, or as OpenMetrics where `Accept` names that. What only the database knows
/// is left out while it is away. Keep it from the public at the proxy.
#[utoipa::path(
    operation_id = "read_metrics", tag = "service",
    responses((
        status = 200,
        description = "The metrics.",
        content(
            (String = "text/plain", example = "# TYPE process_open_fds gauge\nprocess_open_fds 42\n"),
            (String = "application/openmetrics-text", example = "# EOF\n"),
        ),
    )),
)]
#[get("/metrics")]
pub(crate) async fn read(_: Viewer, accept: Accept, metrics: web::Data<Metrics>) -> ApiResult<Document> {
    metrics.backlog.look(&metrics.sources).await;
    let mut text = String::new();
    encode(&mut text, &metrics.registry).map_err(ApiError::internal)?;
    // Whoever takes neither is a person with a browser, and can read the plain one.
    let media_type = accept.choose(&OFFERED).unwrap_or(PLAIN);
    if media_type == PLAIN {
        text = format::plain(&text);
    }
    let media_type = ContentType(media_type.parse().map_err(|_| ApiError::internal("a media type"))?);
    Ok(Document { body: text.into(), media_type, fresh: true })
}
