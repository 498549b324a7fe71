//! The last step of every answer: from memory where it is there, in the form that the client wants, and only where it has not got
//! it already.

use std::sync::Arc;

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderName},
    },
    middleware::Next,
    web,
};

use crate::{
    articles::representations::Form,
    cache::{Cache, Key, Landed, Looked, Permit},
    http::{
        answer::Answer, base::FromTrustedProxy, negotiation::Accept, preview::Preview, reply::SignedIn,
        surrogate::SurrogateKeys,
    },
};

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The route that an answer from memory is of; in the answer's extensions.
pub struct Route(pub Arc<str>);

/// Answers a request, from memory or by the application.
///
/// # Errors
/// As the application.
pub async fn deliver<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let cache = request.app_data::<web::Data<Option<Cache>>>().cloned();
    let cache = cache.as_ref().and_then(|cache| cache.as_ref().as_ref());
    if !request.method().is_safe() {
        let response = next.call(request).await?.map_into_boxed_body();
        if let Some(cache) = cache.filter(|_| response.status().is_success()) {
            // Whoever hears of a change never reads from this instance what was before it.
            cache.caught_up().await;
        }
        return Ok(response);
    }
    if request.method() != Method::GET {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let mut permit = None;
    if let Some((cache, key)) = cache.zip(key(&request)) {
        permit = loop {
            let entry = match cache.look_up(&key) {
                Looked::Hit(entry) => entry,
                Looked::Bypass => break None,
                Looked::Lead(permit) => break Some(permit),
                Looked::Join(landing) => match landing.wait().await {
                    Landed::Shared(entry) => entry,
                    Landed::Declined => break None,
                    Landed::Cancelled => continue,
                },
            };
            let entry = cache.newest(&key, entry);
            let entry = match entry.answer.prepared(request.headers()).await {
                Some(prepared) => cache.replace(&key, &entry, prepared),
                None => entry,
            };
            let mut response = entry.answer.to(request.headers());
            response.extensions_mut().insert(Route(Arc::clone(&entry.route)));
            return Ok(request.into_response(response));
        };
    }
    let (request, mut response) = next.call(request).await?.into_parts();
    let keys = response.extensions_mut().remove::<SurrogateKeys>();
    let keys = keys.filter(|_| !request.extensions().contains::<Preview>());
    let response = match Answer::of(response) {
        Ok(answer) => {
            let answer = answer.prepared(request.headers()).await.unwrap_or(answer);
            let response = answer.to(request.headers());
            match (permit, keys) {
                (Some(permit), Some(keys)) => permit.land(answer, &keys, route(&request)),
                (permit, _) => permit.map(Permit::decline).unwrap_or_default(),
            }
            response
        }
        Err(response) => {
            permit.map(Permit::decline).unwrap_or_default();
            response
        }
    };
    Ok(ServiceResponse::new(request, response))
}

/// The pattern of the route that a request took.
fn route(request: &HttpRequest) -> Arc<str> {
    request.match_pattern().unwrap_or_default().into()
}

/// What many ask for has no other parameters than these.
const PLAIN: [&str; 5] = ["language", "limit", "menu", "source", "tag"];

/// What the answer to a reader's request is kept under: the address that it came to, as links in the answer may begin with it; the
/// form that the client wants; the path, and the parameters in whichever order. `None` for what nobody else may see.
///
/// What stands between the parts cannot stand in them, so that two requests share a key only where they are one: no header's value
/// has a zero or a line's end, no path a question mark.
fn key(request: &ServiceRequest) -> Option<Key> {
    if request.extensions().contains::<SignedIn>() {
        return None;
    }
    let (headers, path, query) = (request.headers(), request.path(), request.query_string());
    let mut text = String::with_capacity(64 + path.len() + query.len());
    let mut bases = vec![header::HOST];
    if request.extensions().contains::<FromTrustedProxy>() {
        bases.extend([X_FORWARDED_HOST, X_FORWARDED_PROTO]);
    }
    for base in bases {
        for value in headers.get_all(base) {
            text.push_str(value.to_str().ok()?);
            text.push('\0');
        }
        text.push('\n');
    }
    // Most answers have only one form, and whoever wants none of these gets it, such as a reader of feeds.
    let form = Accept::read(request.request()).choose(&Form::OFFERED);
    text.push(form.map_or('-', |form| char::from(b'0' + form as u8)));
    text.push_str(path);
    text.push('?');
    let mut parameters: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    parameters.sort_unstable();
    for parameter in &parameters {
        text.push_str(parameter);
        text.push('&');
    }
    let name = |pair: &&str| pair.split_once('=').map_or(*pair, |(name, _)| name).to_owned();
    let odd = path.ends_with("/related") || parameters.iter().any(|pair| !PLAIN.contains(&&*name(pair)));
    Some(Key { request: text, odd })
}
