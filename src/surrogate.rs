//! The surrogate keys of public answers: words by which caches purge an answer, this program's cache
//! ([`crate::cache`]) and a CDN.
//!
//! | key | on | purged when |
//! |---|---|---|
//! | `article:<id>` | answers that show the article | what readers see of it changes |
//! | `tag:<id>`, `source:<id>` | answers about it, and articles that have it | it changes |
//! | `articles` | lists of all articles, counts | what readers see of any article changes |
//! | `articles:tag:<id>` | lists of its articles alone | such an article changes for readers |
//! | `articles:source:<id>` | lists of its articles alone | such an article changes for readers |
//! | `articles:language:<tag>` | lists of its articles alone | such an article changes for readers |
//! | `lists` | every list of articles | a tag or a source changes, since lists show their names |
//! | `tags`, `sources` | lists of them | one of them changes, is created or deleted |
//!
//! A list of the articles of one tag, source or language is also purged if an article had it before the
//! change.
//!
//! An answer that there is no article, tag or source has the key `articles`, `tags` or `sources`.
//!
//! The database decides when to purge: triggers send these keys in the transaction of the change.

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

/// The header for Fastly, Varnish and others: keys with spaces between.
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// The header for Cloudflare and others: keys with commas between.
const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");

/// The longest value of either header, in bytes. Proxies read the whole head of an answer into 4 or 8 KB.
const MAX_HEADER: usize = 2048;

/// The surrogate keys of one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SurrogateKeys(BTreeSet<String>);

impl SurrogateKeys {
    /// Returns no keys, for an answer that never changes while the program runs.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns the key for all things of one kind: `articles`, `tags` or `sources`. It is also for the answer
    /// that there is no such thing, since one can come.
    #[must_use]
    pub fn all(things: &'static str) -> Self {
        Self::default().with(things)
    }

    /// Returns the keys for lists of any articles.
    #[must_use]
    pub fn articles() -> Self {
        Self::default().with("articles").with("lists")
    }

    /// Returns the keys for a list of the articles with any of these tags (`tag`) or sources (`source`), by
    /// id, or languages (`language`).
    #[must_use]
    pub fn articles_of(kind: &str, any: impl IntoIterator<Item: Display>) -> Self {
        let keys = any.into_iter().map(|one| format!("articles:{kind}:{one}"));
        Self(keys.collect()).with("lists")
    }

    /// Returns the keys for lists of all things of a kind (`tags`, `sources`) that count articles.
    #[must_use]
    pub fn counted(things: &'static str) -> Self {
        Self::default().with(things).with("articles")
    }

    /// Adds the key of one thing.
    #[must_use]
    pub fn and(mut self, kind: &str, id: Uuid) -> Self {
        let mut text = Uuid::encode_buffer();
        // There are many on each page: `format!` takes several times as long.
        self.0.insert([kind, ":", id.as_hyphenated().encode_lower(&mut text)].concat());
        self
    }

    /// Adds the keys of these things.
    #[must_use]
    pub fn and_all(self, kind: &str, ids: impl IntoIterator<Item = Uuid>) -> Self {
        ids.into_iter().fold(self, |keys, id| keys.and(kind, id))
    }

    fn with(mut self, key: &str) -> Self {
        self.0.insert(key.to_owned());
        self
    }

    /// Returns the keys in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Returns the keys as a header has them, with spaces between. If there are too many, `articles`, `tags`
    /// and `sources` replace the single ones: a change of any single key purges these, too.
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
    /// Writes the keys into the headers of an answer to readers, for caches elsewhere, and into its
    /// extensions, for the cache of this program.
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

/// An answer with surrogate keys, which caches can keep if it is one to a reader.
pub(crate) struct Cacheable<R> {
    pub answer: R,
    /// The keys of the answer; `None` if no cache can keep it after all.
    pub keys: Option<SurrogateKeys>,
}

impl<R> Cacheable<R> {
    /// Creates an answer with these keys.
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
