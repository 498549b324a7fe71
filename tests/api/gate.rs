//! The publish gate: what a newsroom asks for before readers see a story.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use warta::{context::Policy, principal::Role, schema::events};

use crate::support::{Answer, Server};

const CITATION: Policy = Policy { require_citation: true, require_review: false };
const REVIEW: Policy = Policy { require_citation: false, require_review: true };
const BOTH: Policy = Policy { require_citation: true, require_review: true };

/// A newsroom with a policy, a source, and a writer, two editors and an admin.
struct Desk {
    server: Server,
    writer: String,
    editor: String,
    other: String,
    admin: String,
}

impl Desk {
    async fn open(policy: Policy) -> Self {
        let server = Server::start_with(policy).await;
        let desk = Self {
            writer: server.sign_in(Role::Writer).await,
            editor: server.sign_in(Role::Editor).await,
            other: server.sign_in(Role::Editor).await,
            admin: server.sign_in(Role::Admin).await,
            server,
        };
        desk.server.post("/v1/sources", Some(&desk.editor), json!({"name": "Pesisir"})).await.expect(201);
        desk
    }

    /// Makes a draft that cites nothing; its path.
    async fn draft(&self, token: &str) -> String {
        let made =
            self.server.post("/v1/articles", Some(token), json!({"title": "Kabar", "language": "id"})).await;
        made.expect(201).header("location").to_owned()
    }

    async fn patch(&self, path: &str, token: &str, patch: Value) {
        self.server.patch(path, Some(token), patch).await.expect(200);
    }

    /// What publishing with this body lacks; empty where it is done.
    async fn lacking(&self, path: &str, token: &str, body: Value) -> Vec<(String, String)> {
        let before = self.server.snapshot().await;
        let answer = self.publish(path, token, body).await;
        if answer.status == 200 {
            return Vec::new();
        }
        let faults = answer.expect_problem(422, "publish-gate").faults();
        assert_eq!(self.server.snapshot().await, before, "what is refused changes nothing");
        faults
    }

    /// Publishes the draft as it is now.
    async fn publish(&self, path: &str, token: &str, body: Value) -> Answer {
        let read = self.server.get(&format!("{path}?draft=true"), Some(token)).await.expect(200);
        self.publish_state(path, token, Some(read.header("etag")), body).await
    }

    async fn publish_state(&self, path: &str, token: &str, tag: Option<&str>, body: Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("authorization", &*bearer)];
        headers.extend(tag.map(|tag| ("if-match", tag)));
        self.server.send("POST", &format!("{path}/publish"), &headers, Some(body)).await
    }

    /// The details of the newest event of this kind.
    async fn recorded(&self, kind: &str) -> Value {
        let mut conn = self.server.database.get().await.unwrap();
        let newest = events::table.filter(events::type_.eq(kind)).order(events::id.desc());
        newest.select(events::details).first(&mut conn).await.unwrap()
    }
}

fn citation_required() -> (String, String) {
    ("/citations".to_owned(), "citation_required".to_owned())
}

fn review_required() -> (String, String) {
    (String::new(), "review_required".to_owned())
}

fn citations() -> Value {
    json!({"citations": [{"source": "pesisir", "url": "https://pesisir.example/1", "title": "Laporan"}]})
}

#[tokio::test]
async fn a_story_without_a_citation_stays_back() {
    let desk = Desk::open(CITATION).await;
    let path = desk.draft(&desk.writer).await;
    let later = json!({"at": desk.server.clock.now() + TimeDelta::minutes(10)});
    for body in [json!({}), json!({"at": "2024-01-01T00:00:00Z"}), later.clone()] {
        assert_eq!(desk.lacking(&path, &desk.editor, body).await, [citation_required()]);
    }
    desk.server.get(&path, None).await.expect(404);
    desk.patch(&path, &desk.editor, citations()).await;
    assert_eq!(desk.lacking(&path, &desk.editor, later).await, []);
    desk.server.act(&format!("{path}/unschedule"), Some(&desk.editor)).await.expect(200);
    assert_eq!(desk.lacking(&path, &desk.editor, json!({})).await, []);
    // A live story's change has to hold up too; nothing new to publish asks for nothing.
    desk.patch(&path, &desk.editor, json!({"citations": []})).await;
    assert_eq!(desk.lacking(&path, &desk.editor, json!({})).await, [citation_required()]);
    assert_eq!(desk.server.get(&path, None).await.expect(200).body["citations"].as_array().unwrap().len(), 1);
    desk.patch(&path, &desk.editor, citations()).await;
    desk.server.act(&format!("{path}/publish"), Some(&desk.editor)).await.expect(200);
    desk.server.act(&format!("{path}/publish"), Some(&desk.editor)).await.expect(200);
}

#[tokio::test]
async fn what_nobody_reviewed_is_not_published() {
    let desk = Desk::open(REVIEW).await;
    let path = desk.draft(&desk.writer).await;
    desk.server.act(&format!("{path}/submit"), Some(&desk.writer)).await.expect(200);
    let read = desk.server.get(&format!("{path}?draft=true"), Some(&desk.editor)).await.expect(200);
    let reviewed = read.header("etag").to_owned();
    desk.patch(&path, &desk.writer, json!({"summary": "Ditambah sesudah dibaca."})).await;
    for body in [
        json!({}),
        json!({"at": desk.server.clock.now() + TimeDelta::minutes(10)}),
        json!({"at": "2024-01-01T00:00:00Z"}),
    ] {
        for token in [&desk.editor, &desk.admin] {
            for none in [None, Some("*")] {
                let refused = desk.publish_state(&path, token, none, body.clone()).await;
                refused.expect_problem(428, "precondition-required");
            }
            let stale = desk.publish_state(&path, token, Some(&reviewed), body.clone()).await;
            stale.expect_problem(412, "precondition-failed");
        }
    }
    desk.server.get(&path, None).await.expect(404);
    desk.publish(&path, &desk.editor, json!({})).await.expect(200);
    assert_eq!(desk.server.get(&path, None).await.expect(200).body["summary"], "Ditambah sesudah dibaca.");
    // An admin who overrides the review says why, and names no state.
    desk.patch(&path, &desk.editor, json!({"summary": "Mendesak."})).await;
    let body = json!({"override": true, "override_reason": "Siaran darurat."});
    desk.publish_state(&path, &desk.admin, None, body).await.expect(200);
}

#[tokio::test]
async fn nobody_publishes_alone_what_they_alone_wrote() {
    let desk = Desk::open(REVIEW).await;
    let path = desk.draft(&desk.editor).await;
    let later = || json!({"at": desk.server.clock.now() + TimeDelta::minutes(10)});
    for body in [json!({}), later()] {
        assert_eq!(desk.lacking(&path, &desk.editor, body).await, [review_required()]);
    }
    // Who hands it in did not write it.
    desk.server.act(&format!("{path}/submit"), Some(&desk.other)).await.expect(200);
    assert_eq!(desk.lacking(&path, &desk.editor, json!({})).await, [review_required()]);
    assert_eq!(desk.lacking(&path, &desk.other, json!({})).await, []);

    // Of a live story only what was written since counts.
    desk.patch(&path, &desk.other, json!({"summary": "Satu."})).await;
    // A note alone is no writing.
    desk.patch(&path, &desk.editor, json!({"note": "Sudah dibaca."})).await;
    assert_eq!(desk.lacking(&path, &desk.other, json!({})).await, [review_required()]);
    desk.patch(&path, &desk.editor, json!({"summary": "Dua."})).await;
    assert_eq!(desk.lacking(&path, &desk.other, json!({})).await, [], "both wrote");
    desk.patch(&path, &desk.editor, json!({"summary": "Tiga."})).await;
    desk.patch(&path, &desk.editor, json!({"summary": "Empat."})).await;
    assert_eq!(desk.lacking(&path, &desk.editor, json!({})).await, [review_required()]);
    // To take the live edition down changes nothing of that.
    desk.server.act(&format!("{path}/unpublish"), Some(&desk.editor)).await.expect(200);
    assert_eq!(desk.lacking(&path, &desk.editor, json!({})).await, [review_required()]);
    assert_eq!(desk.lacking(&path, &desk.other, json!({})).await, []);

    // What a writer wrote, an editor publishes.
    let path = desk.draft(&desk.writer).await;
    assert_eq!(desk.lacking(&path, &desk.editor, json!({})).await, []);
}

#[tokio::test]
async fn what_was_scheduled_rightly_is_published_at_its_time() {
    let desk = Desk::open(BOTH).await;
    let path = desk.draft(&desk.writer).await;
    desk.patch(&path, &desk.writer, citations()).await;
    let later = json!({"at": desk.server.clock.now() + TimeDelta::minutes(10)});
    assert_eq!(desk.lacking(&path, &desk.editor, later).await, []);
    desk.server.clock.advance(TimeDelta::minutes(11));
    assert_eq!(desk.server.publish_due().await, 1);
    desk.server.get(&path, None).await.expect(200);
    // Sooner than it was scheduled is a publication of its own.
    let path = desk.draft(&desk.editor).await;
    desk.patch(&path, &desk.editor, json!({"title": "Lain"})).await;
    desk.patch(&path, &desk.editor, json!({"citations": citations()["citations"]})).await;
    let later = json!({"at": desk.server.clock.now() + TimeDelta::minutes(10)});
    assert_eq!(desk.lacking(&path, &desk.other, later).await, []);
    assert_eq!(desk.lacking(&path, &desk.editor, json!({})).await, [review_required()]);
    assert_eq!(desk.lacking(&path, &desk.other, json!({})).await, []);
}

#[tokio::test]
async fn an_admin_overrides_with_a_reason_that_is_recorded() {
    let desk = Desk::open(BOTH).await;
    let path = desk.draft(&desk.admin).await;
    let expected = [review_required(), citation_required()];
    assert_eq!(desk.lacking(&path, &desk.admin, json!({})).await, expected, "all at once, an admin too");
    assert_eq!(desk.lacking(&path, &desk.admin, json!({"override": false})).await, expected);
    let publish = format!("{path}/publish");
    let full = json!({"override": true, "override_reason": "Siaran darurat."});
    for token in [&desk.editor, &desk.other] {
        desk.server.post(&publish, Some(token), full.clone()).await.expect_problem(403, "forbidden");
    }
    for (body, code) in [
        (json!({"override": true}), "required"),
        (json!({"override": true, "override_reason": null}), "required"),
        (json!({"override": true, "override_reason": " "}), "blank"),
        (json!({"override_reason": "Tanpa."}), "needs_override"),
        (json!({"override": false, "override_reason": "Tanpa."}), "needs_override"),
    ] {
        let refused = desk.server.post(&publish, Some(&desk.admin), body).await;
        let refused = refused.expect_problem(422, "invalid-body");
        assert_eq!(refused.faults(), [("/override_reason".to_owned(), code.to_owned())]);
    }
    let refused = desk.server.post(&publish, Some(&desk.admin), json!({"override": "yes"})).await;
    assert_eq!(refused.expect_problem(422, "invalid-body").faults()[0].0, "/override");
    desk.server.get(&path, None).await.expect(404);

    let mut later = full.clone();
    later["at"] = json!(desk.server.clock.now() + TimeDelta::minutes(10));
    assert_eq!(desk.lacking(&path, &desk.admin, later).await, []);
    let recorded = desk.recorded("article.scheduled").await;
    let overridden = json!(["citation_required", "review_required"]);
    assert_eq!((&recorded["overridden"], &recorded["reason"]), (&overridden, &json!("Siaran darurat.")));
    desk.server.act(&format!("{path}/unschedule"), Some(&desk.admin)).await.expect(200);
    desk.patch(&path, &desk.admin, citations()).await;
    assert_eq!(desk.lacking(&path, &desk.admin, full.clone()).await, []);
    let recorded = desk.recorded("article.published").await;
    assert_eq!(
        (&recorded["overridden"], &recorded["reason"]),
        (&json!(["review_required"]), &json!("Siaran darurat."))
    );
    desk.server.get(&path, None).await.expect(200);

    // Where nothing stands in the way, nothing is overridden.
    let path = desk.draft(&desk.writer).await;
    let more =
        json!({"citations": [{"source": "pesisir", "url": "https://pesisir.example/2", "title": "Lain"}]});
    desk.patch(&path, &desk.writer, more).await;
    assert_eq!(desk.lacking(&path, &desk.admin, full).await, []);
    let recorded = desk.recorded("article.published").await;
    assert_eq!((recorded.get("overridden"), recorded.get("reason")), (None, None));
}

#[tokio::test]
async fn a_newsroom_that_asks_for_nothing_gets_everything() {
    let desk = Desk::open(Policy::default()).await;
    let path = desk.draft(&desk.editor).await;
    assert_eq!(desk.lacking(&path, &desk.editor, json!({})).await, []);
    assert_eq!(desk.recorded("article.published").await.get("overridden"), None);
}
