//! The few headings that a program adds to a story, in the story's language if they are known in it,
//! otherwise in English.

/// The headings in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// The heading above the corrections.
    pub corrections: &'static str,
    /// The heading above the sources.
    pub sources: &'static str,
}

impl Words {
    /// Returns the headings in a language, a BCP 47 tag.
    #[must_use]
    pub(crate) fn of(language: &str) -> Self {
        match language.split('-').next() {
            Some("id") => Self { corrections: "Koreksi", sources: "Sumber" },
            _ => Self { corrections: "Corrections", sources: "Sources" },
        }
    }
}
