//! Collects the figures of an instance's parts for Prometheus: database, connections, sign-ins, work, cache
//! and backlog.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use crate::{
    app::connections::Connections,
    articles, audit,
    auth::Auth,
    blocking::{self, all_figures},
    cache::Cache,
    clock::Clock,
    database::{Database, presence::Presence},
    error::ApiResult,
    http::budget::BodyBudget,
};

/// The longest time that the query for the backlog can take.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time for which a backlog is not asked for again, however often metrics are read.
const FRESH: Duration = Duration::from_secs(1);

/// The parts of the instance that have figures.
#[derive(Clone)]
pub(crate) struct Sources {
    pub database: Database,
    /// The clock that decides which scheduled stories are late.
    pub clock: Clock,
    /// The memory that request bodies take.
    pub bodies: BodyBudget,
    pub auth: Auth,
    /// The cache of answers; `None` if the instance has none.
    pub cache: Option<Cache>,
    /// The knowledge if the database is there.
    pub presence: Presence,
    pub connections: Connections,
}

/// The work that is left to be done, as the database last told it.
#[derive(Clone, Default)]
pub(super) struct Backlog(Arc<Known>);

#[derive(Default)]
struct Known {
    left: Mutex<Option<Left>>,
    /// The time of the last query. The task that holds this lock asks the database; the others wait for its
    /// result.
    asked: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Clone, Copy)]
struct Left {
    overdue: i64,
    lag_seconds: f64,
    unsealed: i64,
}

impl Backlog {
    /// Asks the database, unless it answered less than [`FRESH`] ago. If it is away or too slow, the backlog
    /// is unknown afterwards.
    pub(super) async fn look(&self, sources: &Sources) {
        let mut asked = self.0.asked.lock().await;
        if asked.is_some_and(|asked| asked.elapsed() < FRESH) {
            return;
        }
        let left = if sources.presence.is_away() {
            None
        } else {
            tokio::time::timeout(PATIENCE, left(sources)).await.ok().and_then(Result::ok)
        };
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) = left;
        *asked = Some(Instant::now());
    }

    fn get(&self) -> Option<Left> {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn left(sources: &Sources) -> ApiResult<Left> {
    let now = sources.clock.now();
    let mut conn = sources.database.get_within(PATIENCE).await?;
    let (overdue, oldest) = articles::store::overdue(&mut conn, now).await?;
    let lag = oldest.map_or(0, |oldest| (now - oldest).num_milliseconds().max(0));
    let lag_seconds = Duration::from_millis(u64::try_from(lag).unwrap_or(0)).as_secs_f64();
    Ok(Left { overdue, lag_seconds, unsealed: audit::store::count_unsealed(&mut conn).await? })
}

/// The collector of all these figures.
pub(super) struct Figures(pub(super) Sources, pub(super) Backlog);

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(sources, backlog) = self;
        let mut sheet = Sheet(encoder);
        sheet.database(sources)?;
        sheet.clients(&sources.connections, &sources.bodies)?;
        sheet.sign_ins(&sources.auth)?;
        sheet.work()?;
        if let Some(cache) = &sources.cache {
            sheet.cache(cache)?;
        }
        match backlog.get() {
            Some(left) => sheet.backlog(left),
            None => Ok(()),
        }
    }
}

/// The encoder that figures are written to.
struct Sheet<'a>(DescriptorEncoder<'a>);

impl Sheet<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let counter = ConstCounter::new(value);
        counter.encode(self.0.encode_descriptor(name, help, None, counter.metric_type())?)
    }

    fn gauge(&mut self, name: &str, help: &str, value: usize) -> fmt::Result {
        let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
        gauge.encode(self.0.encode_descriptor(name, help, None, gauge.metric_type())?)
    }

    /// Writes counters of one name, which differ in the value of a label.
    fn counters(
        &mut self,
        (name, label): (&str, &str),
        help: &str,
        values: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (kind, value) in values {
            ConstCounter::new(value).encode(family.encode_family(&[(label, kind)])?)?;
        }
        Ok(())
    }

    /// Writes gauges of one name, which differ in the value of a label.
    fn gauges(
        &mut self,
        (name, label): (&str, &str),
        help: &str,
        values: impl IntoIterator<Item = (&'static str, usize)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (kind, value) in values {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(family.encode_family(&[(label, kind)])?)?;
        }
        Ok(())
    }

    fn database(&mut self, sources: &Sources) -> fmt::Result {
        let (database, counts) = (&sources.database, sources.database.counts());
        let up = !sources.presence.is_away();
        self.counter(
            "warta_sql_statements",
            "SQL statements run, transaction control included",
            database.statements(),
        )?;
        self.gauge("warta_database_up", "Whether the database answered when it was asked last", up.into())?;
        let help = "Whether the database takes no writes";
        self.gauge("warta_database_read_only", help, database.is_read_only().into())?;
        self.gauges(
            ("warta_database_connections", "state"),
            "Connections to the database, by whether they are at work",
            [("in_use", counts.in_use), ("idle", counts.idle)],
        )?;
        self.gauge(
            "warta_database_connections_limit",
            "How many connections to the database there may be",
            counts.limit,
        )?;
        self.gauge(
            "warta_database_waiting",
            "Requests that wait for a connection to the database",
            counts.waiting,
        )?;
        for (name, help, value) in [
            ("warta_database_timeouts", "Requests that waited for a connection in vain", counts.timeouts),
            ("warta_database_opened", "Connections to the database that were opened", counts.opened),
            ("warta_database_failed", "Connections to the database that could not be opened", counts.failed),
            (
                "warta_database_discarded",
                "Connections to the database that were thrown away",
                counts.discarded,
            ),
            (
                "warta_database_cancelled",
                "Statements that were cancelled, as whoever asked was gone",
                counts.cancelled,
            ),
        ] {
            self.counter(name, help, value)?;
        }
        Ok(())
    }

    fn clients(&mut self, connections: &Connections, bodies: &BodyBudget) -> fmt::Result {
        let counts = connections.counts();
        self.gauge("warta_connections", "Connections of clients", counts.open)?;
        self.gauge(
            "warta_answers_waiting_bytes",
            "Bytes of answers that wait for clients",
            counts.waiting_bytes,
        )?;
        self.gauge("warta_bodies_bytes", "Bytes of request bodies in memory", bodies.bytes())?;
        self.counter(
            "warta_connections_accepted",
            "Connections of clients that were accepted",
            counts.accepted,
        )?;
        self.counter(
            "warta_connections_refused",
            "Connections of clients that were one too many",
            counts.refused,
        )?;
        self.counters(
            ("warta_connections_ended", "reason"),
            "Connections that the server ended, by the reason",
            counts.ended.map(|(why, count)| (why.name(), count)),
        )
    }

    fn sign_ins(&mut self, auth: &Auth) -> fmt::Result {
        let counts = auth.counts();
        self.counters(
            ("warta_sign_ins", "outcome"),
            "Sign-ins, and other questions for a password, by how they ended",
            [
                ("success", counts.success),
                ("wrong", counts.wrong),
                ("refused_account", counts.refused_account),
                ("refused_network", counts.refused_network),
                ("busy", counts.busy),
                ("failed", counts.failed),
            ],
        )?;
        let waiting = usize::try_from(counts.hashes_waiting).unwrap_or(usize::MAX);
        self.gauge("warta_sign_ins_waiting", "Requests that wait for their turn to hash a password", waiting)
    }

    fn work(&mut self) -> fmt::Result {
        type Of = fn(&blocking::Figures) -> u64;
        let all = all_figures();
        let each = |of: Of| all.iter().map(move |(work, figures)| (*work, of(figures)));
        let now = |of: Of| each(of).map(|(work, count)| (work, usize::try_from(count).unwrap_or(usize::MAX)));
        self.gauges(
            ("warta_work_waiting", "work"),
            "Requests that wait for their turn at work that keeps a core busy",
            now(blocking::Figures::waiting),
        )?;
        self.gauges(
            ("warta_work_running", "work"),
            "Requests whose work keeps a core busy",
            now(blocking::Figures::running),
        )?;
        self.counters(
            ("warta_work_refused", "work"),
            "Requests that were refused since too many waited",
            each(blocking::Figures::refused),
        )?;
        self.counters(
            ("warta_work_given_up", "work"),
            "Work that was stopped since it took too long",
            each(blocking::Figures::given_up),
        )
    }

    fn cache(&mut self, cache: &Cache) -> fmt::Result {
        let counts = cache.counts();
        for (name, help, count) in [
            ("warta_cache_hits", "Requests answered from memory", counts.hits),
            ("warta_cache_misses", "Requests whose answer was not in memory, or did not hold", counts.misses),
            ("warta_cache_joins", "Requests that waited for the answer to another one", counts.joined),
            ("warta_cache_bypasses", "Requests while the cache was not used", counts.bypassed),
            ("warta_cache_stale", "Requests answered from memory while the database was away", counts.stale),
            ("warta_cache_evictions", "Answers that had to make room for others", counts.evictions),
        ] {
            self.counter(name, help, count)?;
        }
        for (name, help, value) in [
            ("warta_cache_entries", "Answers in memory", counts.entries),
            ("warta_cache_bytes", "What the answers in memory take, about", counts.bytes),
            (
                "warta_cache_link_up",
                "Whether the database is heard, and so the cache used",
                counts.linked.into(),
            ),
        ] {
            self.gauge(name, help, usize::try_from(value).unwrap_or(usize::MAX))?;
        }
        Ok(())
    }

    fn backlog(&mut self, left: Left) -> fmt::Result {
        let size = |count| usize::try_from(count).unwrap_or_default();
        let help = "Stories whose time has come and that are not out yet";
        self.gauge("warta_scheduler_overdue", help, size(left.overdue))?;
        let help = "For how long the one that waits longest has been due";
        let lag = ConstGauge::new(left.lag_seconds);
        lag.encode(self.0.encode_descriptor(
            "warta_scheduler_lag_seconds",
            help,
            None,
            lag.metric_type(),
        )?)?;
        self.gauge(
            "warta_events_unsealed",
            "Events of the record that are not sealed yet",
            size(left.unsealed),
        )
    }
}
