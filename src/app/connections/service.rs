//! The service that accepts connections and speaks HTTP/1.1 on them.

use std::{fmt, future::ready, io, net::SocketAddr, rc::Rc, time::Duration};

use actix_http::{ConnectionType, HttpService, KeepAlive, Request, error::DispatchError};
use actix_server::GracefulShutdownSignal;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_service, map_config,
};
use actix_web::{
    Error,
    body::BoxBody,
    dev::{AppConfig, ServiceResponse},
    http::header,
};
use futures::TryFutureExt;
use socket2::SockRef;
use tokio::net::TcpStream;

use super::{KEEP_ALIVE_SECONDS, Refusal, body::AnswerBody, refusal, stream::Stream, watch::Watch};
use crate::{
    error::{ApiError, ProblemType},
    http::connection::{Connection, Expected},
};

/// The bytes that the kernel can keep for a client that takes nothing. The kernel doubles the figure for its
/// own needs.
const SEND_BUFFER: usize = 256 * 1024;

/// The time for which a closed connection is still read, so that the client gets the last answer instead of a
/// reset.
const GOODBYE: Duration = Duration::from_secs(1);

/// Serves an application on the connections of one thread, which the watch limits.
pub(crate) fn http<I, S>(
    app: I,
    watch: Rc<Watch>,
    stopping: GracefulShutdownSignal,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse<BoxBody>,
            Error = Error,
            InitError: fmt::Debug,
        > + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
{
    let serving = Rc::clone(&watch);
    let app = map_config(app, |()| AppConfig::default()).map_err(|error: Error| error.error_response());
    let app = apply_fn_factory(app, move |request: Request, app: &_| serve(&serving, request, app));
    let http = HttpService::build()
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .keep_alive(KeepAlive::Timeout(Duration::from_secs(KEEP_ALIVE_SECONDS.into())))
        // It would hold for the first head only; the watch looks after each.
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(GOODBYE)
        .on_connect_ext(|stream: &Stream, data| {
            data.insert(Rc::clone(stream.connection()));
        })
        .h1(app);
    fn_service(move |tcp: TcpStream| ready(accept(tcp, &watch))).and_then(http)
}

/// Serves one request, and keeps the state of its connection.
fn serve<S>(
    watch: &Rc<Watch>,
    request: Request,
    app: &S,
) -> impl Future<Output = Result<ServiceResponse<AnswerBody>, S::Error>> + use<S>
where
    S: Service<Request, Response = ServiceResponse<BoxBody>>,
{
    let connection = request.conn_data::<Rc<Connection>>().cloned();
    if let Some(connection) = &connection {
        connection.begin_request(expected(&request), watch.now());
    }
    let on = connection.map(|connection| (Rc::clone(watch), connection));
    let failed = on.clone();
    app.call(request)
        .map_ok(move |mut response| {
            // If nobody reads the chunks, the next request may be far away.
            let is_last = |(watch, connection): &(Rc<Watch>, Rc<Connection>)| {
                watch.connections.is_draining() || connection.expected().is_none()
            };
            if on.as_ref().is_some_and(is_last) {
                response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
            }
            response.map_body(|_, body| AnswerBody::new(body, on))
        })
        .inspect_err(move |_| {
            if let Some((watch, connection)) = failed {
                connection.end_answer(watch.now());
            }
        })
}

/// Returns the length of a request's body, as its head tells it. The HTTP server has refused heads that
/// contradict themselves.
fn expected(request: &Request) -> Expected {
    if request.head().headers().contains_key(header::TRANSFER_ENCODING) {
        return Expected::Chunks;
    }
    let length = request.head().headers().get(header::CONTENT_LENGTH);
    Expected::Bytes(length.and_then(|length| length.to_str().ok()?.trim().parse().ok()).unwrap_or(0))
}

/// Admits a connection, or tells the client why not.
fn accept(tcp: TcpStream, watch: &Rc<Watch>) -> Result<(Stream, Option<SocketAddr>), DispatchError> {
    let peer = tcp.peer_addr().ok();
    match watch.connections.admit(peer.map(|peer| peer.ip()), || watch.make_room()) {
        Ok(network) => {
            // An answer goes out in pieces: none of them waits for the client to confirm the one before it.
            tcp.set_nodelay(true)?;
            SockRef::from(&tcp).set_send_buffer_size(SEND_BUFFER)?;
            Ok((Stream::new(tcp, Rc::clone(watch), Connection::new(network, watch.now())), peer))
        }
        Err(refused) => {
            let (kind, detail) = match refused {
                Refusal::Full => {
                    (ProblemType::Unavailable, "The server has as many connections as it may; please retry.")
                }
                Refusal::TooManyFromAddress => (
                    ProblemType::TooManyRequests,
                    "Your address has as many connections to this server as one may; close some, or use one for several requests.",
                ),
            };
            if let Some(place) = watch.connections.see_off() {
                let watch = Rc::clone(watch);
                actix_web::rt::spawn(async move {
                    refusal::see_off(tcp, ApiError::new(kind, detail).retry_after(1), &watch).await;
                    drop(place);
                });
            }
            Err(DispatchError::Io(io::ErrorKind::ConnectionRefused.into()))
        }
    }
}
