//! How much one request makes the program write to its log.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::json;

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
