//! Problems that are sent below HTTP: to clients whose bytes never became a request.

use std::{fmt::Write, time::Duration};

use actix_web::{
    body::MessageBody,
    http::{
        StatusCode,
        header::{HeaderValue, HttpDate},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::watch::Watch;
use crate::{
    app::{failure::respond, settings::X_REQUEST_ID},
    error::{ApiError, ProblemType},
};

/// The most bytes of a client that are thrown away.
const DISCARDED: usize = 1024 * 1024;

/// Sends a problem as the last answer on a connection, as far as the client takes it at once.
pub(super) fn tell(tcp: &TcpStream, error: &ApiError, watch: &Watch) {
    // A client that does not take it goes without.
    let _ = tcp.try_write(&whole_answer(error, watch));
}

/// Throws away the bytes that a client has sent and nobody reads. Otherwise the kernel would reset the
/// connection, and the client might never see its answer.
pub(super) fn discard(tcp: &TcpStream) {
    let mut scratch = [0; 4096];
    let mut left = DISCARDED;
    while let Ok(read @ 1..) = tcp.try_read(&mut scratch) {
        left = left.saturating_sub(read);
        if left == 0 {
            return;
        }
    }
}

/// Tells a client why its connection is not served, and waits until the client has closed it, for at most one
/// second.
pub(super) async fn see_off(mut tcp: TcpStream, error: ApiError, watch: &Watch) {
    let answer = whole_answer(&error, watch);
    let leave = async {
        // Who is gone already needs no goodbye.
        let _ = tcp.write_all(&answer).await;
        let _ = tcp.shutdown().await;
        let mut scratch = [0; 4096];
        let mut left = DISCARDED;
        while let Ok(read @ 1..) = tcp.read(&mut scratch).await {
            left = left.saturating_sub(read);
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), leave).await;
}

fn whole_answer(error: &ApiError, watch: &Watch) -> Vec<u8> {
    let id = watch.clock.new_id().to_string();
    let mut response = respond(error, &id);
    watch.settings.dress(true, None, response.headers_mut());
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    let status = response.status();
    let (response, body) = response.into_parts();
    let body = body.try_into_bytes().unwrap_or_default();
    let mut head = format!("HTTP/1.1 {} {}\r\n", status.as_u16(), status.canonical_reason().unwrap_or(""));
    let date = HttpDate::from(std::time::SystemTime::from(watch.clock.now()));
    // A string takes whatever is written to it.
    let _ = write!(head, "date: {date}\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in response.headers() {
        let _ = write!(head, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    head.push_str("\r\n");
    [head.as_bytes(), &body].concat()
}

/// Returns the problem for a head that the HTTP server cannot read: the server itself answers with the status
/// alone.
pub(super) fn said_without_words(bytes: &[u8]) -> Option<ApiError> {
    let code = bytes.strip_prefix(b"HTTP/1.1 4")?.get(..2)?;
    let status = StatusCode::from_bytes(&[b'4', code[0], code[1]]).ok()?;
    let kind = ProblemType::of_status(status);
    let detail = match kind {
        ProblemType::HeadersTooLarge => {
            "The head of the request is too large: a target has at most 8,192 bytes, all headers 32,768."
        }
        ProblemType::RequestTimeout => "The head of the request did not arrive in time.",
        _ => "The request line or a header is malformed.",
    };
    Some(ApiError::new(kind, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_status_becomes_a_problem_and_nothing_else_does() {
        let kind = |bytes: &[u8]| said_without_words(bytes).map(|error| error.kind());
        assert_eq!(kind(b"HTTP/1.1 400 Bad Request\r\n"), Some(ProblemType::BadRequest));
        assert_eq!(kind(b"HTTP/1.1 431 Request Header"), Some(ProblemType::HeadersTooLarge));
        assert_eq!(kind(b"HTTP/1.1 200 OK\r\n"), None);
        assert_eq!(kind(b"HTTP/1.1 4"), None);
        assert_eq!(kind(b""), None);
    }
}
