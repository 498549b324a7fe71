//! How Postgres finds what the hot requests ask for: never by reading a big table from its beginning to its
//! end.

use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::{
    capture::Statement,
    fill::cast::{RAREST, source, tag},
    outcome::{Outcome, about},
    pgbench::{typed, types},
    server::Caching,
    setting::{Setting, newest},
    words::{COMMON, RARE},
};

/// What grows with every article.
const BIG: [&str; 9] = [
    "articles",
    "article_slugs",
    "editions",
    "edition_tags",
    "citations",
    "revisions",
    "versions",
    "corrections",
    "events",
];

/// Looks at the plans with the values of the request, and at those that serve all values, which Postgres may
/// change over to after a few requests.
const MODES: [&str; 2] = ["force_custom_plan", "force_generic_plan"];

/// Checks them all.
pub(crate) async fn measure(setting: &mut Setting) -> Outcome<()> {
    let server = setting.start(Caching::Off).await?;
    let slug = newest(&server).await?;
    let list = server.get("/v1/articles").await?.json()?;
    let paths = [
        format!("/v1/articles/{slug}"),
        format!("/v1/articles/{}", list["data"][0]["id"].as_str().unwrap_or_default()),
        format!("/v1/articles/{slug}/related"),
        "/v1/articles".to_owned(),
        format!("/v1/articles?cursor={}", list["next_cursor"].as_str().unwrap_or_default()),
        format!("/v1/articles?tag={}", tag(0)),
        format!("/v1/articles?tag={}", tag(RAREST.0)),
        format!("/v1/articles?source={}", source(0)),
        format!("/v1/articles?source={}", source(RAREST.1)),
        "/v1/articles?language=id".to_owned(),
        "/v1/articles?sort=-updated_at".to_owned(),
        "/v1/articles?sort=title".to_owned(),
        format!("/v1/articles?q={COMMON}"),
        format!("/v1/articles?q={RARE}"),
        "/feeds/rss.xml".to_owned(),
        "/sitemap-news.xml".to_owned(),
        "/v1/tags/topik-0".to_owned(),
        "/v1/tags?menu=true".to_owned(),
    ];
    for path in &paths {
        server.try_get(path).await?;
    }
    let captured = setting.statements(&server, &paths).await?;
    let client = setting.connect().await?;
    // In a small database reading all is best: there it is only looked at whether an index could serve.
    client.batch_execute(if setting.scale.is_full() { "" } else { "set enable_seqscan = off" }).await?;
    let (mut checked, mut wrong) = (0, Vec::new());
    for (path, statements) in paths.iter().zip(&captured) {
        for statement in statements.iter().filter(|statement| is_query(statement)) {
            for mode in MODES {
                // A search is always planned for its own words.
                if mode == MODES[1] && statement.sql.contains("@@") {
                    continue;
                }
                checked += 1;
                let plan = explain(&client, statement, mode).await.map_err(about(path))?;
                let scanned = scanned(&plan);
                if !scanned.is_empty() {
                    wrong.push(format!(
                        "{path} reads all of {} ({mode}):\n{}\n{plan:#}",
                        scanned.join(", "),
                        statement.sql
                    ));
                }
            }
        }
    }
    let shown = format!("{} of {checked} read a big table whole", wrong.len());
    setting.report.note(format!("plans of {} hot requests", paths.len()), shown, "none may");
    wrong.iter().for_each(|plan| setting.report.fail(plan));
    Ok(())
}

fn is_query(statement: &Statement) -> bool {
    let start = statement.sql.trim_start().to_ascii_lowercase();
    start.starts_with("select") || start.starts_with("with")
}

/// The plan of a statement.
pub(crate) async fn explain(client: &Client, statement: &Statement, mode: &str) -> Outcome<Value> {
    let sql = typed(statement);
    let types = types(client, &sql).await?;
    let values = statement.parameters.iter().map(|value| match value {
        None => "null".to_owned(),
        Some(value) => format!("'{}'", value.replace('\'', "''")),
    });
    let (values, types) = (values.collect::<Vec<_>>().join(", "), types.join(", "));
    let lists = if values.is_empty() {
        [String::new(), String::new()]
    } else {
        [format!("({types})"), format!("({values})")]
    };
    let [types, values] = lists;
    let batch = format!(
        "set plan_cache_mode = {mode}; prepare figures_plan {types} as {sql}; \
         explain (format json) execute figures_plan {values}; deallocate figures_plan"
    );
    let answers = client.simple_query(&batch).await.map_err(about(&batch))?;
    let rows = answers.iter().filter_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(serde_json::from_str(&rows.collect::<String>())?)
}

/// The big tables that a plan reads whole.
fn scanned(plan: &Value) -> Vec<String> {
    match plan {
        Value::Array(parts) => parts.iter().flat_map(scanned).collect(),
        Value::Object(node) => {
            let relation =
                node.get("Relation Name").and_then(Value::as_str).filter(|name| BIG.contains(name));
            let kind = node.get("Node Type").and_then(Value::as_str);
            let here = relation.filter(|_| kind == Some("Seq Scan")).map(str::to_owned);
            here.into_iter().chain(node.values().flat_map(scanned)).collect()
        }
        _ => Vec::new(),
    }
}
