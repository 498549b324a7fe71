//! Which passwords and names are taken, and what takes the present password.

use serde_json::{Value, json};
use warta::principal::Role;

use super::{EMAIL, login_as, server};
use crate::support::{Answer, PASSWORD, Server};

fn fault(answer: Answer) -> (String, String) {
    answer.expect(422).faults().remove(0)
}

fn at(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

async fn change_password(server: &Server, token: &str, new: &str) -> Answer {
    let body = json!({"current_password": PASSWORD, "new_password": new});
    server.put("/v1/me/password", Some(token), body).await
}

fn editor(email: &str, password: &str) -> Value {
    json!({"email": email, "name": "Budi Santoso", "role": "writer", "password": password})
}

#[tokio::test]
async fn a_password_that_many_have_or_that_others_know_is_refused_wherever_one_is_set() {
    let server = Server::with_named_site("https://suara-pesisir.example", "Suara Pesisir").await;
    let admin = server.sign_in(Role::Admin).await;
    let budi = server.post("/v1/editors", Some(&admin), editor("budi@kabar.example", PASSWORD)).await;
    let path = budi.expect(201).header("location").to_owned();
    let token = server.token("budi@kabar.example").await;
    for (password, code) in [
        ("aaaaaaaaaaaa", "too_common"),
        ("passwordpassword", "too_common"),
        ("123456789012", "too_common"),
        ("qwertyuiop[]", "too_common"),
        ("            ", "blank"),
        ("Budi.Santoso", "too_personal"),
        ("budi@kabar.example", "too_personal"),
        ("suara-pesisir-26", "too_personal"),
    ] {
        let wanted = |pointer: &str| at(pointer, code);
        assert_eq!(
            fault(change_password(&server, &token, password).await),
            wanted("/new_password"),
            "{password}"
        );
        let patch = server.patch(&path, Some(&admin), json!({"password": password})).await;
        assert_eq!(fault(patch), wanted("/password"), "{password}");
        let made = server.post("/v1/editors", Some(&admin), editor("budi@kabar.example", password)).await;
        assert_eq!(fault(made), wanted("/password"), "{password}");
    }
    // With the faults beside it.
    let body = json!({"email": "x", "name": "B", "role": "writer", "password": "password1234"});
    let faults = server.post("/v1/editors", Some(&admin), body).await.expect(422).faults();
    assert_eq!(faults, [at("/email", "invalid_email"), at("/password", "too_common")]);
    change_password(&server, &token, "kucing hitam di atap").await.expect(204);
}

#[tokio::test]
async fn passwords_and_emails_are_compared_composed() {
    let server = server().await;
    let token = server.token(EMAIL).await;
    change_password(&server, &token, "re\u{301}daction\u{a0}du soir").await.expect(204);
    let login =
        async |email: &str, password: &str| login_as(&server, "192.0.2.1", email, password).await.status;
    assert_eq!(login(EMAIL, "r\u{e9}daction du soir").await, 200);
    assert_eq!(login(EMAIL, "re\u{301}daction du soir").await, 200);
    assert_eq!(login(EMAIL, "redaction du soir").await, 401);

    let admin = server.sign_in(Role::Admin).await;
    let made = server.post("/v1/editors", Some(&admin), editor("re\u{301}mi@example.org", PASSWORD)).await;
    assert_eq!(made.expect(201).body["email"], "r\u{e9}mi@example.org");
    let again = server.post("/v1/editors", Some(&admin), editor("r\u{e9}mi@example.org", PASSWORD)).await;
    again.expect_problem(409, "email-taken");
    assert_eq!(login("re\u{301}mi@Example.org", PASSWORD).await, 200);
}

#[tokio::test]
async fn a_new_email_takes_the_present_password() {
    let server = server().await;
    let token = server.token(EMAIL).await;
    let patch = async |body: Value| server.patch("/v1/me", Some(&token), body).await;
    let new = "baru@example.org";
    assert_eq!(fault(patch(json!({"email": new})).await), at("/current_password", "required"));
    let wrong = json!({"email": new, "current_password": "wrong"});
    assert_eq!(fault(patch(wrong.clone()).await), at("/current_password", "wrong_password"));
    let right = json!({"email": new, "current_password": PASSWORD});
    assert_eq!(patch(right.clone()).await.expect(200).body["email"], new);
    // What changes no email takes none.
    assert_eq!(patch(json!({"name": "Ayu", "email": new})).await.expect(200).body["name"], "Ayu");
    server.token(new).await;

    // Guesses are slowed down in this session, and in no other.
    for _ in 0..5 {
        assert_eq!(fault(patch(json!({"email": EMAIL, "current_password": "x"})).await).1, "wrong_password");
    }
    patch(json!({"email": EMAIL, "current_password": PASSWORD})).await.expect(429);
    let other = server.token(new).await;
    let body = json!({"email": EMAIL, "current_password": PASSWORD});
    server.patch("/v1/me", Some(&other), body).await.expect(200);
}

#[tokio::test]
async fn what_cannot_be_seen_is_blank() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Admin).await;
    for text in ["\u{202e}", "\u{ad}", "\u{200b}\u{2060}", "\u{3164}", "\u{2800}", " \u{feff}"] {
        let article = json!({"title": text, "language": "id"});
        let refused = server.post("/v1/articles", Some(&token), article).await;
        assert_eq!(fault(refused), at("/title", "blank"), "{text:?}");
        let refused = server.patch("/v1/me", Some(&token), json!({"name": text})).await;
        assert_eq!(fault(refused), at("/name", "blank"), "{text:?}");
        let refused = server.post("/v1/tags", Some(&token), json!({"name": text})).await;
        assert_eq!(fault(refused), at("/name", "blank"), "{text:?}");
    }
    server.patch("/v1/me", Some(&token), json!({"name": "a\u{200d}b"})).await.expect(200);
}
