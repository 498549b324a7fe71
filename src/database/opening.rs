//! Opening connections: host by host, each within a time of its own.

use std::{fmt, future::poll_fn, io, net::SocketAddr, pin::pin, sync::Arc, task::Poll, time::Duration};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use futures::FutureExt;
use tokio_postgres::{
    CancelToken, Client, SimpleQueryMessage,
    config::{Host as Named, LoadBalanceHosts, SslMode, SslNegotiation, TargetSessionAttrs},
};

use super::{
    DatabaseUrl,
    line::Line,
    one_line,
    socket::{Address, Wire},
    sqlstate::SqlState,
    tap::{Agreed, Tap},
};

/// The time limit for one address, until a session is ready, if the URL names several hosts.
const ONE_OF_SEVERAL: Duration = Duration::from_secs(2);

/// The time limit for one address if the URL names only one host.
const THE_ONLY_ONE: Duration = Duration::from_secs(4);

/// The time limit for asking Postgres to cancel a statement.
const CANCEL: Duration = Duration::from_secs(2);

/// Asks if the server refuses writes, and if it is a standby.
pub(super) const STATE: &str =
    "select current_setting('transaction_read_only') = 'on' as read_only, pg_is_in_recovery() as standby";

/// Asks for the id of the cluster and for the name of the WAL segment that it writes now. The name begins
/// with the timeline.
const HISTORY: &str =
    "select system_identifier, pg_walfile_name(pg_current_wal_lsn()) from pg_control_system()";

/// The part of a connection that moves its bytes.
pub(super) type Driver = tokio_postgres::Connection<Wire, Tap>;

/// A new connection whose bytes nobody moves yet.
pub(super) struct Opened {
    pub(super) client: Client,
    pub(super) driver: Driver,
    pub(super) line: Arc<Line>,
}

/// The reason why no connection could be opened, in one line without secrets.
#[derive(Clone, Debug)]
pub(super) struct Unopened {
    pub(super) code: Option<SqlState>,
    pub(super) cause: String,
}

impl Unopened {
    /// Returns true if the server has no room for one more connection.
    pub(super) fn is_full(&self) -> bool {
        self.code == Some(SqlState::TOO_MANY_CONNECTIONS)
    }
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)
    }
}

impl From<io::Error> for Unopened {
    fn from(error: io::Error) -> Self {
        Self { code: None, cause: one_line(&error) }
    }
}

impl From<tokio_postgres::Error> for Unopened {
    fn from(error: tokio_postgres::Error) -> Self {
        Self { code: error.code().and_then(|code| SqlState::parse(code.code())), cause: one_line(&error) }
    }
}

impl DatabaseUrl {
    /// Opens one connection; its driver runs on the current Tokio runtime. No statement has a time limit.
    pub(super) async fn establish(&self) -> ConnectionResult<AsyncPgConnection> {
        let opened = self.open(None, "").await;
        let Opened { client, driver, line } =
            opened.map_err(|error| ConnectionError::BadConnection(error.cause))?;
        tokio::spawn(drive(driver, line));
        AsyncPgConnection::try_from(client).await
    }

    /// Opens a connection to the first host that offers one of the wanted kind, and sets its session up.
    /// `limit` is the time that each later answer of the server can take.
    pub(super) async fn open(&self, limit: Option<Duration>, session: &str) -> Result<Opened, Unopened> {
        let at_random = self.config.get_load_balance_hosts() == LoadBalanceHosts::Random;
        let several = self.hosts.list.len() > 1;
        let mut failed: Option<Unopened> = None;
        for index in self.hosts.order(at_random) {
            match self.open_at(index, limit, session).await {
                Ok((opened, read_only)) => {
                    self.hosts.found(index, read_only);
                    return Ok(opened);
                }
                Err(mut error) => {
                    if several {
                        error.cause = format!("{}: {}", self.hosts.list[index].name(), error.cause);
                    }
                    if let Some(before) = failed {
                        error.cause = format!("{}; {}", before.cause, error.cause);
                        error.code = if before.is_full() { before.code } else { error.code };
                    }
                    failed = Some(error);
                }
            }
        }
        Err(failed.unwrap_or_else(|| io::Error::other("it names no host").into()))
    }

    /// Opens a connection to one host, trying its addresses in turn. Also returns true if the session takes
    /// no writes.
    async fn open_at(
        &self,
        index: usize,
        limit: Option<Duration>,
        session: &str,
    ) -> Result<(Opened, bool), Unopened> {
        let usual = if self.hosts.list.len() > 1 { ONE_OF_SEVERAL } else { THE_ONLY_ONE };
        let patience = self.config.get_connect_timeout().copied().unwrap_or(usual);
        let host = &self.hosts.list[index];
        let late = |_| {
            host.lost();
            Unopened::from(io::Error::other(format!("no answer in {} s", patience.as_secs())))
        };
        let addresses = tokio::time::timeout(patience, self.resolve(index)).await.map_err(late)?;
        let addresses = addresses.inspect_err(|_| host.lost())?;
        let mut failed = io::Error::other("the name has no address").into();
        for address in addresses {
            let opening = self.open_address(index, address, limit, session);
            match tokio::time::timeout(patience, opening).await.map_err(late).flatten() {
                Ok(opened) => return Ok(opened),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    async fn open_address(
        &self,
        index: usize,
        address: Address,
        limit: Option<Duration>,
        session: &str,
    ) -> Result<(Opened, bool), Unopened> {
        let host = &self.hosts.list[index];
        let line = Line::new(host, address, limit);
        let wire = line.address.connect(&self.config, &self.tls, self.name(index)).await;
        let wire = wire.inspect_err(|_| host.lost())?;
        // What was agreed on stands: tokio-postgres is to ask for nothing.
        let mut agreed = self.config.clone();
        agreed.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
        let (client, mut driver) = agreed.connect_raw(wire, Agreed(Arc::clone(&line))).await?;
        let set_up = format!("{session}{STATE}");
        let answers = driven(&mut driver, client.simple_query(&set_up)).await?;
        let is_on = |column: usize| {
            answers.iter().any(|answer| {
                matches!(answer, SimpleQueryMessage::Row(row) if row.try_get(column).ok().flatten() == Some("t"))
            })
        };
        let (read_only, standby) = (is_on(0), is_on(1));
        host.tell_standby(standby);
        let unfit = match self.config.get_target_session_attrs() {
            TargetSessionAttrs::ReadWrite if read_only => "it takes no writes (target_session_attrs)",
            TargetSessionAttrs::ReadOnly if !read_only => "it takes writes (target_session_attrs)",
            _ if !standby && self.is_of_the_past(&client, &mut driver).await => {
                host.lost();
                "it is an old primary: another one took its place"
            }
            _ => return Ok((Opened { client, driver, line }, read_only)),
        };
        // In good order, so that it is no session of the server any more.
        drop(client);
        let _ = driver.await;
        Err(io::Error::other(unfit).into())
    }

    /// Returns true if this primary is outdated: another host has taken its place since, and it came back
    /// without knowing that.
    async fn is_of_the_past(&self, client: &Client, driver: &mut Driver) -> bool {
        if self.hosts.list.len() < 2 {
            return false;
        }
        // A server that does not let us ask is taken for what it says it is.
        let answers = driven(driver, client.simple_query(HISTORY)).await.unwrap_or_default();
        answers.iter().any(|answer| {
            let SimpleQueryMessage::Row(row) = answer else { return false };
            let column = |index| row.try_get(index).ok().flatten();
            column(0)
                .zip(column(1))
                .is_some_and(|(system, segment)| self.hosts.is_of_the_past(system, segment))
        })
    }

    /// Asks the server to cancel the statement that a connection runs.
    pub(super) async fn cancel(&self, line: &Arc<Line>, token: CancelToken) {
        let index = self.hosts.list.iter().position(|host| Arc::ptr_eq(host, &line.host));
        let asking = async {
            let name = index.map_or("", |index| self.name(index));
            let wire = line.address.connect(&self.config, &self.tls, name).await?;
            let asker = Line::new(&line.host, line.address.clone(), None);
            token.cancel_query_raw(wire, Agreed(asker)).await.map_err(io::Error::other)
        };
        if let Ok(Err(error)) = tokio::time::timeout(CANCEL, asking).await {
            tracing::debug!(%error, "database: a statement cannot be cancelled");
        }
    }

    /// Returns the name that a host's certificate must carry; empty for a Unix socket.
    fn name(&self, index: usize) -> &str {
        match self.config.get_hosts().get(index) {
            Some(Named::Tcp(name)) => name,
            _ => "",
        }
    }

    async fn resolve(&self, index: usize) -> io::Result<Vec<Address>> {
        let ports = self.config.get_ports();
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        if let Some(ip) = self.config.get_hostaddrs().get(index) {
            return Ok(vec![Address::Tcp(SocketAddr::new(*ip, port))]);
        }
        match self.config.get_hosts().get(index) {
            Some(Named::Tcp(name)) => {
                Ok(tokio::net::lookup_host((name.as_str(), port)).await?.map(Address::Tcp).collect())
            }
            Some(Named::Unix(folder)) => Ok(vec![Address::Unix(folder.join(format!(".s.PGSQL.{port}")))]),
            None => Ok(Vec::new()),
        }
    }
}

/// Moves the bytes of a connection until it ends.
pub(super) async fn drive(mut driver: Driver, line: Arc<Line>) {
    let ended = loop {
        match poll_fn(|cx| driver.poll_message(cx)).await {
            // Notices, which nobody needs.
            Some(Ok(_)) => {}
            Some(Err(error)) => break Err(error),
            None => break Ok(()),
        }
    };
    drop(driver);
    match &ended {
        Err(error) if !line.is_cut() => {
            let host = line.host.name();
            tracing::warn!(host, cause = one_line(error), "database: a connection ended");
        }
        _ => {}
    }
    line.ended(ended.is_err());
}

/// Runs `work` on a connection that nobody else drives.
async fn driven<T>(
    driver: &mut Driver,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(done);
        }
        match driver.poll_unpin(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // What the driver has read can be what `work` waits for; then it wakes us.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    })
    .await
}
