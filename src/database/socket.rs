//! The stream of bytes to a server: TCP, TLS above it, or a Unix socket.

use std::{
    fmt, io,
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_postgres::{
    Config,
    config::{SslMode, SslNegotiation},
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The time that sent data can stay unacknowledged, unless the URL says otherwise (`tcp_user_timeout`).
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// The silence after which a connection is probed, the time between probes, and the number of probes that can
/// stay unanswered, unless the URL says otherwise.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(10), Duration::from_secs(3), 3);

/// The value of tokio-postgres if the URL has no `keepalives_idle`.
const UNSET: Duration = Duration::from_secs(2 * 60 * 60);

/// Asks a server if it speaks TLS: the first message of the protocol, which it answers without knowing who
/// asks.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// The address that a server listens on.
#[derive(Clone, Debug)]
pub(super) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

type Tls = <MakeRustlsConnect as MakeTlsConnect<TcpStream>>::Stream;

/// A stream to a server, after the client and the server have agreed to use TLS or not.
pub(super) enum Wire {
    Tcp(TcpStream),
    Tls(Box<Tls>),
    Unix(UnixStream),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

impl Address {
    /// Connects, and agrees on TLS. `name` is the host's name, which its certificate must carry.
    pub(super) async fn connect(
        &self,
        config: &Config,
        tls: &MakeRustlsConnect,
        name: &str,
    ) -> io::Result<Wire> {
        match self {
            // Postgres has no TLS on Unix sockets, whatever `sslmode` says.
            Self::Unix(path) => UnixStream::connect(path).await.map(Wire::Unix),
            Self::Tcp(address) => {
                let mut stream = TcpStream::connect(address).await?;
                set_up(&stream, config)?;
                if !agree(&mut stream, config).await? {
                    return Ok(Wire::Tcp(stream));
                }
                let mut tls = tls.clone();
                let connector = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, name);
                let stream = connector.map_err(io::Error::other)?.connect(stream).await?;
                Ok(Wire::Tls(Box::new(stream)))
            }
        }
    }

    /// Checks that a server answers at this address at all. It takes no session of the server.
    pub(super) async fn answers(&self) -> io::Result<()> {
        async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
            stream.write_all(&SSL_REQUEST).await?;
            stream.flush().await?;
            stream.read_u8().await.map(drop)
        }
        match self {
            Self::Tcp(address) => ask(TcpStream::connect(address).await?).await,
            Self::Unix(path) => ask(UnixStream::connect(path).await?).await,
        }
    }
}

fn set_up(stream: &TcpStream, config: &Config) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(config.get_tcp_user_timeout().copied().unwrap_or(UNACKNOWLEDGED)))?;
    if config.get_keepalives() {
        let (idle, interval, retries) = KEEPALIVE;
        let idle = Some(config.get_keepalives_idle()).filter(|set| *set != UNSET).unwrap_or(idle);
        let keepalive = TcpKeepalive::new()
            .with_time(idle)
            .with_interval(config.get_keepalives_interval().unwrap_or(interval))
            .with_retries(config.get_keepalives_retries().unwrap_or(retries));
        socket.set_tcp_keepalive(&keepalive)?;
    }
    Ok(())
}

/// Agrees with the server on TLS, and returns true if TLS is used.
async fn agree(stream: &mut TcpStream, config: &Config) -> io::Result<bool> {
    let mode = config.get_ssl_mode();
    match (mode, config.get_ssl_negotiation()) {
        (SslMode::Disable, _) => return Ok(false),
        (SslMode::Require, SslNegotiation::Direct) => return Ok(true),
        (_, SslNegotiation::Direct) => {
            return Err(io::Error::other("sslnegotiation=direct needs sslmode=require or stricter"));
        }
        _ => {}
    }
    stream.write_all(&SSL_REQUEST).await?;
    match stream.read_u8().await? {
        b'S' => Ok(true),
        b'N' if mode == SslMode::Require => Err(io::Error::other("server does not support TLS")),
        b'N' => Ok(false),
        _ => Err(io::Error::other("the server does not take connections, or is no Postgres")),
    }
}

impl TlsStream for Wire {
    fn channel_binding(&self) -> ChannelBinding {
        match self {
            Self::Tls(stream) => stream.channel_binding(),
            Self::Tcp(_) | Self::Unix(_) => ChannelBinding::none(),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
