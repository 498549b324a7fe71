//! Sign-in: tokens, sessions, passwords and the throttle of guesses.

use std::collections::HashSet;

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::json;
use warta::principal::Role;

use crate::support::{Answer, PASSWORD, Server};

const EMAIL: &str = "ayu@example.org";

async fn login(server: &Server, email: &str, password: &str) -> Answer {
    server.post("/v1/auth/login", None, json!({"email": email, "password": password})).await
}

async fn refresh(server: &Server, token: &str) -> Answer {
    server.post("/v1/auth/refresh", None, json!({"refresh_token": token})).await
}

async fn change_password(server: &Server, token: &str, current: &str, new: &str) -> Answer {
    let body = json!({"current_password": current, "new_password": new});
    server.put("/v1/me/password", Some(token), body).await
}

/// The access and the refresh token of a new session.
async fn session(server: &Server, email: &str) -> (String, String) {
    pair(&login(server, email, PASSWORD).await)
}

fn pair(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = |name: &str| answer.body[name].as_str().unwrap().to_owned();
    (token("access_token"), token("refresh_token"))
}

async fn me(server: &Server, token: &str) -> u16 {
    server.get("/v1/me", Some(token)).await.status
}

#[tokio::test]
async fn an_editor_signs_in_and_out() {
    let server = Server::start().await;
    server.editor("Ayu@Example.org", Role::Writer).await;
    let answer = login(&server, "ayu@example.ORG", PASSWORD).await;
    assert_eq!(answer.headers["cache-control"], "private, no-store");
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 900);
    let (access, spare) = pair(&answer);
    let account = server.get("/v1/me", Some(&access)).await;
    assert_eq!(account.body["email"], "Ayu@Example.org");

    assert_eq!(server.post("/v1/auth/logout", Some(&access), json!({})).await.status, 204);
    assert_eq!(me(&server, &access).await, 401);
    assert_eq!(refresh(&server, &spare).await.status, 401);
}

#[tokio::test]
async fn an_access_token_expires_after_15_minutes() {
    let server = Server::start().await;
    server.editor(EMAIL, Role::Writer).await;
    let (access, _) = session(&server, EMAIL).await;
    server.clock.advance(TimeDelta::seconds(898));
    assert_eq!(me(&server, &access).await, 200);
    server.clock.advance(TimeDelta::seconds(2));
    assert_eq!(me(&server, &access).await, 401);
}

#[tokio::test]
async fn the_keys_are_public() {
    let server = Server::start().await;
    server.editor(EMAIL, Role::Writer).await;
    let keys = server.get("/.well-known/jwks.json", None).await;
    let (access, _) = session(&server, EMAIL).await;
    let header = jsonwebtoken::decode_header(&access).unwrap();
    assert_eq!(keys.body["keys"][0]["kid"], header.kid.unwrap());
    assert!(keys.body["keys"][0].get("d").is_none());
}

#[tokio::test]
async fn failures_do_not_tell_why() {
    let server = Server::start().await;
    let admin = server.editor("admin@example.org", Role::Admin).await;
    let disabled = server.editor("off@example.org", Role::Writer).await;
    server.editor(EMAIL, Role::Writer).await;
    let (token, _) = session(&server, &admin.email).await;
    let path = format!("/v1/editors/{}", disabled.id);
    assert_eq!(server.patch(&path, Some(&token), json!({"active": false})).await.status, 200);

    let mut bodies = HashSet::new();
    for (email, password) in
        [(EMAIL, "wrong"), ("nobody@example.org", PASSWORD), (&disabled.email, PASSWORD), ("no email", "x")]
    {
        let mut answer = login(&server, email, password).await;
        assert_eq!(answer.status, 401);
        answer.body["request_id"] = json!(null);
        bodies.insert(answer.body.to_string());
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn a_lost_refresh_may_be_repeated_for_10_seconds() {
    let server = Server::start().await;
    server.editor(EMAIL, Role::Writer).await;
    let (_, first) = session(&server, EMAIL).await;
    let (_, second) = pair(&refresh(&server, &first).await);
    assert_ne!(first, second);
    server.clock.advance(TimeDelta::seconds(8));
    assert_eq!(pair(&refresh(&server, &first).await).1, second);

    // Also at once: all get the same successor.
    let answers = join_all((0..5).map(|_| refresh(&server, &second))).await;
    let successors: HashSet<_> = answers.iter().map(|answer| pair(answer).1).collect();
    assert_eq!(successors.len(), 1);
}

#[tokio::test]
async fn reuse_of_a_spent_refresh_token_ends_the_session() {
    let server = Server::start().await;
    server.editor(EMAIL, Role::Writer).await;
    let (other, _) = session(&server, EMAIL).await;

    // After the 10 seconds.
    let (_, stolen) = session(&server, EMAIL).await;
    let (access, latest) = pair(&refresh(&server, &stolen).await);
    server.clock.advance(TimeDelta::seconds(11));
    assert_eq!(refresh(&server, &stolen).await.status, 401);
    assert_eq!(me(&server, &access).await, 401);
    assert_eq!(refresh(&server, &latest).await.status, 401);

    // Within them, when the successor was used: nothing was lost.
    let (_, stolen) = session(&server, EMAIL).await;
    let (_, second) = pair(&refresh(&server, &stolen).await);
    let (access, _) = pair(&refresh(&server, &second).await);
    assert_eq!(refresh(&server, &stolen).await.status, 401);
    assert_eq!(me(&server, &access).await, 401);

    assert_eq!(me(&server, &other).await, 200, "the other session goes on");
}

#[tokio::test]
async fn a_session_lasts_30_days_from_its_last_refresh() {
    let server = Server::start().await;
    server.editor(EMAIL, Role::Writer).await;
    let (_, mut token) = session(&server, EMAIL).await;
    for _ in 0..3 {
        server.clock.advance(TimeDelta::days(29));
        token = pair(&refresh(&server, &token).await).1;
    }
    server.clock.advance(TimeDelta::days(30));
    assert_eq!(refresh(&server, &token).await.status, 401);
    assert_eq!(refresh(&server, "wr_none").await.status, 401);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    const NEW: &str = "a better horse battery";
    let server = Server::start().await;
    server.editor(EMAIL, Role::Writer).await;
    let (mine, my_refresh) = session(&server, EMAIL).await;
    let (other, other_refresh) = session(&server, EMAIL).await;

    let wrong = change_password(&server, &mine, "wrong", NEW).await;
    assert_eq!((wrong.status, &wrong.body["errors"][0]["pointer"]), (422, &json!("/current_password")));
    let short = change_password(&server, &mine, PASSWORD, "short").await;
    assert_eq!((short.status, &short.body["errors"][0]["pointer"]), (422, &json!("/new_password")));

    assert_eq!(change_password(&server, &mine, PASSWORD, NEW).await.status, 204);
    assert_eq!(me(&server, &mine).await, 200);
    assert_eq!(me(&server, &other).await, 401);
    assert_eq!(refresh(&server, &other_refresh).await.status, 401);
    pair(&refresh(&server, &my_refresh).await);
    assert_eq!(login(&server, EMAIL, PASSWORD).await.status, 401);
    pair(&login(&server, EMAIL, NEW).await);
}

#[tokio::test]
async fn a_password_counts_to_its_last_character() {
    let server = Server::start().await;
    server.editor(EMAIL, Role::Writer).await;
    let (access, _) = session(&server, EMAIL).await;
    let long = format!("{PASSWORD} {}", "é".repeat(200));
    assert_eq!(change_password(&server, &access, PASSWORD, &long).await.status, 204);
    assert_eq!(login(&server, EMAIL, long.strip_suffix('é').unwrap()).await.status, 401);
    pair(&login(&server, EMAIL, &long).await);
}

#[tokio::test]
async fn guesses_are_slowed_down_per_account_known_or_not() {
    let server = Server::start().await;
    server.editor(EMAIL, Role::Writer).await;
    for email in [EMAIL, "nobody@example.org"] {
        // All at once, so that none could have seen the others fail.
        let answers = join_all((0..12).map(|_| login(&server, email, "wrong"))).await;
        let (looked_at, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 401);
        assert_eq!((looked_at.len(), refused.len()), (5, 7), "{email}");
        for answer in refused {
            assert_eq!(answer.status, 429);
            let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
            // One more than the rate says, as requests that come at once do not see exactly the same time.
            assert!((1..=11).contains(&wait), "{wait}");
        }
    }
    // The right password is not looked at either.
    assert_eq!(login(&server, EMAIL, PASSWORD).await.status, 429);
    server.clock.advance(TimeDelta::seconds(10));
    pair(&login(&server, EMAIL, PASSWORD).await);
    // And a success forgives.
    for _ in 0..4 {
        assert_eq!(login(&server, EMAIL, "wrong").await.status, 401);
    }
    pair(&login(&server, EMAIL, PASSWORD).await);
}

#[tokio::test]
async fn guesses_are_slowed_down_per_address() {
    let server = Server::start().await;
    server.editor(EMAIL, Role::Writer).await;
    // What was right costs nothing.
    for _ in 0..10 {
        session(&server, EMAIL).await;
    }
    let emails: Vec<_> = (0..60).map(|number| format!("nobody{number}@example.org")).collect();
    let answers = join_all(emails.iter().map(|email| login(&server, email, "wrong"))).await;
    assert!(answers.iter().filter(|answer| answer.status == 429).count() >= 5);
    assert!(answers.iter().filter(|answer| answer.status == 401).count() >= 50);
}

#[tokio::test]
async fn a_header_that_is_no_token_is_refused_everywhere() {
    let server = Server::start().await;
    for header in ["", "Bearer", "Basic YTpi", "Bearer x", "bearer a.b.c", "Bearer a b"] {
        let headers = [("authorization", header)];
        for path in ["/v1/me", "/.well-known/jwks.json"] {
            assert_eq!(server.send("GET", path, &headers, None).await.status, 401, "{path} {header:?}");
        }
    }
}
