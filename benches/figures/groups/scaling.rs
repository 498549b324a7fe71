//! What a hundred times as many articles cost: latencies of requests that are made one after the other,
//! without the response cache.

use crate::{
    fill::{
        self,
        cast::{source, tag},
    },
    outcome::{Outcome, median, quantile},
    report::{Budget, ms},
    server::{Caching, Server},
    setting::{Setting, latencies, newest},
    words::{COMMON, RARE},
};

/// How many articles a page has.
const LIMIT: usize = 20;

/// The page that stands for deep ones.
const DEEP: usize = 500;

/// What is asked for in both databases.
struct Case {
    what: String,
    /// In the small and in the big one.
    paths: [String; 2],
    budget: Budget,
}

/// Measures them all.
pub(crate) async fn measure(setting: &mut Setting) -> Outcome<()> {
    let [small, big] = setting.urls();
    let small = setting.launcher.start(&small, Caching::Off).await?;
    let big = setting.launcher.start(&big, Caching::Off).await?;
    let rare = rare(setting).await?;
    let cases = cases(&small, &big, &rare).await?;
    for case in cases {
        let (mut times, mut failed) = ([Vec::new(), Vec::new()], 0);
        let mut slow = false;
        for round in 0..=setting.scale.rounds {
            if slow && round > 1 {
                break;
            }
            for (place, server) in [&small, &big].into_iter().enumerate() {
                // The first round warms up.
                let requests = if round == 0 { 5 } else { setting.scale.requests / setting.scale.rounds };
                let (more, failures) = latencies(server, &case.paths[place], requests).await?;
                // Nobody waits for many of what takes seconds.
                slow |= more.iter().any(|time| *time > 2000.0);
                if round > 0 {
                    times[place].extend(more);
                    failed += failures;
                }
            }
        }
        let [small, big] = times.each_ref().map(|times| median(times));
        let mut shown = format!("{}, p99 {}", ms(big), ms(quantile(&times[1], 0.99)));
        if failed > 0 {
            shown += &format!(", {failed} of {} refused (503)", times[0].len() + times[1].len());
        }
        setting.report.ratio(case.what, (shown, ms(small)), big / small, case.budget);
    }
    Ok(())
}

/// The least popular tag and source with a page of articles and more, also in the small database: a page that
/// is not full there would be held against one that is.
async fn rare(setting: &Setting) -> Outcome<[String; 2]> {
    let client = setting.cluster.connect(&fill::database(setting.scale.sizes[0])).await?;
    let mut rare = [tag(0), source(0)];
    for (found, (table, edges, column)) in
        rare.iter_mut().zip([("tags", "edition_tags", "tag_id"), ("sources", "citations", "source_id")])
    {
        let query = format!(
            "select t.slug from {table} t join {edges} e on e.{column} = t.id and e.published_at is not null \
             group by t.slug having count(distinct e.article_id) > $1 order by count(distinct e.article_id) limit 1"
        );
        if let Some(row) = client.query_opt(&query, &[&i64::try_from(LIMIT)?]).await? {
            *found = row.get(0);
        }
    }
    Ok(rare)
}

async fn cases(small: &Server, big: &Server, [rare_tag, rare_source]: &[String; 2]) -> Outcome<Vec<Case>> {
    let bounded = Budget::AtMost(1.3);
    let same = |what: &str, path: String, budget| Case {
        what: what.to_owned(),
        paths: [path.clone(), path],
        budget,
    };
    let list = |filter: String| format!("/v1/articles?limit={LIMIT}&{filter}");
    let articles = [newest(small).await?, newest(big).await?];
    let article = |rest: &str| articles.each_ref().map(|slug| format!("/v1/articles/{slug}{rest}"));
    let (page, deep) = deep_page(small, DEEP).await?;
    let (_, deep_in_big) = deep_page(big, page).await?;
    let mut cases = vec![
        same("list, page 1", list(String::new()), bounded),
        Case { what: format!("list, page {page}"), paths: [deep, deep_in_big], budget: bounded },
        same("list by a common tag", list(format!("tag={}", tag(0))), bounded),
        same("list by a rare tag", list(format!("tag={rare_tag}")), bounded),
        same("list by a common source", list(format!("source={}", source(0))), bounded),
        same("list by a rare source", list(format!("source={rare_source}")), bounded),
        same("list by language", list("language=en".to_owned()), bounded),
        same("search for a common word", list(format!("q={COMMON}")), Budget::None),
        same("search for a rare word", list(format!("q={RARE}")), Budget::None),
        same(
            "search for a common word, by relevance",
            list(format!("q={COMMON}&sort=relevance")),
            Budget::None,
        ),
        Case { what: "article".to_owned(), paths: article(""), budget: Budget::None },
        Case { what: "related".to_owned(), paths: article("/related"), budget: Budget::None },
    ];
    for (what, path) in [
        ("list with count", "/v1/articles?count=true"),
        ("list by a common tag with count", "/v1/articles?count=true&tag=topik-0"),
        ("tags with their article counts", "/v1/tags?limit=100"),
        ("menu", "/v1/tags?menu=true"),
        ("sources with their article counts", "/v1/sources?limit=100"),
        ("RSS", "/feeds/rss.xml"),
        ("sitemap index", "/sitemap.xml"),
        ("news sitemap", "/sitemap-news.xml"),
    ] {
        cases.push(same(what, path.to_owned(), Budget::None));
    }
    Ok(cases)
}

/// Walks to a page, or to the last full one before it; its number and its address.
async fn deep_page(server: &Server, page: usize) -> Outcome<(usize, String)> {
    let mut found = (1, format!("/v1/articles?limit={LIMIT}"));
    for number in 2..=page {
        let answer = server.get(&found.1).await?.json()?;
        let Some(cursor) = answer["next_cursor"].as_str() else { break };
        let next = format!("/v1/articles?limit={LIMIT}&cursor={cursor}");
        if number == page {
            let last = server.get(&next).await?.json()?;
            if last["data"].as_array().map_or(0, Vec::len) < LIMIT {
                break;
            }
        }
        found = (number, next);
    }
    Ok(found)
}
