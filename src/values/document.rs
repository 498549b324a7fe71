//! Names the document that an address leads to, in whichever of its spellings the address was written.

use aws_lc_rs::digest::{SHA256, digest};
use url::Url;

use super::WebUrl;

/// Query parameters that say who followed a link from where, and not which document it leads to: from the
/// list that Brave's query filter takes out of addresses, with the campaigns of Mailchimp and Instagram.
/// `utm_*` counts too. Names that a site can use for a meaning of its own, such as `ref` or `cid`, are not in
/// the list. All names are in lower case.
const TRACKING: [&str; 33] = [
    "__hsfp",
    "__hssc",
    "__hstc",
    "_branch_match_id",
    "_gl",
    "_hsenc",
    "_openstat",
    "dclid",
    "fb_action_ids",
    "fbclid",
    "gbraid",
    "gclid",
    "hsctatracking",
    "igsh",
    "igshid",
    "mc_cid",
    "mc_eid",
    "ml_subscriber",
    "ml_subscriber_hash",
    "msclkid",
    "mtm_cid",
    "oly_anon_id",
    "oly_enc_id",
    "pk_cid",
    "rb_clickid",
    "srsltid",
    "ttclid",
    "twclid",
    "vero_id",
    "wbraid",
    "wickedid",
    "yclid",
    "ysclid",
];

/// The key of a document: addresses that differ only in unimportant parts have the same key.
///
/// Unimportant are: `http` or `https`, upper and lower case and the alphabet of the host, a default port, `.`
/// and `..` in the path, a slash at its end, the percent-encoding of characters, tracking parameters, an
/// empty query, the fragment. Everything else counts: `www.`, the case of the path, the other parameters and
/// their order.
///
/// The key is the first half of a SHA-256, since an address is longer than what an index takes. 128 bits are
/// plenty against accidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentKey([u8; 16]);

impl DocumentKey {
    /// Returns the key of the document at this address.
    #[must_use]
    pub fn of(url: &WebUrl) -> Self {
        // A `WebUrl` always parses.
        let address = Url::parse(url).map_or_else(|_| url.to_string(), |url| normalised(&url));
        let mut key = [0; 16];
        key.copy_from_slice(&digest(&SHA256, address.as_bytes()).as_ref()[..16]);
        Self(key)
    }

    /// Returns the bytes of the key, as they are stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Returns the one spelling that stands for all spellings of an address. The parser has already lowered the
/// host, written it in ASCII and resolved dots.
fn normalised(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    // Since the scheme does not count, both default ports are the same as none.
    let port = url.port().filter(|port| !matches!(port, 80 | 443));
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let path = encoded(url.path());
    let query = encoded(url.query().unwrap_or_default());
    let pairs: Vec<_> = query.split('&').filter(|pair| !pair.is_empty() && !is_tracking(pair)).collect();
    let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
    format!("https://{host}{port}{}{query}", path.trim_end_matches('/'))
}

fn is_tracking(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    name.starts_with("utm_") || TRACKING.contains(&name.as_str())
}

/// Percent-encodes characters that need it, decodes those that do not, and writes the remaining codes in
/// upper case (RFC 3986, sections 2 and 6.2.2).
fn encoded(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    let mut bytes = part.as_bytes();
    while let [byte, rest @ ..] = bytes {
        let code = if *byte == b'%' { hexadecimal(rest) } else { None };
        bytes = if code.is_some() { &rest[2..] } else { rest };
        match code {
            Some(code) if is_unreserved(code) => text.push(code.into()),
            None if is_unreserved(*byte) || is_reserved(*byte) => text.push((*byte).into()),
            code => text.push_str(percent_encoding::percent_encode_byte(code.unwrap_or(*byte))),
        }
    }
    text
}

/// Returns the byte of the two hexadecimal digits that a text begins with, if it does.
fn hexadecimal(text: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(text.get(..2)?).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok())?
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn is_reserved(byte: u8) -> bool {
    b":/?#[]@!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::values::FromText;

    fn normal(text: &str) -> String {
        normalised(&Url::parse(&WebUrl::from_text(text.to_owned()).unwrap()).unwrap())
    }

    #[test]
    fn what_does_not_matter_is_left_out() {
        for (written, expected) in [
            ("https://a.example", "https://a.example"),
            ("http://A.Example/", "https://a.example"),
            ("HTTPS://a.example:443//", "https://a.example"),
            ("http://a.example:80/x", "https://a.example/x"),
            ("https://a.example:8443/x/", "https://a.example:8443/x"),
            ("https://berita-négeri.example/é", "https://xn--berita-ngeri-ieb.example/%C3%A9"),
            ("https://xn--berita-ngeri-ieb.example/%c3%a9", "https://xn--berita-ngeri-ieb.example/%C3%A9"),
            ("https://[2001:DB8::1]/", "https://[2001:db8::1]"),
            ("https://a.example/x/../y/./%2e%2e/z", "https://a.example/z"),
            ("https://a.example/%7ebudi%2Fx%2fy", "https://a.example/~budi%2Fx%2Fy"),
            ("https://a.example/a|b\"", "https://a.example/a%7Cb%22"),
            ("https://a.example/x#bab-2", "https://a.example/x"),
            ("https://a.example/x?", "https://a.example/x"),
            ("https://a.example/x?&#y", "https://a.example/x"),
            ("https://a.example/x/?utm_source=surat&id=7&FBCLID=a&gclid", "https://a.example/x?id=7"),
            ("https://a.example/?utm%5Fmedium=x", "https://a.example"),
            // Neither decoded twice nor put together by decoding.
            ("https://a.example/%2541%%37e", "https://a.example/%2541%257e"),
        ] {
            assert_eq!(normal(written), expected, "{written}");
        }
    }

    #[test]
    fn what_matters_is_kept() {
        let addresses = [
            "https://a.example/x",
            "https://www.a.example/x",
            "https://a.example:8080/x",
            "https://a.example/X",
            "https://a.example/x/y",
            "https://a.example//x",
            "https://a.example/x%2Fy",
            "https://a.example/x?id=1",
            "https://a.example/x?ID=1",
            "https://a.example/x?id=A",
            "https://a.example/x?id=a",
            "https://a.example/x?a=1&b=2",
            "https://a.example/x?b=2&a=1",
            "https://a.example/x?a=1%26b=2",
            "https://a.example/x?q=a+b",
            "https://a.example/x?q=a%20b",
            "https://a.example/x?ref=surat",
            "https://a.example/x?utm=1",
        ];
        for (index, one) in addresses.iter().enumerate() {
            for other in &addresses[..index] {
                assert_ne!(normal(one), normal(other));
            }
        }
        assert_eq!(normal("https://a.example/X?B=2&a=1&B=2"), "https://a.example/X?B=2&a=1&B=2");
    }

    /// Addresses of pieces that have led others astray.
    fn address() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "/", "//", ".", "..", "%2e", "%2E", "%", "%%", "%25", "37", "7e", "%7e", "%7E", "%2f", "%3f",
            "%23", "%26", "?", "&", "=", "#", "a", "B", "é", "日", "|", "\\", "'", "\"", "^", "utm_",
            "utm_x=1", "fbclid=1", "fb", "clid", ":80", "@", ";", "+",
        ]);
        let host = prop::sample::select(vec![
            "a.example",
            "A.EXAMPLE:80",
            "a.example:443",
            "a.example:8080",
            "é.example",
            "%61.example",
            "127.1",
            "[::1]",
            "@a.example",
            "a.example.",
        ]);
        let pieces = prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
        ("https?", host, prop_oneof![pieces, any::<String>()])
            .prop_map(|(scheme, host, rest)| format!("{scheme}://{host}/{rest}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_normal_address_stays_as_it_is(written in address()) {
            if let Ok(url) = WebUrl::from_text(written) {
                let once = normalised(&Url::parse(&url).unwrap());
                prop_assert_eq!(normalised(&Url::parse(&once).unwrap()), once);
            }
        }

        #[test]
        fn what_does_not_matter_may_be_added(path in "[a-zA-Z0-9./]{0,12}", id in 0..9) {
            let plain = format!("https://a.example/{path}?id={id}");
            let dressed = format!("HTTP://A.example:80/{path}?utm_source=x&id={id}&yclid=7#bawah");
            prop_assert_eq!(normal(&plain), normal(&dressed));
        }
    }
}
