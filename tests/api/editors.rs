//! Editors: the admins' management of them, and one's own account.

use serde_json::{Value, json};
use warta::principal::Role;

use crate::support::{Answer, PASSWORD, Server};

/// A new admin's id and access token.
async fn admin(server: &Server, email: &str) -> (String, String) {
    let editor = server.editor(email, Role::Admin).await;
    (format!("/v1/editors/{}", editor.id), server.token(email).await)
}

fn input(email: &str) -> Value {
    json!({"email": email, "name": "Ayu Lestari", "role": "writer", "password": PASSWORD})
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().unwrap()
}

fn kind(answer: &Answer) -> &str {
    answer.body["type"].as_str().unwrap()
}

#[tokio::test]
async fn an_admin_creates_an_editor() {
    let server = Server::start().await;
    let (_, token) = admin(&server, "admin@example.org").await;
    let made = server.post("/v1/editors", Some(&token), input("Ayu@Example.org")).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["email"], "Ayu@Example.org");
    assert_eq!(made.body["active"], true);
    let read = server.get(header(&made, "location"), Some(&token)).await;
    assert_eq!(read.body, made.body);
    assert_eq!(header(&read, "etag"), header(&made, "etag"));
    assert!(!read.body.to_string().contains("argon2"));
    server.token("ayu@example.org").await;

    let again = server.post("/v1/editors", Some(&token), input("AYU@example.org")).await;
    assert_eq!((again.status, kind(&again)), (409, "/problems/email-taken"));
    assert_eq!(again.body["errors"][0]["pointer"], "/email");
}

#[tokio::test]
async fn every_fault_of_a_new_editor_is_told() {
    let server = Server::start().await;
    let (_, token) = admin(&server, "admin@example.org").await;
    let body = json!({"email": "ayu", "name": " ", "role": "boss", "password": "short", "id": 1});
    let answer = server.post("/v1/editors", Some(&token), body).await;
    assert_eq!(answer.status, 422);
    let mut pointers: Vec<_> = answer.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/email", "/id", "/name", "/password", "/role"]);
}

#[tokio::test]
async fn only_admins_manage_editors() {
    let server = Server::start().await;
    for role in [Role::Writer, Role::Editor] {
        let email = format!("{role}@example.org");
        let editor = server.editor(&email, role).await;
        let token = server.token(&email).await;
        let path = format!("/v1/editors/{}", editor.id);
        assert_eq!(server.get("/v1/editors", Some(&token)).await.status, 403);
        assert_eq!(server.get(&path, Some(&token)).await.status, 403);
        assert_eq!(server.patch(&path, Some(&token), json!({"role": "admin"})).await.status, 403);
        assert_eq!(server.post("/v1/editors", Some(&token), input("new@example.org")).await.status, 403);
        // Nor does one's own account have a role to change.
        assert_eq!(server.patch("/v1/me", Some(&token), json!({"role": "admin"})).await.status, 422);
        assert_eq!(server.get("/v1/me", Some(&token)).await.body["role"], role.as_str());
    }
    assert_eq!(server.get("/v1/editors", None).await.status, 401);
}

#[tokio::test]
async fn an_address_that_is_no_id_is_not_found() {
    let server = Server::start().await;
    let (_, token) = admin(&server, "admin@example.org").await;
    for id in ["ayu", "01a205aa-04be-77d3-96a4-4c49169e5192"] {
        assert_eq!(server.get(&format!("/v1/editors/{id}"), Some(&token)).await.status, 404);
    }
}

#[tokio::test]
async fn a_role_changes_from_the_next_request_on() {
    let server = Server::start().await;
    let (_, token) = admin(&server, "admin@example.org").await;
    let (path, other) = admin(&server, "other@example.org").await;
    assert_eq!(server.get("/v1/editors", Some(&other)).await.status, 200);
    assert_eq!(server.patch(&path, Some(&token), json!({"role": "editor"})).await.status, 200);
    assert_eq!(server.get("/v1/editors", Some(&other)).await.status, 403);
}

#[tokio::test]
async fn a_disabled_editor_is_out_at_once() {
    let server = Server::start().await;
    let (_, token) = admin(&server, "admin@example.org").await;
    let editor = server.editor("ayu@example.org", Role::Writer).await;
    let (path, access) = (format!("/v1/editors/{}", editor.id), server.token(&editor.email).await);
    let disabled = server.patch(&path, Some(&token), json!({"active": false})).await;
    assert_eq!(disabled.body["active"], false);
    assert_eq!(server.get("/v1/me", Some(&access)).await.status, 401);
    // The session is gone, and does not come back with the account.
    assert_eq!(server.patch(&path, Some(&token), json!({"active": true})).await.status, 200);
    assert_eq!(server.get("/v1/me", Some(&access)).await.status, 401);
    server.token(&editor.email).await;
}

#[tokio::test]
async fn a_password_set_by_an_admin_ends_the_sessions() {
    let server = Server::start().await;
    let (own, token) = admin(&server, "admin@example.org").await;
    let editor = server.editor("ayu@example.org", Role::Writer).await;
    let access = server.token(&editor.email).await;
    let new = json!({"password": "a better horse battery"});
    let path = format!("/v1/editors/{}", editor.id);
    assert_eq!(server.patch(&path, Some(&token), new.clone()).await.status, 200);
    assert_eq!(server.get("/v1/me", Some(&access)).await.status, 401);
    // One's own leaves the session that set it.
    let other = server.token("admin@example.org").await;
    assert_eq!(server.patch(&own, Some(&token), new).await.status, 200);
    assert_eq!(server.get("/v1/me", Some(&token)).await.status, 200);
    assert_eq!(server.get("/v1/me", Some(&other)).await.status, 401);
}

#[tokio::test]
async fn the_last_admin_stays() {
    let server = Server::start().await;
    let (first, token) = admin(&server, "first@example.org").await;
    for patch in [json!({"role": "editor"}), json!({"active": false})] {
        let answer = server.patch(&first, Some(&token), patch).await;
        assert_eq!((answer.status, kind(&answer)), (409, "/problems/last-admin"));
    }
    // Two admins who demote each other at once: one of them remains.
    let (second, other) = admin(&server, "second@example.org").await;
    let demotion = || json!({"role": "writer"});
    let answers = futures::join!(
        server.patch(&second, Some(&token), demotion()),
        server.patch(&first, Some(&other), demotion()),
    );
    let done = [answers.0.status, answers.1.status].iter().filter(|status| **status == 200).count();
    assert_eq!(done, 1, "{} {}", answers.0.status, answers.1.status);
}

#[tokio::test]
async fn if_match_is_honoured() {
    let server = Server::start().await;
    let (path, token) = admin(&server, "admin@example.org").await;
    let before = header(&server.get(&path, Some(&token)).await, "etag").to_owned();
    let authorization = format!("Bearer {token}");
    let change = async |tag: &str, name: &str| {
        let headers = [("authorization", authorization.as_str()), ("if-match", tag)];
        server.send("PATCH", "/v1/me", &headers, Some(json!({"name": name}))).await
    };
    let changed = change(&before, "Ayu").await;
    assert_eq!(changed.status, 200);
    let stale = change(&before, "Budi").await;
    assert_eq!(stale.status, 412);
    assert_eq!(header(&stale, "etag"), header(&changed, "etag"));
    // What changes nothing makes nothing stale.
    let same = change("*", "Ayu").await;
    assert_eq!(header(&same, "etag"), header(&changed, "etag"));
}

#[tokio::test]
async fn nothing_of_an_account_can_be_null() {
    let server = Server::start().await;
    let (path, token) = admin(&server, "admin@example.org").await;
    for member in ["email", "name", "role", "active", "password"] {
        let answer = server.patch(&path, Some(&token), json!({member: null})).await;
        assert_eq!(answer.status, 422, "{member}");
        assert_eq!(answer.body["errors"][0]["pointer"], format!("/{member}"));
    }
}

#[tokio::test]
async fn the_list_is_walked_by_name() {
    let server = Server::start().await;
    let (_, token) = admin(&server, "d@example.org").await;
    for name in ["B", "a", "c", "C"] {
        let mut body = input(&format!("{name}{name}@{}.org", if name == "C" { "y" } else { "x" }));
        body["name"] = json!(name);
        assert_eq!(server.post("/v1/editors", Some(&token), body).await.status, 201);
    }
    let (mut names, mut path) = (Vec::new(), "/v1/editors?limit=2&count=true".to_owned());
    loop {
        let page = server.get(&path, Some(&token)).await;
        assert_eq!(page.body["total"], 5);
        let data = page.body["data"].as_array().unwrap();
        names.extend(data.iter().map(|editor| editor["name"].as_str().unwrap().to_owned()));
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        path = format!("/v1/editors?limit=2&count=true&cursor={cursor}");
    }
    assert_eq!(names, ["a", "B", "c", "C", "d@example.org"]);
    assert_eq!(server.get("/v1/editors?role=admin", Some(&token)).await.status, 400);
}
