//! Search texts, and the matches of a search in an article, marked for readers.

use std::ops::Deref;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

use crate::{
    faults::Invalid,
    read_from_text,
    values::{FromText, Line},
};

/// A search text, as it was typed: 1 to 200 characters, not only white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SearchText(Line<1, 200>);

impl FromText for SearchText {
    fn from_text(text: String) -> Result<Self, Invalid> {
        FromText::from_text(text).map(Self)
    }
}

read_from_text!(SearchText);

impl PartialSchema for SearchText {
    fn schema() -> RefOr<Schema> {
        Line::<1, 200>::schema()
    }
}

impl ToSchema for SearchText {}

impl Deref for SearchText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// The matches of a search in an article, as HTML that is safe to show: the text is escaped, and `<mark>` is
/// the only element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Highlight {
    /// The headline, with the matches marked.
    #[schema(example = "Model <mark>bahasa</mark> terbuka kini memahami tujuh <mark>bahasa</mark> daerah")]
    pub title: String,
    /// The part of the text with the most matches, about 240 characters long. If the text has no match, it is
    /// a part of the dek.
    #[schema(example = "… merilis model <mark>bahasa</mark> itu pekan ini, setelah …")]
    pub snippet: String,
}

/// The character before a match; [`END`] is the one after it. The folded text itself contains neither.
pub(crate) const START: char = '\u{2}';
/// The character after a match, see [`START`].
pub(crate) const END: char = '\u{3}';

/// The length of a snippet, in characters.
const SNIPPET: usize = 240;

/// The most characters that a snippet has before the first match.
const LEAD: usize = 60;

/// A text in which each character is marked or not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marked(Vec<(char, bool)>);

impl Marked {
    /// Transfers the marks of the folded text to the original that it was made from. If it was not made from
    /// that, nothing is marked.
    #[must_use]
    pub(crate) fn new(original: &str, folded: &str) -> Self {
        Self(aligned(original, folded).unwrap_or_else(|| original.chars().map(|c| (c, false)).collect()))
    }

    fn has_marks(&self) -> bool {
        self.0.iter().any(|(_, marked)| *marked)
    }

    /// Returns the text as HTML.
    #[must_use]
    pub(crate) fn to_html(&self) -> String {
        html(&self.0)
    }

    /// Returns the part with the most marks as HTML, cut between words.
    fn snippet(&self) -> String {
        let text = &self.0;
        let starts: Vec<_> = (0..text.len()).filter(|&i| text[i].1 && (i == 0 || !text[i - 1].1)).collect();
        let within = |first: usize| starts[first..].partition_point(|i| *i < starts[first] + SNIPPET - LEAD);
        // The first one of several with equally many marks.
        let best = (0..starts.len()).rev().max_by_key(|first| within(*first));
        let is_space = |i: usize| text[i].0.is_whitespace();
        let mut from = best.map_or(0, |first| starts[first].saturating_sub(LEAD));
        if from > 0 {
            let first = best.map_or(from, |first| starts[first]);
            from = (from..first).find(|i| is_space(*i)).map_or(first, |space| space + 1);
        }
        let mut to = (from + SNIPPET).min(text.len());
        if to < text.len() {
            // A text without spaces is cut anywhere.
            to = (from + SNIPPET / 2..to).rev().find(|i| is_space(*i)).unwrap_or(to);
        }
        let (before, after) = (if from > 0 { "… " } else { "" }, if to < text.len() { " …" } else { "" });
        format!("{before}{}{after}", html(&text[from..to]))
    }
}

/// Returns the snippet of an article: from its text if that has a match, otherwise from its dek if that has
/// one, otherwise from the text, or from the dek if there is no text.
#[must_use]
pub(crate) fn snippet(text: &Marked, summary: &Marked) -> String {
    let of_summary = !text.has_marks() && (summary.has_marks() || text.0.is_empty());
    if of_summary { summary.snippet() } else { text.snippet() }
}

/// Does to one character what `search_fold` does in SQL.
fn fold(character: char) -> impl Iterator<Item = char> {
    let is_accent = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    std::iter::once(character).nfkd().filter(move |c| !is_accent(c)).nfc().map(|c| match c {
        '<' | '>' | '&' | '/' | START | END => ' ',
        c => c,
    })
}

fn aligned(original: &str, folded: &str) -> Option<Vec<(char, bool)>> {
    let mut folded = folded.chars().peekable();
    let mut marked = false;
    let mut text = Vec::new();
    for character in original.chars() {
        for expected in fold(character) {
            while let Some(sign) = folded.next_if(|c| matches!(*c, START | END)) {
                marked = sign == START;
            }
            folded.next_if_eq(&expected)?;
        }
        text.push((character, marked));
    }
    folded.all(|rest| rest == END).then_some(text)
}

fn html(text: &[(char, bool)]) -> String {
    let mut html = String::with_capacity(text.len() + 32);
    let mut open = false;
    for &(character, marked) in text {
        if marked != open {
            html.push_str(if marked { "<mark>" } else { "</mark>" });
            open = marked;
        }
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            character => html.push(character),
        }
    }
    if open {
        html.push_str("</mark>");
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_the_folded_text_stand_at_the_same_words_of_the_original() {
        for (original, folded, html) in [
            ("Le résumé <b>", "Le \u{2}resume\u{3}  b ", "Le <mark>résumé</mark> &lt;b&gt;"),
            ("re\u{301}sume\u{301} & b", "\u{2}resume\u{3}   b", "<mark>re\u{301}sume\u{301}</mark> &amp; b"),
            (
                "ﬁlm 각 \u{2}\u{3}\"",
                "\u{2}film\u{3} \u{2}각\u{3}   \"",
                "<mark>ﬁlm</mark> <mark>각</mark> \u{2}\u{3}&quot;",
            ),
            // The folded text was made from something else.
            ("satu", "\u{2}dua\u{3}", "satu"),
            ("satu", "\u{2}satu\u{3} dua", "satu"),
            ("<script>", "", "&lt;script&gt;"),
        ] {
            assert_eq!(Marked::new(original, folded).to_html(), html);
        }
    }

    #[test]
    fn a_snippet_is_the_part_with_most_marks() {
        let filler = "kata ".repeat(100);
        let folded = format!("{filler}\u{2}satu\u{3} {filler}\u{2}dua\u{3} \u{2}tiga\u{3} {filler}");
        let original = folded.replace([START, END], "");
        let snippet = Marked::new(&original, &folded).snippet();
        assert!(snippet.contains("<mark>dua</mark> <mark>tiga</mark>"), "{snippet}");
        assert!(snippet.starts_with("… kata ") && snippet.ends_with("kata …"), "{snippet}");
        assert!(snippet.chars().count() < 300, "{snippet}");
        assert_eq!(Marked::new("pendek", "pendek").snippet(), "pendek");
        let unbroken = "語".repeat(1000);
        assert_eq!(Marked::new(&unbroken, &unbroken).snippet().chars().count(), 242);
    }
}
