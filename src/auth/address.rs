//! The address that a request comes from, and the networks that it belongs to.

use std::{
    future::{Ready, ready},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};

use crate::error::{ApiError, ApiResult};

/// The address that a request comes from. The envelope puts it into the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl FromRequest for ClientAddress {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            request
                .extensions()
                .get::<Self>()
                .copied()
                .ok_or_else(|| ApiError::internal("the application was built without its envelope")),
        )
    }
}

/// The networks of an address, from the largest to the smallest. Turns are shared out among them in this
/// order, and attempts to sign in are counted for the smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Networks {
    /// The network that a registry gives to a provider: an IPv4 /16 or an IPv6 /32.
    pub provider: IpAddr,
    /// The network that a provider gives to a site: an IPv4 /24 or an IPv6 /48.
    pub site: IpAddr,
    /// The network that one subscriber has at least: an IPv4 address or an IPv6 /64.
    pub subscriber: IpAddr,
}

impl ClientAddress {
    /// The address that stands for all clients whose address is not known, because a proxy that we trust sent
    /// something else in its place. They share this one.
    pub const UNKNOWN: Self = Self(IpAddr::V6(Ipv6Addr::UNSPECIFIED));

    /// Returns the networks of the address. An IPv4 address that is written as an IPv6 one is an IPv4
    /// address.
    #[must_use]
    pub fn networks(self) -> Networks {
        match self.0.to_canonical() {
            IpAddr::V4(address) => {
                let cut = |bits: u32| IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << bits)));
                Networks { provider: cut(16), site: cut(8), subscriber: IpAddr::V4(address) }
            }
            IpAddr::V6(address) => {
                let cut =
                    |bits: u32| IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << bits)));
                Networks { provider: cut(96), site: cut(80), subscriber: cut(64) }
            }
        }
    }

    /// Returns the client of a connection from `peer` with these `X-Forwarded-For` headers. It is the peer
    /// or, if that is a proxy that we trust, the last address before it that is not such a proxy. The
    /// elements further left were written by the sender of the request, and are ignored.
    ///
    /// An element that is no address ends the walk at [`Self::UNKNOWN`]: a proxy that we trust wrote it in
    /// place of its client's address. So the result is neither the proxy's own address nor one that the
    /// client chose.
    #[must_use]
    pub fn behind<'a>(
        peer: IpAddr,
        forwarded: impl DoubleEndedIterator<Item = &'a [u8]>,
        trusts: impl Fn(&IpAddr) -> bool,
    ) -> Self {
        let mut address = peer.to_canonical();
        let elements = forwarded.rev().flat_map(|header| header.rsplit(|byte| *byte == b','));
        // An empty element of a list means nothing (RFC 9110, section 5.6.1).
        for element in elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty()) {
            if !trusts(&address) {
                break;
            }
            match parse(element) {
                Some(hop) => address = hop,
                None => return Self::UNKNOWN,
            }
        }
        Self(address)
    }
}

/// Parses an address as proxies write it: with or without a port, an IPv6 one in brackets or not, quoted (RFC
/// 7239) or not, with or without the name of an interface.
fn parse(element: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(element).ok()?;
    let text = match text.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?.trim(),
        None => text,
    };
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let without_zone = || {
        let (address, zone) = text.split_once('%')?;
        let (zone, rest) = zone.split_at(zone.find(']').unwrap_or(zone.len()));
        let named = !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_graphic());
        named.then(|| parse(format!("{address}{rest}").as_bytes())).flatten()
    };
    bare.parse::<IpAddr>()
        .ok()
        .filter(|address| address.is_ipv6() || bare.len() == text.len())
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(without_zone)
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_read_as_proxies_write_it() {
        for (text, expected) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:5678", Some("192.0.2.1")),
            ("\"192.0.2.1:5678\"", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("\"[2001:db8::1]:443\"", Some("2001:db8::1")),
            ("[fe80::1%eth0]:443", Some("fe80::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("[::ffff:192.0.2.1]:80", Some("192.0.2.1")),
            ("unknown", None),
            ("_hidden", None),
            ("\"192.0.2.1", None),
            ("192.0.2.1:port", None),
            ("192.0.2.1:99999", None),
            ("[192.0.2.1]", None),
            ("192.0.2.256", None),
            ("[2001:db8::1", None),
            ("a%b", None),
            ("%", None),
            ("", None),
        ] {
            assert_eq!(parse(text.as_bytes()), expected.map(address), "{text:?}");
        }
        assert_eq!(parse(b"192.0.2.1\xff"), None);
    }

    #[test]
    fn only_what_a_trusted_proxy_wrote_is_believed() {
        let client = |peer: &str, headers: &[&[u8]]| {
            let trusts = |address: &IpAddr| address.to_string().starts_with("10.");
            ClientAddress::behind(address(peer), headers.iter().copied(), trusts).0
        };
        let one = address("192.0.2.1");
        assert_eq!(client("192.0.2.1", &[b"10.0.0.1, 203.0.113.9"]), one);
        assert_eq!(client("10.0.0.1", &[]), address("10.0.0.1"));
        assert_eq!(client("10.0.0.1", &[b" , "]), address("10.0.0.1"));
        assert_eq!(client("10.0.0.1", &[b"203.0.113.9, 192.0.2.1"]), one);
        assert_eq!(client("10.0.0.1", &[b"203.0.113.9", b"192.0.2.1:4711, 10.0.0.2"]), one);
        assert_eq!(client("::ffff:10.0.0.1", &[b"\xff, \"192.0.2.1:4711\","]), one);
        // What is no address is neither the proxy's nor one of the client's choice.
        let unknown = ClientAddress::UNKNOWN.0;
        for garbage in
            [&b"unknown"[..], b"192.0.2.1, _a", b"\xff\xfe", b"192.0.2.1 203.0.113.9", b"x, 10.0.0.2, y"]
        {
            assert_eq!(client("10.0.0.1", &[garbage]), unknown, "{garbage:?}");
        }
        assert_eq!(client("10.0.0.1", &[b"garbage, 192.0.2.1"]), one);
    }

    #[test]
    fn an_address_has_its_networks() {
        let networks = |text: &str| ClientAddress(address(text)).networks();
        let six = networks("2001:db8:1:2:3::4");
        assert_eq!(six.provider, address("2001:db8::"));
        assert_eq!(six.site, address("2001:db8:1::"));
        assert_eq!(six.subscriber, address("2001:db8:1:2::"));
        let four = networks("::ffff:192.0.2.1");
        assert_eq!(four, networks("192.0.2.1"));
        assert_eq!((four.provider, four.site), (address("192.0.0.0"), address("192.0.2.0")));
    }
}
