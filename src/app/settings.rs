//! The settings of answers: the headers that each answer has, and what decides them.

use std::{net::IpAddr, sync::Arc};

use actix_web::{
    dev::ServiceRequest,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
};
use ipnet::IpNet;

use crate::{app::cors::Cors, http::cache_rule::CacheRule};

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The settings that the middleware reads.
pub(crate) struct Settings {
    /// The origins that can write.
    pub cors: Cors,
    /// The proxies whose `X-Forwarded-For`, `-Host` and `-Proto` are believed.
    pub trusted_proxies: Arc<[IpNet]>,
    /// The cache rules: one for each route whose answers depend on more than the path and all parameters, or
    /// on less.
    pub cache_rules: Vec<CacheRule>,
    /// Set if the log has a line for each request.
    pub log_requests: bool,
}

impl Settings {
    pub(crate) fn trusts(&self, address: &IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// Returns `true` if the other end of the connection is a proxy that we trust.
    pub(crate) fn trusts_peer(&self, request: &ServiceRequest) -> bool {
        !self.trusted_proxies.is_empty() && request.peer_addr().is_some_and(|peer| self.trusts(&peer.ip()))
    }

    /// Returns the rule of the route that serves a path, if that route has one.
    pub(crate) fn cache_rule(&self, path: &str) -> Option<&CacheRule> {
        self.cache_rules.iter().find(|rule| rule.serves(path))
    }

    /// Adds the headers that every answer has, except for the request's id.
    pub(crate) fn dress(&self, reads: bool, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        self.cors.decorate(reads, origin, headers);
        guard(headers);
    }
}

/// Adds the headers that keep browsers from guessing another type for an answer, and caches from keeping it
/// without being told to.
pub(super) fn guard(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let defaults = [
        // Without it, a cache may keep an error or an answer to a write (RFC 9111, section 4.2.2).
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
