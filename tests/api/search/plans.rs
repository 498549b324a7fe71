//! A search is answered through an index. What the server counts of its indexes' use tells it of the very
//! statements that ran.

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use super::{Newsroom, article};

#[derive(Clone, Copy, Debug, PartialEq, Eq, diesel::QueryableByName)]
struct Scans {
    /// Of the index of what readers see.
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    live: i64,
    /// Of the index of drafts.
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    draft: i64,
    /// Of the table, row by row, and of indexes that would have to be read as far.
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    whole: i64,
}

impl Newsroom {
    /// What was counted so far, by each of the server's connections.
    async fn scans(&self) -> Scans {
        let mut connections = Vec::new();
        for _ in 0..4 {
            connections.push(self.server.database.get().await.unwrap());
        }
        for conn in &mut connections {
            conn.batch_execute("select pg_stat_force_next_flush()").await.unwrap();
        }
        let counted = "select sum(idx_scan) filter (where indexrelname = 'editions_live_search_idx')::bigint as live, \
                       sum(idx_scan) filter (where indexrelname = 'editions_draft_search_idx')::bigint as draft, \
                       (select seq_scan from pg_stat_user_tables where relname = 'editions') \
                           + sum(idx_scan) filter (where indexrelname ~ '_(published|updated|title|language)_idx')::bigint as whole \
                       from pg_stat_user_indexes where relname = 'editions'";
        diesel::sql_query(counted).get_result(&mut connections[0]).await.unwrap()
    }
}

#[tokio::test]
async fn a_rare_word_is_found_through_the_index() {
    let room = Newsroom::open().await;
    room.story(article("benih", "id", "", "benih")).await;
    let mut conn = room.server.database.get().await.unwrap();
    // Copies of one story, of which a few have a word of their own.
    conn.batch_execute(
        "create temp table copies as select gen_random_uuid() as id, number from generate_series(1, 5000) number;
         insert into articles (id, created_by, created_at) select c.id, a.created_by, a.created_at from articles a, copies c;
         insert into article_slugs (slug, article_id) select 'salinan-' || number, id from copies;
         insert into revisions (article_id, number, editor_id, created_at, content, version, translation_group_id, changed)
         select c.id, r.number, r.editor_id, r.created_at, r.content, r.version, c.id, r.changed from revisions r, copies c;
         insert into versions (article_id, number, revision, published_at, title, body_html, word_count, reading_minutes, tags, citations)
         select c.id, v.number, v.revision, v.published_at, v.title, v.body_html, v.word_count, v.reading_minutes, v.tags, v.citations
         from versions v, copies c;
         insert into editions (article_id, kind, status, slug, language, title, summary, body, body_html, translation_group_id,
             word_count, reading_minutes, revision, published_at, updated_at, public_version)
         select c.id, e.kind, e.status, 'salinan-' || c.number, (array['id', 'en', 'jv', 'fr'])[1 + c.number % 4],
             'Kabar ' || c.number, 'ringkasan', '', case when c.number % 1000 = 0 then '<p>langka</p>' else '<p>biasa</p>' end,
             c.id, 1, 1, 1, e.published_at, e.updated_at, e.public_version
         from editions e, copies c",
    )
    .await
    .unwrap();
    // As autovacuum does after so many rows: the words of new ones wait in a list that a search would read
    // through.
    conn.batch_execute("vacuum analyze editions").await.unwrap();
    drop(conn);
    // More often than a plan is made anew for each value.
    for round in 0..8 {
        for (more, token, drafts) in [
            ("", None, false),
            ("&language=id", None, false),
            ("&language=id,en&sort=relevance", None, false),
            ("&sort=relevance", None, false),
            ("&draft=true&sort=relevance", Some(room.editor.as_str()), true),
        ] {
            let before = room.scans().await;
            let answer = room.search("langka", &format!("{more}&count=true"), token).await.expect(200);
            assert!(answer.body["total"].as_i64() > Some(0), "{more}");
            let after = room.scans().await;
            let used = Scans { live: after.live - before.live, draft: after.draft - before.draft, ..after };
            assert!(
                if drafts { used.draft > 0 && used.live == 0 } else { used.live > 0 && used.draft == 0 },
                "{more}: {used:?}"
            );
            assert_eq!(after.whole, before.whole, "{more}, round {round}");
        }
    }
    // A word that most have is found in the order of the list, and never by reading the whole table.
    for more in ["", "&sort=relevance"] {
        let answer = room.search("biasa", &format!("{more}&count=true"), None).await.expect(200);
        assert_eq!(answer.body["total"], 4995);
        assert_eq!(answer.each("slug").len(), 20);
    }
}
