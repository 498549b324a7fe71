//! What a public answer is made of, in words that a cache can be purged by: ours ([`crate::cache`]) and a CDN's.
//!
//! | key | on | purged when |
//! |---|---|---|
//! | `article:<id>` | answers that show the article | what readers see of it changes |
//! | `tag:<id>`, `source:<id>` | answers about it, and articles that have it | it changes |
//! | `articles` | lists of all articles, counts | what readers see of any article changes |
//! | `articles:tag:<id>`, `articles:source:<id>`, `articles:language:<tag>` | lists of those alone | the same of one with that tag, source or language, before or after |
//! | `lists` | every list of articles | a tag or a source changes: their names stand in lists |
//! | `tags`, `sources` | lists of them | one of them changes, is made or deleted |
//!
//! That there is no article, tag or source is made of `articles`, `tags` or `sources`.
//!
//! The database itself tells when: triggers send these keys in the transaction of the change.

use std::{collections::BTreeSet, fmt::Display};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, Responder,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use uuid::Uuid;

use crate::principal::SignedIn;

/// For Fastly, Varnish and others: keys with spaces between.
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// For Cloudflare and others: keys with commas between.
const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");

/// The longest of either header, in bytes. Proxies read an answer's whole head into 4 or 8 KB.
const MAX_HEADER: usize = 2048;

/// The keys of one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SurrogateKeys(BTreeSet<String>);

impl SurrogateKeys {
    /// Of what never changes while the program runs.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Of one kind of things, all of them: `articles`, `tags` or `sources`. Where there is no such thing, one may come.
    #[must_use]
    pub fn all(things: &'static str) -> Self {
        Self::default().with(things)
    }

    /// Of lists of articles, whichever they are of.
    #[must_use]
    pub fn articles() -> Self {
        Self::default().with("articles").with("lists")
    }

    /// Of a list of the articles with any of these tags (`tag`) or sources (`source`), by id, or languages (`language`).
    #[must_use]
    pub fn articles_of(kind: &str, any: impl IntoIterator<Item: Display>) -> Self {
        let keys = any.into_iter().map(|one| format!("articles:{kind}:{one}"));
        Self(keys.collect()).with("lists")
    }

    /// Of lists of all things of a kind (`tags`, `sources`) that count articles.
    #[must_use]
    pub fn counted(things: &'static str) -> Self {
        Self::default().with(things).with("articles")
    }

    /// And of one thing.
    #[must_use]
    pub fn and(mut self, kind: &str, id: Uuid) -> Self {
        let mut text = Uuid::encode_buffer();
        // There are many on each page: `format!` takes several times as long.
        self.0.insert([kind, ":", id.as_hyphenated().encode_lower(&mut text)].concat());
        self
    }

    /// And of these things.
    #[must_use]
    pub fn and_all(self, kind: &str, ids: impl IntoIterator<Item = Uuid>) -> Self {
        ids.into_iter().fold(self, |keys, id| keys.and(kind, id))
    }

    fn with(mut self, key: &str) -> Self {
        self.0.insert(key.to_owned());
        self
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// As a header has them, with spaces between. Where there are too many, `articles`, `tags` and `sources` stand for each of theirs:
    /// whatever changes one of those purges these too.
    fn text(&self) -> String {
        let written = |keys: Vec<&str>| keys.join(" ");
        let text = written(self.iter().collect());
        if text.len() <= MAX_HEADER {
            return text;
        }
        let kept = self.iter().filter(|key| !key.contains(':'));
        let mut keys: Vec<_> = kept.chain(["articles", "sources", "tags"]).collect();
        keys.sort_unstable();
        keys.dedup();
        written(keys)
    }
}

impl SurrogateKeys {
    /// Says on an answer to readers that it is made of these: to caches elsewhere, and to ours.
    pub fn label<B>(self, response: &mut HttpResponse<B>) {
        let text = self.text();
        if !text.is_empty() {
            // No key has a space in it.
            for (name, value) in [(CACHE_TAG, text.replace(' ', ",")), (SURROGATE_KEY, text)] {
                if let Ok(value) = HeaderValue::try_from(value) {
                    response.headers_mut().insert(name, value);
                }
            }
        }
        response.extensions_mut().insert(self);
    }
}

/// An answer that caches may keep, where it is one to a reader: it says what it is made of.
pub(crate) struct Cacheable<R> {
    /// The answer.
    pub answer: R,
    /// What it is made of; `None` where it may be kept by nobody after all.
    pub keys: Option<SurrogateKeys>,
}

impl<R> Cacheable<R> {
    /// An answer that is made of these.
    #[must_use]
    pub(crate) fn new(answer: R, keys: SurrogateKeys) -> Self {
        Self { answer, keys: Some(keys) }
    }
}

impl<R: Responder> Responder for Cacheable<R> {
    type Body = R::Body;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<R::Body> {
        let mut response = self.answer.respond_to(request);
        let Some(keys) = self.keys.filter(|_| !request.extensions().contains::<SignedIn>()) else {
            return response;
        };
        let status = response.status();
        if status.is_success() || status == StatusCode::PERMANENT_REDIRECT {
            keys.label(&mut response);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_each_key_or_what_stands_for_many() {
        let few = SurrogateKeys::articles_of("tag", ["riset", "hukum"]).and("article", Uuid::nil());
        assert_eq!(
            few.text(),
            "article:00000000-0000-0000-0000-000000000000 articles:tag:hukum articles:tag:riset lists"
        );
        let many = few.and_all("tag", (0..100).map(Uuid::from_u128));
        assert_eq!(many.text(), "articles lists sources tags");
        assert_eq!(SurrogateKeys::none().text(), "");
    }
}
