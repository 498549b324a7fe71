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

use super::settings::Settings;
use crate::{
    articles::representations::Form,
    cache::{Cache, Key, Landed, Looked, Permit},
    http::{
        answer::{Answer, takes_it_as_it_is},
        base::HostUsed,
        negotiation::Accept,
        preview::Preview,
        reply::SignedIn,
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
    settings: &Settings,
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
    let mut lead = None;
    if let Some(cache) = cache
        && !request.extensions().contains::<SignedIn>()
        && let Some(asked) = Asked::of(&request, settings)
    {
        lead = loop {
            let key = &asked.key;
            let entry = match cache.look_up(key) {
                Looked::Hit(entry) => entry,
                Looked::Bypass => break None,
                Looked::Lead(permit) => break Some((permit, asked.by_host)),
                Looked::Join(landing) => match landing.wait().await {
                    Landed::Shared(entry) => entry,
                    Landed::Declined => break None,
                    Landed::Cancelled => continue,
                },
            };
            let entry = cache.newest(key, entry);
            let wanted = entry.answer.wanted(request.headers());
            let entry = match entry.answer.prepared(&wanted).await {
                Some(prepared) => cache.replace(key, &entry, prepared),
                None => entry,
            };
            let mut response = entry.answer.to(&wanted);
            response.extensions_mut().insert(Route(Arc::clone(&entry.route)));
            return Ok(request.into_response(response));
        };
    }
    let (request, mut response) = next.call(request).await?.into_parts();
    if lead.is_none() && takes_it_as_it_is(request.headers()) {
        return Ok(ServiceResponse::new(request, response.map_into_boxed_body()));
    }
    // An answer is kept with all its headers.
    settings.dress(true, None, response.headers_mut());
    let keys = response.extensions_mut().remove::<SurrogateKeys>();
    let keys = keys.filter(|_| !request.extensions().contains::<Preview>());
    let response = match Answer::of(response) {
        Ok(answer) => {
            let wanted = answer.wanted(request.headers());
            let answer = answer.prepared(&wanted).await.unwrap_or(answer);
            let response = answer.to(&wanted);
            match (lead, keys) {
                (Some((permit, by_host)), Some(keys))
                    if by_host || !request.extensions().contains::<HostUsed>() =>
                {
                    permit.land(answer, &keys, route(&request));
                }
                (lead, _) => decline(lead),
            }
            response
        }
        Err(response) => {
            decline(lead);
            response
        }
    };
    Ok(ServiceResponse::new(request, response))
}

/// Lets those who wait compute theirs: the answer is not for all.
fn decline(lead: Option<(Permit, bool)>) {
    if let Some((permit, _)) = lead {
        permit.decline();
    }
}

/// The pattern of the route that a request took.
fn route(request: &HttpRequest) -> Arc<str> {
    request.match_pattern().unwrap_or_default().into()
}

/// What many ask for has no other parameters than these.
const PLAIN: [&str; 5] = ["language", "limit", "menu", "source", "tag"];

/// What a reader asks for.
pub struct Asked {
    /// What the answer is kept under.
    pub key: Key,
    /// Whether that says by which address the request came: the links of feeds and of other forms than JSON may begin with it.
    by_host: bool,
}

impl Asked {
    /// Of a request without a token. The key has all that the answer may depend on: the address that the request came to, where links
    /// in the answer may begin with it; the form that the client wants; the path, and the parameters in whichever order. `None` for
    /// what nobody else asks for.
    ///
    /// What stands between the parts cannot stand in them, so that two requests share a key only where they are one: no header's
    /// value has a zero or a line's end, no path a question mark.
    pub fn of(request: &ServiceRequest, settings: &Settings) -> Option<Self> {
        let (headers, path, query) = (request.headers(), request.path(), request.query_string());
        let mut text = String::with_capacity(128 + path.len() + query.len());
        // Nothing else has more than one form. Where a path is written in another way it may be one, too.
        let is_article = path.strip_prefix("/v1/articles/").is_some_and(|rest| !rest.contains('/'));
        let has_forms = is_article || path.contains('%');
        let form = if has_forms { Accept::read(request.request()).choose(&Form::OFFERED).ok() } else { None };
        let by_host = form.is_some_and(|form| form != Form::Json)
            || path.starts_with("/feeds/")
            || path.starts_with("/sitemap");
        if by_host {
            let forwarded = [X_FORWARDED_HOST, X_FORWARDED_PROTO];
            let forwarded = forwarded.iter().filter(|_| settings.trusts_peer(request));
            for name in [header::HOST].iter().chain(forwarded) {
                for value in headers.get_all(name) {
                    text.push_str(value.to_str().ok()?);
                    text.push('\0');
                }
                text.push('\n');
            }
        }
        text.push(form.map_or('-', |form| char::from(b'0' + form as u8)));
        text.push_str(path);
        text.push('?');
        let mut odd = path.ends_with("/related");
        if !query.is_empty() {
            let mut parameters: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).collect();
            parameters.sort_unstable();
            for parameter in parameters {
                text.push_str(parameter);
                text.push('&');
                let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
                odd |= !PLAIN.contains(&name);
            }
        }
        Some(Self { key: Key { request: text, odd }, by_host })
    }
}
