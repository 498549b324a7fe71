//! Every error is a problem, those that the framework makes too.

use std::time::Duration;

use serde_json::json;
use warta::{error::ProblemType, http::body::FEW_WORDS, principal::Role};

use crate::support::{Answer, Server, Wire, raw};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn post(server: &Server, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let length = body.len().to_string();
    let mut all = vec![("content-length", length.as_str())];
    all.extend_from_slice(headers);
    raw(server, "POST /v1/auth/login", &all, body).await
}

#[tokio::test]
async fn each_kind_of_problem_has_a_page() {
    let server = Server::start().await;
    for kind in ProblemType::ALL {
        let page = server.get(&format!("/problems/{}", kind.info().name), None).await.expect(200);
        assert!(page.text.contains(kind.info().title), "{}", page.text);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    }
    let list = server.get("/problems", None).await.expect(200);
    for kind in ProblemType::ALL {
        assert!(list.text.contains(&format!("href=\"/problems/{}\"", kind.info().name)));
    }
    server.get("/problems/nope", None).await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn an_unknown_path_is_a_problem_whatever_the_method() {
    let server = Server::start().await;
    for path in ["/nope", "/v1", "/v1/", "/v1/nope", "/v2/articles", "/docs/nope"] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            server.send(method, path, &[], None).await.expect_problem(404, "not-found");
        }
    }
}

#[tokio::test]
async fn a_path_has_one_spelling() {
    let server = Server::start().await;
    let editor = server.sign_in(Role::Editor).await;
    let article = json!({"title": "X", "language": "id"});
    server.post("/v1/articles", Some(&editor), article).await.expect(201);
    server.act("/v1/articles/x/publish", Some(&editor)).await.expect(200);
    let bearer = format!("Bearer {editor}");
    for path in [
        "/v1/articles/",
        "//v1/articles",
        "/v1//articles",
        "/V1/articles",
        "/v1/Articles",
        "/v1/articles/X",
        "/v1/articles/x/",
        "/v1/articles//x",
        "/v1/articles/x%2f",
        "/v1/articles/x%2fpublish",
        "/v1/articles%2fx",
        "/v1%2farticles/x",
        "/v1/articles/x%00",
        "/v1/articles/%00",
        "/v1/articles/x%20",
        "/v1/articles/x;y",
        "/v1/articles/%ff",
        "/v1/articles/%",
        "/v1/articles/%2e%2e",
        "/v1/./articles",
        "/v1/articles/.",
        "/v1/articles/..",
        "/v1/articles/../articles",
        "/v1/tags/../articles/x",
        "/v1/articles/../../livez",
        "/openapi.json/",
        "/docs/",
        "/livez/",
        "/docs/../livez",
        "/docs/%2e%2e/livez",
    ] {
        for headers in [&[][..], &[("authorization", bearer.as_str())]] {
            let answer = raw(&server, &format!("GET {path}"), headers, b"").await;
            assert_eq!(answer.status, 404, "{path}: {}", answer.text);
            answer.expect_problem(404, "not-found");
        }
    }
    // The action is not reached by another spelling of its path either.
    server.act("/v1/articles/x/unpublish", Some(&editor)).await.expect(200);
    for path in ["/v1/articles/x/publish/", "/v1/articles/x%2fpublish", "/v1/articles//x/publish"] {
        let headers = [("authorization", bearer.as_str()), ("content-length", "0")];
        let answer = raw(&server, &format!("POST {path}"), &headers, b"").await;
        assert!(matches!(answer.status, 404 | 405), "{path}: {}", answer.text);
    }
    server.get("/v1/articles/x", None).await.expect(404);
}

#[tokio::test]
async fn a_body_must_be_of_a_media_type_that_is_known() {
    let server = Server::start().await;
    let body = json!({"email": "a@b.example", "password": "x"}).to_string();
    for headers in [
        &[][..],
        &[("content-type", "")],
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "application/jsonp")],
        &[("content-type", "application/merge-patch+json")],
        &[("content-type", "application/json; charset=latin1")],
        &[JSON, ("content-encoding", "gzip")],
        &[JSON, ("content-encoding", "br")],
    ] {
        let answer = post(&server, headers, body.as_bytes()).await;
        assert_eq!(answer.status, 415, "{headers:?}: {}", answer.text);
        answer.expect_problem(415, "unsupported-media-type");
    }
    for media_type in ["application/json;charset=UTF-8", "Application/JSON; charset=\"utf-8\""] {
        let answer = post(&server, &[("content-type", media_type)], body.as_bytes()).await;
        answer.expect_problem(401, "sign-in-failed");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_with_its_place() {
    let server = Server::start().await;
    for (body, said) in [
        (&b"{\n  \"email\": }"[..], "line 2 column 12"),
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{\"email\": \"\xff\"}", "byte 11"),
        (b"{\"email\": \"a\", \"email\": \"b\"}", "`email` is there twice"),
        (b"{\"x\": {\"y\": [{\"z\": 1, \"z\": 1}]}}", "`z` is there twice"),
        (b"{} {}", "line 1 column 4"),
        (b"{\"email\": NaN}", "line 1 column"),
        (b"\xef\xbb\xbf{}", "line 1 column"),
    ] {
        let answer = post(&server, &[JSON], body).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        let answer = answer.expect_problem(400, "malformed-body");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{:?}: {detail}", String::from_utf8_lossy(body));
    }
}

#[tokio::test]
async fn a_body_whose_chunks_are_malformed_is_refused() {
    let server = Server::start().await;
    let mut wire = Wire::open(&server).await;
    wire.head("POST /v1/auth/login", &[JSON, ("transfer-encoding", "chunked")]).await;
    wire.send("zz\r\n").await;
    let answer = wire.answer().await.expect_problem(400, "bad-request");
    assert_eq!(answer.body["detail"], "The body did not arrive whole, or its chunks are malformed.");
}

#[tokio::test]
async fn json_that_is_no_object_is_a_fault_of_the_whole_body() {
    let server = Server::start().await;
    let editor = server.sign_in(Role::Editor).await;
    for body in [json!(null), json!([]), json!("text"), json!(1)] {
        let answer = server.post("/v1/tags", Some(&editor), body).await.expect_problem(422, "invalid-body");
        assert_eq!(answer.faults(), [(String::new(), "wrong_type".to_owned())]);
    }
    let faults = |faults: &[(&str, &str)]| -> Vec<(String, String)> {
        faults.iter().map(|(place, code)| ((*place).to_owned(), (*code).to_owned())).collect()
    };
    // Every fault at once.
    let body = json!({
        "slug": "A B", "summary": 1, "language": "??", "tags": ["none", 2], "a/b~c": 1,
        "image": {"url": "x", "nope": 1}, "citations": [{"source": "none", "url": "x", "role": "x"}],
    });
    let answer = server.post("/v1/articles", Some(&editor), body).await.expect_problem(422, "invalid-body");
    let expected = [
        ("/a~1b~0c", "unknown"),
        ("/citations/0/role", "unknown_value"),
        ("/citations/0/source", "not_found"),
        ("/citations/0/title", "required"),
        ("/citations/0/url", "invalid_url"),
        ("/image/nope", "unknown"),
        ("/image/url", "invalid_url"),
        ("/language", "invalid_language"),
        ("/slug", "invalid_slug"),
        ("/summary", "wrong_type"),
        ("/tags/0", "not_found"),
        ("/tags/1", "wrong_type"),
        ("/title", "required"),
    ];
    assert_eq!(answer.faults(), faults(&expected));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let server = Server::start().await;
    // Announced: at once, without a byte of it.
    let length = (FEW_WORDS + 1).to_string();
    let answer = raw(&server, "POST /v1/auth/login", &[JSON, ("content-length", &length)], b"").await;
    answer.expect_problem(413, "body-too-large");
    // Chunked: when it becomes too much.
    let mut wire = Wire::open(&server).await;
    wire.head("POST /v1/auth/login", &[JSON, ("transfer-encoding", "chunked")]).await;
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    for _ in 0..=FEW_WORDS / 0x1000 {
        wire.send(&chunk).await;
    }
    wire.answer().await.expect_problem(413, "body-too-large");
    // The largest one is read.
    let answer = post(&server, &[JSON], " ".repeat(FEW_WORDS).as_bytes()).await;
    answer.expect_problem(400, "malformed-body");
}

#[tokio::test]
async fn a_slow_body_is_given_up() {
    let server = Server::start().await;
    let mut wire = Wire::open(&server).await;
    wire.head("POST /v1/auth/login", &[JSON, ("content-length", "100")]).await;
    wire.send("{").await;
    wire.answer().await.expect_problem(408, "request-timeout");
    // Whoever drips is not waited for longer.
    let mut wire = Wire::open(&server).await;
    wire.head("POST /v1/auth/login", &[JSON, ("content-length", "1000")]).await;
    for _ in 0..30 {
        wire.send(" ").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    wire.answer().await.expect_problem(408, "request-timeout");
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_leaves_nothing() {
    let server = Server::start().await;
    let editor = server.sign_in(Role::Editor).await;
    let before = server.snapshot().await;
    for _ in 0..10 {
        let mut wire = Wire::open(&server).await;
        let bearer = format!("Bearer {editor}");
        wire.head("POST /v1/tags", &[JSON, ("authorization", &bearer), ("content-length", "50")]).await;
        wire.send("{\"name\": \"Separuh\"}").await;
    }
    server.post("/v1/auth/logout", Some(&editor), json!({})).await.expect(204);
    let after = server.snapshot().await;
    let tags = |snapshot: &[String]| snapshot.iter().find(|line| line.starts_with("tags ")).cloned();
    assert_eq!(tags(&after), tags(&before));
    server.get("/v1/tags", None).await.expect(200);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Server::start().await;
    let long = format!("/v1/articles?tag={}", "a".repeat(8192));
    server.get(&long, None).await.expect_problem(414, "uri-too-long");
    let long = format!("/{}", "a".repeat(60_000));
    raw(&server, &format!("GET {long}"), &[], b"").await.expect_problem(414, "uri-too-long");
    let value = "a".repeat(33_000);
    let answer = server.send("GET", "/v1/tags", &[("x-much", &value)], None).await;
    answer.expect_problem(431, "headers-too-large");
    // The last one that fits.
    let fits = format!("/v1/articles/{}", "a".repeat(8192 - "/v1/articles/".len()));
    server.get(&fits, None).await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn errors_are_not_kept_by_caches_and_show_nothing_of_the_inside() {
    let server = Server::start().await;
    for path in ["/nope", "/v1/articles/none?draft=true", "/v1/articles?limit=0", "/v1/me"] {
        let answer = server.get(path, None).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        for word in ["SELECT", "diesel", "actix", ".rs", "postgres"] {
            assert!(!answer.text.contains(word), "{path}: {}", answer.text);
        }
    }
    // The database is gone: the caller learns to retry, and no more.
    server.database.close();
    let answer = server.get("/v1/tags", None).await.expect_problem(503, "unavailable");
    answer.header("retry-after").parse::<u32>().unwrap();
    server.get("/readyz", None).await.expect_problem(503, "unavailable");
    server.get("/livez", None).await.expect(200);
}
