//! What groups of figures work with.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use tokio_postgres::Client;
use warta::database::DatabaseUrl;

use crate::{
    capture::{Capture, Statement},
    cluster::Cluster,
    fill,
    outcome::{Outcome, millis},
    report::Report,
    server::{Caching, Launcher, Server},
};

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Articles before the readers, in the small database and in the big one.
    pub(crate) sizes: [u64; 2],
    /// How long one measurement takes.
    pub(crate) time: Duration,
    /// How often two things that are held against each other take turns.
    pub(crate) rounds: usize,
    /// Requests, where they are made one after the other.
    pub(crate) requests: usize,
    /// Writes of one editor.
    pub(crate) writes: usize,
    /// Requests until the memory is looked at.
    pub(crate) million: f64,
    /// Starts.
    pub(crate) starts: usize,
}

impl Scale {
    /// Figures that mean something.
    pub(crate) const FULL: Self = Self {
        sizes: [10_000, 1_000_000],
        time: Duration::from_secs(3),
        rounds: 7,
        requests: 300,
        writes: 250,
        million: 1e6,
        starts: 10,
    };

    /// Figures that mean nothing, in seconds: shows that everything works.
    pub(crate) const QUICK: Self = Self {
        sizes: [300, 1000],
        time: Duration::from_secs(1),
        rounds: 1,
        requests: 20,
        writes: 2,
        million: 2000.0,
        starts: 2,
    };

    /// Whether plans are those of a big database.
    pub(crate) fn is_full(&self) -> bool {
        self.sizes[1] >= 1_000_000
    }
}

/// Everything that figures are made with.
#[derive(Debug)]
pub(crate) struct Setting {
    /// `target/figures`.
    pub(crate) folder: PathBuf,
    pub(crate) scale: Scale,
    pub(crate) cluster: Cluster,
    pub(crate) launcher: Launcher,
    pub(crate) pgbench: PathBuf,
    pub(crate) report: Report,
}

impl Setting {
    /// The small database and the big one.
    pub(crate) fn urls(&self) -> [DatabaseUrl; 2] {
        self.scale.sizes.map(|size| self.cluster.url(&fill::database(size)))
    }

    /// The big one.
    pub(crate) fn url(&self) -> DatabaseUrl {
        self.cluster.url(&self.name())
    }

    /// The big one's name.
    pub(crate) fn name(&self) -> String {
        fill::database(self.scale.sizes[1])
    }

    /// An instance on the big database.
    pub(crate) async fn start(&self, caching: Caching) -> Outcome<Server> {
        self.launcher.start(&self.url(), caching).await
    }

    /// A connection to the big database.
    pub(crate) async fn connect(&self) -> Outcome<Client> {
        self.cluster.connect(&self.name()).await
    }

    /// What each of these paths has an idle instance run.
    pub(crate) async fn statements(&self, server: &Server, paths: &[String]) -> Outcome<Vec<Vec<Statement>>> {
        let client = self.connect().await?;
        let capture = Capture::begin(&self.cluster, &client).await?;
        let mut all = Vec::with_capacity(paths.len());
        for path in paths {
            all.push(capture.of(async |_| server.try_get(path).await.map(drop)).await?);
        }
        capture.end().await?;
        Ok(all)
    }
}

/// A newest article's slug.
pub(crate) async fn newest(server: &Server) -> Outcome<String> {
    let list = server.get("/v1/articles?limit=1").await?.json()?;
    Ok(list["data"][0]["slug"].as_str().ok_or("there is no article")?.to_owned())
}

/// How long requests take that are made one after the other, in milliseconds; and how many of them failed. It
/// ends early where they take long.
pub(crate) async fn latencies(server: &Server, path: &str, requests: usize) -> Outcome<(Vec<f64>, usize)> {
    let started = Instant::now();
    let (mut times, mut failed) = (Vec::with_capacity(requests), 0);
    while times.len() < requests && (times.is_empty() || started.elapsed() < Duration::from_secs(2)) {
        let answer = server.try_get(path).await?;
        failed += usize::from(!answer.status.is_success());
        times.push(millis(answer.took));
    }
    Ok((times, failed))
}
