//! Secrets that callers send.

use std::{borrow::Cow, fmt};

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{KnownFormat, Schema, SchemaFormat, Type},
    },
};

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::strength;
use crate::{
    faults::Invalid,
    read_from_text,
    values::{FromText, Line},
};

/// `MIN` to `MAX` characters (Unicode scalar values), none of them a control character. It is neither shown nor logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<const MIN: usize, const MAX: usize>(String);

/// A new password, prepared, and not one that many people have. It is used as a whole, however many bytes it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password(Secret<12, 256>);

/// A password to sign in with, which is right or wrong whatever the rules for new ones say.
pub type GivenPassword = Secret<1, 256>;

/// A refresh token as it was sent.
pub type GivenToken = Secret<1, 256>;

impl<const MIN: usize, const MAX: usize> Secret<MIN, MAX> {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A password as it is compared (RFC 8265, OpaqueString): composed, each space the plain one. One password typed on two systems
/// is one.
#[must_use]
pub fn prepared(password: &str) -> Cow<'_, str> {
    let odd_space = |character: char| character != ' ' && is_space(character);
    if is_nfc(password) && !password.contains(odd_space) {
        return Cow::Borrowed(password);
    }
    password.chars().map(|character| if is_space(character) { ' ' } else { character }).nfc().collect()
}

/// Unicode's category Zs.
fn is_space(character: char) -> bool {
    matches!(
        character,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

impl Password {
    /// The password itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether it is not made of what is known of its owner or of the site.
    ///
    /// # Errors
    /// `too_personal`.
    pub fn check_personal<'a>(&self, known: impl IntoIterator<Item = &'a str>) -> Result<(), Invalid> {
        strength::check_personal(self.expose(), known)
    }
}

impl FromText for Password {
    fn from_text(text: String) -> Result<Self, Invalid> {
        let text = prepared(&text).into_owned();
        let secret = Secret::from_text(text)?;
        strength::check_common(secret.expose())?;
        Ok(Self(secret))
    }
}

read_from_text!(Password);

impl PartialSchema for Password {
    fn schema() -> RefOr<Schema> {
        Secret::<12, 256>::schema()
    }
}

impl ToSchema for Password {}

impl<const MIN: usize, const MAX: usize> FromText for Secret<MIN, MAX> {
    fn from_text(text: String) -> Result<Self, Invalid> {
        // White space alone is a secret like any other, so a line's minimum is not asked for.
        let line: String = Line::<0, MAX>::from_text(text)?.into();
        if line.chars().count() < MIN {
            return Err(Invalid::new("too_short", format!("At least {MIN} characters.")));
        }
        Ok(Self(line))
    }
}

read_from_text!({const MIN: usize, const MAX: usize} Secret<MIN, MAX>);

impl<const MIN: usize, const MAX: usize> PartialSchema for Secret<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .min_length(Some(MIN))
            .max_length(Some(MAX))
            .pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]*$"))
            .into()
    }
}

impl<const MIN: usize, const MAX: usize> ToSchema for Secret<MIN, MAX> {}

impl<const MIN: usize, const MAX: usize> fmt::Debug for Secret<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_12_to_256_characters() {
        let code = |text: String| Password::from_text(text).map(drop).map_err(|invalid| invalid.code);
        let letters =
            |count: u32| (0..count).filter_map(|n| char::from_u32(0x4e00 + n * n * 7 % 9_000)).collect();
        assert_eq!(code("é".repeat(11)), Err("too_short"));
        assert_eq!(code("é".repeat(12)), Err("too_common"));
        assert_eq!(code(letters(12)), Ok(()));
        assert_eq!(code(letters(256)), Ok(()));
        assert_eq!(code("a".repeat(257)), Err("too_long"));
        assert_eq!(code("twelve\tcharacters".to_owned()), Err("control_character"));
    }

    #[test]
    fn one_password_is_one_however_it_was_typed() {
        let password = |text: &str| Password::from_text(text.to_owned()).unwrap();
        assert_eq!(
            password("re\u{301}dac\u{327}a\u{a0}malam\u{3000}ini"),
            password("r\u{e9}da\u{e7}a malam ini")
        );
        assert_eq!(prepared("Correct  horse"), "Correct  horse");
        // As many characters as it is compared by.
        assert_eq!(
            Password::from_text("e\u{301}".repeat(11)).map_err(|invalid| invalid.code),
            Err("too_short")
        );
    }

    #[test]
    fn it_is_not_shown() {
        let password = Password::from_text("correct horse battery".to_owned()).unwrap();
        assert!(!format!("{password:?}").contains("horse"));
    }
}
