//! The few words that a program adds to a story, in the story's language where we know them, else in English.

/// Words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// Above what was set right.
    pub corrections: &'static str,
    /// Above where the story comes from.
    pub sources: &'static str,
}

impl Words {
    /// Those of a language, a BCP 47 tag.
    #[must_use]
    pub(crate) fn of(language: &str) -> Self {
        match language.split('-').next() {
            Some("id") => Self { corrections: "Koreksi", sources: "Sumber" },
            _ => Self { corrections: "Corrections", sources: "Sources" },
        }
    }
}
