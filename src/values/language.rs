//! Languages: BCP 47 tags, canonicalised.

use std::ops::Deref;

use icu_locale::{Locale, LocaleCanonicalizer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};

use crate::{faults::Invalid, read_from_text, values::FromText};

/// A language tag (BCP 47) in canonical form: `IN` and `in` become `id`, `en-us` becomes `en-US`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Language(String);

impl FromText for Language {
    fn from_text(text: String) -> Result<Self, Invalid> {
        let invalid = || {
            Invalid::new(
                "invalid_language",
                "This is no BCP 47 language tag, such as `id`, `en` or `zh-Hant-TW`.",
            )
        };
        // Underscores are Unicode's habit and not BCP 47's.
        if text.contains('_') || text.len() > Self::MAX {
            return Err(invalid());
        }
        let mut locale = Locale::try_from_str(&text).map_err(|_| invalid())?;
        LocaleCanonicalizer::new_extended().canonicalize(&mut locale);
        match locale.to_string() {
            // The root locale has no language that a reader could read.
            tag if tag == "und" || tag.starts_with("und-") => Err(invalid()),
            tag => Ok(Self(tag)),
        }
    }
}

impl Language {
    /// The longest tag, in characters.
    pub const MAX: usize = 35;
}

read_from_text!(Language);

impl PartialSchema for Language {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(2))
            .max_length(Some(Self::MAX))
            .pattern(Some("^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$"))
            .description(Some(
                "A BCP 47 language tag. It is canonicalised: `in` becomes `id`, `en-us` becomes `en-US`.",
            ))
            .examples(["id"])
            .into()
    }
}

impl ToSchema for Language {}

impl Deref for Language {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_canonicalised() {
        for (written, canonical) in [
            ("id", "id"),
            ("in", "id"),
            ("IN", "id"),
            ("iw", "he"),
            ("en-us", "en-US"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("jv", "jv"),
            ("ban", "ban"),
        ] {
            assert_eq!(&*Language::from_text(written.to_owned()).unwrap(), canonical);
        }
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for text in ["", "i", "indonesian language", "id_ID", "und", "-", "id-", "i-klingon", "日本"] {
            assert!(Language::from_text(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
