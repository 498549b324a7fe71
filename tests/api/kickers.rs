//! The line above the headline.

use serde_json::{Value, json};
use warta::principal::Role;

use crate::support::Server;

#[tokio::test]
async fn a_kicker_goes_wherever_the_headline_goes() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let body = json!({"title": "Hujan di Alor", "language": "id", "kicker": "Dari pesisir", "body": "Isi."});
    let made = server.post("/v1/articles", editor, body).await.expect(201);
    assert_eq!(made.body["kicker"], "Dari pesisir");
    let path = made.header("location").to_owned();
    server.act(&format!("{path}/publish"), editor).await.expect(200);

    assert_eq!(server.get(&path, None).await.expect(200).body["kicker"], "Dari pesisir");
    assert_eq!(server.get("/v1/articles", None).await.expect(200).body["data"][0]["kicker"], "Dari pesisir");
    assert_eq!(
        server.get(&format!("{path}/versions/1"), None).await.expect(200).body["kicker"],
        "Dari pesisir"
    );
    assert_eq!(server.get("/v1/articles?q=pesisir&count=true", None).await.expect(200).body["total"], 1);
    let form =
        async |media_type| server.send("GET", &path, &[("accept", media_type)], None).await.expect(200);
    assert_eq!(form("application/ld+json").await.body["alternativeHeadline"], "Dari pesisir");
    let headlines = form("application/ninjs+json").await.body["headlines"].clone();
    let kicker = headlines.as_array().unwrap().iter().find(|headline| headline["role"] == "kicker").unwrap();
    assert_eq!(kicker["value"], "Dari pesisir");
    assert!(form("text/markdown").await.text.contains("\nkicker: \"Dari pesisir\"\n"));
}

#[tokio::test]
async fn a_kicker_is_changed_compared_and_restored_like_any_field() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let made =
        server.post("/v1/articles", editor, json!({"title": "Satu", "language": "id"})).await.expect(201);
    assert_eq!(made.body["kicker"], "");
    let path = made.header("location").to_owned();
    let set = |kicker: Value| server.patch(&path, editor, json!({"kicker": kicker}));
    assert_eq!(set(json!("Riset")).await.expect(200).body["kicker"], "Riset");
    let changed = server.get(&format!("{path}/revisions/2"), editor).await.expect(200).body;
    assert_eq!((&changed["changed"], &changed["content"]["kicker"]), (&json!(["kicker"]), &json!("Riset")));
    let compared = server.get(&format!("{path}/compare/1...2"), editor).await.expect(200).body;
    assert_eq!(compared["fields"], json!([{"field": "kicker", "from": "", "to": "Riset"}]));
    assert_eq!(set(json!(null)).await.expect(200).body["kicker"], "");
    let restored = server.post(&format!("{path}/revisions/2/restore"), editor, json!({})).await.expect(200);
    assert_eq!(restored.body["kicker"], "Riset");
    assert_eq!(set(json!("a".repeat(100))).await.expect(200).body["kicker"], "a".repeat(100));
    let refused = set(json!("a".repeat(101))).await.expect_problem(422, "invalid-body");
    assert_eq!(refused.faults(), [("/kicker".to_owned(), "too_long".to_owned())]);
}
