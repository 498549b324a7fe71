//! The stream below HTTP: it moves bytes, keeps the state of the connection, and ends connections that take
//! too long.

use std::{
    io::{self, ErrorKind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{HEAD_SECONDS, head::HeadEnd, refusal, watch::Watch};
use crate::{
    error::{ApiError, ProblemType},
    http::connection::{Connection, End, Phase},
};

/// The stream of a connection.
pub(crate) struct Stream {
    tcp: TcpStream,
    watch: Rc<Watch>,
    connection: Rc<Connection>,
    /// Bytes that have arrived and that the HTTP server has not been given yet. It reserves several KiB for
    /// each request whose head it has read, so it gets one request after another.
    ahead: Vec<u8>,
    head_end: HeadEnd,
}

/// The approximate number of bytes that can arrive ahead of the end of a request.
const AHEAD: usize = 16 * 1024;

impl Stream {
    /// Begins to watch a connection that was admitted.
    #[must_use]
    pub(crate) fn new(tcp: TcpStream, watch: Rc<Watch>, connection: Connection) -> Self {
        let connection = Rc::new(connection);
        watch.add(&connection);
        Self { tcp, watch, connection, ahead: Vec::new(), head_end: HeadEnd::default() }
    }

    /// Returns the state of the connection.
    #[must_use]
    pub(crate) fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    /// Tells the client why its connection ends, if the client cannot know the reason and is not in the
    /// middle of an answer.
    fn tell(&self, why: End) {
        let error = match why {
            End::SlowHead => ApiError::new(
                ProblemType::RequestTimeout,
                format!("The head of the request did not arrive within {HEAD_SECONDS} seconds."),
            ),
            End::LargeHead => ApiError::new(
                ProblemType::HeadersTooLarge,
                "The head of the request is too large: a target has at most 8,192 bytes, all headers 32,768.",
            ),
            End::Idle | End::SlowReader | End::Crowded => return,
        };
        refusal::tell(&self.tcp, &error, &self.watch);
        refusal::discard(&self.tcp);
    }

    /// Ends the input of the HTTP server once the connection is to end.
    fn ended(&self, why: End) -> io::Result<()> {
        // At the end of its input the HTTP server finishes the answer in hand. It could never finish one that
        // the client does not take.
        if why == End::SlowReader || self.connection.blocked().is_some() {
            return Err(ErrorKind::TimedOut.into());
        }
        if self.connection.is_between_requests() {
            self.tell(why);
        }
        Ok(())
    }

    /// Reads the bytes after the present request, and keeps them: only by reading does the server learn that
    /// the client is gone.
    fn hold(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 1024];
        while self.ahead.len() < AHEAD {
            let mut buffer = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut self.tcp).poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                // The end comes after the bytes that are held.
                return if self.ahead.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            self.ahead.extend_from_slice(buffer.filled());
            self.connection.set_ahead(true);
        }
        Poll::Pending
    }

    /// Stops reading until there is room.
    fn starve(&self, context: &Context<'_>) {
        let waited_before = self.connection.starve();
        if self.connection.phase() != Phase::Head {
            return;
        }
        if waited_before {
            self.watch.connections.count_end(End::LargeHead);
            self.connection.end(End::LargeHead);
        }
        // The bytes may be whole heads that the HTTP server has not looked at yet.
        context.waker().wake_by_ref();
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.connection.driven_by(context);
        if let Some(why) = this.connection.ending() {
            return Poll::Ready(this.ended(why));
        }
        if this.connection.is_over() {
            // Throw the bytes away, so that the client gets its answer and no reset.
            refusal::discard(&this.tcp);
            this.ahead = Vec::new();
            return Poll::Ready(Ok(()));
        }
        if this.connection.is_behind_request() {
            return this.hold(context);
        }
        if this.connection.room() == 0 {
            this.starve(context);
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        if this.ahead.is_empty() {
            ready!(Pin::new(&mut this.tcp).poll_read(context, buffer))?;
        } else {
            let length = this.ahead.len().min(buffer.remaining());
            buffer.put_slice(&this.ahead[..length]);
            this.ahead.drain(..length);
        }
        let arrived = &buffer.filled()[before..];
        let given = if matches!(this.connection.phase(), Phase::Idle | Phase::Head) {
            let end = this.head_end.find(arrived);
            if end.is_some() {
                this.connection.give_head();
            }
            end.unwrap_or(arrived.len())
        } else {
            let expected = this.connection.expected().unwrap_or(u64::MAX);
            usize::try_from(expected).unwrap_or(usize::MAX).min(arrived.len())
        };
        if given < arrived.len() {
            // The bytes held before follow those that are cut off here.
            let mut rest = arrived[given..].to_vec();
            rest.append(&mut this.ahead);
            this.ahead = rest;
            buffer.set_filled(before + given);
        }
        this.connection.set_ahead(!this.ahead.is_empty());
        this.connection.received(given, this.watch.now());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.connection.driven_by(context);
        if this.connection.ending() == Some(End::SlowReader) {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        if this.connection.is_between_requests()
            && let Some(error) = refusal::said_without_words(bytes)
        {
            refusal::tell(&this.tcp, &error, &this.watch);
            return Poll::Ready(Ok(bytes.len()));
        }
        match Pin::new(&mut this.tcp).poll_write(context, bytes) {
            Poll::Ready(written) => {
                if let Ok(written) = written {
                    this.connection.sent(written);
                }
                Poll::Ready(written)
            }
            Poll::Pending => {
                if this.connection.block(this.watch.now()) {
                    this.watch.connections.block();
                }
                Poll::Pending
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // The HTTP server flushes once the kernel has taken all that it has to say for now.
        if this.connection.unblock() {
            this.watch.connections.unblock();
        }
        Pin::new(&mut this.tcp).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(context)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.connection.unblock() {
            self.watch.connections.unblock();
        }
        self.watch.connections.leave(self.connection.network);
    }
}
