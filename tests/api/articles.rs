//! Articles: from a draft to what readers see, and back.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;
use warta::{
    principal::Role,
    schema::{events, revisions},
};

use crate::support::{Answer, Server};

/// A server with an editor, a tag and a source.
async fn newsroom() -> (Server, String) {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    server.post("/v1/tags", editor, json!({"name": "Riset"})).await.expect(201);
    let source = json!({"name": "Kantor Berita Pesisir", "homepage_url": "https://pesisir.example/"});
    server.post("/v1/sources", editor, source).await.expect(201);
    (server, token)
}

async fn draft(server: &Server, token: &str, body: Value) -> Answer {
    server.post("/v1/articles", Some(token), body).await.expect(201)
}

fn path(answer: &Answer) -> String {
    format!("/v1/articles/{}", answer.body["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_story_goes_from_draft_to_readers() {
    let (server, token) = newsroom().await;
    let editor = Some(token.as_str());
    let body = json!({
        "title": "Model bahasa memahami bahasa daerah",
        "language": "in",
        "summary": "Ringkasan.",
        "body": "Satu **dua** tiga.",
        "image": {"url": "https://images.warta.example/a.jpg", "alt": "Gambar"},
        "byline": "Redaksi",
        "tags": ["riset"],
        "citations": [{
            "source": "kantor-berita-pesisir",
            "url": "https://pesisir.example/1",
            "title": "Laporan",
            "role": "data",
        }],
    });
    let made = draft(&server, &token, body).await;
    assert_eq!(made.header("location"), "/v1/articles/model-bahasa-memahami-bahasa-daerah");
    let path = made.header("location").to_owned();
    assert_eq!(made.body["status"], "draft");
    assert_eq!(made.body["language"], "id");
    assert_eq!(made.body["body_html"], "<p>Satu <strong>dua</strong> tiga.</p>\n");
    assert_eq!((&made.body["word_count"], &made.body["reading_minutes"]), (&json!(3), &json!(1)));
    assert_eq!(made.body["published_at"], json!(null));
    server.get(&path, None).await.expect_problem(404, "not-found");
    server.get(&path, editor).await.expect_problem(404, "not-found");
    let read = server.get(&format!("{path}?draft=true"), editor).await.expect(200);
    assert_eq!(read.header("etag"), made.header("etag"));
    assert_eq!(read.body, made.body);

    let published = server.act(&format!("{path}/publish"), editor).await.expect(200);
    assert_eq!(published.body["status"], "published");
    let live = server.get(&path, None).await.expect(200);
    assert_eq!(live.body["citations"][0]["source"]["name"], "Kantor Berita Pesisir");
    assert_eq!(live.body["tags"][0]["slug"], "riset");
    assert_eq!(live.body["published_at"], live.body["updated_at"]);
    let slug = path.trim_start_matches("/v1/articles/");
    assert_eq!(server.get("/v1/articles", None).await.each("slug"), [slug]);
}

#[tokio::test]
async fn readers_see_no_change_before_it_is_published() {
    let (server, token) = newsroom().await;
    let editor = Some(token.as_str());
    let image = json!({"url": "https://images.warta.example/a.jpg", "alt": "Gambar"});
    let body = json!({"title": "Satu", "language": "id", "tags": ["riset"], "image": image});
    let made = draft(&server, &token, body).await;
    let published = server.act(&format!("{}/publish", path(&made)), editor).await.expect(200);
    let live = server.get("/v1/articles/satu", None).await.expect(200);

    let patch = json!({"title": "Dua", "slug": "dua", "tags": [], "image": {"caption": "Keterangan"}});
    let changed =
        server.patch_if("/v1/articles/satu", editor, published.header("etag"), patch).await.expect(200);
    assert_eq!(changed.body["status"], "draft");
    // RFC 7396: an object is merged.
    assert_eq!(changed.body["image"]["alt"], "Gambar");
    assert_eq!(changed.body["image"]["caption"], "Keterangan");
    let same = server.get("/v1/articles/satu", None).await.expect(200);
    assert_eq!((same.text.as_str(), same.header("etag")), (live.text.as_str(), live.header("etag")));
    server.get("/v1/articles/dua", None).await.expect(404);
    assert_eq!(server.get("/v1/articles?tag=riset", None).await.each("slug"), ["satu"]);

    server.act("/v1/articles/satu/publish", editor).await.expect(200);
    let live = server.get("/v1/articles/dua", None).await.expect(200);
    assert_eq!((&live.body["tags"], &live.body["image"]["caption"]), (&json!([]), &json!("Keterangan")));
    assert!(live.body["updated_at"].as_str() > live.body["published_at"].as_str());
    assert_eq!(server.get("/v1/articles?tag=riset", None).await.each("slug"), [""; 0]);
}

#[tokio::test]
async fn every_fault_of_a_body_is_told_at_once() {
    let (server, token) = newsroom().await;
    let body = json!({
        "title": " ",
        "slug": "Tidak Sah",
        "language": "xx_YY",
        "summary": 7,
        "body": "a\u{0}b",
        "image": {"url": "javascript:alert(1)", "size": 3},
        "byline": "a\nb",
        "tags": ["riset", "tidak-ada", "riset", "Bukan Slug"],
        "citations": [
            {"source": "tidak-ada", "url": "ftp://a.example", "title": "", "role": "rumour"},
            {"source": "kantor-berita-pesisir"},
        ],
        "translation_of": "tidak-ada",
        "status": "published",
        "a/b~c": 1,
    });
    let answer = server.post("/v1/articles", Some(&token), body).await.expect_problem(422, "invalid-body");
    let expected = [
        ("/a~1b~0c", "unknown"),
        ("/body", "control_character"),
        ("/byline", "control_character"),
        ("/citations/0/role", "unknown_value"),
        ("/citations/0/source", "not_found"),
        ("/citations/0/title", "blank"),
        ("/citations/0/url", "invalid_url"),
        ("/citations/1/title", "required"),
        ("/citations/1/url", "required"),
        ("/image/size", "unknown"),
        ("/image/url", "invalid_url"),
        ("/language", "invalid_language"),
        ("/slug", "invalid_slug"),
        ("/status", "unknown"),
        ("/summary", "wrong_type"),
        ("/tags/1", "not_found"),
        ("/tags/2", "duplicate"),
        ("/tags/3", "invalid_slug"),
        ("/title", "blank"),
        ("/translation_of", "not_found"),
    ];
    assert_eq!(answer.faults(), expected.map(|(place, code)| (place.to_owned(), code.to_owned())));
    assert_eq!(server.get("/v1/articles?draft=true&count=true", Some(&token)).await.body["total"], 0);
}

#[tokio::test]
async fn a_patch_clears_with_null_and_refuses_what_cannot_be_cleared() {
    let (server, token) = newsroom().await;
    let editor = Some(token.as_str());
    let body = json!({"title": "Satu", "language": "id", "summary": "S", "byline": "B", "tags": ["riset"]});
    let made = draft(&server, &token, body).await;
    let patch = json!({"summary": null, "byline": null, "tags": null, "slug": null, "title": "Dua"});
    let changed = server.patch(&path(&made), editor, patch).await.expect(200);
    assert_eq!(changed.body["summary"], "");
    assert_eq!(changed.body["byline"], json!(null));
    assert_eq!(changed.body["tags"], json!([]));
    assert_eq!(changed.body["slug"], "dua");
    let patch = json!({"title": null, "language": null, "nope": null, "image": {"alt": "no url"}});
    let refused = server.patch(&path(&made), editor, patch).await.expect_problem(422, "invalid-body");
    let places: Vec<_> = refused.faults().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["/image/url", "/language", "/nope", "/title"]);
    for body in [json!([]), json!("x"), json!(null)] {
        server.patch(&path(&made), editor, body).await.expect_problem(422, "invalid-body");
    }
}

#[tokio::test]
async fn slugs_are_made_once_and_belong_to_one_article() {
    let (server, token) = newsroom().await;
    let editor = Some(token.as_str());
    let body = json!({"title": "Judul Sama", "language": "id"});
    let made = join_all((0..12).map(|_| server.post("/v1/articles", editor, body.clone()))).await;
    let mut slugs: Vec<_> = made.iter().map(|made| made.body["slug"].as_str().unwrap().to_owned()).collect();
    slugs.sort_by_key(|slug| (slug.len(), slug.clone()));
    let numbered = (2..=12).map(|number| format!("judul-sama-{number}"));
    assert_eq!(slugs, [String::from("judul-sama")].into_iter().chain(numbered).collect::<Vec<_>>());

    let taken = json!({"title": "x", "language": "id", "slug": "judul-sama"});
    let refused = server.post("/v1/articles", editor, taken).await.expect_problem(409, "slug-taken");
    assert_eq!(refused.faults(), [("/slug".to_owned(), "taken".to_owned())]);
    server
        .patch("/v1/articles/judul-sama-2", editor, json!({"slug": "judul-sama-3"}))
        .await
        .expect_problem(409, "slug-taken");

    // A slug that readers never saw is free again; one that they saw is not.
    server.patch("/v1/articles/judul-sama-2", editor, json!({"slug": "lain"})).await.expect(200);
    draft(&server, &token, json!({"title": "x", "language": "id", "slug": "judul-sama-2"})).await;
    server.act("/v1/articles/lain/publish", editor).await.expect(200);
    server.patch("/v1/articles/lain", editor, json!({"slug": "lain-lagi"})).await.expect(200);
    server.act("/v1/articles/lain/publish", editor).await.expect(200);
    let taken = json!({"title": "x", "language": "id", "slug": "lain"});
    server.post("/v1/articles", editor, taken).await.expect_problem(409, "slug-taken");
}

#[tokio::test]
async fn of_many_changes_of_one_state_one_is_made() {
    let (server, token) = newsroom().await;
    let editor = Some(token.as_str());
    let made = draft(&server, &token, json!({"title": "Satu", "language": "id"})).await;
    let (path, tag) = (path(&made), made.header("etag").to_owned());
    let changes = (0..20)
        .map(|number| server.patch_if(&path, editor, &tag, json!({"title": format!("Judul {number}")})));
    let answers = join_all(changes).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(lost.status, 412, "{}", lost.text);
        assert_eq!(lost.header("etag"), won[0].header("etag"));
    }
    let draft = server.get(&format!("{path}?draft=true"), editor).await;
    assert_eq!(draft.body["title"], won[0].body["title"]);
    // A renamed tag is no change of the article: the state that the editor read is still the state.
    let tagged = server.patch(&path, editor, json!({"tags": ["riset"]})).await.expect(200);
    server.patch("/v1/tags/riset", editor, json!({"name": "Penelitian"})).await.expect(200);
    let renamed = server.get(&format!("{path}?draft=true"), editor).await;
    assert_ne!(renamed.header("etag"), tagged.header("etag"));
    server.patch_if(&path, editor, tagged.header("etag"), json!({"title": "Akhir"})).await.expect(200);
}

#[tokio::test]
async fn publishing_can_be_dated_back_and_is_not_repeated() {
    let (server, token) = newsroom().await;
    let editor = Some(token.as_str());
    let made = draft(&server, &token, json!({"title": "Satu", "language": "id"})).await;
    let publish = format!("{}/publish", path(&made));
    for at in ["kemarin", "2024-01-01"] {
        let refused = server.post(&publish, editor, json!({"at": at})).await;
        assert_eq!(refused.expect_problem(422, "invalid-body").faults()[0].0, "/at");
    }
    let published =
        server.post(&publish, editor, json!({"at": "2020-05-01T07:00:00+07:00"})).await.expect(200);
    assert_eq!(published.body["published_at"], "2020-05-01T00:00:00Z");
    let again = server.act(&publish, editor).await.expect(200);
    assert_eq!(again.header("etag"), published.header("etag"));
    server
        .post(&publish, editor, json!({"at": "2021-01-01T00:00:00Z"}))
        .await
        .expect_problem(422, "invalid-body");

    let unpublish = format!("{}/unpublish", path(&made));
    let taken_down = server.act(&unpublish, editor).await.expect(200);
    assert_eq!(
        (&taken_down.body["status"], &taken_down.body["published_at"]),
        (&json!("draft"), &json!(null))
    );
    server.get("/v1/articles/satu", None).await.expect_problem(404, "not-found");
    let refused = server.act(&unpublish, editor).await.expect_problem(409, "not-allowed-in-state");
    assert_eq!(refused.body["status"], 409);
    assert_eq!(refused.body["state"], "draft");
    let allowed = ["edit", "submit", "publish", "schedule", "trash", "delete"];
    assert_eq!(refused.body["allowed"], json!(allowed));
    let back = server.act(&publish, editor).await.expect(200);
    assert_eq!(back.body["published_at"], "2020-05-01T00:00:00Z");
}

#[tokio::test]
async fn the_trash_hides_and_only_an_admin_empties_it() {
    let (server, token) = newsroom().await;
    let (editor, admin) = (Some(token.as_str()), server.sign_in(Role::Admin).await);
    let made = draft(&server, &token, json!({"title": "Satu", "language": "id"})).await;
    let path = path(&made);
    server.act(&format!("{path}/publish"), editor).await.expect(200);
    server.delete(&format!("{path}?permanent=true"), editor).await.expect_problem(403, "forbidden");
    server.delete(&path, editor).await.expect(204);
    for gone in [path.clone(), format!("{path}?draft=true")] {
        server.get(&gone, Some(&admin)).await.expect_problem(404, "not-found");
    }
    server.delete(&path, editor).await.expect_problem(404, "not-found");
    server.act(&format!("{path}/publish"), editor).await.expect_problem(404, "not-found");
    server.patch(&path, editor, json!({"title": "x"})).await.expect_problem(404, "not-found");
    assert_eq!(server.get("/v1/articles?draft=true", editor).await.each("slug"), [""; 0]);
    // What is in the trash can be restored, so its slug stays its own.
    let taken = json!({"title": "x", "language": "id", "slug": "satu"});
    server.post("/v1/articles", editor, taken.clone()).await.expect_problem(409, "slug-taken");
    server.delete(&format!("{path}?permanent=true"), Some(&admin)).await.expect(204);
    draft(&server, &token, taken).await;
}

#[tokio::test]
async fn an_author_keeps_to_own_unpublished_articles() {
    let (server, token) = newsroom().await;
    let (editor, writer, other) =
        (Some(token.as_str()), server.sign_in(Role::Writer).await, server.sign_in(Role::Writer).await);
    let made = draft(&server, &writer, json!({"title": "Punya Ayu", "language": "id"})).await;
    let path = path(&made);
    let as_draft = format!("{path}?draft=true");
    server.get(&as_draft, Some(&other)).await.expect_problem(404, "not-found");
    server.patch(&path, Some(&other), json!({"title": "x"})).await.expect_problem(404, "not-found");
    server.delete(&path, Some(&other)).await.expect_problem(404, "not-found");
    server.get(&as_draft, editor).await.expect(200);
    server.patch(&path, Some(&writer), json!({"title": "y"})).await.expect(200);
    server.act(&format!("{path}/publish"), Some(&writer)).await.expect_problem(403, "forbidden");
    server.act(&format!("{path}/publish"), editor).await.expect(200);
    // Now everybody may know that it is there.
    server.get(&as_draft, Some(&other)).await.expect_problem(403, "forbidden");
    server.get(&as_draft, Some(&writer)).await.expect(200);
    server.patch(&path, Some(&writer), json!({"title": "z"})).await.expect_problem(403, "forbidden");
    server.delete(&path, Some(&writer)).await.expect_problem(403, "forbidden");
    // Another writer's draft is no article to be a translation of.
    let secret = draft(&server, &writer, json!({"title": "Rahasia", "language": "id"})).await;
    let body = json!({"title": "Secret", "language": "en", "translation_of": secret.body["id"]});
    let refused = server.post("/v1/articles", Some(&other), body).await.expect_problem(422, "invalid-body");
    assert_eq!(refused.faults(), [("/translation_of".to_owned(), "not_found".to_owned())]);
}

#[tokio::test]
async fn an_etag_is_good_for_its_own_article_only() {
    let (server, token) = newsroom().await;
    let editor = Some(token.as_str());
    let admin = server.sign_in(Role::Admin).await;
    let body = json!({"title": "Satu", "language": "id"});
    let first = draft(&server, &token, body.clone()).await;
    server.delete("/v1/articles/satu?permanent=true", Some(&admin)).await.expect(204);
    // Another story at the same address, and changed as often.
    draft(&server, &token, body).await;
    let refused =
        server.patch_if("/v1/articles/satu", editor, first.header("etag"), json!({"title": "x"})).await;
    let refused = refused.expect_problem(412, "precondition-failed");
    assert_eq!(refused.body["base_revision"], Value::Null);
}

#[tokio::test]
async fn each_save_keeps_a_revision_and_each_change_an_event() {
    let (server, token) = newsroom().await;
    let editor = Some(token.as_str());
    let made = draft(&server, &token, json!({"title": "Satu", "language": "id", "tags": ["riset"]})).await;
    let (path, id) = (path(&made), made.body["id"].as_str().unwrap().parse::<Uuid>().unwrap());
    server.patch(&path, editor, json!({"title": "Dua"})).await.expect(200);
    server.patch_if(&path, editor, "\"1.x\"", json!({"title": "Tiga"})).await.expect(412);
    server.act(&format!("{path}/publish"), editor).await.expect(200);
    server.delete(&path, editor).await.expect(204);

    let mut conn = server.database.get().await.unwrap();
    let kept: Vec<(i32, Value)> = revisions::table
        .filter(revisions::article_id.eq(id))
        .order(revisions::number)
        .select((revisions::number, revisions::content))
        .load(&mut conn)
        .await
        .unwrap();
    let titles: Vec<_> =
        kept.iter().map(|(number, content)| (*number, content["title"].as_str().unwrap())).collect();
    assert_eq!(titles, [(1, "Satu"), (2, "Dua")]);
    assert_eq!(kept[0].1["tags"], made.body["tags"]);
    let recorded: Vec<(String, Option<String>, Value)> = events::table
        .filter(events::subject_id.eq(id))
        .order(events::id)
        .select((events::type_, events::request_id, events::details))
        .load(&mut conn)
        .await
        .unwrap();
    let kinds: Vec<_> = recorded.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(kinds, ["article.created", "article.updated", "article.published", "article.trashed"]);
    assert_eq!(recorded[0].1.as_deref(), Some(made.header("x-request-id")));
    assert_eq!(recorded[1].2, json!({"fields": ["title"]}));
}
