//! [wrk](https://github.com/wg/wrk), which asks as fast as it is answered.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::process::Command;

use crate::outcome::{Outcome, about};

/// How many connections ask at a time.
pub(crate) const CONNECTIONS: usize = 32;

/// What a run of wrk says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Requests per second.
    pub(crate) rate: f64,
    /// How many there were.
    pub(crate) requests: f64,
    /// 99th percentile, in milliseconds.
    pub(crate) p99: f64,
    /// Answers that are neither 2xx nor 3xx, and those that did not come.
    pub(crate) failures: f64,
}

/// Fails where wrk is not installed.
pub(crate) fn check() -> Outcome<()> {
    let found =
        std::process::Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.map(drop).map_err(about("wrk is needed (apt-get install wrk, or brew install wrk)"))
}

/// Asks for one address, or with a script for those that it says.
pub(crate) async fn run(url: &str, time: Duration, script: Option<&Path>) -> Outcome<Run> {
    let mut command = Command::new("wrk");
    command.args(["-t1", "--latency", "--timeout", "30s"]).arg(format!("-c{CONNECTIONS}"));
    command.arg(format!("-d{}s", time.as_secs().max(1)));
    if let Some(script) = script {
        command.arg("-s").arg(script);
    }
    let output =
        command.arg(url).stdin(Stdio::null()).kill_on_drop(true).output().await.map_err(about("wrk"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    read(&text).ok_or_else(|| format!("wrk: {text}{}", String::from_utf8_lossy(&output.stderr)).into())
}

fn read(text: &str) -> Option<Run> {
    let after =
        |label: &str| text.lines().find_map(|line| Some(line.trim().strip_prefix(label)?.trim().to_owned()));
    let requests = text.lines().find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok())?;
    let socket_errors: f64 = after("Socket errors:").map_or(0.0, |errors| {
        errors
            .split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|number| number.parse::<f64>().ok())
            .sum()
    });
    let refused: f64 =
        after("Non-2xx or 3xx responses:").and_then(|number| number.parse().ok()).unwrap_or(0.0);
    Some(Run {
        rate: after("Requests/sec:")?.parse().ok()?,
        requests,
        p99: milliseconds(&after("99%")?)?,
        failures: refused + socket_errors,
    })
}

/// Reads the likes of `812.00us`, `1.25ms` and `2.00s`.
fn milliseconds(text: &str) -> Option<f64> {
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let number: f64 = text[..unit].parse().ok()?;
    Some(match &text[unit..] {
        "us" => number / 1000.0,
        "ms" => number,
        "s" => number * 1000.0,
        "m" => number * 60_000.0,
        _ => return None,
    })
}
