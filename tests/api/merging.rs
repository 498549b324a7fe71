//! Changes of one draft by several people: nothing is overwritten unknowingly, and what does not clash is
//! merged.

use std::collections::BTreeMap;

use diesel_async::SimpleAsyncConnection;
use futures::future::join_all;
use serde_json::{Value, json};
use warta::principal::Role;

use crate::support::{Answer, Server};

/// An editor at work.
struct Desk {
    id: String,
    token: String,
}

impl Desk {
    async fn of(server: &Server, name: &str) -> Self {
        let email = format!("{name}@example.org");
        let editor = server.editor(&email, Role::Editor).await;
        Self { id: editor.id.to_string(), token: server.token(&email).await }
    }

    /// A patch of the state that the tag names, with these preferences.
    async fn patch(&self, server: &Server, path: &str, tag: &str, prefer: &[&str], patch: Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", bearer.as_str()), ("if-match", tag)];
        headers.extend(prefer.iter().map(|prefer| ("prefer", *prefer)));
        server.send("PATCH", path, &headers, Some(patch)).await
    }

    async fn merge(&self, server: &Server, path: &str, tag: &str, patch: Value) -> Answer {
        self.patch(server, path, tag, &["merge"], patch).await
    }
}

/// A server with two editors and a draft: its path, and the tag of its first state.
async fn newsroom() -> (Server, Desk, Desk, String, String) {
    let server = Server::start().await;
    let (ayu, budi) = (Desk::of(&server, "ayu").await, Desk::of(&server, "budi").await);
    for name in ["Riset", "Bahasa"] {
        server.post("/v1/tags", Some(&ayu.token), json!({"name": name})).await.expect(201);
    }
    let image = json!({"url": "https://images.warta.example/a.jpg", "alt": "Gambar"});
    let made = json!({"title": "Satu", "slug": "satu", "language": "id", "image": image, "tags": ["riset"]});
    let made = server.post("/v1/articles", Some(&ayu.token), made).await.expect(201);
    let path = format!("/v1/articles/{}", made.body["id"].as_str().unwrap());
    let tag = made.header("etag").to_owned();
    (server, ayu, budi, path, tag)
}

fn is_merged(answer: &Answer) -> bool {
    answer.headers.get("preference-applied").is_some_and(|applied| applied == "merge")
}

#[tokio::test]
async fn whoever_comes_second_is_told_what_clashes() {
    let (server, ayu, budi, path, tag) = newsroom().await;
    let saved = json!({"title": "Dua", "summary": "Ringkasan", "byline": "Redaksi"});
    let saved = ayu.patch(&server, &path, &tag, &[], saved).await.expect(200);
    let patch = json!({"title": "Tiga", "byline": "Redaksi", "body": "Isi.", "note": "Coba."});
    for prefer in [&[][..], &["merge"]] {
        let before = server.snapshot().await;
        let refused = budi.patch(&server, &path, &tag, prefer, patch.clone()).await;
        let refused = refused.expect_problem(412, "precondition-failed");
        let body = &refused.body;
        assert_eq!(refused.header("etag"), saved.header("etag"));
        assert_eq!(body["current_etag"], saved.header("etag"));
        assert_eq!(body["saved_by"], json!({"id": ayu.id, "name": "ayu@example.org"}));
        assert_eq!(body["saved_at"], saved.body["updated_at"]);
        assert_eq!((&body["revision"], &body["base_revision"]), (&json!(2), &json!(1)));
        assert_eq!(body["changed"], json!(["title", "summary", "byline"]));
        // Both gave it the same byline.
        assert_eq!(body["clashes"], json!(["title"]));
        assert!(!is_merged(&refused));
        assert_eq!(server.snapshot().await, before);
    }
    // Where nothing clashes, that is said too; it is still no permission to merge.
    let refused = budi.patch(&server, &path, &tag, &["return=minimal"], json!({"body": "Isi."})).await;
    let refused = refused.expect_problem(412, "precondition-failed");
    assert_eq!(refused.body["clashes"], json!([]));

    // What was never a state is no base, so nothing is known of what was changed since.
    for tag in ["\"0.x\"", "\"99.x\"", "\"-1.x\"", "\"x\"", "W/\"1.x\"", "\"9223372036854775808.x\""] {
        let refused = budi.merge(&server, &path, tag, json!({"title": "Dua", "body": "Isi."})).await;
        let refused = refused.expect_problem(412, "precondition-failed");
        assert_eq!((&refused.body["base_revision"], &refused.body["changed"]), (&Value::Null, &Value::Null));
        assert_eq!(refused.body["clashes"], json!(["body"]), "{tag}");
    }
    // A patch that could never be made is refused for that.
    let wrong = budi.merge(&server, &path, &tag, json!({"title": "", "tags": ["tidak-ada"]})).await;
    let wrong = wrong.expect_problem(422, "invalid-body");
    assert_eq!(wrong.faults().len(), 2);
}

#[tokio::test]
async fn changes_of_different_fields_are_merged_where_that_is_preferred() {
    let (server, ayu, budi, path, first) = newsroom().await;
    let editor = Some(ayu.token.as_str());
    ayu.patch(&server, &path, &first, &[], json!({"title": "Dua", "tags": ["bahasa"]})).await.expect(200);
    let patch = json!({"summary": "Ringkasan", "note": "Ringkasan ditambah."});
    let merged =
        budi.patch(&server, &path, &first, &["return=minimal, Merge", "wait=5"], patch).await.expect(200);
    assert!(is_merged(&merged));
    assert!(merged.header("vary").contains("Prefer"));
    assert_eq!((&merged.body["title"], &merged.body["summary"]), (&json!("Dua"), &json!("Ringkasan")));
    assert_eq!(merged.body["tags"][0]["slug"], "bahasa");
    let newest = server.get(&format!("{path}/revisions/3"), editor).await.expect(200).body;
    assert_eq!(newest["changed"], json!(["summary"]));
    assert_eq!(newest["editor"]["id"], budi.id);
    assert_eq!(newest["note"], "Ringkasan ditambah.");
    assert_eq!(newest["content"]["title"], "Dua");

    // The same said in other words is no clash: a tag by its id, a language by its old name.
    let id = &merged.body["tags"][0]["id"];
    let same = json!({"tags": [id], "language": "in", "title": "Dua", "byline": "Redaksi"});
    let again = budi.merge(&server, &path, &first, same).await.expect(200);
    assert!(is_merged(&again));
    assert_eq!(server.get(&format!("{path}/revisions/4"), editor).await.body["changed"], json!(["byline"]));
    // Of several states the newest is the base.
    let tags = format!("{first}, {}", merged.header("etag"));
    let newer = budi.merge(&server, &path, &tags, json!({"title": "Tiga"})).await.expect(200);
    assert!(is_merged(&newer));
    // A fresh state needs no merge, and any state none at all.
    for tag in [newer.header("etag"), "*"] {
        let plain = budi
            .merge(&server, &path, tag, json!({"byline": format!("Oleh {}", tag.len())}))
            .await
            .expect(200);
        assert!(!is_merged(&plain));
        assert!(plain.header("vary").contains("Prefer"));
    }
    let missing = [("authorization", &*format!("Bearer {}", budi.token)), ("prefer", "merge")];
    let missing = server.send("PATCH", &path, &missing, Some(json!({"title": "x"}))).await;
    missing.expect_problem(428, "precondition-required");
    // Not what it means, or not understood.
    for prefer in ["merge=theirs", "foo=\"a, merge\"", "foo; merge"] {
        let refused = budi.patch(&server, &path, &first, &[prefer], json!({"body": "x"})).await;
        refused.expect_problem(412, "precondition-failed");
    }
}

#[tokio::test]
async fn a_field_is_merged_whole_or_not_at_all() {
    let (server, ayu, budi, path, first) = newsroom().await;
    let patch = json!({"image": {"caption": "Keterangan"}, "slug": "dua"});
    ayu.patch(&server, &path, &first, &[], patch).await.expect(200);
    for (patch, clashes) in [
        (json!({"image": {"alt": "Lain"}}), json!(["image"])),
        (json!({"image": null, "body": "Isi."}), json!(["image"])),
        (json!({"slug": null, "title": "Tiga"}), json!(["slug"])),
        (json!({"slug": "satu", "image": {"caption": "Keterangan"}}), json!(["slug"])),
    ] {
        let refused = budi.merge(&server, &path, &first, patch.clone()).await;
        assert_eq!(refused.expect_problem(412, "precondition-failed").body["clashes"], clashes, "{patch}");
    }
    let same =
        budi.merge(&server, &path, &first, json!({"image": {"caption": "Keterangan"}, "body": "Isi."})).await;
    assert!(is_merged(&same.expect(200)));

    // Translations are a relation, and clash as fields do.
    for (title, language) in [("Uno", "es"), ("Unus", "la")] {
        let other = json!({"title": title, "language": language});
        server.post("/v1/articles", Some(&ayu.token), other).await.expect(201);
    }
    ayu.merge(&server, &path, &first, json!({"translation_of": "uno"})).await.expect(200);
    let refused = budi.merge(&server, &path, &first, json!({"translation_of": "unus"})).await;
    let refused = refused.expect_problem(412, "precondition-failed");
    assert_eq!(refused.body["clashes"], json!(["translation_of"]));
    let same = budi
        .merge(&server, &path, &first, json!({"translation_of": "uno", "byline": "Meja"}))
        .await
        .expect(200);
    assert_eq!(same.body["translations"][0]["slug"], "uno");
}

#[tokio::test]
async fn an_action_clashes_with_no_change_and_may_still_forbid_it() {
    let (server, ayu, budi, path, first) = newsroom().await;
    let editor = Some(ayu.token.as_str());
    server.act(&format!("{path}/submit"), editor).await.expect(200);
    let refused = budi.patch(&server, &path, &first, &[], json!({"title": "Dua"})).await;
    let refused = refused.expect_problem(412, "precondition-failed");
    assert_eq!((&refused.body["changed"], &refused.body["clashes"]), (&json!([]), &json!([])));
    assert_eq!((&refused.body["revision"], &refused.body["base_revision"]), (&json!(1), &json!(1)));
    let merged = budi.merge(&server, &path, &first, json!({"title": "Dua"})).await.expect(200);
    assert!(is_merged(&merged));
    assert_eq!(merged.body["status"], "draft");
    let published = server.act(&format!("{path}/publish"), editor).await.expect(200);
    budi.merge(&server, &path, merged.header("etag"), json!({"title": "Tiga"})).await.expect(200);

    // Other requests that name a state are told who saved the draft.
    for (method, request, body) in [
        ("POST", format!("{path}/unpublish"), None),
        ("DELETE", path.clone(), None),
        ("POST", format!("{path}/revisions/1/restore"), None),
        ("POST", format!("{path}/retract"), Some(json!({"reason": "Keliru."}))),
    ] {
        let bearer = format!("Bearer {}", ayu.token);
        let headers = [("authorization", bearer.as_str()), ("if-match", published.header("etag"))];
        let refused = server.send(method, &request, &headers, body).await;
        let refused = refused.expect_problem(412, "precondition-failed");
        assert_eq!(refused.body["saved_by"]["id"], budi.id, "{request}");
        assert_eq!(refused.body["revision"], 3);
        assert!(refused.body["saved_at"].is_string());
        assert_eq!(refused.body["current_etag"], refused.header("etag"));
    }
    let at = json!({"at": "2999-01-01T00:00:00Z"});
    server.post(&format!("{path}/publish"), editor, at).await.expect(200);
    let forbidden = budi.merge(&server, &path, &first, json!({"summary": "x"})).await;
    assert_eq!(forbidden.expect_problem(409, "not-allowed-in-state").body["state"], "scheduled");
    // Where it clashes, that is told first: it has to be solved whatever the state.
    let clash = budi.merge(&server, &path, &first, json!({"title": "x"})).await;
    clash.expect_problem(412, "precondition-failed");
}

/// Fifty editors, all with the password of the first: to hash it for each would take longer than the test.
async fn fifty(server: &Server) -> Vec<Desk> {
    let copies = "insert into editors (id, email, name, role, active, password_hash, created_at, updated_at) \
                  select gen_random_uuid(), format('meja-%s@example.org', number), format('Meja %s', number), role, active, \
                  password_hash, created_at, updated_at \
                  from editors, generate_series(1, 50) number where email = 'ayu@example.org'";
    server.database.get().await.unwrap().batch_execute(copies).await.unwrap();
    let mut desks = Vec::new();
    for number in 1..=50 {
        let token = server.token(&format!("meja-{number}@example.org")).await;
        let id = server.get("/v1/me", Some(&token)).await.expect(200).body["id"].as_str().unwrap().to_owned();
        desks.push(Desk { id, token });
    }
    desks
}

/// The fields that they change.
const FIELDS: [&str; 4] = ["title", "summary", "body", "byline"];

#[tokio::test]
async fn of_fifty_editors_at_once_nobody_loses_a_change() {
    let (server, ayu, _, path, first) = newsroom().await;
    let desks = fifty(&server).await;
    // All start from the same state. Those who are refused have read what was there, and insist.
    let work = desks.iter().enumerate().map(async |(number, desk)| {
        let (field, value) = (FIELDS[number % FIELDS.len()], format!("Ditulis oleh {number}"));
        let prefer: &[&str] = if number % 3 == 0 { &[] } else { &["merge"] };
        let mut tag = first.clone();
        loop {
            let answer = desk.patch(&server, &path, &tag, prefer, json!({field: value})).await;
            match answer.status {
                200 => return (field, value, desk.id.clone(), is_merged(&answer)),
                412 => tag = answer.header("etag").to_owned(),
                // Nothing was done: there was no connection in time.
                503 => {}
                status => panic!("{status}: {}", answer.text),
            }
        }
    });
    let acknowledged = join_all(work).await;
    assert!(acknowledged.iter().any(|(.., merged)| *merged), "nothing was merged");

    let editor = Some(ayu.token.as_str());
    let mut history = Vec::new();
    let mut next = format!("{path}/revisions?limit=7");
    loop {
        let page = server.get(&next, editor).await.expect(200);
        history.extend(page.body["data"].as_array().unwrap().clone());
        match page.body["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}/revisions?limit=7&cursor={cursor}"),
            None => break,
        }
    }
    history.reverse();
    let numbers: Vec<_> = history.iter().map(|revision| revision["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=51).collect::<Vec<_>>(), "a number for each save, without a gap");

    // Each change is in the history once, by who made it, and no save touches what it does not name.
    let mut written: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut before: Option<Value> = None;
    for revision in &history {
        let read = server.get(&format!("{path}/revisions/{}", revision["number"]), editor).await.expect(200);
        let content = read.body["content"].clone();
        if let Some(before) = &before {
            let [changed] = revision["changed"].as_array().unwrap().as_slice() else {
                panic!("one field each: {revision}")
            };
            for field in FIELDS {
                assert_eq!(content[field] != before[field], changed == field, "{field} in {revision}");
            }
            let field = changed.as_str().unwrap();
            let value = content[field].as_str().unwrap().to_owned();
            let id = revision["editor"]["id"].as_str().unwrap().to_owned();
            assert!(written.insert((field.to_owned(), value), id).is_none(), "twice: {revision}");
        }
        before = Some(content);
    }
    for (field, value, id, _) in acknowledged {
        assert_eq!(written.remove(&(field.to_owned(), value.clone())), Some(id), "{field}: {value}");
    }
    assert!(written.is_empty(), "nobody wrote {written:?}");
    let draft = server.get(&format!("{path}?draft=true"), editor).await.expect(200);
    for field in FIELDS {
        assert_eq!(draft.body[field], before.as_ref().unwrap()[field]);
    }
}
