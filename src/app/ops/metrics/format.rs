//! Converts metrics to the text format of Prometheus, version 0.0.4, for clients that do not ask for
//! OpenMetrics.

use std::collections::HashMap;

/// Rewrites OpenMetrics in the older format: a counter is described by the name that its samples have,
/// information is a gauge, and there is neither a unit nor an end.
pub(super) fn plain(open: &str) -> String {
    let described = |line: &str| {
        let mut words = line.strip_prefix("# TYPE ")?.split(' ');
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    };
    let types: HashMap<String, String> = open.lines().filter_map(described).collect();
    let renamed = |name: &str| match types.get(name).map(String::as_str) {
        Some("counter") => format!("{name}_total"),
        Some("info") => format!("{name}_info"),
        _ => name.to_owned(),
    };
    let mut text = String::with_capacity(open.len() + 1024);
    for line in open.lines() {
        let described =
            ["# HELP ", "# TYPE "].into_iter().find_map(|kind| Some((kind, line.strip_prefix(kind)?)));
        match described {
            Some((kind, rest)) => {
                let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let rest = match (kind, rest) {
                    ("# TYPE ", "info") => "gauge",
                    ("# TYPE ", "unknown") => "untyped",
                    (_, rest) => rest,
                };
                text.extend([kind, &renamed(name), " ", rest, "\n"]);
            }
            None if line.starts_with('#') => {}
            None => text.extend([line, "\n"]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stay_and_descriptions_follow_them() {
        let open = "# HELP a Requests.\n# TYPE a counter\na_total{b=\"# TYPE a counter\"} 3\n# HELP build What.\n\
                    # TYPE build info\nbuild_info{version=\"1\"} 1\n# HELP s Seconds.\n# TYPE s histogram\n# UNIT s seconds\n\
                    s_sum 0.5\ns_count 1\ns_bucket{le=\"+Inf\"} 1\n# EOF\n";
        let expected = "# HELP a_total Requests.\n# TYPE a_total counter\na_total{b=\"# TYPE a counter\"} 3\n\
                        # HELP build_info What.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n# HELP s Seconds.\n\
                        # TYPE s histogram\ns_sum 0.5\ns_count 1\ns_bucket{le=\"+Inf\"} 1\n";
        assert_eq!(plain(open), expected);
    }
}
