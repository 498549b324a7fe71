//! Where two parts of the desk meet: what each keeps by itself has to hold for both together.

use serde_json::json;
use warta::{auth::Role, http::context::Policy};

use crate::support::Server;

/// Makes a draft with this title, of the editor with this token; its path.
async fn draft(server: &Server, token: &str, title: &str) -> String {
    let made = server.post("/v1/articles", Some(token), json!({"title": title, "language": "id"})).await;
    format!("/v1/articles/{}", made.expect(201).body["id"].as_str().unwrap())
}

#[tokio::test]
async fn neither_a_note_nor_the_trash_stands_in_for_a_review() {
    let server = Server::start_with(Policy { require_citation: false, require_review: true }).await;
    let writer = server.sign_in(Role::Editor).await;
    let other = server.sign_in(Role::Editor).await;
    let publish = async |path: &str, token: &str| {
        let answer = server.act(&format!("{path}/publish"), Some(token)).await;
        if answer.status == 422 {
            assert_eq!(answer.faults(), [(String::new(), "review_required".to_owned())]);
        }
        answer.status
    };
    // What a save leaves as it is nobody wrote by it: a note, or a revision that is there already.
    let path = draft(&server, &writer, "Satu").await;
    server.patch(&path, Some(&other), json!({"note": "Sudah dibaca."})).await.expect(200);
    let again = format!("{path}/revisions/1/restore");
    server.post(&again, Some(&other), json!({"note": "Sama."})).await.expect(200);
    assert_eq!(publish(&path, &writer).await, 422);
    server.patch(&path, Some(&other), json!({"summary": "Ringkasan."})).await.expect(200);
    assert_eq!(publish(&path, &writer).await, 200);

    // That somebody else wrote on what was published before is no review of what was written since.
    for way in ["unpublish", "trash"] {
        if way == "trash" {
            server.delete(&path, Some(&writer)).await.expect(204);
            server.act(&format!("{path}/restore"), Some(&writer)).await.expect(200);
        } else {
            server.act(&format!("{path}/unpublish"), Some(&writer)).await.expect(200);
        }
        server.patch(&path, Some(&writer), json!({"title": way})).await.expect(200);
        assert_eq!(publish(&path, &writer).await, 422, "{way}");
        assert_eq!(publish(&path, &other).await, 200, "{way}");
    }
    // What comes back as it was is judged as it was.
    server.act(&format!("{path}/unpublish"), Some(&writer)).await.expect(200);
    assert_eq!(publish(&path, &writer).await, 422);
    assert_eq!(publish(&path, &other).await, 200);
}
