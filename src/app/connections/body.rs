//! The body of an answer, handed to the socket in pieces.
//!
//! The HTTP server copies the data of a body into the connection's buffer before it writes. If it got a large
//! answer whole, there would be one copy for each client that does not take it; in pieces, there are at most
//! two pieces of it.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};

use super::{Held, watch::Watch};
use crate::http::connection::Connection;

/// The longest piece, in bytes.
const PIECE: usize = 16 * 1024;

/// The shortest body that is counted while it waits to be sent, in bytes. A shorter one fits into the
/// connection's buffer whole.
const LARGE: usize = 64 * 1024;

/// The body of an answer on a connection.
pub(crate) struct AnswerBody {
    content: Content,
    /// Ends the answer when it is dropped: after all of the body was handed over, or when the answer is given
    /// up.
    _sending: Option<Sending>,
    _held: Option<Held>,
}

enum Content {
    /// No body, which differs from an empty one.
    Nothing,
    Whole(Bytes),
    Stream(BoxBody),
}

/// A mark that a connection is sending an answer; dropping it ends the answer.
struct Sending {
    watch: Rc<Watch>,
    connection: Rc<Connection>,
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.connection.end_answer(self.watch.now());
    }
}

impl AnswerBody {
    /// Wraps the body of an answer that goes out on this connection. Without a connection, nothing is
    /// counted.
    #[must_use]
    pub(crate) fn new(body: BoxBody, on: Option<(Rc<Watch>, Rc<Connection>)>) -> Self {
        let content = match body.size() {
            BodySize::None => Content::Nothing,
            _ => match body.try_into_bytes() {
                Ok(bytes) => Content::Whole(bytes),
                Err(stream) => Content::Stream(stream),
            },
        };
        let Some((watch, connection)) = on else { return Self { content, _sending: None, _held: None } };
        connection.begin_answer(watch.now());
        let held = match &content {
            Content::Whole(bytes) if bytes.len() >= LARGE => {
                let held = watch.connections.hold(bytes);
                if watch.connections.excess() > 0 {
                    watch.relieve();
                    // The bytes that wait may belong to connections of other threads.
                    watch.connections.0.look.notify_waiters();
                }
                Some(held)
            }
            _ => None,
        };
        Self { content, _sending: Some(Sending { watch, connection }), _held: held }
    }
}

impl MessageBody for AnswerBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        match &self.content {
            Content::Nothing => BodySize::None,
            Content::Whole(bytes) => BodySize::Sized(bytes.len() as u64),
            Content::Stream(stream) => stream.size(),
        }
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        match &mut this.content {
            Content::Nothing => Poll::Ready(None),
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) if bytes.len() <= PIECE => Poll::Ready(Some(Ok(std::mem::take(bytes)))),
            Content::Whole(bytes) => Poll::Ready(Some(Ok(bytes.split_to(PIECE)))),
            Content::Stream(stream) => Pin::new(stream).poll_next(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_comes_in_pieces_and_whole() {
        for length in [0, 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let mut body = AnswerBody::new(BoxBody::new(bytes.clone()), None);
            assert_eq!(body.size(), BodySize::Sized(length as u64));
            let mut got = Vec::new();
            while let Some(piece) =
                std::future::poll_fn(|context| Pin::new(&mut body).poll_next(context)).await
            {
                let piece = piece.unwrap();
                assert!(piece.len() <= PIECE);
                got.extend_from_slice(&piece);
            }
            assert_eq!(got, bytes);
        }
    }
}
