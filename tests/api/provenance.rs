//! How a text came about, for anyone to read.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use warta::{
    principal::Role,
    schema::{editions, revisions},
};

use crate::support::Server;

const IPTC: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/";

#[tokio::test]
async fn readers_are_told_how_a_text_came_about() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let composite = "compositeWithTrainedAlgorithmicMedia";
    let cases = [
        (json!({"kind": "human"}), "digitalCreation"),
        (json!({"kind": "translated", "source_language": "en"}), "digitalCreation"),
        (json!({"kind": "translated", "tool": "Penerjemah 2", "reviewed_by": "Redaksi"}), composite),
        (json!({"kind": "ai_assisted"}), composite),
        (json!({"kind": "ai_assisted", "tool": "Peringkas", "reviewed_by": "Redaksi"}), composite),
        (json!({"kind": "ai_generated", "tool": "Peringkas"}), "trainedAlgorithmicMedia"),
    ];
    for (number, (provenance, concept)) in cases.iter().enumerate() {
        let body = json!({"title": format!("Kabar {number}"), "language": "id", "provenance": provenance});
        let made = server.post("/v1/articles", editor, body).await.expect(201);
        let mut expected = json!({"tool": null, "reviewed_by": null, "source_language": null});
        expected.as_object_mut().unwrap().extend(provenance.as_object().unwrap().clone());
        expected["digital_source_type"] = json!(format!("{IPTC}{concept}"));
        assert_eq!(made.body["provenance"], expected);
        let path = format!("/v1/articles/kabar-{number}");
        server.act(&format!("{path}/publish"), editor).await.expect(200);
        assert_eq!(server.get(&path, None).await.body["provenance"], expected);
        let listed = server.get("/v1/articles?sort=-published_at&limit=1", None).await;
        assert_eq!(listed.body["data"][0]["provenance"], expected);
        let version = server.get(&format!("{path}/versions/1"), None).await;
        assert_eq!(version.body["provenance"], expected);
    }
    let unsaid = server.post("/v1/articles", editor, json!({"title": "x", "language": "id"})).await;
    assert_eq!(unsaid.expect(201).body["provenance"], Value::Null);
    // What follows from the rest is not kept.
    let mut conn = server.database.get().await.unwrap();
    let kept: Vec<Option<Value>> =
        editions::table.select(editions::provenance).load(&mut conn).await.unwrap();
    let contents: Vec<Value> = revisions::table.select(revisions::content).load(&mut conn).await.unwrap();
    assert!(!json!([kept, contents]).to_string().contains("digital_source_type"));
}

#[tokio::test]
async fn what_is_derived_is_no_input() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let provenance = json!({"kind": "human", "digital_source_type": format!("{IPTC}digitalCreation")});
    let body = json!({"title": "Satu", "language": "id", "provenance": provenance});
    let refused = server.post("/v1/articles", Some(&token), body).await.expect_problem(422, "invalid-body");
    assert_eq!(refused.faults(), [("/provenance/digital_source_type".to_owned(), "unknown".to_owned())]);
    let body = json!({"title": "Satu", "language": "id", "provenance": {"kind": "human"}});
    server.post("/v1/articles", Some(&token), body).await.expect(201);
    let patch = json!({"provenance": {"digital_source_type": "x"}});
    server.patch("/v1/articles/satu", Some(&token), patch).await.expect_problem(422, "invalid-body");
    let patch = json!({"provenance": {"kind": "ai_generated"}});
    let changed = server.patch("/v1/articles/satu", Some(&token), patch).await.expect(200);
    assert_eq!(changed.body["provenance"]["digital_source_type"], format!("{IPTC}trainedAlgorithmicMedia"));
    // Said again it is no change.
    let same = json!({"provenance": {"kind": "ai_generated", "tool": null}});
    let again = server.patch("/v1/articles/satu", Some(&token), same).await.expect(200);
    assert_eq!(again.header("etag"), changed.header("etag"));
}

#[tokio::test]
async fn nothing_is_translated_into_its_own_language() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let place = || ("/provenance/source_language".to_owned(), "same_language".to_owned());
    // Whatever else is at fault, and however the language is written.
    let body = json!({
        "title": " ", "language": "id", "provenance": {"kind": "translated", "source_language": "IN"},
    });
    let refused = server.post("/v1/articles", editor, body).await.expect_problem(422, "invalid-body");
    assert_eq!(refused.faults(), [place(), ("/title".to_owned(), "blank".to_owned())]);
    let body = json!({
        "title": "Satu", "language": "id", "provenance": {"kind": "translated", "source_language": "en"},
    });
    server.post("/v1/articles", editor, body).await.expect(201);
    for patch in [json!({"language": "en"}), json!({"provenance": {"source_language": "id"}})] {
        let refused = server.patch("/v1/articles/satu", editor, patch).await;
        assert_eq!(refused.expect_problem(422, "invalid-body").faults(), [place()]);
    }
    let turned = json!({"language": "en", "provenance": {"source_language": "id"}});
    server.patch("/v1/articles/satu", editor, turned).await.expect(200);
}
