//! Counts for Prometheus.

use std::{sync::Arc, time::Duration};

use actix_web::{
    get,
    http::{Method, StatusCode, header::ContentType},
    web,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text::encode},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
        histogram::Histogram,
    },
    registry::Registry,
};

use crate::{
    auth::Viewer,
    blocking::{Figures, all_figures},
    cache::Cache,
    database::Database,
    error::{ApiError, ApiResult},
    http::reply::Document,
};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: Arc<str>,
    status: u16,
}

/// What is counted. Routes are patterns and never addresses, so that a scan does not fill the memory.
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    seconds: Histogram,
}

impl Metrics {
    /// Nothing counted yet, but the database's statements.
    #[must_use]
    pub fn new(database: Database, cache: Option<Cache>) -> Self {
        let mut registry = Registry::with_prefix("warta");
        let requests = Family::default();
        let seconds = Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0]);
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_seconds", "Time to answer a request", seconds.clone());
        registry.register_collector(Box::new(Statements(database)));
        registry.register_collector(Box::new(Worked));
        if let Some(cache) = cache {
            registry.register_collector(Box::new(Cached(cache)));
        }
        Self { registry, requests, seconds }
    }

    /// Counts one answer.
    pub fn count(&self, method: &Method, route: Option<Arc<str>>, status: StatusCode, elapsed: Duration) {
        const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let method = METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
        let route = route.unwrap_or_else(|| "none".into());
        self.requests.get_or_create(&Labels { method, route, status: status.as_u16() }).inc();
        self.seconds.observe(elapsed.as_secs_f64());
    }
}

/// The number of SQL statements that the pool has run.
#[derive(Debug)]
struct Statements(Database);

impl Collector for Statements {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let count = ConstCounter::new(self.0.statements());
        let help = "SQL statements run, transaction control included";
        let metric = encoder.encode_descriptor("sql_statements", help, None, count.metric_type())?;
        count.encode(metric)
    }
}

/// What is counted of work that keeps a core busy.
#[derive(Debug)]
struct Worked;

impl Collector for Worked {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        type Of = fn(&Figures) -> u64;
        let all = all_figures();
        let gauges: [(&str, &str, Of); 2] = [
            (
                "work_waiting",
                "Requests that wait for their turn at work that keeps a core busy",
                Figures::waiting,
            ),
            ("work_running", "Requests whose work keeps a core busy", Figures::running),
        ];
        for (name, help, of) in gauges {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (work, figures) in &all {
                let gauge = ConstGauge::new(i64::try_from(of(figures)).unwrap_or(i64::MAX));
                gauge.encode(family.encode_family(&[("work", *work)])?)?;
            }
        }
        let counters: [(&str, &str, Of); 2] = [
            ("work_refused", "Requests that were refused since too many waited", Figures::refused),
            ("work_given_up", "Work that was stopped since it took too long", Figures::given_up),
        ];
        for (name, help, of) in counters {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (work, figures) in &all {
                ConstCounter::new(of(figures)).encode(family.encode_family(&[("work", *work)])?)?;
            }
        }
        Ok(())
    }
}

/// What the response cache counts.
#[derive(Debug)]
struct Cached(Cache);

impl Collector for Cached {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counts = self.0.counts();
        for (name, help, count) in [
            ("cache_hits", "Requests answered from memory", counts.hits),
            ("cache_misses", "Requests whose answer was not in memory, or did not hold", counts.misses),
            ("cache_joins", "Requests that waited for the answer to another one", counts.joined),
            ("cache_bypasses", "Requests while the cache was not used", counts.bypassed),
            ("cache_stale", "Requests answered from memory while the database was away", counts.stale),
            ("cache_evictions", "Answers that had to make room for others", counts.evictions),
        ] {
            let count = ConstCounter::new(count);
            count.encode(encoder.encode_descriptor(name, help, None, count.metric_type())?)?;
        }
        for (name, help, gauge) in [
            ("cache_entries", "Answers in memory", counts.entries),
            ("cache_bytes", "What the answers in memory take, about", counts.bytes),
            ("cache_link_up", "Whether the database is heard, and so the cache used", counts.linked.into()),
        ] {
            let gauge = ConstGauge::new(i64::try_from(gauge).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

/// Read the metrics
///
/// Counts and durations in the OpenMetrics text format, for Prometheus. Keep it from the public at the proxy.
#[utoipa::path(
    operation_id = "read_metrics", tag = "service",
    responses((
        status = 200,
        description = "The metrics.",
        content((String = "application/openmetrics-text", example = "# EOF\n")),
    )),
)]
#[get("/metrics")]
pub async fn read(_: Viewer, metrics: web::Data<Metrics>) -> ApiResult<Document> {
    let mut text = String::new();
    encode(&mut text, &metrics.registry).map_err(ApiError::internal)?;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let media_type = ContentType(media_type.parse().map_err(|_| ApiError::internal("a media type"))?);
    Ok(Document { body: text.into(), media_type, fresh: true })
}
