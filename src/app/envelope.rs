//! What every request passes through: its id, the limits, who is asking, and on the way back the headers that every answer has,
//! errors as problems, one line of log, one count.

use std::{net::IpAddr, sync::Arc, time::Instant};

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use ipnet::IpNet;
use uuid::Uuid;

use super::{
    cors::Cors,
    delivery::{Route, deliver},
    metrics::Metrics,
};
use crate::{
    auth::{Auth, sessions::authenticate, throttle::ClientAddress},
    error::{ApiError, ApiResult, CHALLENGE, Kind},
    http::{
        base::FromTrustedProxy,
        context::{RequestId, Services},
        preview,
        reply::SignedIn,
    },
};

/// The longest request target, in bytes.
const MAX_URI: usize = 8 * 1024;

/// The largest head, in bytes of names and values.
const MAX_HEADERS: usize = 32 * 1024;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the envelope is set up with.
pub struct Settings {
    /// Which origins may do what.
    pub cors: Cors,
    /// Whose `X-Forwarded-For`, `-Host` and `-Proto` are believed.
    pub trusted_proxies: Arc<[IpNet]>,
}

impl Settings {
    fn trusts(&self, address: &IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

/// The outermost middleware.
///
/// # Errors
/// None of its own: what goes wrong becomes a problem.
pub async fn envelope<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let id = request_id(&request);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let origin = request.headers().get(header::ORIGIN).cloned();
    let preflight = Cors::is_preflight(&method, request.headers());

    let response = if preflight {
        request.into_response(HttpResponse::NoContent().finish())
    } else {
        match admit(&mut request).await {
            Ok(()) => deliver(request, next).await?,
            Err(error) => request.error_response(error),
        }
    };
    let mut response = problem_of(response, &id);

    let settings = response.request().app_data::<web::Data<Settings>>().cloned();
    let request = response.request().clone();
    let headers = response.headers_mut();
    if let Some(settings) = settings {
        if preflight {
            settings.cors.preflight(request.headers(), headers);
        } else {
            let reads = matches!(method, Method::GET | Method::HEAD);
            settings.cors.decorate(reads, origin.as_ref(), headers);
        }
    }
    preview::protect(&request, headers);
    finish(headers, &id);
    account(&response, &method, began, &id);
    Ok(response)
}

/// The caller's id where it is a plain word, so that logs on both sides can be joined; else a new one.
fn request_id(request: &ServiceRequest) -> Arc<str> {
    let word = |text: &&str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    match request.headers().get(&X_REQUEST_ID).and_then(|id| id.to_str().ok()).filter(word) {
        Some(id) => id.into(),
        None => {
            let services = request.app_data::<web::Data<Services>>();
            services.map_or_else(Uuid::nil, |services| services.clock.new_id()).to_string().into()
        }
    }
}

/// What a request must pass before it is routed.
async fn admit(request: &mut ServiceRequest) -> ApiResult<()> {
    let length = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if length > MAX_URI {
        return Err(ApiError::new(
            Kind::UriTooLong,
            format!("The target has {length} bytes; at most {MAX_URI}."),
        ));
    }
    let size: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > MAX_HEADERS {
        let detail = format!("The headers have {size} bytes; at most {MAX_HEADERS}.");
        return Err(ApiError::new(Kind::HeadersTooLarge, detail));
    }
    let address = client_address(request);
    if let Some(address) = address {
        request.extensions_mut().insert(ClientAddress(address));
    }
    let settings = request.app_data::<web::Data<Settings>>();
    if let (Some(settings), Some(peer)) = (settings, request.peer_addr())
        && settings.trusts(&peer.ip())
    {
        request.extensions_mut().insert(FromTrustedProxy);
    }
    identify(request).await?;
    // A HEAD is a GET whose answer has no body; the server leaves that away by the method that the client sent.
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    Ok(())
}

/// A request without an Authorization header is a reader's; one with a bad header is nobody's, on every route.
async fn identify(request: &mut ServiceRequest) -> ApiResult<()> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let Some(header) = headers.next().cloned() else { return Ok(()) };
    if headers.next().is_some() {
        return Err(ApiError::unauthenticated("There is more than one Authorization header."));
    }
    let (Some(auth), Some(services)) =
        (request.app_data::<web::Data<Auth>>(), request.app_data::<web::Data<Services>>())
    else {
        return Err(ApiError::internal("the application was built without its services"));
    };
    let principal = authenticate(auth, &services.database, services.clock.now(), &header).await?;
    let mut extensions = request.extensions_mut();
    extensions.insert(principal);
    extensions.insert(SignedIn);
    Ok(())
}

/// Where the request comes from: the connection's other end or, where that is a proxy that we trust, the last address before
/// it that is not one. What stands further left was written by whoever sent the request.
fn client_address(request: &ServiceRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let settings = request.app_data::<web::Data<Settings>>()?;
    let trusted = |address: &IpAddr| settings.trusts(address);
    let forwarded: Vec<_> = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|address| address.trim().parse::<IpAddr>())
        .collect();
    let mut address = peer;
    for hop in forwarded.into_iter().rev() {
        match hop {
            Ok(hop) if trusted(&address) => address = hop,
            _ => break,
        }
    }
    Some(address.to_canonical())
}

/// Writes an error as a problem; other answers stay as they are.
fn problem_of(response: ServiceResponse, id: &str) -> ServiceResponse {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let ours = response.response().error().and_then(|error| error.as_error::<ApiError>());
    let problem = match ours {
        Some(error) => respond(error, id),
        None => {
            let detail = match response.response().error() {
                Some(error) if status.is_client_error() => error.to_string(),
                _ => Kind::of_status(status).info().title.to_owned(),
            };
            respond(&ApiError::new(Kind::of_status(status), detail), id)
        }
    };
    let request = response.request().clone();
    ServiceResponse::new(request, problem)
}

fn respond(error: &ApiError, id: &str) -> HttpResponse<BoxBody> {
    let status = error.kind().info().status;
    match error.cause() {
        Some(cause) if status.is_server_error() => {
            tracing::error!(request_id = id, %status, %cause, "{error}");
        }
        _ => tracing::debug!(request_id = id, %status, "{error}"),
    }
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
    for (name, value) in error.headers() {
        response.insert_header((name.clone(), value.clone()));
    }
    let problem = error.problem(id);
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110, section 15.5.2: a 401 always says how.
        if !error.headers().contains_key(header::WWW_AUTHENTICATE) {
            response.insert_header((header::WWW_AUTHENTICATE, CHALLENGE));
        }
    }
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    response.body(body)
}

/// The headers that every answer has.
fn finish(headers: &mut HeaderMap, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let defaults = [
        // Without it, a cache may keep an error or an answer to a write on a hunch (RFC 9111, section 4.2.2).
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in defaults {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

fn account<B>(response: &ServiceResponse<B>, method: &Method, began: Instant, id: &str) {
    let elapsed = began.elapsed();
    let request: &HttpRequest = response.request();
    let status = response.status();
    if let Some(metrics) = request.app_data::<web::Data<Metrics>>() {
        let remembered = response.response().extensions().get::<Route>().map(|route| Arc::clone(&route.0));
        let route = remembered.or_else(|| request.match_pattern().map(Arc::from));
        metrics.count(method, route, status, elapsed);
    }
    // The query may hold what should not be logged, and the path is enough to find the request.
    tracing::debug!(
        request_id = id,
        %method,
        path = request.path(),
        status = status.as_u16(),
        ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        "request"
    );
}
