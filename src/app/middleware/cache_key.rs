//! The key under which an answer is kept in memory. The rule of the route ([`CacheRule`]) says which parts of
//! a request matter.

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

/// The rule for routes without one.
const PLAIN: CacheRule = CacheRule::of("");

/// The key of a request, with the information if it contains the address by which the request came.
pub(crate) struct RequestKey {
    pub key: Key,
    /// Set if the key contains the address that the request came to: only then can links in the answer begin
    /// with that address.
    pub by_host: bool,
}

impl RequestKey {
    /// Returns the key of a request without a token. The key has everything that the answer can depend on.
    /// Returns `None` if a header that belongs to the key is not text: nobody else sends the same.
    ///
    /// The separators between the parts cannot occur in the parts, so that two requests share a key only if
    /// they are the same: no header's value has a zero or a line's end, no path a question mark.
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
