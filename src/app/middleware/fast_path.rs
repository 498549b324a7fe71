//! The fast path: a reader who asks for what is in memory has the answer before anything else is done.
//!
//! What [`envelope`](crate::app::middleware::envelope) does for every request has no bearing on such an answer: it is kept with all its headers but the
//! request's id. Whoever comes with a token, with a method other than `GET` or with a head that may be refused goes on to the
//! envelope, and so does whoever wants a form of the answer that has to be made first.

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

/// The middleware, outside of all others.
#[derive(Clone)]
pub(crate) struct FastPath {
    /// What is in memory; `None`: nothing.
    pub cache: Option<Cache>,
    /// Who is believed about the address that a request came to.
    pub settings: Data<Settings>,
    /// Where what is answered here is counted too.
    pub metrics: Data<Metrics>,
    /// Where ids come from.
    pub clock: Clock,
}

/// An answer out of memory, and the route that it is of.
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

/// The fast path with what is behind it.
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
    // In a box, so that what is answered at once does not carry the room of all that could be done about.
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
