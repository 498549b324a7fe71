//! The machine that the figures are of.

use std::fs;

use tokio_postgres::Client;

use crate::{outcome::Outcome, setting::Scale};

/// One paragraph that describes it.
pub(crate) async fn describe(client: &Client, scale: Scale) -> Outcome<String> {
    let postgres: String = client.query_one("show server_version", &[]).await?.get(0);
    let buffers: String = client.query_one("show shared_buffers", &[]).await?.get(0);
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        cpu.lines().find(|line| line.starts_with(name))?.split_once(": ").map(|(_, value)| value.trim())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let [small, big] = scale.sizes;
    Ok(format!(
        "{cores} cores of {}, {:.0} GiB of memory, Linux {}, PostgreSQL {} with {buffers} of shared buffers and durable commits, on the \
         same machine as the program, wrk and pgbench. {big} articles before the readers, where nothing else is said; {small} where \
         sizes are compared. Latencies are those of requests made one after the other.",
        field("model name").unwrap_or("an unknown kind"),
        memory.unwrap_or_default() / 1024.0 / 1024.0,
        kernel.trim().split('-').next().unwrap_or_default(),
        postgres.split(' ').next().unwrap_or_default(),
    ))
}
