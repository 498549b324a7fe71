//! Walking a list page by page: each element once, in order.

use std::cmp::Ordering;

use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use warta::principal::Role;

use super::Newsroom;
use crate::support::Server;

/// All elements of a list, by following its `Link` header as it stands. Checks that each page is full but the
/// last, and that header and body name the same cursor.
pub(crate) async fn walk(server: &Server, path: &str, limit: usize, token: Option<&str>) -> Vec<Value> {
    let joint = if path.contains('?') { '&' } else { '?' };
    let mut next = Some(format!("{path}{joint}limit={limit}"));
    let mut elements = Vec::new();
    while let Some(page) = next.take() {
        let answer = server.get(&page, token).await.expect(200);
        let data = answer.body["data"].as_array().unwrap();
        elements.extend(data.iter().cloned());
        assert!(elements.len() < 1000, "{path} goes in a circle");
        match answer.body["next_cursor"].as_str() {
            Some(cursor) => {
                assert_eq!(data.len(), limit, "{page}");
                let link = answer.header("link").strip_prefix('<').unwrap();
                let target = link.strip_suffix(">; rel=\"next\"").unwrap();
                assert!(target.ends_with(&format!("cursor={cursor}")), "{target}");
                assert!(target.contains(&format!("limit={limit}")), "{target}");
                next = Some(target.to_owned());
            }
            None => assert!(!answer.headers.contains_key("link"), "{page}"),
        }
    }
    elements
}

/// By a member, which may be null and then comes after all, and by id where that is equal.
pub(super) fn by_time(member: &'static str) -> impl Fn(&Value, &Value) -> Ordering {
    let key = move |article: &Value| {
        let time = article[member].as_str().unwrap_or("9999").to_owned();
        (time, article["id"].as_str().unwrap().to_owned())
    };
    move |one, other| key(one).cmp(&key(other))
}

fn by_text(member: &'static str) -> impl Fn(&Value, &Value) -> Ordering {
    let key = move |element: &Value| {
        (element[member].as_str().unwrap().to_lowercase(), element["id"].as_str().unwrap().to_owned())
    };
    move |one, other| key(one).cmp(&key(other))
}

/// Walks a list in pages of 1, 2 and 3, and compares with the order that it should have.
pub(super) async fn holds(
    server: &Server,
    path: &str,
    token: Option<&str>,
    descending: bool,
    order: impl Fn(&Value, &Value) -> Ordering,
) -> usize {
    let mut expected = walk(server, path, 100, token).await;
    expected.sort_by(order);
    if descending {
        expected.reverse();
    }
    for limit in [1, 2, 3, 100] {
        let found = walk(server, path, limit, token).await;
        let ids =
            |elements: &[Value]| elements.iter().map(|element| element["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&found), ids(&expected), "{path} in pages of {limit}");
        assert_eq!(found, expected, "{path} in pages of {limit}");
    }
    let joint = if path.contains('?') { '&' } else { '?' };
    let counted = server.get(&format!("{path}{joint}limit=1&count=true"), token).await.expect(200);
    assert_eq!(counted.body["total"], expected.len(), "{path}");
    expected.len()
}

#[tokio::test]
async fn every_order_is_walked_without_loss_or_repetition() {
    let room = Newsroom::open().await;
    // Ties in every key: same headline in another case, same time of publication, same time of change.
    for (title, day) in [("kopi", 1), ("Apel", 1), ("apel", 2), ("kopi", 1), ("apel", 3), ("zaitun", 1)] {
        room.story(title, &format!("2024-01-0{day}T00:00:00Z"), json!({"tags": ["tag-a"]})).await;
    }
    for title in ["kopi", "belum", "Apel", "belum"] {
        room.draft(title, json!({})).await;
    }
    room.server.patch("/v1/articles/zaitun", Some(&room.editor), json!({"title": "belum"})).await.expect(200);
    let mut conn = room.server.database.get().await.unwrap();
    let tie = "update editions set updated_at = '2024-05-01T00:00:00Z' where slug like 'apel%' or slug like 'belum%'";
    diesel::sql_query(tie).execute(&mut conn).await.unwrap();
    drop(conn);

    for (view, token, size) in
        [("", None, 6), ("&tag=tag-a", None, 6), ("&draft=true", Some(room.editor.as_str()), 10)]
    {
        let path = |sort: &str| format!("/v1/articles?sort={sort}{view}");
        let walked = [
            holds(&room.server, &path("published_at"), token, false, by_time("published_at")).await,
            holds(&room.server, &path("-published_at"), token, true, by_time("published_at")).await,
            holds(&room.server, &path("updated_at"), token, false, by_time("updated_at")).await,
            holds(&room.server, &path("-updated_at"), token, true, by_time("updated_at")).await,
            holds(&room.server, &path("title"), token, false, by_text("title")).await,
            holds(&room.server, &path("-title"), token, true, by_text("title")).await,
        ];
        assert_eq!(walked, [size; 6], "{view}");
    }
    // The default order.
    let newest = walk(&room.server, "/v1/articles", 2, None).await;
    assert_eq!(newest, walk(&room.server, "/v1/articles?sort=-published_at", 3, None).await);
}

#[tokio::test]
async fn tags_sources_and_editors_are_walked_by_name() {
    let room = Newsroom::open().await;
    let admin = room.server.sign_in(Role::Admin).await;
    for name in ["riset", "Riset", "RISET", "bisnis", "Ärzte", "Zona"] {
        room.server.post("/v1/tags", Some(&admin), json!({"name": name})).await.expect(201);
        room.server.post("/v1/sources", Some(&admin), json!({"name": name})).await.expect(201);
    }
    let password = crate::support::PASSWORD;
    for (name, email) in [("Ayu", "a@example.org"), ("ayu", "b@example.org"), ("Budi", "c@example.org")] {
        let editor = json!({"name": name, "email": email, "role": "writer", "password": password});
        room.server.post("/v1/editors", Some(&admin), editor).await.expect(201);
    }
    for (path, token, size) in [
        ("/v1/tags", None, 9),
        ("/v1/sources", None, 8),
        ("/v1/sources", Some(&*admin), 8),
        ("/v1/editors", Some(&*admin), 5),
    ] {
        let in_pages = walk(&room.server, path, 100, token).await;
        for limit in [1, 2, 3] {
            assert_eq!(walk(&room.server, path, limit, token).await, in_pages, "{path} in pages of {limit}");
        }
        let mut ids: Vec<_> = in_pages.iter().map(|element| element["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), size, "{path}");
        // Where accented letters stand is the database's locale's affair.
        let plain: Vec<_> =
            in_pages.iter().filter(|element| element["name"].as_str().unwrap().is_ascii()).collect();
        assert!(plain.is_sorted_by(|one, other| by_text("name")(one, other).is_le()), "{path}: {plain:#?}");
        let counted = room.server.get(&format!("{path}?count=true&limit=1"), token).await;
        assert_eq!(counted.body["total"], size, "{path}");
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_query_only() {
    let room = Newsroom::open().await;
    for title in ["satu", "dua", "tiga"] {
        room.story(title, "2024-01-01T00:00:00Z", json!({"tags": ["tag-a"]})).await;
    }
    let first = room.list("limit=1&tag=tag-a", None).await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let tampered =
        format!("{}{}", &cursor[..cursor.len() - 1], if cursor.ends_with('A') { 'B' } else { 'A' });
    for query in [
        format!("cursor={cursor}"),
        format!("tag=tag-b&cursor={cursor}"),
        format!("tag=tag-a&sort=published_at&cursor={cursor}"),
        format!("tag=tag-a&draft=true&cursor={cursor}"),
        format!("tag=tag-a&cursor={tampered}"),
        format!("tag=tag-a&cursor={}", &cursor[2..]),
        "tag=tag-a&cursor=".to_owned(),
    ] {
        let answer = room.server.get(&format!("/v1/articles?{query}"), Some(&room.editor)).await;
        assert_eq!(
            answer.expect_problem(400, "invalid-query").body["errors"][0]["parameter"],
            "cursor",
            "{query}"
        );
    }
    room.server.get(&format!("/v1/tags?cursor={cursor}"), None).await.expect(400);
    // How much of it is asked for does not matter, nor in which order.
    let rest = room.list(&format!("cursor={cursor}&limit=3&include=body&count=true&tag=tag-a"), None).await;
    assert_eq!((rest.each("slug"), &rest.body["total"]), (vec!["dua", "satu"], &json!(3)));
}
