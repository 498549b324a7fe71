//! What a search found, marked for readers.

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

/// What is searched for, as it was typed: 1 to 200 characters, not only white space.
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

/// Where the words of a search stand in an article, as HTML that is safe to show: the text is escaped, and `<mark>` is the only
/// element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Highlight {
    /// The headline.
    #[schema(example = "Model <mark>bahasa</mark> terbuka kini memahami tujuh <mark>bahasa</mark> daerah")]
    pub title: String,
    /// The part of the text that has most of the words, about 240 characters; of the dek, where the text has none of them.
    #[schema(example = "… merilis model <mark>bahasa</mark> itu pekan ini, setelah …")]
    pub snippet: String,
}

/// Stands before what was found, and [`END`] after it; the folded text has neither.
pub(crate) const START: char = '\u{2}';
/// See [`START`].
pub(crate) const END: char = '\u{3}';

/// How long a snippet is, in characters.
const SNIPPET: usize = 240;

/// How many characters a snippet has before the first word that was found.
const LEAD: usize = 60;

/// A text whose characters are marked or not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marked(Vec<(char, bool)>);

impl Marked {
    /// Takes the marks over from the folded text to the one that it was made of. Where one is not made of the other, nothing is
    /// marked.
    #[must_use]
    pub(crate) fn new(original: &str, folded: &str) -> Self {
        Self(aligned(original, folded).unwrap_or_else(|| original.chars().map(|c| (c, false)).collect()))
    }

    fn has_marks(&self) -> bool {
        self.0.iter().any(|(_, marked)| *marked)
    }

    /// As HTML.
    #[must_use]
    pub(crate) fn to_html(&self) -> String {
        html(&self.0)
    }

    /// The part with most marks, as HTML; cut between words.
    fn snippet(&self) -> String {
        let text = &self.0;
        let starts: Vec<_> = (0..text.len()).filter(|&i| text[i].1 && (i == 0 || !text[i - 1].1)).collect();
        let within = |first: usize| starts[first..].partition_point(|i| *i < starts[first] + SNIPPET - LEAD);
        // The first of the best.
        let best = (0..starts.len()).rev().max_by_key(|first| within(*first));
        let is_space = |i: usize| text[i].0.is_whitespace();
        let mut from = best.map_or(0, |first| starts[first].saturating_sub(LEAD));
        if from > 0 {
            let first = best.map_or(from, |first| starts[first]);
            from = (from..first).find(|i| is_space(*i)).map_or(first, |space| space + 1);
        }
        let mut to = (from + SNIPPET).min(text.len());
        if to < text.len() {
            // A language without spaces is cut anywhere.
            to = (from + SNIPPET / 2..to).rev().find(|i| is_space(*i)).unwrap_or(to);
        }
        let (before, after) = (if from > 0 { "… " } else { "" }, if to < text.len() { " …" } else { "" });
        format!("{before}{}{after}", html(&text[from..to]))
    }
}

/// The snippet of an article: of its text, where something was found in it, else of its dek, else what there is.
#[must_use]
pub(crate) fn snippet(text: &Marked, summary: &Marked) -> String {
    let of_summary = !text.has_marks() && (summary.has_marks() || text.0.is_empty());
    if of_summary { summary.snippet() } else { text.snippet() }
}

/// What SQL's `search_fold` makes of one character.
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
            // It was made of something else.
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
