//! Full-text search in articles.
//!
//! A search is parsed first, in each language that it is made in; languages in which it asks for nothing are
//! left out. From then on it is a condition on editions like any other, and an index serves it.

use std::collections::HashMap;

use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment},
    sql_types::{Array, Bool, Float, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use crate::{
    articles::{
        model::{
            article::Article,
            highlight::{Highlight, Marked, snippet},
            query::ArticlesQuery,
            view::View,
        },
        store::draft::{DRAFT, LIVE},
    },
    database::sql::expression,
    values::Language,
};

/// The limits of a search. It must not keep a connection busy: a search that takes too long is refused, and
/// the client can try again. It is planned for its own words, because the best index depends on how rare they
/// are.
const LIMITS: &str = "set local statement_timeout = '2s'; set local plan_cache_mode = force_custom_plan";

/// Parses a search: one row for each different meaning that it has in the languages.
const UNDERSTOOD: &str = "select query::text as query, querytree(query) as words, array_agg(config) as configs \
     from (select cfgname::text as config from pg_ts_config where cfgnamespace = 'pg_catalog'::regnamespace) as configs \
     cross join lateral websearch_to_tsquery(config::regconfig, search_fold($1)) as query \
     where querytree(query) not in ('', 'T') \
     and ($2 is null or config in (select search_config(language) from unnest($2) as languages (language))) \
     group by 1, 2 order by 1";

/// The number of characters of HTML in which found words are marked: for all editions of a page together, and
/// the minimum for each. On a long page, only the beginnings of long texts are marked.
const LOOKED_AT: (usize, usize) = (1_000_000, 8_000);

/// The rank of each edition, and its texts with the found words marked. All words of the text count: the time
/// to choose a part of it in this statement would grow with the square of its length.
const HITS: &str = r#"
    select e.article_id, ts_rank_cd(e.search, m.query::tsquery) as rank, e.title, e.summary, b.text,
        ts_headline(m.config::regconfig, search_fold(e.title), m.words::tsquery, o.options) as marked_title,
        ts_headline(m.config::regconfig, search_fold(e.summary), m.words::tsquery, o.options) as marked_summary,
        ts_headline(m.config::regconfig, search_fold(b.text), m.words::tsquery, o.options) as marked_text
    from editions e
    join (select unnest($3) as config, unnest($4) as query, unnest($5) as words) m on m.config = e.search_config
    cross join lateral (select search_text(left(e.body_html, $6)) as text offset 0) b
    cross join (select E'HighlightAll=true, StartSel="\x02", StopSel="\x03"' as options) o
    where e.article_id = any($1) and e.kind = $2"#;

/// A search as some languages understand it.
#[derive(Clone, Debug, QueryableByName)]
pub(crate) struct Meaning {
    /// The search as a `tsquery`.
    #[diesel(sql_type = Text)]
    query: String,
    /// The same without the excluded words.
    #[diesel(sql_type = Text)]
    words: String,
    /// The text search configurations of these languages.
    #[diesel(sql_type = Array<Text>)]
    configs: Vec<String>,
}

/// Bounds the time of the statements of this transaction.
pub(crate) async fn limit_search(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    conn.batch_execute(LIMITS).await
}

/// Parses a search in the languages of the query. Returns nothing if no word is left to search for.
pub(crate) async fn understand(
    conn: &mut AsyncPgConnection,
    search: &str,
    query: &ArticlesQuery,
) -> QueryResult<Vec<Meaning>> {
    let tags = |languages: &[Language]| languages.iter().map(|tag| (**tag).to_owned()).collect::<Vec<_>>();
    let languages = query.language.as_ref().map(|languages| tags(&languages.0));
    diesel::sql_query(UNDERSTOOD)
        .bind::<Text, _>(search)
        .bind::<Nullable<Array<Text>>, _>(languages)
        .load(conn)
        .await
}

#[derive(QueryableByName)]
struct Hit {
    #[diesel(sql_type = SqlUuid)]
    article_id: Uuid,
    #[diesel(sql_type = Float)]
    rank: f32,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Text)]
    summary: String,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Text)]
    marked_title: String,
    #[diesel(sql_type = Text)]
    marked_summary: String,
    #[diesel(sql_type = Text)]
    marked_text: String,
}

impl Hit {
    fn highlight(&self) -> Highlight {
        let text = Marked::new(&self.text, &self.marked_text);
        let summary = Marked::new(&self.summary, &self.marked_summary);
        let title = Marked::new(&self.title, &self.marked_title).to_html();
        Highlight { title, snippet: snippet(&text, &summary) }
    }
}

/// Sets the rank and the marked words of each article.
pub(crate) async fn with_highlights(
    conn: &mut AsyncPgConnection,
    view: View,
    meanings: &[Meaning],
    mut articles: Vec<Article>,
) -> QueryResult<Vec<Article>> {
    let ids: Vec<_> = articles.iter().map(|article| article.id).collect();
    let kind = if view == View::Live { LIVE } else { DRAFT };
    let each = |of: fn(&Meaning) -> &str| -> Vec<&str> {
        meanings.iter().flat_map(|meaning| meaning.configs.iter().map(move |_| of(meaning))).collect()
    };
    let configs: Vec<_> = meanings.iter().flat_map(|meaning| &meaning.configs).collect();
    let (all, each_at_least) = LOOKED_AT;
    let looked_at = (all / ids.len().max(1)).max(each_at_least);
    let looked_at = i32::try_from(looked_at).unwrap_or(i32::MAX);
    let hits: Vec<Hit> = diesel::sql_query(HITS)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Text, _>(kind)
        .bind::<Array<Text>, _>(configs)
        .bind::<Array<Text>, _>(each(|meaning| &meaning.query))
        .bind::<Array<Text>, _>(each(|meaning| &meaning.words))
        .bind::<Integer, _>(looked_at)
        .load(conn)
        .await?;
    let hits: HashMap<_, _> = hits.into_iter().map(|hit| (hit.article_id, hit)).collect();
    for article in &mut articles {
        let hit = hits.get(&article.id);
        article.rank = hit.map(|hit| hit.rank);
        article.highlight = hit.map(Hit::highlight);
    }
    Ok(articles)
}

/// The condition that an edition matches a search, as the edition's own language understands it.
pub(crate) struct Matches<'a>(pub(super) &'a [Meaning]);

impl QueryFragment<Pg> for Matches<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // In this form, and not as a `case`, an index serves each of the meanings.
        out.push_sql("(false");
        for Meaning { query, configs, .. } in self.0 {
            out.push_sql(" or (editions.search @@ ");
            out.push_bind_param::<Text, _>(query)?;
            out.push_sql("::tsquery and editions.search_config = any(");
            out.push_bind_param::<Array<Text>, _>(configs)?;
            out.push_sql("))");
        }
        out.push_sql(")");
        Ok(())
    }
}

/// The rank of an edition for a search: a headline counts more than a dek, and a dek more than the body.
#[derive(Clone, Copy)]
pub(crate) struct Rank<'a>(pub(super) &'a [Meaning]);

impl QueryFragment<Pg> for Rank<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(case");
        for Meaning { query, configs, .. } in self.0 {
            out.push_sql(" when editions.search_config = any(");
            out.push_bind_param::<Array<Text>, _>(configs)?;
            out.push_sql(") then ts_rank_cd(editions.search, ");
            out.push_bind_param::<Text, _>(query)?;
            out.push_sql("::tsquery)");
        }
        out.push_sql(" else 0::real end)");
        Ok(())
    }
}

expression!(Matches<'_>: Bool);
expression!(Rank<'_>: Float);
