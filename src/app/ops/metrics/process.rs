//! Collects what the operating system counts for the process, under the metric names that other programs use
//! too. Only Linux offers these counts, in `/proc`.

use std::fs;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

/// The ticks per second in `/proc`: the same on every Linux.
const TICKS: f64 = 100.0;

/// The collector of the process's figures.
#[derive(Debug)]
pub(super) struct Process;

/// The figures read from `/proc`.
#[derive(Debug)]
struct Found {
    cpu_seconds: f64,
    start_seconds: f64,
    resident_bytes: i64,
    virtual_bytes: i64,
    open_files: i64,
    most_files: i64,
}

fn look() -> Option<Found> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program is in brackets, and can have any characters in it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    let boot = fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let bytes = |name: &str| {
        let kib = status.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix(" kB")?;
        Some(kib.trim().parse::<i64>().ok()? * 1024)
    };
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let most = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    Some(Found {
        cpu_seconds: (field(14)? + field(15)?) / TICKS,
        start_seconds: boot + field(22)? / TICKS,
        resident_bytes: bytes("VmRSS:")?,
        virtual_bytes: bytes("VmSize:")?,
        open_files: i64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()?,
        most_files: most.split_whitespace().next()?.parse().unwrap_or(i64::MAX),
    })
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(found) = look() else { return Ok(()) };
        let (name, help) = ("process_cpu_seconds", "Time that the processors worked for the program");
        let cpu = ConstCounter::new(found.cpu_seconds);
        cpu.encode(encoder.encode_descriptor(name, help, None, cpu.metric_type())?)?;
        let (name, help) = ("process_start_time_seconds", "When the program started, in seconds since 1970");
        let start = ConstGauge::new(found.start_seconds);
        start.encode(encoder.encode_descriptor(name, help, None, start.metric_type())?)?;
        for (name, help, value) in [
            ("process_resident_memory_bytes", "Memory that the program has", found.resident_bytes),
            ("process_virtual_memory_bytes", "Addresses that the program has", found.virtual_bytes),
            ("process_open_fds", "Files and sockets that are open", found.open_files),
            ("process_max_fds", "How many files and sockets may be open", found.most_files),
        ] {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_found() {
        let found = look().unwrap();
        assert!(found.resident_bytes > 1 << 20 && found.virtual_bytes >= found.resident_bytes, "{found:?}");
        assert!(found.open_files > 2 && found.most_files >= found.open_files, "{found:?}");
        assert!(found.start_seconds > 1_600_000_000.0 && found.cpu_seconds >= 0.0, "{found:?}");
    }
}
