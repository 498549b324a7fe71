//! Preview links: reading a draft without an account.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use warta::{principal::Role, schema::events};

use crate::support::{Answer, Server, raw};

/// A server with a draft that has a link.
struct Desk {
    server: Server,
    editor: String,
    writer: String,
    /// The article's path, by id.
    path: String,
    links: String,
}

impl Desk {
    async fn new() -> Self {
        let server = Server::start().await;
        let (editor, writer) = (server.sign_in(Role::Editor).await, server.sign_in(Role::Writer).await);
        let body =
            json!({"title": "Rahasia dapur", "slug": "rahasia", "language": "id", "body": "Isi *awal*."});
        let made = server.post("/v1/articles", Some(&writer), body).await.expect(201);
        let path = format!("/v1/articles/{}", made.body["id"].as_str().unwrap());
        let links = format!("{path}/preview-links");
        Self { server, editor, writer, path, links }
    }

    /// A new link's token.
    async fn token(&self) -> String {
        let made = self.server.act(&self.links, Some(&self.writer)).await.expect(201);
        made.body["token"].as_str().unwrap().to_owned()
    }

    async fn preview(&self, token: &str) -> Answer {
        self.server.get(&format!("{}?draft=true&preview={token}", self.path), None).await
    }
}

/// What every answer to a preview must say to caches and robots.
#[track_caller]
fn assert_private(headers: &HeaderMap) {
    assert_eq!(headers["cache-control"], "private, no-store");
    assert_eq!(headers["x-robots-tag"], "noindex");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert_eq!(headers["access-control-allow-origin"], "*");
}

/// Fails unless the token is refused, in the one way.
#[track_caller]
fn assert_refused(answer: Answer) {
    assert_private(&answer.headers);
    let answer = answer.expect_problem(401, "unauthenticated");
    assert_eq!(
        answer.body["detail"],
        "The preview link is not valid, has expired or was revoked. Ask for a new one."
    );
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"warta\"");
    assert_eq!(answer.body.as_object().unwrap().len(), 5, "{}", answer.text);
}

#[tokio::test]
async fn a_person_without_an_account_reads_the_draft_as_readers_would() {
    let desk = Desk::new().await;
    let (server, writer) = (&desk.server, Some(desk.writer.as_str()));
    let made = server.post(&desk.links, writer, json!({"expires_in": 60})).await.expect(201);
    assert_eq!(made.header("cache-control"), "private, no-store");
    let url = made.body["url"].as_str().unwrap();
    let token = made.body["token"].as_str().unwrap();
    assert_eq!(url, format!("{}{}?draft=true&preview={token}", server.base, desk.path));
    let me = server.get("/v1/me", writer).await.body;
    assert_eq!(made.body["created_by"], json!({"id": me["id"], "name": me["name"]}));
    let time = |name: &str| made.body[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    let lasts = time("expires_at") - time("created_at");
    assert!(lasts > TimeDelta::seconds(58) && lasts <= TimeDelta::seconds(60), "{lasts}");

    let draft = server.get(&format!("{}?draft=true", desk.path), writer).await.expect(200);
    let path = url.strip_prefix(&server.base).unwrap();
    let seen = server.get(path, None).await.expect(200);
    assert_private(&seen.headers);
    assert_eq!(seen.header("vary"), "Authorization, Accept, Accept-Encoding");
    let mut expected = draft.body.clone();
    expected.as_object_mut().unwrap().remove("editorial").unwrap();
    assert_eq!(seen.body, expected);
    // The draft's tag names a version; this one is good for nothing but If-None-Match.
    let tag = seen.header("etag");
    assert!(draft.header("etag").contains('.') && !tag.contains('.'), "{tag}");
    let stale = server.patch_if(&desk.path, writer, tag, json!({"title": "x"})).await;
    stale.expect_problem(412, "precondition-failed");
    let same = server.send("GET", path, &[("if-none-match", tag)], None).await.expect(304);
    assert_private(&same.headers);
    assert_eq!((same.header("etag"), same.header("vary")), (tag, "Authorization, Accept, Accept-Encoding"));
    let head = server.send("HEAD", path, &[], None).await.expect(200);
    assert_private(&head.headers);
    assert_eq!(head.header("etag"), tag);

    // By its slugs too, and as it changes.
    server.patch(&desk.path, writer, json!({"slug": "tersaji", "title": "Tersaji"})).await.expect(200);
    let by_slug =
        server.get(&format!("/v1/articles/tersaji?draft=true&preview={token}"), None).await.expect(200);
    assert_eq!((&by_slug.body["title"], &by_slug.body["slug"]), (&json!("Tersaji"), &json!("tersaji")));
    assert_ne!(by_slug.header("etag"), tag);
    // Over a live story the draft is shown, and not what readers see.
    server.act(&format!("{}/publish", desk.path), Some(&desk.editor)).await.expect(200);
    server.patch(&desk.path, Some(&desk.editor), json!({"title": "Disajikan"})).await.expect(200);
    assert_eq!(desk.preview(token).await.expect(200).body["title"], "Disajikan");
    let live = server.get(&desk.path, None).await.expect(200);
    assert_eq!(live.body["title"], "Tersaji");
    assert!(!live.headers.contains_key("x-robots-tag"));
}

#[tokio::test]
async fn the_address_is_that_of_the_client_and_only_a_trusted_proxy_can_tell_another() {
    let headers =
        [("x-forwarded-host", "cms.example"), ("x-forwarded-proto", "https"), ("x-forwarded-for", "1.2.3.4")];
    for (proxies, base) in [(&[][..], "http://warta.example"), (&["127.0.0.0/8"], "https://cms.example")] {
        let server = Server::behind(proxies).await;
        let token = server.sign_in(Role::Writer).await;
        let body = json!({"title": "Satu", "language": "id"});
        let made = server.post("/v1/articles", Some(&token), body).await.expect(201);
        let path = format!("{}/preview-links", made.header("location"));
        let bearer = format!("Bearer {token}");
        let all = [&headers[..], &[("authorization", &bearer), ("content-length", "0")]].concat();
        let link = raw(&server, &format!("POST {path}"), &all, b"").await.expect(201);
        let url = link.body["url"].as_str().unwrap();
        assert!(url.starts_with(&format!("{base}/v1/articles/")), "{url}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_not_told() {
    let desk = Desk::new().await;
    let server = &desk.server;
    let token = desk.token().await;
    let other =
        server.post("/v1/articles", Some(&desk.writer), json!({"title": "Lain", "language": "id"})).await;
    let other = other.expect(201).body["id"].as_str().unwrap().to_owned();
    let parts: Vec<_> = token.split('.').collect();
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    for forged in ["", "x", "..", "%00", &token[..40], &unsigned, &format!("{token}A"), &desk.editor] {
        assert_refused(desk.preview(forged).await);
    }
    // Of another article, of one that is not there, and of what is nobody's slug.
    for article in [other.as_str(), "lain", "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77", "tidak-ada"] {
        assert_refused(server.get(&format!("/v1/articles/{article}?draft=true&preview={token}"), None).await);
    }
    // It signs nobody in.
    let as_access = server.get("/v1/me", Some(&token)).await.expect_problem(401, "unauthenticated");
    assert!(as_access.header("www-authenticate").contains("invalid_token"));
    server.get(&format!("{}?draft=true", desk.path), Some(&token)).await.expect(401);
    server.delete(&desk.path, Some(&token)).await.expect(401);
    desk.preview(&token).await.expect(200);
}

#[tokio::test]
async fn a_preview_that_cannot_be_applied_is_refused() {
    let desk = Desk::new().await;
    let token = desk.token().await;
    let bearer = format!("Bearer {}", desk.editor);
    let with_token = [("authorization", bearer.as_str())];
    for (query, headers, code) in [
        (format!("preview={token}"), &[][..], "needs_draft"),
        (format!("draft=false&preview={token}"), &[], "needs_draft"),
        (format!("trashed=true&preview={token}"), &[], "not_in_trash"),
        (format!("draft=true&trashed=true&preview={token}"), &[], "not_in_trash"),
        (format!("draft=true&preview={token}"), &with_token, "with_token"),
        (format!("draft=true&preview={token}&preview={token}"), &[], "repeated"),
    ] {
        let answer = desk.server.send("GET", &format!("{}?{query}", desk.path), headers, None).await;
        assert_private(&answer.headers);
        assert!(!answer.text.contains(&token), "{}", answer.text);
        let answer = answer.expect_problem(400, "invalid-query");
        assert!(answer.faults().contains(&("preview".to_owned(), code.to_owned())), "{}", answer.text);
    }
    let unknown = format!("{}?draft=true&%70review={token}&nope=1", desk.path);
    let unknown = desk.server.get(&unknown, None).await;
    assert_private(&unknown.headers);
    assert_eq!(unknown.faults(), [("nope".to_owned(), "unknown".to_owned())]);
    let no_slug =
        desk.server.get(&format!("/v1/articles/A_B?draft=true&preview={token}"), None).await.expect(404);
    assert_private(&no_slug.headers);
    // A token that is not good is refused before anything else.
    let bad = [("authorization", "Bearer x")];
    let path = format!("{}?draft=true&preview={token}", desk.path);
    desk.server.send("GET", &path, &bad, None).await.expect_problem(401, "unauthenticated");
    desk.server.get(&format!("/v1/articles?draft=true&preview={token}"), None).await.expect(400);
}

#[tokio::test]
async fn a_link_stops_when_it_expires_and_when_it_is_revoked() {
    let desk = Desk::new().await;
    let (server, writer) = (&desk.server, Some(desk.writer.as_str()));
    let made = server.post(&desk.links, writer, json!({"expires_in": 60})).await.expect(201);
    let (short, long) = (made.body["token"].as_str().unwrap(), desk.token().await);
    server.clock.advance(TimeDelta::seconds(30));
    desk.preview(short).await.expect(200);
    server.clock.advance(TimeDelta::seconds(30));
    assert_refused(desk.preview(short).await);
    desk.preview(&long).await.expect(200);

    let list = server.get(&desk.links, writer).await.expect(200);
    let link = format!("{}/{}", desk.links, list.each("id")[0]);
    let before = server.get(&link, writer).await.expect(200);
    assert_eq!(before.body["revoked_at"], Value::Null);
    for _ in 0..2 {
        server.delete(&link, Some(&desk.editor)).await.expect(204);
        assert_refused(desk.preview(&long).await);
    }
    let after = server.get(&link, writer).await.expect(200);
    assert!(after.body["revoked_at"].as_str().is_some());

    let id = desk.path.rsplit('/').next().unwrap().parse::<uuid::Uuid>().unwrap();
    let mut conn = server.database.get().await.unwrap();
    let recorded: Vec<(String, Value)> = events::table
        .filter(events::type_.like("preview_link.%"))
        .filter(events::subject_type.eq("article"))
        .filter(events::subject_id.eq(id))
        .order(events::id)
        .select((events::type_, events::details))
        .load(&mut conn)
        .await
        .unwrap();
    let kinds: Vec<_> = recorded.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["preview_link.created", "preview_link.created", "preview_link.revoked"]);
    let details = json!({"preview_link_id": after.body["id"], "expires_at": after.body["expires_at"]});
    assert_eq!((&recorded[1].1, &recorded[2].1), (&details, &details));
}

#[tokio::test]
async fn a_link_stops_with_its_article_and_with_its_maker() {
    let desk = Desk::new().await;
    let server = &desk.server;
    let admin = server.sign_in(Role::Admin).await;
    let editor = server.editor("ayu@example.org", Role::Editor).await;
    let ayu = server.token("ayu@example.org").await;
    let made = server.act(&desk.links, Some(&ayu)).await.expect(201);
    let (ayus, authors) = (made.body["token"].as_str().unwrap(), desk.token().await);
    let path = format!("/v1/editors/{}", editor.id);
    for change in [json!({"role": "writer"}), json!({"role": "editor", "active": false})] {
        desk.preview(ayus).await.expect(200);
        server.patch(&path, Some(&admin), change).await.expect(200);
        assert_refused(desk.preview(ayus).await);
        desk.preview(&authors).await.expect(200);
        server.patch(&path, Some(&admin), json!({"role": "editor", "active": true})).await.expect(200);
    }
    server.delete(&desk.path, Some(&admin)).await.expect(204);
    assert_refused(desk.preview(&authors).await);
    server.act(&format!("{}/restore", desk.path), Some(&admin)).await.expect(200);
    desk.preview(&authors).await.expect(200);
    server.delete(&format!("{}?permanent=true", desk.path), Some(&admin)).await.expect(204);
    assert_refused(desk.preview(&authors).await);
}

#[tokio::test]
async fn links_are_listed_newest_first_without_their_tokens() {
    let desk = Desk::new().await;
    let (server, writer) = (&desk.server, Some(desk.writer.as_str()));
    let mut made = Vec::new();
    for _ in 0..5 {
        let answer = server.act(&desk.links, writer).await.expect(201);
        let location = answer.header("location").to_owned();
        let link = server.get(&location, writer).await.expect(200);
        assert_eq!(link.body["id"], answer.body["id"]);
        made.push((answer.body["id"].as_str().unwrap().to_owned(), answer.body["token"].clone()));
    }
    server.delete(&format!("{}/{}", desk.links, made[1].0), writer).await.expect(204);
    made.reverse();
    let (mut seen, mut query) = (Vec::new(), "?limit=2&count=true".to_owned());
    loop {
        let page = server.get(&format!("{}{query}", desk.links), writer).await.expect(200);
        assert_eq!(page.body["total"], 5);
        for link in page.body["data"].as_array().unwrap() {
            seen.push(link["id"].as_str().unwrap().to_owned());
            assert_eq!(link["revoked_at"].is_null(), link["id"] != json!(made[3].0));
        }
        for (_, token) in &made {
            assert!(!page.text.contains(token.as_str().unwrap()));
        }
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        query = format!("?limit=2&count=true&cursor={cursor}");
    }
    assert_eq!(seen, made.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>());

    // One of another article is not there, and neither is what is no id.
    let other =
        server.post("/v1/articles", writer, json!({"title": "Lain", "language": "id"})).await.expect(201);
    let other = format!("{}/preview-links", other.header("location"));
    assert_eq!(server.get(&other, writer).await.expect(200).each("id"), [""; 0]);
    for id in [made[0].0.as_str(), "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77", "x"] {
        let path = format!("{other}/{id}");
        server.get(&path, writer).await.expect_problem(404, "not-found");
        server.delete(&path, writer).await.expect_problem(404, "not-found");
    }
    assert_eq!(
        server.get(&format!("{}/{}", desk.links, made[0].0), writer).await.body["revoked_at"],
        Value::Null
    );
}

#[tokio::test]
async fn a_link_lasts_a_minute_to_seven_days() {
    let desk = Desk::new().await;
    let (server, writer) = (&desk.server, Some(desk.writer.as_str()));
    for seconds in [60, 604_800] {
        server.post(&desk.links, writer, json!({"expires_in": seconds})).await.expect(201);
    }
    let before = server.snapshot().await;
    for (value, code) in [
        (json!(59), "out_of_range"),
        (json!(604_801), "out_of_range"),
        (json!(0), "out_of_range"),
        (json!(-60), "out_of_range"),
        (json!(u64::MAX), "out_of_range"),
        (json!(60.5), "wrong_type"),
        (json!("60"), "wrong_type"),
        (json!(null), "wrong_type"),
    ] {
        let refused = server.post(&desk.links, writer, json!({"expires_in": value})).await;
        let refused = refused.expect_problem(422, "invalid-body");
        assert_eq!(refused.faults(), [("/expires_in".to_owned(), code.to_owned())], "{value}");
    }
    for body in [json!({"expires_at": 60}), json!([]), json!(null)] {
        server.post(&desk.links, writer, body).await.expect(422);
    }
    assert_eq!(server.snapshot().await, before);
}

#[tokio::test]
async fn a_preview_names_only_the_translations_that_readers_see() {
    let desk = Desk::new().await;
    let (server, editor) = (&desk.server, Some(desk.editor.as_str()));
    for (language, slug) in [("en", "live"), ("jv", "draf")] {
        let body = json!({"title": slug, "slug": slug, "language": language, "translation_of": "rahasia"});
        server.post("/v1/articles", editor, body).await.expect(201);
    }
    server.act("/v1/articles/live/publish", editor).await.expect(200);
    let languages = |answer: &Answer| {
        let translations = answer.body["translations"].as_array().unwrap().clone();
        translations.iter().map(|one| one["language"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let draft = server.get(&format!("{}?draft=true", desk.path), editor).await.expect(200);
    assert_eq!(languages(&draft), ["en", "jv"]);
    assert_eq!(languages(&desk.preview(&desk.token().await).await.expect(200)), ["en"]);
}
