//! Requests written by hand, for what no well-behaved client sends.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{answer::Answer, contract, server::Server};

/// Far more than any answer takes; a server that waits for ever must not make a test do so.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection on which bytes are sent as they are.
pub(crate) struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Wire {
    pub(crate) async fn open(server: &Server) -> Self {
        let address = server.base.trim_start_matches("http://");
        Self { stream: TcpStream::connect(address).await.unwrap(), received: Vec::new() }
    }

    /// Sends bytes. Where the server has closed already, the answer is still to be read.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// The head of a request, with the headers that each one needs.
    pub(crate) async fn head(&mut self, line: &str, headers: &[(&str, &str)]) {
        let mut head = format!("{line} HTTP/1.1\r\nhost: warta.example\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.send(head + "\r\n").await;
    }

    /// The answer, with as many bytes of body as it announces.
    pub(crate) async fn answer(&mut self) -> Answer {
        let (status, headers) = self.answer_head().await;
        let length =
            headers.get("content-length").map_or(0, |length| length.to_str().unwrap().parse().unwrap());
        while self.received.len() < length {
            assert!(self.receive().await, "the body was cut short");
        }
        let body: Vec<_> = self.received.drain(..length).collect();
        contract::check_common(status, &headers, &body);
        let text = String::from_utf8_lossy(&body).into_owned();
        Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or_default(), text }
    }

    /// The answer's status and headers.
    pub(crate) async fn answer_head(&mut self) -> (u16, HeaderMap) {
        let end = loop {
            if let Some(end) = self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            assert!(self.receive().await, "no answer: {:?}", String::from_utf8_lossy(&self.received));
        };
        let head: Vec<_> = self.received.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
        }
        (status, headers)
    }

    /// What else comes until the server closes.
    pub(crate) async fn rest(mut self) -> Vec<u8> {
        while self.receive().await {}
        self.received
    }

    async fn receive(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
        // A server that still had something to read when it closed resets the connection.
        matches!(read.expect("the server neither answers nor closes"), Ok(1..))
    }
}

/// One request and its answer.
pub(crate) async fn raw(server: &Server, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut wire = Wire::open(server).await;
    wire.head(line, headers).await;
    wire.send(body).await;
    wire.answer().await
}
