//! What stands between an instance and its database, and can cut them off from one another.

use std::{collections::HashMap, net::SocketAddr};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::{oneshot, watch},
};
use warta::database::DatabaseUrl;

/// How the line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// It passes everything on.
    Open,
    /// Connections are accepted and stay, and nothing is passed on: as to a server that is stopped.
    Silent,
    /// Connections are closed, and new ones too: as to a server that has ended.
    Closed,
    /// Connections that listen are closed; the others go on.
    Deaf,
    /// Connections that listen are closed; to the others the server still says what it has to say, and hears
    /// nothing more.
    Dying,
}

impl Line {
    /// Whether it closes a connection, which listens or not.
    fn closes(self, listens: bool) -> bool {
        self == Self::Closed || listens && matches!(self, Self::Deaf | Self::Dying)
    }
}

/// What a connection that listens has sent.
const LISTEN: &[u8] = b"listen warta";

/// A line to a database. It has a thread of its own, and ends with the value.
pub(crate) struct Proxy {
    /// The database, by way of the line.
    pub(crate) url: DatabaseUrl,
    /// The database itself.
    pub(crate) target: DatabaseUrl,
    line: watch::Sender<Line>,
}

impl Proxy {
    /// An open line to a database.
    pub(crate) async fn to(target: &DatabaseUrl) -> Self {
        let (line, state) = watch::channel(Line::Open);
        let text = target.expose();
        let parameters: HashMap<_, _> =
            text.split("' ").filter_map(|pair| pair.trim_end_matches('\'').split_once("='")).collect();
        let host = parameters["host"].to_owned();
        let port = parameters.get("port").map_or("5432", |port| port).to_owned();
        let (sender, address) = oneshot::channel();
        let place = (host.clone(), port.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(place, sender, state));
        });
        let address = address.await.unwrap();
        let text = text.replace(&format!("host='{host}'"), &format!("host='{}'", address.ip()));
        let text = match parameters.get("port") {
            Some(port) => text.replace(&format!("port='{port}'"), &format!("port='{}'", address.port())),
            None => format!("{text} port='{}'", address.port()),
        };
        Self { url: text.parse().unwrap(), target: target.clone(), line }
    }

    /// From now on the line is like this.
    pub(crate) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

async fn serve(
    (host, port): (String, String),
    sender: oneshot::Sender<SocketAddr>,
    mut state: watch::Receiver<Line>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    sender.send(listener.local_addr().unwrap()).unwrap();
    loop {
        let client = tokio::select! {
            client = listener.accept() => client.unwrap().0,
            changed = state.changed() => match changed {
                Ok(()) => continue,
                // Nobody has the line any more.
                Err(_) => return,
            },
        };
        if *state.borrow() == Line::Closed {
            continue;
        }
        let (host, port, state) = (host.clone(), port.clone(), state.clone());
        tokio::spawn(async move {
            if host.starts_with('/') {
                let Ok(server) = UnixStream::connect(format!("{host}/.s.PGSQL.{port}")).await else { return };
                let (read, write) = server.into_split();
                connect(client, read, write, state).await;
            } else {
                let Ok(server) = TcpStream::connect(format!("{host}:{port}")).await else { return };
                let (read, write) = server.into_split();
                connect(client, read, write, state).await;
            }
        });
    }
}

async fn connect(
    client: TcpStream,
    read: impl AsyncRead + Unpin,
    write: impl AsyncWrite + Unpin,
    state: watch::Receiver<Line>,
) {
    let (from_client, to_client) = client.into_split();
    // Whichever ends first ends the connection.
    tokio::select! {
        () = pump(from_client, write, state.clone(), &[Line::Silent, Line::Dying]) => {}
        () = pump(read, to_client, state, &[Line::Silent]) => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<Line>,
    silent: &[Line],
) {
    let mut buffer = vec![0; 16 * 1024];
    let mut closed = state.clone();
    let mut listens = false;
    loop {
        let length = tokio::select! {
            read = from.read(&mut buffer) => match read {
                Ok(length @ 1..) => length,
                _ => return,
            },
            _ = closed.wait_for(|line| line.closes(listens)) => return,
        };
        listens |= buffer[..length].windows(LISTEN.len()).any(|sent| sent == LISTEN);
        let passes = |line: &Line| line.closes(listens) || !silent.contains(line);
        match state.wait_for(passes).await.map(|line| line.closes(listens)) {
            Ok(false) if to.write_all(&buffer[..length]).await.is_ok() => {}
            _ => return,
        }
    }
}
