//! Articles to write to: all alike, none that another measurement wrote to.

use tokio_postgres::Client;
use uuid::Uuid;

use crate::outcome::Outcome;

/// Before the readers in their first version, alone in their language, scattered over all years. To look at
/// each of a million articles takes minutes: a sample is enough.
const TARGETS: &str = "
    drop table if exists figures_targets;
    create table figures_targets as
        select (row_number() over () - 1)::int as n, article_id as id, slug from (
            select d.article_id, d.slug
            from articles a tablesample bernoulli ({percent}) join editions d on d.article_id = a.id
            where d.kind = 'draft' and d.status = 'published' and d.revision = 1 and a.version = 2
                and d.translation_group_id = d.article_id and d.language = 'id'
                and (select count(*) from edition_tags t where t.article_id = d.article_id and t.kind = 'draft') = 3
                and (select count(*) from citations c where c.article_id = d.article_id and c.kind = 'draft') = 1
                and (select l.status from editions l where l.article_id = d.article_id and l.kind = 'live') = 'published'
            order by md5(d.article_id::text) limit {count}
        ) as chosen;
    alter table figures_targets add primary key (n);
    analyze figures_targets";

/// An article to write to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
}

/// Chooses so many, and numbers them in the table `figures_targets`.
pub(crate) async fn choose(client: &Client, count: usize) -> Outcome<Vec<Target>> {
    let articles: f32 =
        client.query_one("select reltuples from pg_class where relname = 'articles'", &[]).await?.get(0);
    // One article of ten or so will do.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let percent = (count as f32 * 100.0 * 50.0 / articles.max(1.0)).clamp(1.0, 100.0);
    let choose = TARGETS.replace("{count}", &count.to_string()).replace("{percent}", &percent.to_string());
    client.batch_execute(&choose).await?;
    let query = "select id::text, slug from figures_targets order by n";
    let mut targets = Vec::with_capacity(count);
    for row in client.query(query, &[]).await? {
        targets.push(Target { id: row.get::<_, &str>(0).parse()?, slug: row.get(1) });
    }
    if targets.len() == count {
        return Ok(targets);
    }
    Err(format!("only {} articles are left to write to, of {count}: run without --keep", targets.len())
        .into())
}
