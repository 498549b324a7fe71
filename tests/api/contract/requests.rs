//! What every request may carry: an id and a token.

use std::collections::HashSet;

use super::{PAGES, paths, reads};
use crate::support::{Cast, Server, Wire, operations, raw};

#[tokio::test]
async fn every_request_has_an_id_of_its_own() {
    let server = Server::start().await;
    let mut seen = HashSet::new();
    for path in ["/v1/tags", "/nope", "/v1/me", "/docs", "/livez", "/v1/auth/login"] {
        for method in ["GET", "HEAD", "OPTIONS", "POST"] {
            let answer = server.send(method, path, &[], None).await;
            assert!(seen.insert(answer.header("x-request-id").to_owned()), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_a_wild_one_is_not() {
    let server = Server::start().await;
    let long = "a".repeat(64);
    for id in ["a", "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77", "desk_7.v2", &long] {
        for path in ["/v1/tags", "/nope"] {
            let answer = raw(&server, &format!("GET {path}"), &[("x-request-id", id)], b"").await;
            assert_eq!(answer.header("x-request-id"), id);
        }
    }
    let longer = format!("{long}a");
    for id in ["", "a b", "a\tb", "<script>", "a\"b", "a,b", "é", "{}", "a/b", "%0d%0aset-cookie:x", &longer]
    {
        let answer = raw(&server, "GET /nope", &[("x-request-id", id)], b"").await;
        let given = answer.header("x-request-id").to_owned();
        assert_ne!(given, id);
        assert!(uuid::Uuid::try_parse(&given).is_ok(), "{given}");
        answer.expect_problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_token_that_is_not_good_is_refused_on_every_path() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let ended = format!("Bearer {}", cast.ended);
    let good = format!("Bearer {}", cast.editor);
    let before = server.snapshot().await;
    let unknown = ["/nope", "/v1", "/v1/articles/", "/docs/nope"].map(|path| (path.to_owned(), vec![]));
    for (path, _) in paths().into_iter().chain(unknown) {
        for headers in [
            &[("authorization", "Bearer x")][..],
            &[("authorization", "")],
            &[("authorization", "Basic YTpi")],
            &[("authorization", &ended)],
            &[("authorization", &good), ("authorization", &good)],
            &[("authorization", &good), ("authorization", "")],
        ] {
            for method in ["GET", "POST", "DELETE", "OPTIONS", "BREW"] {
                let mut wire = Wire::open(&server).await;
                wire.head(&format!("{method} {path}"), headers).await;
                let answer = wire.answer().await;
                assert_eq!(answer.status, 401, "{method} {path} {headers:?}: {}", answer.text);
                let answer = answer.expect_problem(401, "unauthenticated");
                let challenge = answer.header("www-authenticate");
                assert!(challenge.starts_with("Bearer ") && challenge.contains("error=\"invalid_token\""));
                assert_eq!(answer.header("cache-control"), "no-store");
            }
        }
    }
    assert_eq!(server.snapshot().await, before);
}

#[tokio::test]
async fn a_token_that_is_missing_is_asked_for_and_not_called_bad() {
    let server = Server::start().await;
    for operation in operations() {
        let needs_token =
            operation.object["security"].as_array().unwrap().iter().all(|way| way.get("token").is_some());
        if !needs_token {
            continue;
        }
        // Before anything else is looked at: parameters, precondition, media type, body.
        let path = operation
            .template
            .replace(['{', '}'], "")
            .replace("/id", "/0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77");
        let answer = server.send(&operation.method, &format!("{path}?nope=1"), &[], None).await;
        assert_eq!(answer.status, 401, "{}: {}", operation.id, answer.text);
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"warta\"", "{}", operation.id);
    }
}

#[tokio::test]
async fn the_pages_for_people_are_there() {
    let server = Server::start().await;
    for path in PAGES {
        let answer = server.get(path, None).await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy");
        // A story's pictures may be anywhere.
        let policy = policy.replace("img-src 'self' https: http: data:;", "");
        assert!(!policy.contains("http") && policy.contains("default-src 'none'"), "{policy}");
        // Others append theirs to the addresses of pages.
        let appended = server.get(&format!("{path}?fbclid=1&fbclid=%FF"), None).await.expect(200);
        assert_eq!(appended.text, answer.text, "{path}");
    }
}

/// How else an id could be written, none of which is an address.
fn other_spellings(id: &str) -> [String; 4] {
    [id.to_uppercase(), id.replace('-', ""), format!("%7B{id}%7D"), format!("urn:uuid:{id}")]
}

#[tokio::test]
async fn a_thing_has_one_address_by_its_id() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let mut tried = 0;
    for (operation, request) in reads(&server, &cast).await {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let parts: Vec<&str> = path.split('/').collect();
        // By its slug it was found; by its id it is, too.
        if let Some(place) =
            operation.template.split('/').position(|part| matches!(part, "{article}" | "{tag}" | "{source}"))
        {
            let kind = parts[2];
            let thing =
                server.get(&format!("/v1/{kind}/{}?draft=true", parts[place]), Some(&cast.admin)).await;
            let thing = if thing.status == 200 {
                thing
            } else {
                server.get(&format!("/v1/{kind}/{}", parts[place]), None).await.expect(200)
            };
            let id = thing.body["id"].as_str().unwrap().to_owned();
            for other in other_spellings(&id) {
                let mut parts = parts.clone();
                parts[place] = &other;
                let path = format!("{}?{query}", parts.join("/"));
                server.get(&path, Some(&cast.admin)).await.expect_problem(404, "not-found");
                tried += 1;
            }
        } else if let Some(place) = parts.iter().position(|part| uuid::Uuid::try_parse(part).is_ok()) {
            for other in other_spellings(parts[place]) {
                let mut parts = parts.clone();
                parts[place] = &other;
                server.get(&parts.join("/"), Some(&cast.admin)).await.expect_problem(404, "not-found");
                tried += 1;
            }
        }
    }
    assert!(tried > 20, "only {tried}");
}
