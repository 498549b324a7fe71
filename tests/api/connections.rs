//! Connections: how many there may be, how long each may take, and what their clients are told.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use warta::{
    app::connections::{HEAD_SECONDS, Limits},
    faults::TOLD,
    http::body::STORY,
    principal::Role,
};

use crate::support::{Server, Wire, raw};

const JSON: (&str, &str) = ("content-type", "application/json");

fn limits(connections: usize, connections_per_address: usize) -> Limits {
    Limits { connections, connections_per_address, exempt: Arc::from([]) }
}

fn ended(server: &Server, why: &str) -> u64 {
    let counts = server.connections.counts().ended;
    counts.iter().find(|(end, _)| end.name() == why).unwrap().1
}

#[tokio::test]
async fn each_head_of_a_connection_has_its_time() {
    let server = Server::start().await;
    let mut first = Wire::open(&server).await;
    first.send("GET /livez HTTP/1.1\r\nHost: a\r\n").await;
    let mut later = Wire::open(&server).await;
    later.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").await;
    later.answer().await.expect(200);
    later.send("GET /livez HTTP/1.1\r\nHost: a\r\n").await;
    let mut silent = Wire::open(&server).await;
    // What drips in does not move the end.
    for drip in 0..HEAD_SECONDS {
        first.send(format!("X-Drip: {drip}\r\n")).await;
        later.send(format!("X-Drip: {drip}\r\n")).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    for wire in [&mut first, &mut later, &mut silent] {
        let answer = wire.answer().await.expect_problem(408, "request-timeout");
        assert_eq!(answer.header("connection"), "close");
    }
    assert!(first.rest().await.is_empty() && later.rest().await.is_empty());
    assert_eq!(ended(&server, "slow_head"), 3);
    server.get("/livez", None).await.expect(200);
}

#[tokio::test]
async fn a_head_without_end_is_refused_before_it_fills_the_memory() {
    let server = Server::start().await;
    let mut wire = Wire::open(&server).await;
    wire.send("GET /livez HTTP/1.1\r\nHost: a\r\n").await;
    for number in 0..100 {
        wire.send(format!("X-{number}: {}\r\n", "a".repeat(2000))).await;
    }
    wire.answer().await.expect_problem(431, "headers-too-large");
    assert_eq!(ended(&server, "large_head"), 1);
}

#[tokio::test]
async fn a_head_that_cannot_be_read_is_a_problem_too() {
    let server = Server::start().await;
    for head in ["GET /livez HTTP/1.1\r\n\r\n", "GET /li vez HTTP/1.1\r\nHost: a\r\n\r\n", "\u{1}\r\n\r\n"] {
        let mut wire = Wire::open(&server).await;
        wire.send(head).await;
        let answer = wire.answer().await.expect_problem(400, "bad-request");
        assert_eq!(answer.body["request_id"], answer.header("x-request-id"), "{head:?}");
        assert!(wire.rest().await.is_empty());
    }
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let server = Server::limited_to(limits(1000, 8)).await;
    // The client of the server itself may keep some, and closes them when it is asked for more.
    let mut held = Vec::new();
    let refused = loop {
        let mut wire = Wire::open(&server).await;
        wire.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let answer = wire.answer().await;
        if answer.status != 200 {
            break answer;
        }
        held.push(wire);
        assert!(held.len() <= 8, "all are accepted");
    };
    let refused = refused.expect_problem(429, "too-many-requests");
    assert!(refused.body["detail"].as_str().unwrap().contains("connections"), "{}", refused.text);
    refused.header("retry-after").parse::<u32>().unwrap();
    // One that ends makes room for one.
    drop(held.pop());
    let mut accepted = false;
    for _ in 0..100 {
        let mut wire = Wire::open(&server).await;
        wire.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").await;
        accepted = wire.answer().await.status == 200;
        if accepted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(accepted);
}

#[tokio::test]
async fn who_comes_when_all_are_taken_gets_the_place_of_the_slowest() {
    let server = Server::limited_to(limits(20, 1000)).await;
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut wire = Wire::open(&server).await;
        wire.send("GET /livez HTTP/1.1\r\nHost: a\r\n").await;
        slow.push(wire);
    }
    for _ in 0..20 {
        let mut wire = Wire::open(&server).await;
        wire.send("GET /v1/tags HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        wire.answer().await.expect(200);
    }
    assert!(ended(&server, "crowded") >= 20, "{:?}", server.connections.counts());
    // Those that were ended are not there any more.
    for _ in 0..500 {
        if server.connections.counts().open <= 20 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", server.connections.counts());
}

#[tokio::test]
async fn a_body_may_come_in_one_piece_with_its_head() {
    let server = Server::start().await;
    let body = r#"{"email":"nobody@example.org","password":"correct horse battery staple"}"#;
    for _ in 0..3 {
        let mut wire = Wire::open(&server).await;
        let head = "POST /v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
        wire.send(format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
        wire.answer().await.expect(401);
    }
}

#[tokio::test]
async fn requests_that_come_together_are_answered_in_their_order() {
    let server = Server::start().await;
    let editor = server.sign_in(Role::Editor).await;
    let mut wire = Wire::open(&server).await;
    let mut sent = String::new();
    for number in 0..60 {
        let body = format!("{{\"name\": \"Topik {number}\", \"description\": \"{}\"}}", "a".repeat(950));
        sent += &format!(
            "POST /v1/tags HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAuthorization: Bearer {editor}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
    }
    wire.send(sent).await;
    for number in 0..60 {
        let answer = wire.answer().await.expect(201);
        assert_eq!(answer.body["name"], format!("Topik {number}"));
    }
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let server = Server::start().await;
    let mut wire = Wire::open(&server).await;
    // Whether they are answered at once or wait for the database, and whether their bytes come together or
    // not.
    for path in ["/livez", "/v1/tags", "/livez", "/v1/tags", "/nope", "/livez"] {
        let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let (one, other) = head.split_at(head.len() - 3);
        wire.send(one).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        wire.send(other).await;
        wire.answer().await.expect(if path == "/nope" { 404 } else { 200 });
        wire.send(head.repeat(3)).await;
        for _ in 0..3 {
            wire.answer().await;
        }
    }
}

#[tokio::test]
async fn a_slow_reader_gets_every_byte() {
    let server = Server::start().await;
    let whole = server.get("/docs/scalar.js", None).await.expect(200).text;
    let address: SocketAddr = server.base.trim_start_matches("http://").parse().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /docs/scalar.js HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    // Long enough for all buffers between to be full.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(server.connections.counts().waiting_bytes > 1_000_000, "{:?}", server.connections.counts());
    let mut got = Vec::new();
    stream.read_to_end(&mut got).await.unwrap();
    let body = got.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert!(got[body..] == *whole.as_bytes(), "{} bytes of {}", got.len() - body, whole.len());
    for _ in 0..500 {
        if server.connections.counts().waiting_bytes == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", server.connections.counts());
}

#[tokio::test]
async fn an_operation_takes_no_larger_body_than_it_needs() {
    let server = Server::start().await;
    let editor = server.sign_in(Role::Editor).await;
    let bearer = format!("Bearer {editor}");
    let cases = [
        ("POST /v1/auth/login", 16 * 1024),
        ("POST /v1/auth/refresh", 16 * 1024),
        ("PUT /v1/me/password", 16 * 1024),
        ("POST /v1/tags/politik/merge", 16 * 1024),
        ("POST /v1/articles/x/submit", 16 * 1024),
        ("POST /v1/articles/x/retract", 16 * 1024),
        ("POST /v1/tags", 64 * 1024),
        ("PATCH /v1/sources/x", 64 * 1024),
        ("POST /v1/articles", STORY),
    ];
    for (operation, most) in cases {
        let most_bytes = format!("{most} bytes");
        // Announced: at once, without a byte of it.
        let length = (most + 1).to_string();
        let headers = [JSON, ("authorization", &bearer), ("content-length", &length)];
        let answer = raw(&server, operation, &headers, b"").await;
        let answer = answer.expect_problem(413, "body-too-large");
        assert!(answer.text.contains(&most_bytes), "{operation}: {}", answer.text);
        // In chunks: once it is too much.
        let mut wire = Wire::open(&server).await;
        wire.head(operation, &[JSON, ("authorization", &bearer), ("transfer-encoding", "chunked")]).await;
        let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
        for _ in 0..=most / 0x1000 {
            wire.send(&chunk).await;
        }
        wire.answer().await.expect_problem(413, "body-too-large");
    }
}

#[tokio::test]
async fn faults_without_number_are_counted_and_not_all_told() {
    let server = Server::start().await;
    let members: Map<String, Value> = (0..1500).map(|number| (format!("m{number}"), json!(0))).collect();
    let answer =
        server.post("/v1/auth/login", None, members.into()).await.expect_problem(422, "invalid-body");
    assert_eq!(answer.faults().len(), TOLD);
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains("1502") && detail.contains("first 100"), "{detail}");
    assert!(answer.text.len() < 64 * 1024, "{} bytes", answer.text.len());

    let parameters: Vec<_> = (0..1000).map(|number| format!("p{number}=")).collect();
    let answer = server.get(&format!("/v1/articles?{}", parameters.join("&")), None).await;
    let answer = answer.expect_problem(400, "invalid-query");
    assert_eq!(answer.faults().len(), TOLD);
    assert!(answer.text.len() < 100 * 1024, "{} bytes", answer.text.len());

    // What was sent is repeated in part only.
    let long = json!({"email": "a@example.org", "password": "x", "m".repeat(15_000): 0});
    let answer = server.post("/v1/auth/login", None, long).await.expect(422);
    assert!(answer.text.len() < 4096, "{} bytes", answer.text.len());
}
