//! Counts and durations for Prometheus: the requests, and the operation that returns all metrics.
//! `docs/operating.md` explains each metric.
//!
//! | file | content |
//! |---|---|
//! | `metrics` | the requests, and the operation that returns all metrics |
//! | `figures` | the figures of the instance's parts |
//! | `process` | the figures that the operating system counts |
//! | `format` | the text format of Prometheus, for clients that do not ask for OpenMetrics |

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

/// The metrics of the instance. Routes are labelled by their pattern and never by an address, so that a scan
/// does not fill the memory.
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
    /// Creates metrics without any requests; the parts have counts of their own.
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

    /// Counts one answer with its duration. Methods outside of the standard ones are counted as `other`,
    /// requests without a route as `none`.
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

/// The media types; the first one is for clients that accept anything.
const OFFERED: [(&str, &str); 2] = [(PLAIN, PLAIN), (OPEN, OPEN)];

/// Read the metrics
///
/// Counts and durations for Prometheus, in its text format, or as OpenMetrics if `Accept` names that. Metrics
/// that only the database knows are left out while it is away. Keep this address from the public at the
/// proxy.
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
    // A client that accepts neither is a person with a browser, who can read the plain format.
    let media_type = accept.choose(&OFFERED).unwrap_or(PLAIN);
    if media_type == PLAIN {
        text = format::plain(&text);
    }
    let media_type = ContentType(media_type.parse().map_err(|_| ApiError::internal("a media type"))?);
    Ok(Document { body: text.into(), media_type, fresh: true })
}
