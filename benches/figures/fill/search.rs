//! What search has of each edition is a generated column, and most of the time that a row takes. While rows
//! are copied, the function that makes it puts it together from that of the paragraphs, which the function
//! itself made before; then it is itself again.

use tokio_postgres::Client;

use crate::{
    outcome::{Outcome, about, progress},
    words::Tongue,
};

const PARAGRAPHS: &str = "
    create unlogged table figures_paragraphs (html text, vector tsvector);
    create index on figures_paragraphs using hash (html)";

const VECTOR: &str = "insert into figures_paragraphs \
     select html, search_vector(search_config($1), '', '', html) from unnest($2::text[]) as given (html)";

/// Places of words count on from one part to the next, as they do in the whole: each part ends with a word
/// that is kept.
const QUICK: &str = "
    create or replace function search_vector(config text, title text, summary text, body_html text) returns tsvector
    language plpgsql immutable strict parallel safe as $$
    declare
        whole tsvector := setweight(to_tsvector(config::regconfig, search_fold(title)), 'A')
            || setweight(to_tsvector(config::regconfig, search_fold(summary)), 'B');
        part text;
        vector tsvector;
    begin
        foreach part in array string_to_array(body_html, E'\\n') loop
            continue when part = '';
            select known.vector into strict vector from figures_paragraphs known where known.html = part;
            whole := whole || vector;
        end loop;
        return whole;
    end
    $$";

const DIFFERENT: &str = "select count(*) from (select * from editions tablesample system (10) limit 500) as sample \
     where search <> search_vector(search_config(language), title, summary, body_html)";

/// Makes it quick; the statements that make it itself again.
pub(super) async fn prepare(client: &Client, tongues: &[Tongue]) -> Outcome<String> {
    client.batch_execute(PARAGRAPHS).await?;
    for tongue in tongues {
        let htmls: Vec<_> = tongue.paragraphs.iter().map(|paragraph| &*paragraph.html).collect();
        client.execute(VECTOR, &[&tongue.tag, &htmls]).await?;
    }
    client.batch_execute("analyze figures_paragraphs").await?;
    let definition = "select pg_get_functiondef('search_vector(text, text, text, text)'::regprocedure)";
    let original: String = client.query_one(definition, &[]).await?.get(0);
    client.batch_execute(QUICK).await?;
    Ok(format!("{original}; drop table figures_paragraphs"))
}

/// Fails where a row has not what the function itself makes of it.
pub(super) async fn check(client: &Client) -> Outcome<()> {
    let different: i64 = client.query_one(DIFFERENT, &[]).await.map_err(about("search"))?.get(0);
    progress("  search has of 500 editions what it should");
    if different == 0 { Ok(()) } else { Err(format!("search is wrong in {different} editions").into()) }
}
