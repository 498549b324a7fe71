//! Secrets that callers send: passwords and refresh tokens.

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

/// A secret of `MIN` to `MAX` characters (Unicode scalar values), none of them a control character. It is
/// neither shown nor logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<const MIN: usize, const MAX: usize>(String);

/// A new password: prepared, and not one that many people have. All of it is used, however many bytes it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password(Secret<12, 256>);

/// A password to sign in with. The rules for new passwords do not apply to it: it is only right or wrong.
pub type GivenPassword = Secret<1, 256>;

/// A refresh token as it was sent.
pub type GivenToken = Secret<1, 256>;

impl<const MIN: usize, const MAX: usize> Secret<MIN, MAX> {
    /// Returns the text of the secret.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Returns a password in the form in which it is compared (RFC 8265, OpaqueString): composed, and with each
/// space replaced by the plain one. So a password is the same when it is typed on two systems.
#[must_use]
pub fn prepared(password: &str) -> Cow<'_, str> {
    let odd_space = |character: char| character != ' ' && is_space(character);
    if is_nfc(password) && !password.contains(odd_space) {
        return Cow::Borrowed(password);
    }
    password.chars().map(|character| if is_space(character) { ' ' } else { character }).nfc().collect()
}

/// Returns true for the characters of Unicode's category Zs.
fn is_space(character: char) -> bool {
    matches!(
        character,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

impl Password {
    /// Returns the text of the password.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Checks that the password is not made of what is known of its owner or of the site.
    ///
    /// # Errors
    /// Returns `too_personal` if it is.
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
        // White space alone is a secret like any other, so the minimum of a line does not apply.
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
