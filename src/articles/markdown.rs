//! Bodies: Markdown to HTML in which nothing can run, and how long it takes to read.

use std::{
    borrow::Cow,
    io::{self, Read},
    sync::LazyLock,
    time::{Duration, Instant},
};

use ammonia::Builder;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

/// What is derived from a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Sanitised HTML.
    pub html: String,
    /// The words that a reader reads, separated by white space.
    pub word_count: i32,
    /// At 200 words a minute, rounded up.
    pub reading_minutes: i32,
}

/// A body that nests too deeply, or that takes too long to make sense of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooComplex;

const WORDS_A_MINUTE: i32 = 200;

/// How many blocks and spans may stand in each other. A browser's parser looks through all that are open for each one that is
/// opened, and so does ours.
const MAX_DEPTH: usize = 200;

/// How long the HTML of a body may take: a hundred times what the longest story does. It bounds what raw HTML can cost, whose
/// nesting only the parser knows.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ids are the author's; a prefix keeps them from shadowing the page's own.
const ID_PREFIX: &str = "body-";

/// An allow list: tags, attributes and URL schemes that are not named are dropped, so that what a browser learns to run tomorrow
/// is not in it either.
static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .url_schemes(["http", "https", "mailto"].into())
        .url_relative(ammonia::UrlRelative::Custom(Box::new(only_fragments)))
        .link_rel(Some("noopener noreferrer"))
        .add_generic_attributes(["id"])
        .add_allowed_classes("sup", ["footnote-reference", "footnote-definition-label"])
        .add_allowed_classes("div", ["footnote-definition"])
        .add_tag_attributes("td", ["style"])
        .add_tag_attributes("th", ["style"])
        .filter_style_properties(["text-align"].into())
        .add_tag_attributes("img", ["loading"])
        // Addresses that nobody follows, and so nobody checks the scheme of.
        .rm_tag_attributes("blockquote", ["cite"])
        .rm_tag_attributes("q", ["cite"])
        .rm_tag_attributes("del", ["cite"])
        .rm_tag_attributes("ins", ["cite"])
        .id_prefix(Some(ID_PREFIX));
    builder
});

/// A relative address would point into whichever site shows the story; `#` stays, for footnotes.
fn only_fragments(url: &str) -> Option<Cow<'_, str>> {
    let fragment = url.strip_prefix('#')?;
    Some(format!("#{ID_PREFIX}{fragment}").into())
}

/// Renders a body. It may keep a core busy for as long as [`PATIENCE`].
///
/// # Errors
/// [`TooComplex`].
pub fn render(body: &str) -> Result<Rendered, TooComplex> {
    render_within(body, PATIENCE)
}

fn render_within(body: &str, patience: Duration) -> Result<Rendered, TooComplex> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH;
    let mut unsafe_html = String::with_capacity(body.len() + body.len() / 2);
    let mut words = WordCount::default();
    let (mut depth, mut deepest) = (0, 0);
    let events = Parser::new_ext(body, options).inspect(|event| words.see(event)).take_while(|event| {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
        deepest <= MAX_DEPTH
    });
    html::push_html(&mut unsafe_html, events);
    if deepest > MAX_DEPTH {
        return Err(TooComplex);
    }
    let word_count = words.finish();
    let patient = Patient { html: unsafe_html.as_bytes(), until: Instant::now() + patience };
    let html = SANITISER.clean_from_reader(patient).map_err(|_| TooComplex)?.to_string();
    let reading_minutes = (word_count + WORDS_A_MINUTE - 1) / WORDS_A_MINUTE;
    Ok(Rendered { html, word_count, reading_minutes })
}

/// HTML that is there until a time: the parser asks for a piece after the other, which is when it can be stopped.
struct Patient<'a> {
    html: &'a [u8],
    until: Instant,
}

impl Read for Patient<'_> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        if Instant::now() > self.until { Err(io::ErrorKind::TimedOut.into()) } else { self.html.read(piece) }
    }
}

/// Counts words over the pieces that the parser cuts text into: `un**bold**` is one word.
#[derive(Default)]
struct WordCount {
    count: i32,
    in_word: bool,
}

impl WordCount {
    fn see(&mut self, event: &Event<'_>) {
        match event {
            Event::Text(text) | Event::Code(text) => text.chars().for_each(|character| {
                let in_word = !character.is_whitespace();
                self.count += i32::from(in_word && !self.in_word);
                self.in_word = in_word;
            }),
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. })
            | Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_) => {}
            _ => self.in_word = false,
        }
    }

    fn finish(self) -> i32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::articles::input::MAX_BODY_BYTES;

    #[test]
    fn markdown_becomes_html() {
        let rendered =
            render("# Judul\n\nSatu **dua** ~~tiga~~.[^1]\n\n|a|b|\n|:-|-:|\n|1|2|\n\n[^1]: Catatan.\n")
                .unwrap();
        for part in [
            "<h1>Judul</h1>",
            "<strong>dua</strong>",
            "<del>tiga</del>",
            "<table>",
            "text-align:right",
            "href=\"#body-1\"",
            "id=\"body-1\"",
        ] {
            assert!(rendered.html.contains(part), "{part} in {}", rendered.html);
        }
    }

    #[test]
    fn nothing_that_runs_survives() {
        let rendered = render(
            "<script>alert(1)</script><img src=x onerror=alert(1)>\n\n[a](javascript:alert(1))\n\n\
             <svg onload=alert(1)><iframe src=//x></iframe><a href=\"data:text/html,x\" style=\"x\">b</a>\n\n\
             <form action=/v1/auth/logout method=post><input type=submit></form><style>*{}</style>\
             <q cite=javascript:alert(1)>b</q><blockquote cite=javascript:alert(1)>c</blockquote>",
        )
        .unwrap();
        for part in ["script", "onerror", "onload", "svg", "iframe", "data:", "style", "form", "input"] {
            assert!(!rendered.html.contains(part), "{part} in {}", rendered.html);
        }
    }

    #[test]
    fn words_are_counted_as_read() {
        for (body, words, minutes) in
            [("", 0, 0), ("satu **dua**tiga [empat](https://a.example)", 3, 1), ("# a\nb\n\n- c\n- d", 4, 1)]
        {
            let rendered = render(body).unwrap();
            assert_eq!((rendered.word_count, rendered.reading_minutes), (words, minutes), "{body}");
        }
        assert_eq!(render(&"kata ".repeat(201)).unwrap().reading_minutes, 2);
    }

    #[test]
    fn what_would_take_minutes_is_given_up() {
        let deep = "> ".repeat(MAX_BODY_BYTES / 2);
        assert_eq!(render(&deep), Err(TooComplex));
        // Raw HTML, of which Markdown does not know how deep it is.
        let raw = "<div>\n".repeat(MAX_BODY_BYTES / 6);
        assert_eq!(render_within(&raw, Duration::from_millis(500)), Err(TooComplex));
        let quotes = |depth| format!("{}kata", "> ".repeat(depth));
        assert!(render(&quotes(MAX_DEPTH - 1)).is_ok());
        assert_eq!(render(&quotes(MAX_DEPTH)), Err(TooComplex));
    }
}
