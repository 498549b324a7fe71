//! Content codings (RFC 9110, section 8.4): the compression of answers.

use std::io::{self, Write};

use actix_web::{
    http::header::{self, HeaderMap},
    web::{self, Bytes},
};

/// A coding that answers can be compressed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Brotli (RFC 7932).
    Brotli,
    /// Zstandard (RFC 8878).
    Zstd,
    /// gzip (RFC 1952).
    Gzip,
}

/// The size in bytes below which bodies stay as they are: they fit into one packet, head and all.
const WORTHWHILE: usize = 1024;

/// The size in bytes from which bodies are compressed on another thread, since other requests of this thread
/// would wait meanwhile.
const LONG: usize = 64 * 1024;

impl Coding {
    /// All codings, first the one that makes texts smallest.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// Returns the name of the coding in headers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// Returns the coding that the client wants most; among those that it wants alike, the one that makes
    /// texts smallest. Returns `None` for the plain body. A client that refuses even the plain body gets it
    /// nevertheless: it is better than nothing.
    #[must_use]
    pub fn wanted(headers: &HeaderMap) -> Option<Self> {
        let mut best = None;
        // Codings that are not mentioned are refused, except for the plain body, which is sent if nothing
        // else is wanted more.
        let (mut any, mut plain, mut qualities) = (0, 0, [None; 3]);
        for range in headers.get_all(header::ACCEPT_ENCODING).filter_map(|value| value.to_str().ok()) {
            for range in range.split(',') {
                let (name, parameters) = range.split_once(';').unwrap_or((range, ""));
                let (name, quality) = (name.trim(), quality(parameters));
                if name == "*" {
                    any = quality;
                } else if name.eq_ignore_ascii_case("identity") {
                    plain = quality;
                }
                let named = |coding: &Self| {
                    name.eq_ignore_ascii_case(coding.name())
                        || *coding == Self::Gzip && name.eq_ignore_ascii_case("x-gzip")
                };
                if let Some(index) = Self::ALL.iter().position(named) {
                    qualities[index] = Some(quality);
                }
            }
        }
        for (coding, quality) in Self::ALL.into_iter().zip(qualities) {
            let quality = quality.unwrap_or(any);
            if quality >= plain && quality > best.map_or(0, |(_, best)| best) {
                best = Some((coding, quality));
            }
        }
        best.map(|(coding, _)| coding)
    }

    /// Compresses a body; `None` if that does not make it smaller, or if the body is short.
    pub async fn apply(self, body: &Bytes) -> Option<Bytes> {
        if body.len() < WORTHWHILE {
            return None;
        }
        let coded = if body.len() < LONG {
            self.compress(body)
        } else {
            let body = body.clone();
            web::block(move || self.compress(&body))
                .await
                .unwrap_or_else(|error| Err(io::Error::other(error)))
        };
        match coded {
            Ok(mut coded) if coded.len() < body.len() => {
                // The coder reserved more room than the plain body has, and it would be kept in memory, too.
                coded.shrink_to_fit();
                Some(coded.into())
            }
            Ok(_) => None,
            Err(error) => {
                tracing::error!(%error, coding = self.name(), "cannot compress");
                None
            }
        }
    }

    /// Compresses a body. The levels are those at which a page of stories takes about a millisecond at most.
    fn compress(self, body: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Brotli => {
                let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
                writer.write_all(body)?;
                Ok(writer.into_inner())
            }
            Self::Zstd => zstd::bulk::compress(body, 5),
            Self::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                writer.write_all(body)?;
                writer.finish()
            }
        }
    }
}

/// Returns the weight in a range's parameters, in thousandths (RFC 9110, section 12.4.2); 0 if it is
/// malformed.
fn quality(parameters: &str) -> u16 {
    let mut weights = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    match weights.find(|(name, _)| name.trim().eq_ignore_ascii_case("q")) {
        None => 1000,
        Some((_, weight)) => match weight.trim().parse::<f32>() {
            // Between 0 and 1: the product fits.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
            Ok(weight) if (0.0..=1.0).contains(&weight) => (weight * 1000.0).round() as u16,
            _ => 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn wanted(values: &[&'static str]) -> Option<Coding> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        }
        Coding::wanted(&headers)
    }

    #[test]
    fn the_client_gets_what_it_wants_most() {
        use Coding::{Brotli, Gzip, Zstd};
        for (accepted, expected) in [
            ("", None),
            ("gzip", Some(Gzip)),
            ("X-GZIP", Some(Gzip)),
            ("gzip, deflate, br, zstd", Some(Brotli)),
            ("gzip, deflate, br;q=0.5, zstd", Some(Zstd)),
            ("gzip;q=0.001, identity;q=0", Some(Gzip)),
            ("*", Some(Brotli)),
            ("*, br;q=0", Some(Zstd)),
            ("*;q=0, gzip;q=1.000", Some(Gzip)),
            ("identity", None),
            ("identity;q=0", None),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.5, gzip;q=0.5, br;q=0.4", Some(Gzip)),
            ("br;q=0, zstd;q=0.0, gzip;q=0.000", None),
            ("br;q=2, gzip ; q=0.3", Some(Gzip)),
            ("brotli, zstandard", None),
        ] {
            assert_eq!(wanted(&[accepted]), expected, "{accepted}");
        }
        assert_eq!(wanted(&[]), None);
        assert_eq!(wanted(&["gzip;q=0.5", "zstd;q=0.7"]), Some(Zstd));
    }

    #[actix_web::test]
    async fn short_and_dense_bodies_stay_as_they_are() {
        let short = Bytes::from(vec![b'a'; WORTHWHILE - 1]);
        let mut dense = vec![0; 4096];
        aws_lc_rs::rand::fill(&mut dense).unwrap();
        let dense = Bytes::from(dense);
        let plain = Bytes::from(vec![b'a'; WORTHWHILE]);
        for coding in Coding::ALL {
            assert_eq!(coding.apply(&short).await, None);
            assert_eq!(coding.apply(&dense).await, None, "{coding:?}");
            let coded = coding.apply(&plain).await.unwrap();
            let length = coded.len();
            assert!(length < 200, "{coding:?}");
            // No more memory than is counted.
            assert_eq!(Vec::from(coded).capacity(), length, "{coding:?}");
        }
    }
}
