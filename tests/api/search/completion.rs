//! Completing the names of tags and sources as one types.

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::json;

use super::{Newsroom, encoded};
use crate::lists::walk;

#[derive(diesel::QueryableByName)]
struct Scans {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    scans: i64,
}

#[tokio::test]
async fn the_beginning_of_any_word_of_a_name_or_slug_is_enough() {
    let room = Newsroom::open().await;
    for kind in ["tags", "sources"] {
        let path = format!("/v1/{kind}");
        for (name, slug) in [
            ("Kebijakan Publik", "aturan"),
            ("Kébab & Co", "kebab"),
            ("Model Bahasa-Kecil", "model-bahasa"),
            ("100% Riset_Data", "riset"),
        ] {
            let made = json!({"name": name, "slug": slug});
            room.server.post(&path, Some(&room.editor), made).await.expect(201);
        }
        for (q, expected) in [
            ("keb", "kebab aturan"),
            ("KÉB", "kebab aturan"),
            ("ke\u{301}bij", "aturan"),
            ("kebijakan publik", "aturan"),
            ("publik keb", "aturan"),
            ("kebijakanpublik", ""),
            ("pub", "aturan"),
            ("blik", ""),
            ("atur", "aturan"),
            ("model-ba", "model-bahasa"),
            ("kec", "model-bahasa"),
            ("co", "kebab"),
            ("data", "riset"),
            ("100%", "riset"),
            ("%", ""),
            ("_", ""),
            ("k%n", ""),
            ("k_bab", ""),
            ("keb\\", "kebab aturan"),
            ("'keb':*", "kebab aturan"),
            ("keb | model", ""),
            ("!keb", "kebab aturan"),
        ] {
            let answer =
                room.server.get(&format!("{path}?q={}&count=true", encoded(q)), None).await.expect(200);
            assert_eq!(answer.each("slug").join(" "), expected, "{kind} {q}");
            assert_eq!(answer.body["total"], answer.each("slug").len(), "{kind} {q}");
        }
        for (q, code) in [
            ("", "blank"),
            ("%20", "blank"),
            ("%E2%80%AE", "blank"),
            ("a%00", "control_character"),
            ("%FF", "invalid_encoding"),
        ] {
            let answer =
                room.server.get(&format!("{path}?q={q}"), None).await.expect_problem(400, "invalid-query");
            assert_eq!(answer.faults(), [("q".to_owned(), code.to_owned())], "{kind} {q}");
        }
        let long = "a".repeat(101);
        room.server.get(&format!("{path}?q={long}"), None).await.expect_problem(400, "invalid-query");
    }
}

#[tokio::test]
async fn a_completion_is_paged_in_the_order_of_names_and_an_index_serves_it() {
    let room = Newsroom::open().await;
    let mut conn = room.server.database.get().await.unwrap();
    conn.batch_execute(
        "begin;
         insert into tags (id, slug, name, description, created_at, updated_at)
         select gen_random_uuid(), 'tag-' || n, (case when n % 500 = 0 then 'Langka ' else 'Biasa ' end) || md5(n::text), '', now(), now()
         from generate_series(1, 5000) n;
         insert into tag_names (name, tag_id) select slug, id from tags union all select id::text, id from tags;
         insert into sources (id, slug, name, description, created_at, updated_at) select id, slug, name, '', now(), now() from tags;
         commit;
         analyze tags; analyze sources",
    )
    .await
    .unwrap();
    for (kind, index) in [("tags", "tags_search_idx"), ("sources", "sources_search_idx")] {
        let counted = format!(
            "select idx_scan::bigint as scans from pg_stat_user_indexes where indexrelname = '{index}'"
        );
        let whole = walk(&room.server, &format!("/v1/{kind}?q=lang"), 100, None).await;
        assert_eq!(whole.len(), 10);
        let name = |tag: &serde_json::Value| tag["name"].as_str().unwrap().to_owned();
        assert!(whole.is_sorted_by_key(name));
        assert_eq!(walk(&room.server, &format!("/v1/{kind}?q=lang"), 3, None).await, whole);
        let mut connections = Vec::new();
        for _ in 0..3 {
            connections.push(room.server.database.get().await.unwrap());
        }
        for other in &mut connections {
            other.batch_execute("select pg_stat_force_next_flush()").await.unwrap();
        }
        let scans: Scans = diesel::sql_query(counted).get_result(&mut conn).await.unwrap();
        assert!(scans.scans > 0, "{index}");
    }
}
