//! Whether what was filled is what the schema allows: triggers, which check references, were off.

use tokio_postgres::Client;

use crate::outcome::{Outcome, progress};

/// A query for each reference of the schema that counts what it leads nowhere from.
const REFERENCES: &str = "
    select conname, format(
        'select count(*) from %s child where %s and not exists (select from %s parent where %s)',
        conrelid::regclass,
        (select string_agg(format('child.%I is not null', attname), ' and ') from pg_attribute
            where attrelid = conrelid and attnum = any(conkey)),
        confrelid::regclass,
        (select string_agg(format('child.%I = parent.%I', mine.attname, theirs.attname), ' and ')
            from unnest(conkey, confkey) as pair (mine, theirs)
            join pg_attribute mine on mine.attrelid = conrelid and mine.attnum = pair.mine
            join pg_attribute theirs on theirs.attrelid = confrelid and theirs.attnum = pair.theirs)
    )
    from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace";

/// Fails where a reference leads nowhere.
pub(super) async fn references(client: &Client) -> Outcome<()> {
    let queries = client.query(REFERENCES, &[]).await?;
    for row in &queries {
        let (name, query): (String, String) = (row.get(0), row.get(1));
        let wrong: i64 = client.query_one(&query, &[]).await?.get(0);
        if wrong > 0 {
            return Err(format!("{wrong} rows break {name}").into());
        }
    }
    progress(format!("  all {} references lead somewhere", queries.len()));
    Ok(())
}

/// Fails where there are not as many rows as there should be.
pub(super) async fn rows(client: &Client, live: u64, articles: u64) -> Outcome<()> {
    let query = "select (select count(*) from articles), \
         (select count(*) from editions where kind = 'live' and status = 'published'), \
         (select count(*) from editions where kind = 'draft'), \
         (select count(*) from events where sequence is not null)";
    let row = client.query_one(query, &[]).await?;
    let counts: [i64; 4] = std::array::from_fn(|place| row.get(place));
    let [found, before_readers, drafts, sealed] = counts.map(i64::cast_unsigned);
    progress(format!("  {found} articles, {before_readers} of them before the readers, {sealed} events"));
    let as_planned = found == articles && drafts == articles && before_readers >= live && sealed > articles;
    if as_planned { Ok(()) } else { Err("these are not as many as there should be".into()) }
}

/// Fails where a tag or a citation does not say what its edition says of when readers saw it.
pub(super) async fn edges(client: &Client) -> Outcome<()> {
    let query = "select count(*) filter (where (edge.published_at, edge.language) is distinct from case \
             when e.kind = 'live' and e.status = 'published' then row(e.published_at, e.language) \
             else row(null::timestamptz, null::text) end), count(edge.published_at) \
         from (select article_id, kind, published_at, language from edition_tags \
             union all select article_id, kind, published_at, language from citations) as edge \
         join editions e using (article_id, kind)";
    let row = client.query_one(query, &[]).await?;
    let (wrong, seen): (i64, i64) = (row.get(0), row.get(1));
    progress(format!("  {seen} tags and citations are before the readers"));
    if wrong == 0 && seen > 0 {
        Ok(())
    } else {
        Err(format!("{wrong} tags and citations differ from their editions").into())
    }
}
