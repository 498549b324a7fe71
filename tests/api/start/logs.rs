//! How much one request makes the program write to its log.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::{
    data_dir,
    first::Visitor,
    program::{Program, command},
};

const EMAIL: &str = "ayu@example.org";
const PASSWORD: &str = "correct horse battery staple";

#[tokio::test]
async fn no_request_fills_the_log() {
    let folder = data_dir();
    let mut start = command(folder.path());
    start.env("WARTA_DEMO", "false").env("WARTA_LOG", "info");
    start.env("WARTA_ADMIN_EMAIL", EMAIL).env("WARTA_ADMIN_PASSWORD", PASSWORD);
    let program = Program::start(&mut start);
    let visitor = Visitor::of(&program);
    let token = visitor.sign_in(EMAIL, PASSWORD).await.unwrap();
    for body in [
        // The parser has something to say about each of these elements.
        format!("<table>{}", "<i></i>".repeat(3000)),
        // And Postgres about each of these words.
        format!("{} ", "kata".repeat(1000)).repeat(20),
        "<p>\u{0}<b></i></u>&#0;&#xd800;".replace('\0', "").repeat(500),
    ] {
        let story = json!({"title": "Judul", "language": "id", "body": body});
        assert_eq!(visitor.post("/v1/articles", &token, &story).await.status(), 201);
    }
    let requests = 200;
    for request in [
        "GET / HTTP/9\r\n\r\n",
        "\u{1}\u{2}\r\n\r\n",
        "GET /\u{0} HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ] {
        for _ in 0..requests / 4 {
            let mut stream = TcpStream::connect(&program.address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            _ = stream.read_to_end(&mut Vec::new());
        }
    }
    drop(visitor);
    let log = program.stop_with_log();
    let lines = log.lines().count();
    assert!(
        lines < 50 + 2 * requests,
        "{lines} lines:\n{}",
        log.lines().take(20).collect::<Vec<_>>().join("\n")
    );
    assert!(!log.contains("html5ever") && !log.contains("too long to be indexed"), "{log}");
}

/// The lines of a log with this message.
fn lines(log: &str, message: &str) -> Vec<Value> {
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["message"] == message).collect()
}

#[tokio::test]
async fn a_request_is_a_line_that_says_whose_it_is() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let folder = data_dir();
    let mut start = command(folder.path());
    start.env("WARTA_DEMO", "false").env("WARTA_LOG", "info").env("WARTA_LOG_REQUESTS", "true");
    start.env("WARTA_ADMIN_EMAIL", EMAIL).env("WARTA_ADMIN_PASSWORD", PASSWORD);
    start.env("WARTA_TRUSTED_PROXIES", "127.0.0.1/32");
    let program = Program::start(&mut start);
    let visitor = Visitor::of(&program);
    let token = visitor.sign_in(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(visitor.sign_in(EMAIL, "not this one").await, Err(401));
    let request = visitor.client.get(format!("http://{}/v1/articles?draft=true&q=rahasia", program.address));
    let request =
        request.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01")).bearer_auth(&token);
    let answer = request.header("x-request-id", "satu").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    // From memory, the second time.
    for id in ["dua", "tiga"] {
        let request = visitor.client.get(format!("http://{}/v1/tags", program.address));
        assert_eq!(request.header("x-request-id", id).send().await.unwrap().status(), 200);
    }
    drop(visitor);
    let log = program.stop_with_log();
    let requests = lines(&log, "request");
    let of = |id: &str| {
        requests.iter().find(|line| line["request_id"] == id).unwrap_or_else(|| panic!("no {id}: {log}"))
    };
    let line = of("satu");
    assert_eq!(
        [&line["level"], &line["method"], &line["route"], &line["path"], &line["status"]],
        [&json!("INFO"), &json!("GET"), &json!("/v1/articles"), &json!("/v1/articles"), &json!(200)]
    );
    assert!(line["ms"].is_u64() && line["editor"].is_string(), "{line}");
    assert_eq!((&line["span"]["trace_id"], &line["span"]["editor"]), (&json!(TRACE), &line["editor"]));
    for id in ["dua", "tiga"] {
        assert_eq!((&of(id)["route"], &of(id)["editor"]), (&json!("/v1/tags"), &Value::Null));
    }
    let failed = lines(&log, "sign-in failed");
    assert_eq!(
        (failed.len(), &failed[0]["outcome"], &failed[0]["address"]),
        (1, &json!("wrong"), &json!("127.0.0.1"))
    );
    assert_eq!(failed[0]["editor"], line["editor"]);
    assert_eq!(lines(&log, "the database is up to date")[0]["version"], env!("CARGO_PKG_VERSION"));
    // What was asked for, and with what, is nobody's business.
    for secret in ["rahasia", token.as_str(), PASSWORD, "not this one", EMAIL] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
