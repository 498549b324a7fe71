//! Email addresses, which editors sign in with.

use std::{ops::Deref, str::FromStr};

use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, SchemaFormat, Type},
    },
};

use crate::{
    faults::Invalid,
    read_from_text,
    values::{FromText, Line},
};

/// An email address (RFC 5321, RFC 6531) of at most [`Email::MAX`] characters. It is kept as it was written,
/// but composed (NFC). Addresses that differ only in case belong to the same editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The length of the longest address, in characters.
    pub const MAX: usize = 254;
}

/// Returns an address in the form in which addresses are kept. The text need not be a valid address.
#[must_use]
pub(crate) fn composed(email: &str) -> String {
    email.nfc().collect()
}

/// Returns the form of an address that is the same for all spellings of one account's address.
pub(super) fn folded(email: &str) -> String {
    // Some of Postgres's locales lower `İ` to a plain `i`. They would find the account under a spelling that
    // is counted separately.
    let lower = email.nfc().collect::<String>().to_lowercase().replace("i\u{307}", "i");
    lower.nfc().collect()
}

impl FromText for Email {
    fn from_text(text: String) -> Result<Self, Invalid> {
        let text: String = Line::<1, { Self::MAX }>::from_text(composed(&text))?.into();
        let options = Options::default().without_display_text();
        match EmailAddress::parse_with_options(&text, options) {
            Ok(_) => Ok(Self(text)),
            Err(_) => {
                Err(Invalid::new("invalid_email", "This is no email address, such as `ayu@example.org`."))
            }
        }
    }
}

impl FromStr for Email {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::from_text(text.to_owned())
    }
}

read_from_text!(Email);

impl PartialSchema for Email {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("idn-email".to_owned())))
            .min_length(Some(3))
            .max_length(Some(Self::MAX))
            .examples(["ayu@example.org"])
            .into()
    }
}

impl ToSchema for Email {}

impl Deref for Email {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_as_written() {
        for text in ["Ayu.Lestari+desk@Example.org", "admin@localhost", "ayu@contoh.id", "δοκιμή@example.org"]
        {
            assert_eq!(&*text.parse::<Email>().unwrap(), text);
        }
    }

    #[test]
    fn addresses_are_composed() {
        assert_eq!(&*"re\u{301}mi@example.org".parse::<Email>().unwrap(), "r\u{e9}mi@example.org");
        assert_eq!(folded("RE\u{301}MI@Example.org"), folded("r\u{e9}mi@example.ORG"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.org", "a".repeat(250));
        for text in
            ["", "ayu", "@example.org", "ayu@", "Ayu <ayu@example.org>", "a@b@c", "a b@c.d", "a\0@b.c", &long]
        {
            assert!(text.parse::<Email>().is_err(), "{text:?}");
        }
    }
}
