//! Finds the articles that are related to an article.

use diesel::{
    prelude::*,
    sql_types::{BigInt, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::{
        model::{article::Article, view::View},
        store::editions::{load, visible},
    },
    schema::editions,
};

/// The ids of related articles. However many articles have something in common, only a bounded number of
/// candidates is looked at: the 200 newest articles for each document, source and tag, and, for the words of
/// their headlines, the 500 that were published last. All of them come out of an index, newest first.
const RELATED: &str = "
    with story as materialized (
        select e.article_id, e.language, e.search_config, e.translation_group_id,
            tsvector_to_array(ts_filter(e.search, '{a}')) as words
        from editions e where e.article_id = $1 and e.kind = 'live'
    ),
    cited as (
        select c.document_key, c.source_id from citations c where c.article_id = $1 and c.kind = 'live'
    ),
    kin as (
        select o.article_id, 1 as documents, 0 as sources, 0 as tags
        from (select distinct document_key from cited) d
        cross join lateral (
            select distinct c.article_id from citations c where c.document_key = d.document_key and c.kind = 'live'
            order by c.article_id desc limit 200
        ) o
        union all
        select o.article_id, 0, 1, 0
        from (select distinct source_id from cited) s
        cross join lateral (
            select distinct c.article_id from citations c where c.source_id = s.source_id and c.kind = 'live'
            order by c.article_id desc limit 200
        ) o
        union all
        select o.article_id, 0, 0, 1
        from edition_tags t
        cross join lateral (
            select c.article_id from edition_tags c where c.tag_id = t.tag_id and c.kind = 'live'
            order by c.article_id desc limit 200
        ) o
        where t.article_id = $1 and t.kind = 'live'
        union all
        (
            select e.article_id, 0, 0, 0 from editions e where e.kind = 'live' and e.status = 'published'
            order by e.published_at desc, e.article_id desc limit 500
        )
    ),
    scored as (
        select article_id, sum(documents) as documents, sum(sources) as sources, sum(tags) as tags
        from kin group by article_id
    )
    select e.article_id
    from scored k
    join editions e on e.article_id = k.article_id and e.kind = 'live' and e.status = 'published'
    cross join story
    cross join lateral (
        -- Words of different languages do not compare.
        select case when e.search_config = story.search_config then (
            select count(*) from unnest(tsvector_to_array(ts_filter(e.search, '{a}'))) word
            where word = any(story.words)
        ) else 0 end as words
        offset 0
    ) shared
    where e.article_id <> story.article_id and e.translation_group_id <> story.translation_group_id
        and (k.documents > 0 or k.sources > 0 or k.tags > 0 or shared.words > 0)
    order by k.documents desc, k.sources desc, k.tags desc, e.language = story.language desc, shared.words desc,
        e.published_at desc, e.article_id desc
    limit $2";

#[derive(QueryableByName)]
struct Related {
    #[diesel(sql_type = SqlUuid)]
    article_id: Uuid,
}

/// Returns up to `rows` live articles that have something in common with a live one, those with the most
/// first. Its translations are left out.
pub(crate) async fn list_related(
    conn: &mut AsyncPgConnection,
    article: Uuid,
    rows: i64,
) -> QueryResult<Vec<Article>> {
    let related: Vec<Related> =
        diesel::sql_query(RELATED).bind::<SqlUuid, _>(article).bind::<BigInt, _>(rows).load(conn).await?;
    let ids: Vec<_> = related.into_iter().map(|related| related.article_id).collect();
    let query = visible(View::Live).filter(editions::article_id.eq_any(ids.clone()));
    let mut articles = load(conn, query, View::Live, false).await?;
    articles.sort_by_key(|article| ids.iter().position(|id| *id == article.id));
    Ok(articles)
}
