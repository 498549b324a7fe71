//! Slugs: the part of an address that people read.

use std::ops::Deref;

use serde::Deserialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};
use uuid::Uuid;

use crate::{faults::Invalid, read_from_text, values::FromText};

/// A slug: lower-case ASCII letters and digits, in words joined by single hyphens; 1 to [`Slug::MAX`]
/// characters. It never has the shape of an id, so that a path segment is one or the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Slug(String);

impl Slug {
    /// The longest slug, in characters.
    pub const MAX: usize = 120;
    const PATTERN: &'static str = "^[a-z0-9]+(-[a-z0-9]+)*$";

    /// Makes a slug from any text: transliterated to ASCII, cut between words. If no letter or digit is left,
    /// or if the result has the shape of an id, the slug is `fallback`, which must be a slug.
    #[must_use]
    pub fn make(text: &str, fallback: &str) -> Self {
        // A word with an apostrophe is one word: "Jum'at".
        let ascii = deunicode::deunicode(text).replace(['\'', '`'], "").to_ascii_lowercase();
        let mut slug = String::new();
        // Room for the suffix that a taken slug gets.
        let room = Self::MAX - 12;
        for word in
            ascii.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
        {
            let word = &word[..word.len().min(room)];
            if slug.len() + 1 + word.len() > room {
                break;
            }
            if !slug.is_empty() {
                slug.push('-');
            }
            slug.push_str(word);
        }
        if slug.is_empty() || Uuid::try_parse(&slug).is_ok() {
            slug = fallback.to_owned();
        }
        Self(slug)
    }

    /// Returns the slugs to try if this one is taken: `name`, then `name-2`, `name-3`, ... `name-50`.
    #[must_use]
    pub fn numbered(&self) -> Vec<String> {
        let others = (2..=50).map(|number| format!("{}-{number}", self.0));
        std::iter::once(self.0.clone()).chain(others).collect()
    }

    /// Returns the first of [`Slug::numbered`] that is not taken; if all are, a slug that ends in a part of
    /// the thing's id.
    #[must_use]
    pub fn first_free(&self, taken: &[String], id: Uuid) -> Self {
        let free = self.numbered().into_iter().find(|slug| !taken.contains(slug));
        Self(free.unwrap_or_else(|| format!("{}-{}", self.0, &id.simple().to_string()[24..])))
    }
}

impl FromText for Slug {
    fn from_text(text: String) -> Result<Self, Invalid> {
        if text.is_empty() || text.len() > Self::MAX {
            return Err(Invalid::new("wrong_length", format!("A slug has 1 to {} characters.", Self::MAX)));
        }
        let words = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !text.split('-').all(words) {
            return Err(Invalid::new(
                "invalid_slug",
                "A slug is lower-case ASCII letters and digits, in words joined by single hyphens.",
            ));
        }
        if Uuid::try_parse(&text).is_ok() {
            return Err(Invalid::new("invalid_slug", "A slug must not have the shape of an id."));
        }
        Ok(Self(text))
    }
}

impl TryFrom<String> for Slug {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_text(text).map_err(|invalid| invalid.detail)
    }
}

read_from_text!(Slug);

impl PartialSchema for Slug {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(Self::MAX))
            .pattern(Some(Self::PATTERN))
            .description(Some("The part of an address that people read."))
            .examples(["model-bahasa-untuk-bahasa-daerah"])
            .into()
    }
}

impl ToSchema for Slug {}

impl Deref for Slug {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_made_from_any_text() {
        for (text, slug) in [
            ("Model Bahasa: untuk 700 bahasa daerah!", "model-bahasa-untuk-700-bahasa-daerah"),
            ("Ça va, Zürich – Straße", "ca-va-zurich-strasse"),
            ("Salat Jum'at", "salat-jumat"),
            ("日本語", "ri-ben-yu"),
            ("???", "article"),
            ("0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77", "article"),
        ] {
            assert_eq!(&*Slug::make(text, "article"), slug);
        }
    }

    #[test]
    fn a_made_slug_is_valid_and_stable() {
        let long = "kata ".repeat(100);
        let made = Slug::make(&long, "article");
        assert_eq!(Slug::make(&made, "article"), made);
        let id = Uuid::from_u128(0xabcd_ef01);
        let numbered = made.first_free(&[made.0.clone(), format!("{}-2", made.0)], id);
        assert_eq!(*numbered, format!("{}-3", made.0));
        assert_eq!(Slug::from_text(numbered.0.clone()), Ok(numbered));
        assert_eq!(made.first_free(&[], id), made);
        let last = made.first_free(&made.numbered(), id);
        assert_eq!(*last, format!("{}-abcdef01", made.0));
        assert_eq!(Slug::from_text(last.0.clone()), Ok(last));
        let word = Slug::make(&"x".repeat(500), "article");
        assert_eq!(Slug::from_text(word.0.clone()), Ok(word));
    }

    #[test]
    fn what_is_no_slug_is_refused() {
        for text in ["", "A", "a--b", "-a", "a-", "a_b", "é", "a b", "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77"]
        {
            assert!(Slug::from_text(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
