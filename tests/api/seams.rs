//! Where two parts of the desk meet: what each keeps by itself has to hold for both together.

use serde_json::json;
use warta::{context::Policy, principal::Role};

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
        let read = server.get(&format!("{path}?draft=true"), Some(token)).await.expect(200);
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", &*bearer), ("if-match", read.header("etag"))];
        let answer = server.send("POST", &format!("{path}/publish"), &headers, None).await;
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

#[tokio::test]
async fn a_retracted_story_in_the_trash_is_read_only_there() {
    let server = Server::start().await;
    let (writer, editor) = (server.sign_in(Role::Writer).await, server.sign_in(Role::Editor).await);
    let path = draft(&server, &editor, "Satu").await;
    server.act(&format!("{path}/publish"), Some(&editor)).await.expect(200);
    let correction = json!({"kind": "correction", "text": "Angkanya tujuh."});
    server.post(&format!("{path}/corrections"), Some(&editor), correction).await.expect(201);
    let reason = json!({"reason": "Keliru."});
    server.post(&format!("{path}/retract"), Some(&editor), reason).await.expect(200);
    let parts = ["", "/versions", "/versions/1", "/corrections"];
    for token in [&writer, &editor] {
        for part in parts {
            server.get(&format!("{path}{part}"), Some(token)).await.expect(200);
        }
    }
    server.delete(&path, Some(&editor)).await.expect(204);
    for token in [None, Some(writer.as_str()), Some(editor.as_str())] {
        for part in parts {
            let told = server.get(&format!("{path}{part}"), token).await.expect_problem(410, "retracted");
            assert_eq!(told.body["reason"], "Keliru.");
        }
    }
    server.get(&format!("{path}?trashed=true"), Some(&writer)).await.expect(404);
    server.get(&format!("{path}?trashed=true"), Some(&editor)).await.expect(200);
    server.act(&format!("{path}/restore"), Some(&editor)).await.expect(200);
    server.get(&path, Some(&writer)).await.expect(200);
}

#[tokio::test]
async fn an_action_does_not_drop_what_it_is_told() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    let path = draft(&server, &token, "Satu").await;
    let refused = async |action: &str| {
        let before = server.snapshot().await;
        let url = format!("{path}/{action}");
        for body in
            [json!({"note": "Mohon dibaca."}), json!({"at": "2999-01-01T00:00:00Z"}), json!([]), json!(null)]
        {
            server.post(&url, editor, body).await.expect_problem(400, "bad-request");
        }
        assert_eq!(server.snapshot().await, before, "{action}: what is refused changes nothing");
        server.post(&url, editor, json!({})).await.expect(200);
    };
    refused("submit").await;
    let later = json!({"at": "2999-01-01T00:00:00Z"});
    server.post(&format!("{path}/publish"), editor, later).await.expect(200);
    refused("unschedule").await;
    server.act(&format!("{path}/publish"), editor).await.expect(200);
    refused("unpublish").await;
    server.delete(&path, editor).await.expect(204);
    refused("restore").await;
}
