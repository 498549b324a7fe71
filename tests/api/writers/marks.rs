//! Combining marks in runs are refused wherever text comes in.

use serde_json::{Value, json};
use warta::principal::Role;

use crate::support::Server;

fn set(input: &mut Value, place: &str, text: &str) {
    *input.pointer_mut(place).unwrap() = json!(text);
}

#[tokio::test]
async fn no_text_takes_more_marks_in_a_row_than_a_language_has() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Admin).await;
    let admin = Some(token.as_str());
    let article = json!({
        "title": "Judul", "language": "id", "kicker": "", "summary": "", "body": "", "byline": "", "note": "",
        "image": {"url": "https://a.example/", "alt": "", "caption": "", "credit": ""},
        "provenance": {"kind": "translated", "tool": "", "reviewed_by": "", "source_language": "en"},
        "citations": [{"source": "a", "url": "https://a.example/", "title": "", "role": "data"}],
    });
    let named = json!({"name": "", "description": ""});
    let editor = json!({"email": "a@example.org", "name": "", "role": "writer", "password": ""});
    for (path, input, places) in [
        (
            "/v1/articles",
            &article,
            &[
                "/title",
                "/kicker",
                "/summary",
                "/body",
                "/byline",
                "/note",
                "/image/url",
                "/image/alt",
                "/image/caption",
                "/image/credit",
                "/provenance/tool",
                "/provenance/reviewed_by",
                "/citations/0/title",
                "/citations/0/url",
            ][..],
        ),
        ("/v1/tags", &named, &["/name", "/description"]),
        ("/v1/sources", &named, &["/name", "/description"]),
        ("/v1/editors", &editor, &["/name", "/password", "/email"]),
        ("/v1/auth/login", &json!({"email": "a@example.org", "password": ""}), &["/password"]),
    ] {
        for place in places {
            // Each is one character that is taken apart into two marks.
            for (marks, refused) in [("\u{344}".repeat(16), true), ("\u{344}".repeat(15), false)] {
                let mut input = input.clone();
                set(&mut input, place, &format!("https://a.example/kata-kata-{marks}"));
                let answer = server.post(path, admin, input).await;
                let told = answer.body["errors"].as_array().cloned().unwrap_or_default();
                let told =
                    told.iter().any(|fault| fault["pointer"] == *place && fault["code"] == "too_many_marks");
                assert_eq!(told, refused, "{path} {place}: {}", answer.text);
            }
        }
    }
    let made =
        server.post("/v1/articles", admin, json!({"title": "Judul", "language": "id"})).await.expect(201);
    let body = json!({"body": format!("a{}", "\u{323}".repeat(31))});
    let patched = server.patch(made.header("location"), admin, body).await;
    assert_eq!(patched.expect(422).faults(), [("/body".to_owned(), "too_many_marks".to_owned())]);
    let query = "a".to_owned() + &"%CC%A3".repeat(31);
    for path in ["/v1/articles", "/v1/tags", "/v1/sources"] {
        let answer = server.get(&format!("{path}?q={query}"), None).await;
        assert_eq!(answer.expect(400).faults(), [("q".to_owned(), "too_many_marks".to_owned())], "{path}");
    }
}
