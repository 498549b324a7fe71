//! What an answer is kept under in memory. What of a request matters, the rule of its route says ([`CacheRule`]).

use actix_web::{
    dev::ServiceRequest,
    http::header::{self, HeaderName},
};

use crate::{
    app::settings::Settings,
    cache::Key,
    http::{cache_rule::CacheRule, negotiation::Accept, query::pairs},
};

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A route without a rule of its own.
const PLAIN: CacheRule = CacheRule::of("");

/// The key of a request, and whether it says by which address the request came.
pub(crate) struct RequestKey {
    /// The key.
    pub key: Key,
    /// Whether the address that the request came to is in it: only then may links in the answer begin with it.
    pub by_host: bool,
}

impl RequestKey {
    /// The key of a request without a token: it has all that the answer may depend on. `None` for what nobody else asks for.
    ///
    /// What stands between the parts cannot stand in them, so that two requests share a key only where they are one: no header's
    /// value has a zero or a line's end, no path a question mark.
    pub(crate) fn of(request: &ServiceRequest, settings: &Settings) -> Option<Self> {
        let (headers, path, query) = (request.headers(), request.path(), request.query_string());
        // As the router reads it: `%61` is an `a`.
        let rule = settings.cache_rule(request.match_info().as_str()).unwrap_or(&PLAIN);
        let mut text = String::with_capacity(128 + path.len() + query.len());
        let offered = rule.media_types();
        let media_type =
            if offered.is_empty() { None } else { Accept::read(request.request()).position(offered) };
        let by_host = rule.is_by_host(media_type);
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
        text.push(
            media_type.and_then(|place| char::from_digit(u32::try_from(place).ok()?, 36)).unwrap_or('-'),
        );
        text.push_str(path);
        text.push('?');
        let mut parameters: Vec<_> = pairs(query).filter(|pair| rule.matters(pair)).collect();
        parameters.sort_unstable();
        for parameter in &parameters {
            text.push_str(parameter);
            text.push('&');
        }
        let names = parameters.iter().map(|pair| pair.split_once('=').map_or(*pair, |(name, _)| name));
        Some(Self { key: Key { request: text, uncommon: !rule.is_common(names) }, by_host })
    }
}
