//! Content negotiation (RFC 9110, section 12): chooses the representation that a client gets.

use std::{
    cmp::Ordering,
    future::{Ready, ready},
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder,
    dev::Payload,
    http::header::{self, Header, Quality, QualityItem},
    mime::Mime,
};
use serde_json::json;

use super::{
    conditional::{StateTag, entity_tag},
    reply::found,
};
use crate::error::{ApiError, ApiResult, ProblemType};

/// The request headers that a negotiated answer depends on.
pub(crate) const VARY: &str = "Authorization, Accept";

/// The media types that a client accepts; `None` if it accepts anything.
#[derive(Clone, Debug)]
pub(crate) struct Accept(Option<Vec<QualityItem<Mime>>>);

impl FromRequest for Accept {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::read(request)))
    }
}

impl Accept {
    /// Reads the media types that the client of a request accepts.
    #[must_use]
    pub(crate) fn read(request: &HttpRequest) -> Self {
        let mut written = request.headers().get_all(header::ACCEPT);
        if written.all(|value| matches!(value.as_bytes().trim_ascii(), b"" | b"*/*")) {
            return Self(None);
        }
        // An element that is no media range allows nothing; the others still do.
        Self(Some(header::Accept::parse(request).map(|accept| accept.0).unwrap_or_default()))
    }

    /// Chooses the representation that the client wants most; among those that it wants alike, the first one.
    ///
    /// # Errors
    /// `406` with the list of what there is, if the client accepts none of it.
    pub(crate) fn choose<T: Copy>(&self, offered: &[(T, &str)]) -> ApiResult<T> {
        let media_types: Vec<_> = offered.iter().map(|(_, media_type)| *media_type).collect();
        let best = self.position(&media_types).map(|place| offered[place].0);
        best.ok_or_else(|| {
            let available: Vec<_> = media_types.iter().map(|media_type| essence(media_type)).collect();
            let detail = format!("There is: {}.", available.join(", "));
            ApiError::new(ProblemType::NotAcceptable, detail).with_member("available", json!(available))
        })
    }

    /// Returns the place of the media type that the client wants most; among those that it wants alike, the
    /// first one. Returns `None` if it accepts none of them.
    #[must_use]
    pub(crate) fn position(&self, media_types: &[&str]) -> Option<usize> {
        let qualities = media_types.iter().map(|media_type| self.quality(media_type)).enumerate();
        let wanted = qualities.filter(|(_, quality)| *quality > Quality::ZERO);
        let best = wanted.reduce(|best, other| if other.1 > best.1 { other } else { best });
        best.map(|(place, _)| place)
    }

    /// Returns how much the client wants a media type: the most specific range that matches decides.
    fn quality(&self, media_type: &str) -> Quality {
        let Some(ranges) = &self.0 else { return Quality::MAX };
        let kind = media_type.split('/').next().unwrap_or_default();
        let matching = ranges.iter().filter_map(|range| {
            let specificity = match range.item.essence_str() {
                "*/*" => 0,
                essence if essence.strip_suffix("/*") == Some(kind) => 1,
                essence if essence == self::essence(media_type) => 2,
                _ => return None,
            };
            Some((specificity, range.quality))
        });
        let best = matching.max_by(|one, other| one.partial_cmp(other).unwrap_or(Ordering::Equal));
        best.map_or(Quality::ZERO, |(_, quality)| quality)
    }
}

/// Returns a media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default()
}

/// A `200` with the representation that was chosen.
pub(crate) struct Negotiated {
    pub body: Vec<u8>,
    /// The media type of the body.
    pub media_type: &'static str,
    /// The state of the thing itself; `None` for what cannot be changed through this representation.
    pub state_tag: Option<StateTag>,
    /// The request headers that the choice depended on.
    pub vary: &'static str,
}

impl Responder for Negotiated {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let tag = entity_tag(self.state_tag, &self.body);
        found(request, tag, false)
            .insert_header((header::VARY, format!("{}, Accept-Encoding", self.vary)))
            .insert_header((header::CONTENT_TYPE, self.media_type))
            .body(self.body)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const OFFERED: [(char, &str); 3] =
        [('j', "application/json"), ('l', "application/ld+json"), ('m', "text/markdown; charset=utf-8")];

    fn chosen(values: &[&str]) -> Option<char> {
        let mut request = TestRequest::default();
        for value in values {
            request = request.append_header((header::ACCEPT, *value));
        }
        let accept =
            Accept::from_request(&request.to_http_request(), &mut Payload::None).into_inner().unwrap();
        accept.choose(&OFFERED).ok()
    }

    #[test]
    fn the_client_gets_what_it_wants_most() {
        for (accept, expected) in [
            ("", Some('j')),
            ("*/*", Some('j')),
            ("application/ld+json", Some('l')),
            ("APPLICATION/LD+JSON;q=0.5", Some('l')),
            ("application/ld+json;profile=\"https://a.example/\"", Some('l')),
            ("text/*", Some('m')),
            ("text/markdown;charset=utf-8", Some('m')),
            ("application/*, text/*;q=0.9", Some('j')),
            ("application/*;q=0.5, text/*;q=0.9", Some('m')),
            ("application/ld+json, application/json", Some('j')),
            ("application/ld+json, application/json;q=0.9", Some('l')),
            ("*/*, application/json;q=0.1", Some('l')),
            ("*/*;q=0.1, application/*;q=0, text/markdown;q=0.001", Some('m')),
            ("application/json;q=0, */*", Some('l')),
            ("*/*;q=0", None),
            ("application/json;q=0", None),
            ("text/html", None),
            ("application/xml, text/html;q=0.9", None),
            ("json", None),
            ("text/html, application/json;q=2, text/markdown;q=0.1", Some('m')),
        ] {
            assert_eq!(chosen(&[accept]), expected, "{accept}");
        }
        assert_eq!(chosen(&[]), Some('j'));
        assert_eq!(chosen(&["text/html", "text/markdown"]), Some('m'));
    }
}
