//! The public site, on which readers find the stories that this program serves.

use std::str::FromStr;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

/// The public site on which readers find the stories.
#[derive(Clone, Debug)]
pub struct Site {
    /// The address at which the site begins; `None` if there is no site, and links lead to this API.
    url: Option<Url>,
    article_path: ArticlePath,
    /// The name of the publication; `None` if the settings have none, and the host is used.
    name: Option<String>,
}

impl Site {
    /// Creates the site of the settings.
    #[must_use]
    pub fn new(url: Option<Url>, article_path: ArticlePath, name: Option<String>) -> Self {
        Self { url, article_path, name }
    }

    /// Returns the name of the publication, if the settings have one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the words that everybody knows about the site: its name and its host, if the settings have
    /// them.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let host = self.url.as_ref().and_then(Url::host_str);
        self.name().into_iter().chain(host)
    }

    /// Returns the address of a path on the site; `None` if there is no site.
    #[must_use]
    pub fn join(&self, path: &str) -> Option<String> {
        let url = self.url.as_ref()?;
        Some(uri(&format!("{}{path}", url.as_str().trim_end_matches('/'))))
    }
}

/// The path of an article on the public site, with placeholders in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticlePath(String);

impl Site {
    /// Returns the address where readers find a story; `None` if there is no site.
    #[must_use]
    pub fn article(&self, id: &str, slug: &str, language: &str) -> Option<String> {
        self.join(&self.article_path.of(id, slug, language))
    }
}

impl ArticlePath {
    /// Returns the path of one article.
    #[must_use]
    pub fn of(&self, id: &str, slug: &str, language: &str) -> String {
        self.0.replace("{id}", id).replace("{slug}", slug).replace("{language}", language)
    }
}

impl FromStr for ArticlePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = Self(text.to_owned());
        if !text.starts_with('/') {
            return Err("it must start with /".into());
        }
        if !text.contains("{slug}") && !text.contains("{id}") {
            return Err("it must contain {slug} or {id}".into());
        }
        if path.of("", "", "").contains(['{', '}']) {
            return Err("its placeholders are {language}, {slug} and {id}".into());
        }
        Ok(path)
    }
}

/// The characters that a browser's address can have, but a URI cannot.
const NOT_IN_URI: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Turns an address that browsers understand into a URI (RFC 3986), which is stricter: ASCII only, and some
/// characters escaped. It leads to the same place.
#[must_use]
pub fn uri(address: &str) -> String {
    let Ok(url) = Url::parse(address) else {
        return utf8_percent_encode(address, NOT_IN_URI).to_string();
    };
    let (origin, rest) = url.as_str().split_at(url[..url::Position::BeforePath].len());
    let mut uri = origin.to_owned();
    let mut fragment = false;
    for (index, character) in rest.char_indices() {
        let escaped = || {
            rest.as_bytes().get(index + 1..index + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
        };
        let plain = match character {
            '%' => escaped(),
            '[' | ']' => false,
            // Only the first one begins the fragment.
            '#' => !std::mem::replace(&mut fragment, true),
            _ => true,
        };
        let mut bytes = [0; 4];
        let text = &*character.encode_utf8(&mut bytes);
        if plain {
            uri.extend(utf8_percent_encode(text, NOT_IN_URI));
        } else {
            uri.push_str(&format!("%{:02X}", text.as_bytes()[0]));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_a_uri_that_leads_to_the_same_place() {
        for (address, expected) in [
            ("https://a.example", "https://a.example/"),
            ("HTTPS://A.example/\u{e9}?q=\u{e9}#\u{e9}", "https://a.example/%C3%A9?q=%C3%A9#%C3%A9"),
            (
                "https://a.example/a|b^c[1]{2}?x=[1]|%zz%20#a#b",
                "https://a.example/a%7Cb%5Ec%5B1%5D%7B2%7D?x=%5B1%5D%7C%25zz%20#a%23b",
            ),
            ("https://b\u{fc}cher.example/", "https://xn--bcher-kva.example/"),
            ("https://[::1]:8080/a", "https://[::1]:8080/a"),
        ] {
            assert_eq!(uri(address), expected);
            assert_eq!(uri(expected), expected);
        }
    }

    #[test]
    fn a_story_is_on_the_site() {
        let site = Site::new(
            Some("https://news.example/berita/".parse().unwrap()),
            "/{language}/{slug}".parse().unwrap(),
            None,
        );
        assert_eq!(site.join("/id/kabar").unwrap(), "https://news.example/berita/id/kabar");
    }
}
