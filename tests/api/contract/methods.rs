//! `HEAD`, `OPTIONS` and methods that a path does not have.

use reqwest::header::HeaderMap;

use super::{PAGES, paths, reads};
use crate::support::{Cast, Server, Wire, raw};

/// The headers that two answers to the same request have in common.
fn lasting(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in ["date", "x-request-id"] {
        assert!(headers.remove(name).is_some(), "no {name}");
    }
    headers
}

async fn assert_head_is_get_without_body(server: &Server, path: &str, headers: &[(&str, &str)]) {
    let got = raw(server, &format!("GET {path}"), headers, b"").await;
    let mut wire = Wire::open(server).await;
    wire.head(&format!("HEAD {path}"), headers).await;
    let (status, head) = wire.answer_head().await;
    assert_eq!(status, got.status, "HEAD {path}");
    let (mut head, mut get) = (lasting(&head), lasting(&got.headers));
    if path.starts_with("/metrics") {
        // They count the request before.
        for headers in [&mut head, &mut get] {
            headers.remove("etag");
            assert!(headers.remove("content-length").is_some());
        }
    }
    assert_eq!(head, get, "HEAD {path}");
    assert_eq!(wire.rest().await, b"", "HEAD {path} has a body");
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let bearer = format!("Bearer {}", cast.admin);
    for (operation, request) in reads(&server, &cast).await {
        let path = &request.path;
        assert_head_is_get_without_body(&server, path, &[("authorization", &bearer)]).await;
        // Without a token: 200 or 401 as GET. With a bad one, and with a bad query: the same error.
        assert_head_is_get_without_body(&server, path, &[]).await;
        assert_head_is_get_without_body(&server, path, &[("authorization", "Bearer x")]).await;
        assert_head_is_get_without_body(&server, &format!("{path}?nope=1"), &[]).await;
        if operation.template.contains("{article}") {
            assert_head_is_get_without_body(&server, &format!("{path}?draft=true"), &[]).await;
        }
        if !["read_metrics", "read_liveness", "read_readiness"].contains(&operation.id) {
            let all = [("if-none-match", "*"), ("authorization", bearer.as_str())];
            assert_head_is_get_without_body(&server, path, &all).await;
        }
    }
    for path in PAGES.iter().chain(&["/nope", "/v1/articles/nope", "/v1/auth/login"]) {
        assert_head_is_get_without_body(&server, path, &[]).await;
    }
}

#[tokio::test]
async fn options_tells_the_methods_of_every_path() {
    let server = Server::start().await;
    for (path, methods) in paths() {
        let answer = server.send("OPTIONS", &path, &[], None).await.expect(204);
        assert_eq!(answer.header("allow"), methods.join(", "), "{path}");
        assert_eq!(answer.text, "");
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_refused_with_those_it_has() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let bearer = format!("Bearer {}", cast.admin);
    let before = server.snapshot().await;
    for (path, methods) in paths() {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "BREW"] {
            if methods.iter().any(|known| known == method) {
                continue;
            }
            for headers in [&[][..], &[("authorization", bearer.as_str())]] {
                let mut wire = Wire::open(&server).await;
                wire.head(&format!("{method} {path}"), headers).await;
                if method == "HEAD" {
                    let (status, head) = wire.answer_head().await;
                    assert_eq!(
                        (status, head["allow"].to_str().unwrap()),
                        (405, &*methods.join(", ")),
                        "{path}"
                    );
                    continue;
                }
                let answer = wire.answer().await;
                assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text);
                let answer = answer.expect_problem(405, "method-not-allowed");
                assert_eq!(answer.header("allow"), methods.join(", "), "{method} {path}");
            }
        }
    }
    assert_eq!(server.snapshot().await, before);
    // No header makes another method of it.
    let headers = [("x-http-method-override", "DELETE"), ("content-length", "0")];
    raw(&server, "POST /v1/tags/riset", &headers, b"").await.expect_problem(405, "method-not-allowed");
    server.get("/v1/tags/riset", None).await.expect(200);
}
