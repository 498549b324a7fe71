//! The layer between tokio-postgres and a server, which sees the messages that pass.
//!
//! It limits the time that an answer can take, tells [`Line`] the state of the connection, and writes the
//! SQLSTATE of each error in front of its message ([`super::sqlstate`]). It copies nothing but errors and,
//! during a commit, notices.

use std::{
    future::{Ready, ready},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::{
    line::Line,
    socket::Wire,
    sqlstate::{MARK, SqlState},
};

/// The time without an answer after which the server is asked if it is there at all.
const SUSPICION: Duration = Duration::from_secs(2);

/// The time that a server has to end a session.
const FAREWELL: Duration = Duration::from_secs(1);

/// The greatest length of an error in bytes. A longer one is passed on as it is.
const LONGEST_ERROR: usize = 1 << 20;

/// The kinds of messages of the protocol that matter here.
const ERROR: u8 = b'E';
const NOTICE: u8 = b'N';
const READY: u8 = b'Z';
const QUERY: u8 = b'Q';
const SYNC: u8 = b'S';

/// Hands tokio-postgres a stream on which TLS is already agreed.
pub(super) struct Agreed(pub(super) Arc<Line>);

impl TlsConnect<Wire> for Agreed {
    type Stream = Tap;
    type Error = io::Error;
    type Future = Ready<io::Result<Tap>>;

    fn connect(self, wire: Wire) -> Self::Future {
        ready(Ok(Tap::new(wire, self.0)))
    }
}

pub(super) struct Tap {
    wire: Wire,
    line: Arc<Line>,
    read: Messages,
    written: Messages,
    /// True while a command that can be a `COMMIT` waits for its answer.
    committing: bool,
    /// The bytes from the beginning of an error or a notice on, until the whole message has arrived.
    held: Vec<u8>,
    /// The bytes that were held, and the position from which to read on.
    released: (Vec<u8>, usize),
    /// True once the session has begun. Before that, the callers that open it watch the time.
    begun: bool,
    clock: Pin<Box<Sleep>>,
    ticking: bool,
    since: Instant,
    closing: bool,
}

/// Finds where messages begin in a stream. A message is a kind, four bytes of length, and the rest.
#[derive(Default)]
struct Messages {
    head: [u8; 5],
    have: usize,
    rest: usize,
}

impl Messages {
    /// Walks on over `bytes`. Stops before a message of a kind in `hold`, and returns its position. Calls
    /// `seen` for the other messages: with their kind, and once more with the first byte of their content.
    fn walk(&mut self, bytes: &[u8], hold: &[u8], mut seen: impl FnMut(u8, Option<u8>)) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.rest > 0 {
                let length = self.rest.min(bytes.len() - at);
                if self.have == 5 {
                    seen(self.head[0], Some(bytes[at]));
                    self.have = 0;
                }
                self.rest -= length;
                at += length;
                continue;
            }
            if self.have == 0 && hold.contains(&bytes[at]) {
                return Some(at);
            }
            let length = (5 - self.have).min(bytes.len() - at);
            self.head[self.have..self.have + length].copy_from_slice(&bytes[at..at + length]);
            self.have += length;
            at += length;
            if self.have == 5 {
                let [kind, length @ ..] = self.head;
                self.rest = usize::try_from(u32::from_be_bytes(length)).unwrap_or(4).saturating_sub(4);
                seen(kind, None);
                if self.rest == 0 {
                    self.have = 0;
                }
            }
        }
        None
    }
}

impl Tap {
    fn new(wire: Wire, line: Arc<Line>) -> Self {
        Self {
            wire,
            line,
            read: Messages::default(),
            written: Messages::default(),
            committing: false,
            held: Vec::new(),
            released: (Vec::new(), 0),
            begun: false,
            clock: Box::pin(sleep(SUSPICION)),
            ticking: false,
            since: Instant::now(),
            closing: false,
        }
    }

    /// Returns an error if an answer takes too long.
    fn watch(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        self.line.driver.register(cx.waker());
        if self.line.is_cut() {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the server is silent"));
        }
        while self.ticking && self.clock.as_mut().poll(cx).is_ready() {
            if !self.line.is_owed() {
                self.ticking = false;
                break;
            }
            let now = Instant::now();
            let waited = now - self.since;
            if self.line.limit.is_some_and(|limit| waited >= limit) {
                let told = format!("no answer in {} s", waited.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, told));
            }
            if waited >= SUSPICION {
                self.line.host.suspect(&self.line.address);
            }
            let next = if waited < SUSPICION { self.since } else { now } + SUSPICION;
            let last = self.line.limit.map_or(next, |limit| self.since + limit);
            self.clock.as_mut().reset(next.min(last));
        }
        Ok(())
    }

    /// Looks at the bytes that were read, and returns the position of the first message to hold.
    fn see(&mut self, bytes: &[u8]) -> Option<usize> {
        let Self { read, line, begun, since, committing, .. } = self;
        // A session begins with many notices. They matter only while something is being committed.
        let hold: &[u8] = if *committing { &[ERROR, NOTICE] } else { &[ERROR] };
        read.walk(bytes, hold, |kind, status| {
            let (READY, Some(status)) = (kind, status) else { return };
            *committing = false;
            if std::mem::replace(begun, true) && line.answered(status) {
                *since = Instant::now();
            }
        })
    }

    /// Passes on the held message if all of it has arrived, and returns true if it did.
    fn release(&mut self) -> io::Result<bool> {
        let Some(length) = whole(&self.held) else { return Ok(false) };
        let held = std::mem::take(&mut self.held);
        let (message, rest) = held.split_at(length);
        if message.first() == Some(&NOTICE) && is_doubtful(message) {
            return Err(io::Error::other("it is not known whether the standby has what was committed"));
        }
        let told = if message.first() == Some(&ERROR) { self.with_code(message) } else { None };
        let mut released = told.unwrap_or_else(|| message.to_vec());
        let end = self.see(rest).unwrap_or(rest.len());
        released.extend_from_slice(&rest[..end]);
        self.held = rest[end..].to_vec();
        self.released = (released, 0);
        Ok(true)
    }

    /// Returns the error with its code in front of its message; `None` if it has no code that can be read.
    fn with_code(&self, error: &[u8]) -> Option<Vec<u8>> {
        let mut code = SqlState::parse(std::str::from_utf8(field(error, b'C')?).ok()?)?;
        // This is how a standby refuses to write to a table that it does not have.
        if code == SqlState::NOT_SUPPORTED && self.line.host.is_standby() {
            code = SqlState::READ_ONLY;
        }
        // The field `V` is the severity that is not translated.
        self.line.failed(code, matches!(field(error, b'V'), Some(b"FATAL" | b"PANIC")));
        let mut told = vec![ERROR, 0, 0, 0, 0];
        for field in fields(error) {
            match field.split_first() {
                None => break,
                Some((b'M', message)) => {
                    told.push(b'M');
                    told.extend_from_slice(code.as_str().as_bytes());
                    told.extend_from_slice(MARK.as_bytes());
                    told.extend_from_slice(message);
                }
                Some(_) => told.extend_from_slice(field),
            }
            told.push(0);
        }
        told.push(0);
        let length = u32::try_from(told.len() - 1).ok()?;
        told[1..5].copy_from_slice(&length.to_be_bytes());
        Some(told)
    }
}

/// Returns the fields of an error or a notice. Each begins with a letter that names its kind.
fn fields(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    message.get(5..).unwrap_or_default().split(|byte| *byte == 0)
}

fn field(message: &[u8], kind: u8) -> Option<&[u8]> {
    fields(message).find_map(|field| field.strip_prefix(&[kind]))
}

/// Returns true if a notice that comes during a commit says that the standby was not waited for. Postgres
/// sends such a notice, and then reports success, when the time limit of the statement is over. A change that
/// was reported as made must not be lost when the standby takes over.
fn is_doubtful(notice: &[u8]) -> bool {
    field(notice, b'V') == Some(b"WARNING") && matches!(field(notice, b'C'), Some(b"01000" | b"57P01"))
}

/// Returns the length of the message at the beginning of `bytes`; `None` until all of it has arrived. A
/// message that is too long to wait for counts as complete.
fn whole(bytes: &[u8]) -> Option<usize> {
    let length: &[u8; 4] = bytes.get(1..)?.first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?.saturating_add(1);
    if length > LONGEST_ERROR {
        return Some(bytes.len());
    }
    (bytes.len() >= length).then_some(length)
}

impl TlsStream for Tap {
    fn channel_binding(&self) -> ChannelBinding {
        self.wire.channel_binding()
    }
}

impl AsyncRead for Tap {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let tap = self.get_mut();
        tap.watch(cx)?;
        loop {
            let (released, at) = &mut tap.released;
            if *at < released.len() {
                let length = buf.remaining().min(released.len() - *at);
                buf.put_slice(&released[*at..*at + length]);
                *at += length;
                return Poll::Ready(Ok(()));
            }
            if tap.held.is_empty() {
                let before = buf.filled().len();
                ready!(Pin::new(&mut tap.wire).poll_read(cx, buf))?;
                let Some(at) = tap.see(&buf.filled()[before..]) else { return Poll::Ready(Ok(())) };
                tap.held.extend_from_slice(&buf.filled()[before + at..]);
                buf.set_filled(before + at);
                if at > 0 {
                    return Poll::Ready(Ok(()));
                }
            } else if !tap.release()? {
                let mut more = [0; 1024];
                let mut more = ReadBuf::new(&mut more);
                ready!(Pin::new(&mut tap.wire).poll_read(cx, &mut more))?;
                if more.filled().is_empty() {
                    tap.released = (std::mem::take(&mut tap.held), 0);
                }
                tap.held.extend_from_slice(more.filled());
            }
        }
    }
}

impl AsyncWrite for Tap {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let tap = self.get_mut();
        let length = ready!(Pin::new(&mut tap.wire).poll_write(cx, bytes))?;
        if !tap.begun {
            return Poll::Ready(Ok(length));
        }
        let mut commands = 0;
        let mut committing = false;
        tap.written.walk(&bytes[..length], &[], |kind, first| {
            commands += u32::from(first.is_none() && matches!(kind, QUERY | SYNC));
            committing |= kind == QUERY && matches!(first, Some(b'C' | b'c'));
        });
        tap.committing |= committing;
        if commands > 0 && tap.line.asked(commands) {
            tap.since = Instant::now();
            if !tap.ticking {
                tap.ticking = true;
                tap.clock.as_mut().reset(tap.since + SUSPICION);
                tap.watch(cx)?;
            }
        }
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_flush(cx)
    }

    /// Closes the stream, and waits for the server to do the same: until then the session counts there.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tap = self.get_mut();
        if !tap.closing {
            ready!(Pin::new(&mut tap.wire).poll_shutdown(cx))?;
            tap.closing = true;
            tap.clock.as_mut().reset(Instant::now() + FAREWELL);
        }
        tap.line.driver.register(cx.waker());
        while !tap.line.is_cut() && tap.clock.as_mut().poll(cx).is_pending() {
            let mut rest = [0; 1024];
            let mut rest = ReadBuf::new(&mut rest);
            match ready!(Pin::new(&mut tap.wire).poll_read(cx, &mut rest)) {
                Ok(()) if !rest.filled().is_empty() => {}
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_messages_however_they_are_cut() {
        let bytes =
            [&b"D\0\0\0\x08EZSQ"[..], b"Z\0\0\0\x05I", b"n\0\0\0\x04", b"Z\0\0\0\x05T", b"E\0\0\0\x04"]
                .concat();
        for size in 1..=bytes.len() {
            let (mut messages, mut seen, mut error) = (Messages::default(), Vec::new(), None);
            for (index, piece) in bytes.chunks(size).enumerate() {
                let found = messages.walk(piece, &[ERROR], |kind, first| seen.push((kind, first)));
                if let Some(at) = found {
                    error = Some(index * size + at);
                    break;
                }
            }
            let expected = [
                (b'D', None),
                (b'D', Some(b'E')),
                (b'Z', None),
                (b'Z', Some(b'I')),
                (b'n', None),
                (b'Z', None),
                (b'Z', Some(b'T')),
            ];
            assert_eq!((seen.as_slice(), error), (&expected[..], Some(26)), "in pieces of {size}");
        }
    }

    #[test]
    fn knows_when_the_standby_was_not_waited_for() {
        let notice = |severity: &str, code: &str| {
            let fields = format!("Sx\0V{severity}\0C{code}\0Mx\0\0");
            [&b"N\0\0\0\0"[..], fields.as_bytes()].concat()
        };
        assert!(is_doubtful(&notice("WARNING", "01000")));
        assert!(is_doubtful(&notice("WARNING", "57P01")));
        assert!(!is_doubtful(&notice("NOTICE", "00000")));
        assert!(!is_doubtful(&notice("WARNING", "25P01")));
    }

    #[test]
    fn waits_for_the_whole_error() {
        assert_eq!(whole(b"E\0\0\0"), None);
        assert_eq!(whole(b"E\0\0\0\x06C"), None);
        assert_eq!(whole(b"E\0\0\0\x06C0more"), Some(7));
        assert_eq!(whole(b"E\xff\xff\xff\xff"), Some(5));
    }
}
