//! The fast path: answers a reader from memory before anything else is done.
//!
//! Such answers skip the [`envelope`](crate::app::middleware::envelope): they are kept with all their headers
//! except the request's id. A request goes on to the envelope if it has a token, a method other than `GET` or
//! a head that may be refused, or if it needs a form of the answer that has to be made first.

use std::{
    future::{Ready, ready},
    sync::Arc,
    time::Instant,
};

use actix_web::{
    Error, HttpResponse,
    body::BoxBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::{Method, header},
    web::Data,
};
use futures::{
    FutureExt,
    future::{Either, LocalBoxFuture},
};

use crate::app::{
    middleware::{
        cache_key::RequestKey,
        envelope::{request_id, within_limits},
        outage::{Reason, spared},
        span,
    },
    ops::metrics::Metrics,
    settings::{Settings, X_REQUEST_ID},
};
use crate::{
    cache::{Cache, Spare},
    clock::Clock,
};

/// The middleware; it is the outermost one.
#[derive(Clone)]
pub(crate) struct FastPath {
    /// The answers in memory; `None` if nothing is kept.
    pub cache: Option<Cache>,
    /// The settings, which name the proxies that are trusted.
    pub settings: Data<Settings>,
    /// The metrics, which also count the answers from memory.
    pub metrics: Data<Metrics>,
    /// The source of request ids.
    pub clock: Clock,
}

/// An answer from memory, with its route.
struct FromMemory {
    response: HttpResponse,
    route: Arc<str>,
}

impl FastPath {
    fn answer_from_memory(&self, request: &ServiceRequest) -> Option<FromMemory> {
        let cache = self.cache.as_ref()?;
        let headers = request.headers();
        if request.method() != Method::GET || headers.contains_key(header::AUTHORIZATION) {
            return None;
        }
        within_limits(request).ok()?;
        let key = RequestKey::of(request, &self.settings)?.key;
        let (entry, age) = match cache.kept(&key) {
            Some(entry) => (entry, None),
            None => cache.spare_at_once(&key).map(|spare| (spare.entry, Some(spare.age)))?,
        };
        let wanted = entry.answer.wanted(headers);
        if !entry.answer.has(&wanted) {
            return None;
        }
        let id = request_id(headers, &self.clock);
        let route = Arc::clone(&entry.route);
        let mut response = match age {
            None => {
                cache.hit();
                entry.answer.to(&wanted, &id)
            }
            Some(age) => spared(cache, &Spare { entry, age }, &wanted, &id, Reason::Away),
        };
        response.headers_mut().insert(X_REQUEST_ID, id);
        Some(FromMemory { response, route })
    }
}

impl<S> Transform<S, ServiceRequest> for FastPath
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = FastPathService<S>;
    type InitError = ();
    type Future = Ready<Result<FastPathService<S>, ()>>;

    fn new_transform(&self, inside: S) -> Self::Future {
        ready(Ok(FastPathService { fast_path: self.clone(), inside }))
    }
}

/// The fast path, together with the service behind it.
pub(crate) struct FastPathService<S> {
    fast_path: FastPath,
    inside: S,
}

impl<S> Service<ServiceRequest> for FastPathService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    // The slow way is boxed, so that an answer at once does not carry the size of that whole future.
    type Future = Either<
        Ready<Result<ServiceResponse, Error>>,
        LocalBoxFuture<'static, Result<ServiceResponse, Error>>,
    >;

    forward_ready!(inside);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let began = Instant::now();
        match self.fast_path.answer_from_memory(&request) {
            Some(FromMemory { response, route }) => {
                let response = request.into_response(response);
                span::end(
                    &self.fast_path.metrics,
                    &self.fast_path.settings,
                    &response,
                    &Method::GET,
                    Some(route),
                    began,
                );
                Either::Left(ready(Ok(response)))
            }
            None => Either::Right(self.inside.call(request).boxed_local()),
        }
    }
}
