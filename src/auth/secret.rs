//! Secrets that callers send.

use std::fmt;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{KnownFormat, Schema, SchemaFormat, Type},
    },
};

use crate::{
    http::faults::Invalid,
    read_from_text,
    values::{FromText, Line},
};

/// `MIN` to `MAX` characters (Unicode scalar values), none of them a control character. It is neither shown nor logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<const MIN: usize, const MAX: usize>(String);

/// A new password. It is used as a whole, however many bytes it has.
pub type Password = Secret<12, 256>;

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
            .pattern(Some(r"^[^\u0000-\u001f\u007f-\u009f]*$"))
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
        assert_eq!(code("é".repeat(11)), Err("too_short"));
        assert_eq!(code("é".repeat(12)), Ok(()));
        assert_eq!(code("😀".repeat(256)), Ok(()));
        assert_eq!(code("a".repeat(257)), Err("too_long"));
        assert_eq!(code("twelve\tcharacters".to_owned()), Err("control_character"));
    }

    #[test]
    fn it_is_not_shown() {
        let password = Password::from_text("correct horse battery".to_owned()).unwrap();
        assert!(!format!("{password:?}").contains("horse"));
    }
}
