//! What was saved: listed, read, compared, restored, and never rewritten.

use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::{Value, json};
use uuid::Uuid;
use warta::{
    principal::Role,
    schema::{events, revisions},
};

use crate::support::{Answer, Server};

const BODY: &str = "Satu.\n\nDua.\n\nTiga.\n\nEmpat.\n\nLima.\n\nEnam.\n\nTujuh.\n";

/// An article with two tags, two citations, a body and a slug of its own; its path by id.
async fn article(server: &Server, token: &str) -> String {
    let editor = server.sign_in(Role::Editor).await;
    for name in ["Riset", "Bahasa"] {
        server.post("/v1/tags", Some(&editor), json!({"name": name})).await.expect(201);
    }
    for name in ["Kantor Berita", "Balai Bahasa"] {
        server.post("/v1/sources", Some(&editor), json!({"name": name})).await.expect(201);
    }
    let cite = |source: &str| json!({"source": source, "url": "https://pesisir.example/1", "title": "Laporan", "role": "data"});
    let made = json!({
        "title": "Satu",
        "slug": "satu",
        "language": "id",
        "body": BODY,
        "tags": ["riset", "bahasa"],
        "citations": [cite("kantor-berita"), cite("balai-bahasa")],
        "note": "Naskah pertama.",
    });
    let made = server.post("/v1/articles", Some(token), made).await.expect(201);
    assert!(!made.text.contains("Naskah pertama."), "a note is no part of the article");
    format!("/v1/articles/{}", made.body["id"].as_str().unwrap())
}

/// The numbers, newest first.
fn numbers(list: &Answer) -> Vec<i64> {
    let data = list.body["data"].as_array().unwrap();
    data.iter().map(|revision| revision["number"].as_i64().unwrap()).collect()
}

/// What the newest event of an article says.
async fn newest_event(server: &Server, path: &str) -> (String, Value) {
    let id: Uuid = path.rsplit('/').next().unwrap().parse().unwrap();
    let mut conn = server.database.get().await.unwrap();
    events::table
        .filter(events::subject_id.eq(id))
        .order(events::id.desc())
        .select((events::type_, events::details))
        .first(&mut conn)
        .await
        .unwrap()
}

#[tokio::test]
async fn each_save_tells_who_made_it_and_what_it_changed() {
    let server = Server::start().await;
    let ayu = server.editor("ayu@example.org", Role::Writer).await;
    let budi = server.editor("budi@example.org", Role::Editor).await;
    let (writer, editor) = (server.token("ayu@example.org").await, server.token("budi@example.org").await);
    let path = article(&server, &writer).await;
    let patch = json!({"title": "Dua", "summary": "", "tags": ["bahasa"], "note": "Judul baru."});
    server.patch(&path, Some(&editor), patch).await.expect(200);
    // What changes nothing is not kept.
    server.patch(&path, Some(&editor), json!({"title": "Dua", "note": null})).await.expect(200);
    server.patch(&path, Some(&writer), json!({"byline": "Redaksi"})).await.expect(200);
    server.patch("/v1/tags/bahasa", Some(&editor), json!({"name": "Kebahasaan"})).await.expect(200);

    let list = format!("{path}/revisions");
    let all = server.get(&format!("{list}?count=true"), Some(&writer)).await.expect(200);
    assert_eq!(numbers(&all), [3, 2, 1]);
    assert_eq!((&all.body["total"], &all.body["next_cursor"]), (&json!(3), &Value::Null));
    assert_eq!(all.header("cache-control"), "private, no-store");
    let data = all.body["data"].as_array().unwrap();
    let ayu = json!({"id": ayu.id, "name": ayu.name});
    let budi = json!({"id": budi.id, "name": budi.name});
    let first = ["title", "slug", "language", "body", "tags", "citations"];
    for (revision, editor, note, changed) in [
        (&data[0], &ayu, Value::Null, json!(["byline"])),
        (&data[1], &budi, json!("Judul baru."), json!(["title", "tags"])),
        (&data[2], &ayu, json!("Naskah pertama."), json!(first)),
    ] {
        assert_eq!((&revision["editor"], &revision["note"], &revision["changed"]), (editor, &note, &changed));
        assert_eq!(revision["restored_from"], Value::Null);
        let number = &revision["number"];
        let mut read = server.get(&format!("{list}/{number}"), Some(&writer)).await.expect(200);
        let content = read.body.as_object_mut().unwrap().remove("content").unwrap();
        assert_eq!(read.body, *revision);
        assert_eq!(content["title"], if *number == 1 { "Satu" } else { "Dua" });
        // As it was called then.
        let tag = content["tags"].as_array().unwrap().last().unwrap();
        assert_eq!(tag["name"], "Bahasa");
    }
    assert_eq!(newest_event(&server, &path).await, ("article.updated".into(), json!({"fields": ["byline"]})));

    // Page by page, while somebody saves: what was not there when the walk began is not in it.
    let page = server.get(&format!("{list}?limit=2"), Some(&writer)).await.expect(200);
    server.patch(&path, Some(&writer), json!({"byline": "Meja"})).await.expect(200);
    let cursor = page.body["next_cursor"].as_str().unwrap();
    let rest = server.get(&format!("{list}?limit=2&cursor={cursor}"), Some(&writer)).await.expect(200);
    assert_eq!((numbers(&page), numbers(&rest)), (vec![3, 2], vec![1]));
    let other = format!("{list}?trashed=true&cursor={cursor}");
    server.get(&other, Some(&writer)).await.expect_problem(400, "invalid-query");

    for number in
        ["0", "5", "01", "+1", "-1", "1.0", "satu", "2147483648", "99999999999999999999", "1..2", "1...x"]
    {
        server.get(&format!("{list}/{number}"), Some(&writer)).await.expect_problem(404, "not-found");
    }
    server.get(&format!("{list}/1?draft=true"), Some(&writer)).await.expect_problem(400, "invalid-query");
}

#[tokio::test]
async fn a_note_alone_is_kept_and_leaves_the_draft_as_it_is() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let path = article(&server, &token).await;
    for (action, status) in [("submit", "in_review"), ("publish", "published")] {
        let before = server.act(&format!("{path}/{action}"), editor).await.expect(200);
        for patch in [
            json!({"note": "Sudah dicek."}),
            json!({"title": "Satu", "tags": ["riset", "bahasa"], "note": "Ya."}),
        ] {
            let noted = server.patch(&path, editor, patch.clone()).await.expect(200);
            assert_eq!(noted.body["status"], status);
            for member in ["title", "updated_at", "tags", "published_at"] {
                assert_eq!(noted.body[member], before.body[member], "{member}");
            }
            assert_eq!(noted.body["editorial"]["has_unpublished_changes"], false);
            assert_ne!(noted.header("etag"), before.header("etag"));
            let newest = server.get(&format!("{path}/revisions?limit=1"), editor).await.expect(200);
            let newest = &newest.body["data"][0];
            assert_eq!((&newest["note"], &newest["changed"]), (&patch["note"], &json!([])));
            assert_eq!(newest["number"], noted.body["editorial"]["revision"]);
        }
    }
    assert_eq!(numbers(&server.get(&format!("{path}/revisions"), editor).await), [5, 4, 3, 2, 1]);
    for (note, code) in [
        (json!(""), "blank"),
        (json!("a\nb"), "control_character"),
        (json!("x".repeat(501)), "too_long"),
        (json!(7), "wrong_type"),
    ] {
        for answer in [
            server.patch(&path, editor, json!({"note": note})).await,
            server.post("/v1/articles", editor, json!({"title": "x", "language": "id", "note": note})).await,
            server.post(&format!("{path}/revisions/1/restore"), editor, json!({"note": note})).await,
        ] {
            let refused = answer.expect_problem(422, "invalid-body");
            assert_eq!(refused.faults(), [("/note".to_owned(), code.to_owned())]);
        }
    }
}

#[tokio::test]
async fn two_revisions_are_compared_field_by_field_and_line_by_line() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let path = article(&server, &token).await;
    let other = json!({"title": "One", "language": "en"});
    server.post("/v1/articles", editor, other).await.expect(201);
    let body = BODY.replace("Lima.", "Kelima.").replace("Satu.\n", "");
    let patch = json!({"title": "Dua", "tags": ["bahasa"], "body": body, "image": {"url": "https://a.example/a.png"}, "translation_of": "one"});
    server.patch(&path, editor, patch).await.expect(200);
    // A tag by another name is the same tag.
    server.patch("/v1/tags/bahasa", editor, json!({"name": "Kebahasaan"})).await.expect(200);
    server.patch(&path, editor, json!({"byline": "Redaksi"})).await.expect(200);

    let compare = async |which: &str| server.get(&format!("{path}/compare/{which}"), editor).await;
    let forth = compare("1...2").await.expect(200).body;
    assert_eq!((&forth["from"]["number"], &forth["to"]["number"]), (&json!(1), &json!(2)));
    assert_eq!(forth["from"]["note"], "Naskah pertama.");
    let fields = forth["fields"].as_array().unwrap();
    let names: Vec<_> = fields.iter().map(|change| change["field"].as_str().unwrap()).collect();
    assert_eq!(names, ["title", "image", "tags", "translation_of"]);
    assert_eq!((&fields[0]["from"], &fields[0]["to"]), (&json!("Satu"), &json!("Dua")));
    assert_eq!(
        (&fields[1]["from"], &fields[1]["to"]["url"]),
        (&Value::Null, &json!("https://a.example/a.png"))
    );
    assert_eq!(fields[2]["from"][0]["name"], "Riset");
    assert_eq!((&fields[3]["from"], &fields[3]["to"]), (&Value::Null, &Value::Null));
    let lines = |answer: &Value| -> Vec<(String, u64, u64, String)> {
        let lines = answer["body"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let number = |value: &Value| value.as_u64().unwrap();
        lines
            .map(|lines| {
                (
                    text(&lines["op"]),
                    number(&lines["from_line"]),
                    number(&lines["to_line"]),
                    text(&lines["text"]),
                )
            })
            .collect()
    };
    let line = |op: &str, from, to, text: &str| (op.to_owned(), from, to, text.to_owned());
    assert_eq!(
        lines(&forth),
        [
            line("delete", 1, 1, "Satu.\n"),
            line("equal", 2, 1, "\nDua.\n\n"),
            line("equal", 6, 5, "\nEmpat.\n\n"),
            line("delete", 9, 8, "Lima.\n"),
            line("insert", 10, 8, "Kelima.\n"),
            line("equal", 10, 9, "\nEnam.\n\n"),
        ]
    );
    let back = compare("2...1").await.expect(200).body;
    assert_eq!(back["fields"][0], json!({"field": "title", "from": "Dua", "to": "Satu"}));
    assert_eq!(lines(&back)[0], line("insert", 1, 1, "Satu.\n"));
    let named = compare("2...3").await.expect(200).body;
    assert_eq!(named["fields"], json!([{"field": "byline", "from": null, "to": "Redaksi"}]));
    assert_eq!(named["body"], json!([]));
    let same = compare("2...2").await.expect(200).body;
    assert_eq!((&same["fields"], &same["body"]), (&json!([]), &json!([])));
    for which in
        ["0...1", "1...4", "4...1", "1...", "...1", "1....2", "1...2...3", "01...2", "1...99999999999"]
    {
        compare(which).await.expect_problem(404, "not-found");
    }
    let led = server.get(&format!("{path}/revisions/1...2?trashed=false"), editor).await.expect(308);
    assert_eq!(led.header("location"), format!("{path}/compare/1...2?trashed=false"));
    server.get(&format!("{path}/revisions/1...x"), editor).await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn a_restored_revision_is_a_new_one() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let path = article(&server, &token).await;
    let first = server.get(&format!("{path}?draft=true"), editor).await.expect(200);
    let image = json!({"url": "https://a.example/a.png"});
    let patch = json!({"title": "Dua", "slug": "dua", "body": "**Lain**", "tags": [], "citations": null, "image": image, "language": "jv"});
    server.patch(&path, editor, patch).await.expect(200);
    let live = server.act(&format!("{path}/publish"), editor).await.expect(200);
    let seen = server.get("/v1/articles/dua", None).await.expect(200);

    let restore = format!("{path}/revisions/1/restore");
    let stale = [("authorization", &*format!("Bearer {token}")), ("if-match", first.header("etag"))];
    server.send("POST", &restore, &stale, None).await.expect_problem(412, "precondition-failed");
    let restored = server.post(&restore, editor, json!({"note": "Kembali."})).await.expect(200);
    for member in
        ["title", "slug", "language", "body", "body_html", "word_count", "image", "tags", "citations"]
    {
        assert_eq!(restored.body[member], first.body[member], "{member}");
    }
    assert_eq!(restored.body["status"], "draft");
    assert_eq!(restored.body["editorial"]["revision"], 3);
    assert_ne!(restored.header("etag"), live.header("etag"));
    assert_eq!(server.get("/v1/articles/dua", None).await.expect(200).text, seen.text);
    let newest = server.get(&format!("{path}/revisions/3"), editor).await.expect(200).body;
    assert_eq!((&newest["restored_from"], &newest["note"]), (&json!(1), &json!("Kembali.")));
    let fields = ["title", "slug", "language", "body", "image", "tags", "citations"];
    assert_eq!(newest["changed"], json!(fields));
    let old = server.get(&format!("{path}/revisions/1"), editor).await.expect(200).body;
    assert_eq!(newest["content"], old["content"]);
    let details = json!({"revision": 3, "restored_from": 1, "fields": fields});
    assert_eq!(newest_event(&server, &path).await, ("article.revision_restored".into(), details));

    // What is there already is left alone.
    let before = server.snapshot().await;
    let same = server.act(&restore, editor).await.expect(200);
    assert_eq!(same.header("etag"), restored.header("etag"));
    server.act(&format!("{path}/revisions/3/restore"), editor).await.expect(200);
    assert_eq!(server.snapshot().await, before);
    for number in ["0", "4", "x"] {
        server
            .act(&format!("{path}/revisions/{number}/restore"), editor)
            .await
            .expect_problem(404, "not-found");
    }
}

#[tokio::test]
async fn what_is_gone_is_restored_only_without_it_and_on_purpose() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let path = article(&server, &token).await;
    let patch = json!({"title": "Dua", "slug": "dua", "citations": []});
    server.patch(&path, editor, patch).await.expect(200);
    server.delete("/v1/tags/riset", editor).await.expect(204);
    server.delete("/v1/sources/balai-bahasa", editor).await.expect(204);
    // Never seen by readers, the slug was free for another article.
    let taken = json!({"title": "x", "language": "id", "slug": "satu"});
    server.post("/v1/articles", editor, taken).await.expect(201);

    let restore = format!("{path}/revisions/1/restore");
    let before = server.snapshot().await;
    for body in [json!({}), json!({"skip_missing": false})] {
        let refused = server.post(&restore, editor, body).await.expect_problem(422, "invalid-body");
        let gone = ["/content/citations/1/source", "/content/tags/0"];
        assert_eq!(refused.faults(), gone.map(|place| (place.to_owned(), "not_found".to_owned())));
    }
    for (body, place) in [(json!({"skip_missing": "yes"}), "/skip_missing"), (json!({"skip": true}), "/skip")]
    {
        let refused = server.post(&restore, editor, body).await.expect_problem(422, "invalid-body");
        assert_eq!(refused.faults()[0].0, place);
    }
    assert_eq!(server.snapshot().await, before);
    let restored = server.post(&restore, editor, json!({"skip_missing": true})).await.expect(200);
    assert_eq!((&restored.body["title"], &restored.body["slug"]), (&json!("Satu"), &json!("dua")));
    assert_eq!(restored.body["tags"].as_array().unwrap().len(), 1);
    assert_eq!(restored.body["citations"][0]["source"]["slug"], "kantor-berita");
    let (kind, details) = newest_event(&server, &path).await;
    assert_eq!(kind, "article.revision_restored");
    assert_eq!(
        details,
        json!({
            "revision": 3,
            "restored_from": 1,
            "fields": ["title", "citations"],
            "skipped_tags": ["Riset"],
            "skipped_sources": ["Balai Bahasa"],
            "skipped_slug": "satu",
        })
    );
}

#[tokio::test]
async fn a_restored_revision_takes_no_place_among_translations() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let path = article(&server, &token).await;
    server.patch(&path, editor, json!({"language": "jv"})).await.expect(200);
    let translation = json!({"title": "Dua", "language": "id", "translation_of": "satu"});
    server.post("/v1/articles", editor, translation).await.expect(201);
    let refused = server.act(&format!("{path}/revisions/1/restore"), editor).await;
    let refused = refused.expect_problem(422, "invalid-body");
    assert_eq!(refused.faults(), [("/language".to_owned(), "taken".to_owned())]);
    // The relation is as it is now, and not as it was.
    server.patch(&path, editor, json!({"title": "Tiga"})).await.expect(200);
    let restored = server.act(&format!("{path}/revisions/2/restore"), editor).await.expect(200);
    assert_eq!(restored.body["translations"][0]["language"], "id");
}

#[tokio::test]
async fn no_statement_rewrites_a_revision() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Admin).await;
    let admin = Some(token.as_str());
    let path = article(&server, &token).await;
    server.patch(&path, admin, json!({"title": "Dua"})).await.expect(200);
    server.act(&format!("{path}/revisions/1/restore"), admin).await.expect(200);
    let before = server.snapshot().await;
    let mut conn = server.database.get().await.unwrap();
    for (statement, reason) in [
        ("update revisions set note = 'x'", "never changed"),
        ("update revisions set content = content where number = 1", "never changed"),
        ("delete from revisions", "never changed"),
        ("delete from revisions where number = 3", "never changed"),
        ("truncate revisions cascade", "never changed"),
        ("truncate articles cascade", "never changed"),
        ("insert into revisions select * from revisions where number = 1", "revisions_pkey"),
        (
            "insert into revisions select * from revisions on conflict (article_id, number) do update set note = 'x'",
            "never changed",
        ),
        (
            "insert into revisions (article_id, number, editor_id, created_at, content, version, translation_group_id, changed, \
             restored_from) select article_id, 9, editor_id, created_at, content, 9, translation_group_id, changed, 8 \
             from revisions where number = 1",
            "revisions_restored_from_fkey",
        ),
    ] {
        let error = conn.batch_execute(statement).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{statement}: {error}");
    }
    assert_eq!(server.snapshot().await, before);
    // They go with their article.
    server.delete(&format!("{path}?permanent=true"), admin).await.expect(204);
    let left: i64 = revisions::table.count().get_result(&mut conn).await.unwrap();
    assert_eq!(left, 0);
}
