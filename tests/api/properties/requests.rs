//! Any bytes where a path or a query stands are answered, and never with a failure of ours.

use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Shared, holds, text};

/// Sends a target as it is, and reads the status; `None` where the connection is closed without an answer.
async fn status(base: &str, method: &str, target: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).await.unwrap();
    let request =
        [method.as_bytes(), b" ", target, b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"].concat();
    stream.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    // A request that is broken off is answered by closing, which may arrive as a reset.
    let _ = stream.read_to_end(&mut answer).await;
    let head = String::from_utf8_lossy(&answer[..answer.len().min(12)]).into_owned();
    head.strip_prefix("HTTP/1.1 ").and_then(|status| status.parse().ok())
}

fn escaped(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("%{byte:02X}").into_bytes()).collect()
}

#[test]
fn no_target_makes_the_server_fail() {
    let shared = Shared::start();
    let before = prop::sample::select(vec![
        "/",
        "/v1/articles/",
        "/v1/articles?",
        "/v1/articles?tag=",
        "/v1/articles?cursor=",
        "/v1/articles?sort=title&cursor=",
        "/v1/articles?published_after=",
        "/v1/articles?language=",
        "/v1/articles?limit=",
        "/v1/articles?updated_after=",
        "/v1/articles?q=",
        "/v1/articles?count=true&sort=relevance&q=",
        "/v1/tags/",
        "/v1/tags?",
        "/v1/tags?cursor=",
        "/v1/sources/",
        "/v1/sources?count=",
        "/v1/sources?q=",
        "/v1/tags?count=true&q=",
        "/v1/editors/",
        "/problems/",
        "/docs",
        "/openapi.json?",
        "/.well-known/",
        "//v1//articles",
        "/v1/articles/x/",
        "",
    ]);
    let bytes = prop_oneof![
        text().prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..40),
        "[0-9]{1,7}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|%2B[0-9]{2}:[0-9]{2})"
            .prop_map(String::into_bytes),
    ];
    let methods = prop::sample::select(vec!["GET", "HEAD", "OPTIONS", "POST", "DELETE", "PATCH"]);
    holds(400, (methods, before, bytes, any::<bool>()), |(method, before, bytes, escape)| {
        let tail = if escape { escaped(&bytes) } else { bytes };
        let target = [before.as_bytes(), &tail].concat();
        let status = shared.runtime.block_on(status(&shared.server.base, method, &target));
        let target = String::from_utf8_lossy(&target).into_owned();
        assert!(status.is_none_or(|status| status < 500), "{method} {target}: {status:?}");
        // What is percent-encoded is a request like any other.
        assert!(status.is_some() || !escape || before.is_empty(), "{method} {target}: no answer");
    });
}
