//! Text with limits, kept exactly as it was written.

use std::ops::Deref;

use unicode_normalization::UnicodeNormalization;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};

use super::visible::{INVISIBLE, is_visible};
use crate::{faults::Invalid, read_from_text, values::FromText};

/// One line of `MIN` to `MAX` characters (Unicode scalar values) without control characters. If `MIN` is not
/// 0, at least one character is visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<const MIN: usize, const MAX: usize>(String);

/// Control characters, written for use inside a character class of a pattern (ECMA-262).
const CONTROL: &str = r"\x00-\x1f\x7f-\x9f";

/// Text of at most `MAX` characters, of one or several lines. It can have any character except U+0000, which
/// Postgres cannot store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prose<const MAX: usize>(String);

fn at_most(max: usize, text: &str) -> Result<(), Invalid> {
    // A character has at least one byte, so the count is needed only where the bytes alone do not settle it.
    if text.len() <= max {
        return Ok(());
    }
    match text.chars().count() {
        length if length > max => {
            Err(Invalid::new("too_long", format!("At most {max} characters; this has {length}.")))
        }
        _ => Ok(()),
    }
}

impl<const MIN: usize, const MAX: usize> FromText for Line<MIN, MAX> {
    fn from_text(text: String) -> Result<Self, Invalid> {
        at_most(MAX, &text)?;
        if MIN > 0 && !text.chars().any(is_visible) {
            return Err(Invalid::new("blank", "This must not be empty, or only white space or invisible."));
        }
        if text.chars().count() < MIN {
            return Err(Invalid::new("too_short", format!("At least {MIN} characters.")));
        }
        match text.chars().position(char::is_control) {
            Some(index) => Err(Invalid::new(
                "control_character",
                format!("Character {} is a control character; this is a single line.", index + 1),
            )),
            None => Ok(Self(text)),
        }
    }
}

impl<const MAX: usize> FromText for Prose<MAX> {
    fn from_text(text: String) -> Result<Self, Invalid> {
        at_most(MAX, &text)?;
        without_nul(&text)?;
        Ok(Self(text))
    }
}

/// The most combining marks that can follow each other (Unicode Annex 15, "Stream-Safe Text Format"), which
/// is more than any language has. A program that normalises a text sorts the marks of a run; a bad
/// implementation takes the square of their number.
pub(crate) const MAX_MARKS: usize = 30;

/// Returns `true` if more than [`MAX_MARKS`] combining marks follow each other, counted in the decomposed
/// text (NFKD).
#[must_use]
pub(crate) fn has_too_many_marks(text: &str) -> bool {
    // No character that begins with another byte has a mark before its letter.
    text.bytes().any(|byte| byte >= 0xcc) && !text.chars().stream_safe().eq(text.chars())
}

/// Checks the number of combining marks in a row.
///
/// # Errors
/// Returns a fault if more than [`MAX_MARKS`] combining marks follow each other.
pub(crate) fn few_marks(text: &str) -> Result<(), Invalid> {
    if has_too_many_marks(text) {
        let detail = format!("More than {MAX_MARKS} combining marks follow each other.");
        return Err(Invalid::new("too_many_marks", detail));
    }
    Ok(())
}

/// Checks that a text has no U+0000.
///
/// # Errors
/// Returns a fault if the text has U+0000, which Postgres cannot store.
pub(crate) fn without_nul(text: &str) -> Result<(), Invalid> {
    match text.chars().position(|character| character == '\0') {
        Some(index) => Err(Invalid::new(
            "control_character",
            format!("Character {} is U+0000, which text cannot hold.", index + 1),
        )),
        None => Ok(()),
    }
}

read_from_text!({const MIN: usize, const MAX: usize} Line<MIN, MAX>);
read_from_text!({const MAX: usize} Prose<MAX>);

impl<const MIN: usize, const MAX: usize> PartialSchema for Line<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        let pattern = if MIN > 0 {
            format!(r"^[^{CONTROL}]*[^{INVISIBLE}{CONTROL}][^{CONTROL}]*$")
        } else {
            format!("^[^{CONTROL}]*$")
        };
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(MIN))
            .max_length(Some(MAX))
            .pattern(Some(pattern))
            .into()
    }
}

impl<const MAX: usize> PartialSchema for Prose<MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(MAX))
            .pattern(Some(r"^[^\x00]*$"))
            .into()
    }
}

impl<const MIN: usize, const MAX: usize> ToSchema for Line<MIN, MAX> {}
impl<const MAX: usize> ToSchema for Prose<MAX> {}

impl<const MIN: usize, const MAX: usize> Deref for Line<MIN, MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Deref for Prose<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> From<Line<MIN, MAX>> for String {
    fn from(line: Line<MIN, MAX>) -> Self {
        line.0
    }
}

impl<const MAX: usize> From<Prose<MAX>> for String {
    fn from(prose: Prose<MAX>) -> Self {
        prose.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T: FromText + std::fmt::Debug>(text: &str) -> &'static str {
        T::from_text(text.to_owned()).unwrap_err().code
    }

    #[test]
    fn a_line_counts_characters_and_not_bytes() {
        assert_eq!(&*Line::<1, 3>::from_text("日本語".to_owned()).unwrap(), "日本語");
        assert_eq!(code::<Line<1, 3>>("日本語!"), "too_long");
        assert_eq!(code::<Line<1, 3>>(""), "blank");
        assert_eq!(code::<Line<1, 3>>(" \u{3000}\u{feff}"), "blank");
        assert_eq!(code::<Line<1, 3>>("\u{202e}\u{ad}\u{200b}"), "blank");
        assert_eq!(&*Line::<1, 3>::from_text("\u{202e}a".to_owned()).unwrap(), "\u{202e}a");
        assert_eq!(code::<Line<1, 9>>("a\nb"), "control_character");
    }

    #[test]
    fn prose_takes_anything_but_nul() {
        assert_eq!(&*Prose::<9>::from_text(" a\n\tb ".to_owned()).unwrap(), " a\n\tb ");
        assert_eq!(code::<Prose<9>>("a\0"), "control_character");
    }

    #[test]
    fn marks_are_counted_as_they_are_taken_apart() {
        for (mark, marks) in [
            ("\u{323}", 30),
            ("\u{344}", 15),
            ("\u{5b0}", 30),
            ("\u{f73}", 15),
            ("\u{ff9e}", 30),
            ("\u{1d165}", 30),
        ] {
            let text = |marks| format!("a{}b", mark.repeat(marks));
            assert!(!has_too_many_marks(&text(marks).repeat(3)), "{mark:?}");
            assert!(has_too_many_marks(&text(marks + 1)), "{mark:?}");
        }
        // A letter with its mark, and vowel signs that are letters of their own.
        for text in ["é", "ệ", "各", "각", "की"] {
            assert!(!has_too_many_marks(&text.repeat(1000)), "{text}");
        }
        assert!(has_too_many_marks(&format!("é{}", "\u{301}".repeat(30))));
    }
}
