//! Addresses of documents and pictures on the web.

use std::ops::Deref;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};

use crate::{faults::Invalid, read_from_text, values::FromText};

/// An absolute `http` or `https` URL without user name or password, at most [`WebUrl::MAX`] characters, kept
/// as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebUrl(String);

impl WebUrl {
    /// The longest URL, in characters.
    pub const MAX: usize = 2000;
}

impl FromText for WebUrl {
    fn from_text(text: String) -> Result<Self, Invalid> {
        if text.len() > Self::MAX && text.chars().count() > Self::MAX {
            return Err(Invalid::new("too_long", format!("At most {} characters.", Self::MAX)));
        }
        let invalid = |detail| Err(Invalid::new("invalid_url", detail));
        // The parser drops tabs and line breaks silently; kept as written, they would stay in the address.
        // `\u{feff}` is white space to the schema's pattern (ECMA-262).
        let blank =
            |character: char| character.is_whitespace() || character.is_control() || character == '\u{feff}';
        if text.chars().any(blank) {
            return invalid("A URL has no white space; write a space as `%20`.");
        }
        // A scheme that can run scripts must not get in by a form that only the parser repairs
        // (`https:example.org`).
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if !matches!(scheme.as_deref(), Some("http" | "https")) {
            return invalid("Expected an absolute URL that starts with https:// or http://.");
        }
        match url::Url::parse(&text) {
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                invalid("A URL here has no user name or password.")
            }
            Ok(url) if url.has_host() => Ok(Self(text)),
            _ => invalid("This is no valid URL."),
        }
    }
}

read_from_text!(WebUrl);

impl PartialSchema for WebUrl {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(Self::MAX))
            .pattern(Some(r"^[Hh][Tt][Tt][Pp][Ss]?://\S+$"))
            .examples(["https://kantor-berita.example/laporan/2026/08"])
            .into()
    }
}

impl ToSchema for WebUrl {}

impl Deref for WebUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<WebUrl> for String {
    fn from(url: WebUrl) -> Self {
        url.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_pass() {
        for good in ["https://a.example", "http://a.example:8080/x?y=1#z", "HTTPS://A.example/é"] {
            assert_eq!(&*WebUrl::from_text(good.to_owned()).unwrap(), good);
        }
        for bad in [
            "",
            "a.example",
            "//a.example",
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "https:a.example",
            "https://",
            "https://a b.example",
            "https://user:pw@a.example",
            "ftp://a.example",
            "data:text/html,x",
        ] {
            assert!(WebUrl::from_text(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
