//! The middleware that every request passes: it gives the request its id, checks the limits, finds out who
//! asks, and on the way back sets the headers that every answer has, turns errors into problems, and writes
//! one line of log and one count.

use std::{sync::Arc, time::Instant};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        Method,
        header::{self, HeaderMap, HeaderValue},
    },
    middleware::Next,
    web,
};
use tracing::Instrument;
use uuid::Uuid;

use crate::app::{
    cors::Cors,
    failure::problem_of,
    middleware::{
        cache::{Delivered, Route, deliver},
        outage::{self, Patience},
        span::{self},
    },
    ops::metrics::Metrics,
    settings::{Settings, X_REQUEST_ID, guard},
};
use crate::{
    auth::{Auth, address::ClientAddress, sessions::authenticate},
    clock::Clock,
    context::{RequestId, Services},
    error::{ApiError, ApiResult, ProblemType},
    http::{base_url::FromTrustedProxy, preview},
    principal::SignedIn,
};

/// The longest request target, in bytes.
const MAX_URI: usize = 8 * 1024;

/// The largest head, in bytes of names and values.
const MAX_HEADERS: usize = 32 * 1024;

/// The middleware behind the fast path.
///
/// # Errors
/// Returns an error only if the application was built without its services, or if the request was given up
/// while the database was away; everything else becomes a problem.
pub(crate) async fn envelope<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let (Some(settings), Some(services), Some(metrics)) = (
        request.app_data::<web::Data<Settings>>().cloned(),
        request.app_data::<web::Data<Services>>(),
        request.app_data::<web::Data<Metrics>>().cloned(),
    ) else {
        return Err(ApiError::internal("the application was built without its services").into());
    };
    let id = request_id(request.headers(), &services.clock);
    let span = span::begin(&request, id.to_str().unwrap_or_default(), &settings);
    pass(request, next, (&settings, &metrics), id, began).instrument(span).await
}

/// Takes a request through all steps, inside its span.
async fn pass<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
    (settings, metrics): (&Settings, &Metrics),
    id: HeaderValue,
    began: Instant,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let text: Arc<str> = id.to_str().unwrap_or_default().into();
    request.extensions_mut().insert(RequestId(Arc::clone(&text)));
    let method = request.method().clone();
    let origin = request.headers().get(header::ORIGIN).cloned();
    let preflight = Cors::is_preflight(&method, request.headers());

    let patience = Patience::of(&request, began);
    let delivered = if preflight {
        Delivered::Whole(request.into_response(HttpResponse::NoContent().finish()))
    } else {
        match patience.wait(admit(&mut request, settings)).await.unwrap_or_else(|| Err(outage::error())) {
            Ok(()) => deliver(request, next, settings, &patience, &id).await?,
            Err(error) => Delivered::Whole(problem_of(request.error_response(error), &text)),
        }
    };
    let mut response = match delivered {
        Delivered::Whole(response) => response,
        Delivered::CutShort(mut response) => {
            // The request is gone with the future that was dropped, so the answer leaves as an error does.
            settings.dress(
                matches!(method, Method::GET | Method::HEAD),
                origin.as_ref(),
                response.headers_mut(),
            );
            response.headers_mut().insert(X_REQUEST_ID, id);
            metrics.count(&method, None, response.status(), began.elapsed());
            return Err(InternalError::from_response("the database is away", response).into());
        }
    };

    let request = response.request().clone();
    let headers = response.headers_mut();
    if preflight {
        settings.cors.preflight(request.headers(), headers);
        guard(headers);
    } else {
        let reads = matches!(method, Method::GET | Method::HEAD);
        settings.dress(reads, origin.as_ref(), headers);
    }
    preview::protect(&request, headers);
    headers.insert(X_REQUEST_ID, id);
    let remembered = response.response().extensions().get::<Route>().map(|route| Arc::clone(&route.0));
    let route = remembered.or_else(|| request.match_pattern().map(Arc::from));
    span::end(metrics, settings, &response, &method, route, began);
    Ok(response)
}

/// Returns the caller's id if it is a plain word of at most 64 characters, so that logs on both sides can be
/// joined; otherwise a new id.
pub(crate) fn request_id(headers: &HeaderMap, clock: &Clock) -> HeaderValue {
    let is_word = |id: &&HeaderValue| {
        (1..=64).contains(&id.len())
            && id.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    if let Some(id) = headers.get(&X_REQUEST_ID).filter(is_word) {
        return id.clone();
    }
    let mut text = Uuid::encode_buffer();
    let text = clock.new_id().as_hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// Checks the length of a request's target and head.
///
/// # Errors
/// `414` if the target is too long, `431` if the headers are.
pub(crate) fn within_limits(request: &ServiceRequest) -> ApiResult<()> {
    let length = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if length > MAX_URI {
        return Err(ApiError::new(
            ProblemType::UriTooLong,
            format!("The target has {length} bytes; at most {MAX_URI}."),
        ));
    }
    let size: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > MAX_HEADERS {
        let detail = format!("The headers have {size} bytes; at most {MAX_HEADERS}.");
        return Err(ApiError::new(ProblemType::HeadersTooLarge, detail));
    }
    Ok(())
}

/// Checks a request before it is routed, and notes who sent it and from which address.
async fn admit(request: &mut ServiceRequest, settings: &Settings) -> ApiResult<()> {
    within_limits(request)?;
    if let Some(address) = client_address(request, settings) {
        request.extensions_mut().insert(address);
    }
    if settings.trusts_peer(request) {
        request.extensions_mut().insert(FromTrustedProxy);
    }
    identify(request).await?;
    span::identify(request);
    // A HEAD is a GET whose answer has no body; the server drops the body by the method that the client sent.
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    Ok(())
}

/// Identifies the editor. A request without an Authorization header is a reader's; one with a bad header is
/// refused on every route.
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

/// Returns the address of the client, as far as the proxies between are trusted.
fn client_address(request: &ServiceRequest, settings: &Settings) -> Option<ClientAddress> {
    let peer = request.peer_addr()?.ip();
    let forwarded: Vec<_> = request.headers().get_all("x-forwarded-for").map(HeaderValue::as_bytes).collect();
    Some(ClientAddress::behind(peer, forwarded.into_iter(), |address| settings.trusts(address)))
}
