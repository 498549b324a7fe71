//! What an instance counts, as Prometheus reads it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use chrono::TimeDelta;
use serde_json::{Value, json};
use warta::principal::Role;
use yaml_rust2::{Yaml, YamlLoader};

use crate::support::{Line, PASSWORD, Server};

const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What Prometheus itself asks for.
const PROMETHEUS: &str =
    "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

/// The samples of an answer, by name and labels.
struct Samples(BTreeMap<String, f64>);

impl Samples {
    /// Reads the text format, and fails where it is not kept: each sample has a type above it, and stands
    /// there once.
    fn read(text: &str) -> Self {
        let (mut samples, mut types, mut helped) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let mut last = String::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(helped.contains(name), "no help for {name}");
                assert_eq!(types.insert(name.to_owned(), kind.to_owned()), None, "{name} is described twice");
                name.clone_into(&mut last);
                continue;
            }
            if let Some(rest) = line.strip_prefix("# HELP ") {
                helped.insert(rest.split_once(' ').unwrap().0.to_owned());
                continue;
            }
            assert!(!line.starts_with('#'), "{line}");
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            let kind = &types[&last];
            let part = name.strip_prefix(&*last).unwrap_or_else(|| panic!("{name} stands under {last}"));
            match kind.as_str() {
                "histogram" => assert!(["_bucket", "_sum", "_count"].contains(&part), "{line}"),
                "counter" => assert!(part.is_empty() && name.ends_with("_total"), "{line}"),
                "gauge" => assert!(part.is_empty() && !name.ends_with("_total"), "{line}"),
                other => panic!("{name} is a {other}"),
            }
            assert_eq!(
                samples.insert(sample.to_owned(), value.parse().unwrap()),
                None,
                "{sample} stands there twice"
            );
        }
        Self(samples)
    }

    async fn of(server: &Server) -> Self {
        let answer = server.get("/metrics", None).await.expect(200);
        assert_eq!(answer.header("content-type"), PLAIN);
        Self::read(&answer.text)
    }

    #[track_caller]
    fn get(&self, sample: &str) -> f64 {
        *self.0.get(sample).unwrap_or_else(|| panic!("no {sample} in {:#?}", self.0))
    }

    /// The names, as queries write them.
    fn names(&self) -> BTreeSet<&str> {
        self.0.keys().map(|sample| sample.split('{').next().unwrap()).collect()
    }
}

#[tokio::test]
async fn whoever_does_not_ask_for_open_metrics_gets_the_text_format() {
    let server = Server::start().await;
    let accept = |accept: &'static str| {
        let server = &server;
        async move { server.send("GET", "/metrics", &[("accept", accept)], None).await.expect(200) }
    };
    for other in ["*/*", "text/plain", "application/openmetrics-text;q=0"] {
        assert_eq!(accept(other).await.header("content-type"), PLAIN, "{other}");
    }
    let open = accept(PROMETHEUS).await;
    assert_eq!(open.header("content-type"), OPEN);
    assert!(
        open.text.ends_with("# EOF\n") && open.text.contains("\n# TYPE warta_build info\n"),
        "{}",
        open.text
    );
    let plain = Samples::of(&server).await;
    assert!(plain.get(&format!("warta_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))) > 0.0);
}

#[tokio::test]
async fn requests_are_told_apart_by_their_route_and_status() {
    let server = Server::start().await;
    let editor = server.sign_in(Role::Editor).await;
    for _ in 0..2 {
        server.get("/v1/articles", None).await.expect(200);
        server.get("/v1/articles/tidak-ada", None).await.expect(404);
    }
    server.get("/no/such/place", None).await.expect(404);
    server.send("BREW", "/v1/articles", &[], None).await;
    server.get("/v1/articles?draft=true", Some(&editor)).await.expect(200);
    let samples = Samples::of(&server).await;
    let count = |method: &str, route: &str, status: u16| {
        let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
        let count = samples.get(&format!("http_request_duration_seconds_count{{{labels}}}"));
        let all = samples.get(&format!("http_request_duration_seconds_bucket{{le=\"+Inf\",{labels}}}"));
        assert!((count - all).abs() < 0.5, "{labels}");
        count
    };
    assert_eq!(
        [
            count("GET", "/v1/articles", 200),
            count("GET", "/v1/articles/{article}", 404),
            count("GET", "none", 404),
            count("POST", "/v1/auth/login", 200),
        ],
        [3.0, 2.0, 1.0, 1.0]
    );
    // Whatever a client calls its method, it makes no labels.
    assert!(!samples.0.keys().any(|sample| sample.contains("BREW")));
}

#[tokio::test]
async fn sign_ins_are_told_apart_by_how_they_ended() {
    let server = Server::start().await;
    server.editor("ayu@example.org", Role::Writer).await;
    let mut wrong = 0.0;
    let refused = loop {
        let login = json!({"email": "ayu@example.org", "password": "not this one"});
        match server.post("/v1/auth/login", None, login).await.status {
            401 => wrong += 1.0,
            status => break status,
        }
    };
    assert_eq!(refused, 429);
    server.editor("budi@example.org", Role::Writer).await;
    let samples = Samples::of(&server).await;
    let count = |outcome| samples.get(&format!("warta_sign_ins_total{{outcome=\"{outcome}\"}}"));
    assert_eq!(count("wrong").to_bits(), f64::to_bits(wrong));
    assert!(count("refused_account") + count("refused_network") > 0.5);
    assert_eq!(count("success").to_bits(), 0.0_f64.to_bits());
    assert!(samples.get("warta_sign_ins_waiting") < 0.5);
    assert!(!samples.0.keys().any(|sample| sample.contains(PASSWORD) || sample.contains("example.org")));
}

#[tokio::test]
async fn what_is_late_is_told_until_it_is_done() {
    let server = Server::start().await;
    let editor = server.sign_in(Role::Editor).await;
    server.clock.stop();
    let at = server.clock.now() + TimeDelta::minutes(1);
    for title in ["Satu", "Dua"] {
        let made =
            server.post("/v1/articles", Some(&editor), json!({"title": title, "language": "id"})).await;
        let publish = format!("{}/publish", made.expect(201).header("location"));
        server.post(&publish, Some(&editor), json!({"at": at})).await.expect(200);
    }
    let looked = |samples: &Samples| {
        ["warta_scheduler_overdue", "warta_scheduler_lag_seconds", "warta_events_unsealed"]
            .map(|name| samples.get(name))
    };
    let [overdue, lag, unsealed] = looked(&Samples::of(&server).await);
    assert!(overdue < 0.5 && lag < 0.5 && unsealed > 4.5, "{overdue} {lag} {unsealed}: no sealer runs here");
    server.clock.advance(TimeDelta::seconds(90));
    // It is asked once a second at most, however often somebody scrapes.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let [overdue, lag, _] = looked(&Samples::of(&server).await);
    assert!((overdue - 2.0).abs() < 0.1 && (lag - 30.0).abs() < 0.1, "{overdue} {lag}");
    server.publish_due().await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let [overdue, lag, _] = looked(&Samples::of(&server).await);
    assert!(overdue < 0.5 && lag < 0.1, "{overdue} {lag}");
}

#[tokio::test]
async fn scraping_asks_the_database_once_a_second_at_most() {
    let server = Server::uncached().await;
    let before = Samples::of(&server).await.get("warta_sql_statements_total");
    let began = std::time::Instant::now();
    for _ in 0..50 {
        Samples::of(&server).await;
    }
    let rounds = began.elapsed().as_secs_f64() + 2.0;
    let after = Samples::of(&server).await.get("warta_sql_statements_total");
    assert!(after - before < 10.0 * rounds, "{} statements", after - before);
}

#[tokio::test]
async fn it_answers_while_the_database_is_away() {
    for line in [Line::Closed, Line::Silent] {
        let (server, proxy) = Server::behind_a_line(Duration::from_secs(60)).await;
        let samples = Samples::of(&server).await;
        assert!(samples.get("warta_database_up") > 0.5 && samples.get("warta_database_read_only") < 0.5);
        assert!(samples.0.contains_key("warta_scheduler_overdue"));
        let open = ["in_use", "idle"]
            .map(|state| samples.get(&format!("warta_database_connections{{state=\"{state}\"}}")));
        assert!(open.iter().sum::<f64>() > 0.5 && samples.get("warta_database_connections_limit") > 3.5);
        proxy.set(line);
        let began = std::time::Instant::now();
        let away = loop {
            let samples = Samples::of(&server).await;
            if samples.get("warta_database_up") < 0.5 {
                break samples;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "it says for ever that the database is there");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        // What only the database knows is not known now.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let samples = Samples::of(&server).await;
        assert!(!samples.0.contains_key("warta_scheduler_overdue"), "{:?}", away.0);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_process_is_told_of() {
    let server = Server::start().await;
    let samples = Samples::of(&server).await;
    assert!(
        samples.get("process_resident_memory_bytes") > 1e6 && samples.get("process_cpu_seconds_total") > 0.0
    );
    assert!(samples.get("process_open_fds") <= samples.get("process_max_fds"));
    // Between the day on which this was written and the day after tomorrow.
    let start = samples.get("process_start_time_seconds");
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let latest = (server.clock.now().timestamp() + 2 * 86_400) as f64;
    assert!(start > 1.7e9 && start < latest, "{start}");
}

/// Words in `text` that are names of metrics.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    let ours =
        |word: &&str| ["warta_", "http_request_", "process_"].iter().any(|start| word.starts_with(start));
    words.filter(ours).map(str::to_owned).collect()
}

fn expressions(of: &Value, found: &mut Vec<String>) {
    match of {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "expr" => found.push(text.clone()),
                    _ => expressions(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_page_the_alerts_and_the_dashboard_name_what_there_is() {
    let server = Server::start().await;
    let editor = server.sign_in(Role::Editor).await;
    // What counts from the first time on.
    server
        .post("/v1/articles", Some(&editor), json!({"title": "Satu", "language": "id", "body": "Isi."}))
        .await
        .expect(201);
    let samples = Samples::of(&server).await;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let read = |name: &str| fs::read_to_string(docs.join(name)).unwrap();
    let names = samples.names();

    let page = read("operating.md");
    for name in &names {
        let plain =
            ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        // Several of one family share a row: `a_total`, `_b_total`.
        let is_told = page.contains(plain)
            || page.match_indices("`_").any(|(start, _)| {
                let end = page[start + 1..].find(['`', '{']).unwrap_or_default();
                plain.ends_with(&page[start + 1..=start + end])
            });
        assert!(is_told, "{name} is not in operating.md");
    }
    let rules = YamlLoader::load_from_str(&read("alerts.yml")).unwrap();
    let rules = rules[0]["groups"][0]["rules"].as_vec().unwrap();
    assert!(rules.len() > 5);
    let mut asked: Vec<String> = rules.iter().map(|rule| rule["expr"].as_str().unwrap().to_owned()).collect();
    assert!(rules.iter().all(|rule| matches!(rule["annotations"]["summary"], Yaml::String(_))));
    let before = asked.len();
    expressions(&serde_json::from_str(&read("grafana.json")).unwrap(), &mut asked);
    assert!(asked.len() > before + 10);
    for expression in asked {
        for name in named(&expression) {
            assert!(names.contains(&*name), "no {name}, of which {expression} asks");
        }
    }
}
