//! Cross-origin requests (the Fetch standard).

use serde_json::json;

use crate::support::{Answer, Cast, Server, WRITER};

const OTHER: &str = "https://other.example";

const EXPOSED: [&str; 5] = ["ETag", "Link", "Location", "Preference-Applied", "X-Request-Id"];

fn allowed(answer: &Answer) -> Option<&str> {
    answer.headers.get("access-control-allow-origin").map(|origin| origin.to_str().unwrap())
}

#[track_caller]
fn assert_exposes(answer: &Answer) {
    let exposed = answer.header("access-control-expose-headers");
    for name in EXPOSED {
        assert!(exposed.split(", ").any(|exposed| exposed == name), "{name} is not in {exposed}");
    }
}

#[tokio::test]
async fn any_origin_reads() {
    let server = Server::start().await;
    let tag = server.get("/v1/tags", None).await.expect(200).header("etag").to_owned();
    for origin in [None, Some(OTHER), Some(WRITER), Some("null")] {
        for (method, path, more, status) in [
            ("GET", "/v1/tags", None, 200),
            ("HEAD", "/v1/tags", None, 200),
            ("GET", "/v1/tags", Some(("if-none-match", tag.as_str())), 304),
            ("GET", "/v1/tags?nope=1", None, 400),
            ("GET", "/v1/tags", Some(("authorization", "Bearer x")), 401),
            ("GET", "/v1/me", None, 401),
            ("GET", "/v1/tags/none", None, 404),
            ("GET", "/nope", None, 404),
            ("GET", "/v1/auth/login", None, 405),
        ] {
            let headers: Vec<_> = origin.map(|origin| ("origin", origin)).into_iter().chain(more).collect();
            let answer = server.send(method, path, &headers, None).await;
            assert_eq!(answer.status, status, "{method} {path} from {origin:?}");
            assert_eq!(allowed(&answer), Some("*"), "{method} {path} from {origin:?}");
            assert_exposes(&answer);
            // Tokens are sent on purpose, never by the browser itself.
            assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        }
    }
}

#[tokio::test]
async fn only_configured_origins_write() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let bearer = format!("Bearer {}", cast.editor);
    for (origin, expected) in [
        (Some(WRITER), Some(WRITER)),
        (None, None),
        (Some(OTHER), None),
        (Some("null"), None),
        (Some("*"), None),
        (Some("https://newsroom.example:444"), None),
        (Some("http://newsroom.example"), None),
        (Some("https://newsroom.example.evil.example"), None),
    ] {
        let origin = origin.map(|origin| ("origin", origin));
        let token = ("authorization", bearer.as_str());
        for (headers, body, status) in [
            (vec![token], json!({"name": "Rubrik"}), 201),
            (vec![token], json!({}), 422),
            (vec![], json!({}), 401),
        ] {
            let headers: Vec<_> = headers.into_iter().chain(origin).collect();
            let answer = server.send("POST", "/v1/tags", &headers, Some(body)).await.expect(status);
            assert_eq!(allowed(&answer), expected, "{origin:?}: {status}");
            assert_eq!(answer.headers.contains_key("access-control-expose-headers"), expected.is_some());
            // A cache must not give one origin's answer to another.
            assert!(answer.header("vary").contains("Origin"), "{:?}", answer.headers);
            if expected.is_some() {
                assert_exposes(&answer);
            }
        }
    }
}

async fn preflight(server: &Server, origin: &str, path: &str, method: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", "authorization,content-type,if-match,prefer"),
    ];
    let answer = server.send("OPTIONS", path, &headers, None).await.expect(204);
    assert_eq!(answer.text, "");
    answer
}

#[tokio::test]
async fn a_browser_may_ask_before_it_sends() {
    let server = Server::start().await;
    let list = |answer: &Answer, name: &str| -> Vec<String> {
        let values = answer.headers.get_all(name).iter().map(|value| value.to_str().unwrap());
        values.flat_map(|value| value.split(", ")).map(str::to_lowercase).collect()
    };
    for origin in [WRITER, OTHER] {
        for path in ["/v1/articles", "/v1/articles/x", "/v1/me"] {
            let answer = preflight(&server, origin, path, "GET").await;
            assert_eq!(allowed(&answer), Some("*"), "{origin} {path}");
            assert!(list(&answer, "access-control-allow-methods").contains(&"get".to_owned()));
            assert!(list(&answer, "access-control-allow-headers").contains(&"authorization".to_owned()));
        }
    }
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let answer = preflight(&server, WRITER, "/v1/articles/x", method).await;
        assert_eq!(allowed(&answer), Some(WRITER), "{method}");
        assert!(list(&answer, "access-control-allow-methods").contains(&method.to_lowercase()));
        let headers = list(&answer, "access-control-allow-headers");
        for name in ["authorization", "content-type", "if-match", "if-none-match", "prefer", "x-request-id"] {
            assert!(headers.contains(&name.to_owned()), "{name} is not in {headers:?}");
        }
        assert!(answer.header("access-control-max-age").parse::<u32>().is_ok());
        for name in ["Origin", "Access-Control-Request-Method"] {
            assert!(list(&answer, "vary").contains(&name.to_lowercase()), "{:?}", answer.headers);
        }
        let answer = preflight(&server, OTHER, "/v1/articles/x", method).await;
        for name in ["allow-origin", "allow-methods", "allow-headers", "max-age"] {
            assert!(!answer.headers.contains_key(format!("access-control-{name}")), "{method} {name}");
        }
    }
}
