//! Bodies: Markdown to HTML in which nothing can run, and how long it takes to read.

use std::{
    borrow::Cow,
    io::{self, Read, Write},
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

/// How many things may stand in each other.
pub const MAX_NESTING: usize = 100;

/// What is understood beside CommonMark.
pub const OPTIONS: Options =
    Options::ENABLE_TABLES.union(Options::ENABLE_FOOTNOTES).union(Options::ENABLE_STRIKETHROUGH);

/// How long the HTML of a body may take: a hundred times what the longest story does. It bounds what the limit of nesting does not.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest HTML of a body, in bytes: a table of empty cells is 15 times as long as its Markdown.
const MAX_HTML: usize = 4 * 1024 * 1024;

const WORDS_A_MINUTE: i32 = 200;

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
        .attribute_filter(|_, attribute, value| Some(trimmed(attribute, value)))
        .id_prefix(Some(ID_PREFIX));
    builder
});

/// A relative address would point into whichever site shows the story; `#` stays, for footnotes.
fn only_fragments(url: &str) -> Option<Cow<'_, str>> {
    let fragment = url.strip_prefix('#')?;
    Some(format!("#{ID_PREFIX}{fragment}").into())
}

/// Browsers drop white space and control characters around an address; left there, they would only hide its scheme from whoever
/// looks at it.
fn trimmed<'a>(attribute: &str, value: &'a str) -> Cow<'a, str> {
    match attribute {
        "href" | "src" => value.trim_matches(|character| character <= ' ').into(),
        _ => value.into(),
    }
}

/// Renders a body. It may keep a core busy for 5 seconds.
///
/// # Errors
/// [`TooComplex`].
pub fn render(body: &str) -> Result<Rendered, TooComplex> {
    render_within(body, PATIENCE)
}

fn render_within(body: &str, patience: Duration) -> Result<Rendered, TooComplex> {
    if is_too_deep(body) {
        return Err(TooComplex);
    }
    let mut unsafe_html = String::with_capacity(body.len() + body.len() / 2);
    let mut words = WordCount::default();
    let events = Parser::new_ext(body, OPTIONS).inspect(|event| words.see(event));
    html::push_html(&mut unsafe_html, events);
    let word_count = words.finish();
    let html = sanitise(&unsafe_html, Deadline(Instant::now() + patience)).map_err(|_| TooComplex)?;
    let reading_minutes = (word_count + WORDS_A_MINUTE - 1) / WORDS_A_MINUTE;
    Ok(Rendered { html, word_count, reading_minutes })
}

/// A body without any markup: its blocks as paragraphs, and nothing of raw HTML.
#[must_use]
pub fn plain(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    for event in Parser::new_ext(body, OPTIONS) {
        match event {
            Event::Text(words) | Event::Code(words) => text.push_str(&words),
            Event::SoftBreak | Event::HardBreak => text.push('\n'),
            Event::End(TagEnd::TableCell) => text.push('\t'),
            Event::End(TagEnd::Item | TagEnd::TableHead | TagEnd::TableRow) if !text.ends_with('\n') => {
                text.push('\n');
            }
            Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::List(_) | TagEnd::Table,
            ) => {
                text.truncate(text.trim_end_matches('\n').len());
                text.push_str("\n\n");
            }
            _ => {}
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// Some texts take the parser and some the serialiser, which looks for what it escapes again and again, the square of their
/// length. Both go piece by piece, which is when they can be stopped.
fn sanitise(html: &str, deadline: Deadline) -> io::Result<String> {
    let mut clean = Vec::with_capacity(html.len());
    let document = SANITISER.clean_from_reader(Until(html.as_bytes(), deadline))?;
    document.write_to(Until(&mut clean, deadline))?;
    if clean.len() > MAX_HTML {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    String::from_utf8(clean).map_err(io::Error::other)
}

#[derive(Clone, Copy)]
struct Deadline(Instant);

impl Deadline {
    fn check(self) -> io::Result<()> {
        if Instant::now() > self.0 { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

/// What can be read or written until a deadline.
struct Until<T>(T, Deadline);

impl<T: Read> Read for Until<T> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        self.1.check()?;
        self.0.read(piece)
    }
}

impl<T: Write> Write for Until<T> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.1.check()?;
        self.0.write(piece)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Whether more than [`MAX_NESTING`] things stand in each other: quotes, lists, and elements of raw HTML that are not closed.
///
/// An HTML parser walks over what is open around each new element, so a body of nothing but open ones, well within the limit of
/// its size, would keep a core busy for minutes.
fn is_too_deep(body: &str) -> bool {
    let mut containers = 0_usize;
    let mut elements = OpenElements::default();
    Parser::new_ext(body, OPTIONS).any(|event| {
        match event {
            Event::Start(_) => containers += 1,
            Event::End(_) => containers = containers.saturating_sub(1),
            Event::Html(html) | Event::InlineHtml(html) => {
                html.split('<').skip(1).for_each(|tag| elements.see(tag))
            }
            _ => {}
        }
        containers + elements.0.len() > MAX_NESTING
    })
}

/// The names of the elements of raw HTML that are open. What only looks like a tag counts too.
#[derive(Default)]
struct OpenElements(Vec<String>);

impl OpenElements {
    /// They hold nothing, or end where the next of their kind begins.
    const SHALLOW: [&str; 17] = [
        "br", "hr", "img", "wbr", "col", "input", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody",
        "tfoot", "option",
    ];

    /// Takes note of a tag, given without its `<`.
    fn see(&mut self, tag: &str) {
        let (closes, tag) = tag.strip_prefix('/').map_or((false, tag), |tag| (true, tag));
        let name =
            tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
        if closes {
            // The end of what is not open ends nothing.
            if let Some(place) = self.0.iter().rposition(|open| *open == name) {
                self.0.remove(place);
            }
        } else if !name.is_empty() && !Self::SHALLOW.contains(&&*name) {
            self.0.push(name);
        }
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
    fn depth_is_bounded_and_length_is_not() {
        for deep in ["> ", "<div>", "<DIV></p>", "<ul><li>", "<b></i>", "- <u>\n  "] {
            assert!(is_too_deep(&deep.repeat(101)), "{deep}");
            assert!(!is_too_deep(&deep.repeat(9)), "{deep}");
        }
        for flat in
            ["> a\n\n", "<div>a</div>\n", "<p>a\n", "<br>", "- a\n", "1 < 2 ", "**a** ", "<!-- -->\n\n"]
        {
            assert!(!is_too_deep(&flat.repeat(500)), "{flat}");
        }
    }

    #[test]
    fn a_plain_text_has_no_markup() {
        let body = "# Judul\n\nSatu *dua*\n`tiga` <b>empat</b>\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n<div>x</div>\n";
        assert_eq!(plain(body), "Judul\n\nSatu dua\ntiga empat\n\na\nb\n\nx\ty\t\n1\t2");
        assert_eq!(plain(""), "");
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
        // Raw HTML whose depth only its parser knows, and a text that is escaped ever more slowly.
        for piece in ["<div title=\"</div>\">\n", "<div><!--</div>-->\n", "& "] {
            let text = piece.repeat(MAX_BODY_BYTES / piece.len());
            assert_eq!(render_within(&text, Duration::from_millis(500)), Err(TooComplex), "{piece}");
        }
    }

    #[test]
    fn an_address_is_shown_as_it_is_followed() {
        let html = render("<a href=\"&Tab; https://a.example/\">a</a>").unwrap().html;
        assert!(html.contains("href=\"https://a.example/\""), "{html}");
    }
}
