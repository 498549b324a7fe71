//! A proxy in front of the tests' Postgres that can fall silent.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};
use warta::database::DatabaseUrl;

/// What becomes of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// They go on.
    Forwarding,
    /// They stay here, and new connections are taken and hear nothing.
    Silent,
    /// They stay here, but new connections find a proxy that forwards.
    ForgettingTheOld,
    /// New connections wait for so long.
    Slow(Duration),
}

pub(super) struct Proxy {
    port: u16,
    mood: watch::Sender<Mood>,
    taken: Arc<AtomicUsize>,
}

/// A parameter of a connection string in key=value form.
fn parameter(pairs: &str, name: &str) -> Option<String> {
    let (_, rest) = pairs.split_once(&format!("{name}='"))?;
    Some(rest.split_once('\'')?.0.to_owned())
}

async fn between(client: TcpStream, host: &str, port: &str, mood: watch::Receiver<Mood>) {
    let (reading, writing) = client.into_split();
    if host.starts_with('/') {
        let path = PathBuf::from(host).join(format!(".s.PGSQL.{port}"));
        let (up_read, up_write) = UnixStream::connect(path).await.unwrap().into_split();
        tokio::select! {
            () = forward(reading, up_write, mood.clone()) => {}
            () = forward(up_read, writing, mood) => {}
        }
    } else {
        let upstream = TcpStream::connect((host, port.parse().unwrap())).await.unwrap();
        let (up_read, up_write) = upstream.into_split();
        tokio::select! {
            () = forward(reading, up_write, mood.clone()) => {}
            () = forward(up_read, writing, mood) => {}
        }
    }
}

async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut mood: watch::Receiver<Mood>,
) {
    let since = *mood.borrow();
    let mut bytes = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        let goes_on = |mood: &Mood| match mood {
            Mood::Silent => false,
            Mood::ForgettingTheOld => since == Mood::ForgettingTheOld,
            Mood::Forwarding | Mood::Slow(_) => true,
        };
        if mood.wait_for(goes_on).await.is_err() || to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}

impl Proxy {
    /// One in front of the server of a URL.
    pub(super) async fn start(url: &DatabaseUrl) -> Self {
        let pairs = url.expose();
        let (host, server) = (parameter(&pairs, "host").unwrap(), parameter(&pairs, "port").unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mood, seen) = watch::channel(Mood::Forwarding);
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let (host, server, mut mood) = (host.clone(), server.clone(), seen.clone());
                tokio::spawn(async move {
                    // Whoever hangs up meanwhile is not noticed, which is how silence is.
                    if mood.wait_for(|mood| *mood != Mood::Silent).await.is_err() {
                        return;
                    }
                    let now = *mood.borrow();
                    if let Mood::Slow(pause) = now {
                        tokio::time::sleep(pause).await;
                    }
                    between(client, &host, &server, mood).await;
                });
            }
        });
        Self { port, mood, taken }
    }

    pub(super) fn be(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// How many connections it took.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// The same database behind these ports of this machine, in this order.
    pub(super) fn url(url: &DatabaseUrl, ports: &[u16], more: &str) -> DatabaseUrl {
        let pairs = url.expose();
        let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
        let hosts = vec!["127.0.0.1"; ports.len()].join(",");
        let kept = ["user", "password", "dbname"].into_iter();
        let kept = kept.filter_map(|name| Some(format!("{name}='{}'", parameter(&pairs, name)?)));
        let kept = kept.collect::<Vec<_>>().join(" ");
        format!("host={hosts} port={} {kept} {more}", ports.join(",")).parse().unwrap()
    }

    /// The same database through it alone.
    pub(super) fn only(&self, url: &DatabaseUrl) -> DatabaseUrl {
        Self::url(url, &[self.port], "sslmode=disable")
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

/// Takes connections and says nothing, for as long as it is kept.
pub(super) async fn deaf() -> (u16, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let keeping = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut client, _)) = listener.accept().await {
            kept.push(tokio::spawn(async move {
                let (mut here, mut there) = tokio::io::duplex(1 << 16);
                // What is sent is read, and nothing is ever said.
                let _ = copy_bidirectional(&mut client, &mut here).await;
                let _ = there.shutdown().await;
            }));
        }
    });
    (port, keeping)
}
