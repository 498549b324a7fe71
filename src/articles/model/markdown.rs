//! Renders Markdown bodies to HTML in which nothing can run, and counts their words and reading minutes.

mod nesting;
mod reading;
mod tree;

use std::{
    borrow::Cow,
    io::{self, Read, Write},
    sync::LazyLock,
    time::Duration,
};

use ammonia::Builder;
use pulldown_cmark::{Event, Options, Parser, TagEnd, html};

use self::reading::{Html, Reading};
use crate::{blocking::Stop, values::text::has_too_many_marks};

/// The result of rendering a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The sanitised HTML of the body.
    pub html: String,
    /// The number of words that a reader reads, separated by white space.
    pub word_count: i32,
    /// The reading time in minutes, at 200 words a minute, rounded up.
    pub reading_minutes: i32,
}

/// The reason why a body is not rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooComplex {
    /// Elements are nested more than [`MAX_NESTING`] levels deep.
    Nested,
    /// Rendering takes too long, or too much memory.
    Costly,
    /// The HTML would be longer than 4 MiB.
    Long,
    /// The rendered text has too many combining marks in a row, because the body names them by their numbers
    /// (`&#803;`).
    Marks,
}

/// The most levels to which quotes, lists and HTML elements can be nested.
pub const MAX_NESTING: usize = 100;

/// The longest body, in bytes of UTF-8.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The extensions of Markdown that are understood in addition to CommonMark.
pub const OPTIONS: Options =
    Options::ENABLE_TABLES.union(Options::ENABLE_FOOTNOTES).union(Options::ENABLE_STRIKETHROUGH);

/// The longest HTML of a body, in bytes: a table of empty cells is 15 times as long as its Markdown.
const MAX_HTML: usize = 4 * 1024 * 1024;

const WORDS_A_MINUTE: i32 = 200;

/// The prefix of ids. Authors choose the ids in a body, and the prefix keeps them from shadowing those of the
/// page.
const ID_PREFIX: &str = "body-";

/// The sanitiser. It is an allow list: tags, attributes and URL schemes that are not named are dropped. So
/// what browsers learn to run in the future is dropped too.
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
        // Nobody follows these addresses, so nobody checks their schemes.
        .rm_tag_attributes("blockquote", ["cite"])
        .rm_tag_attributes("q", ["cite"])
        .rm_tag_attributes("del", ["cite"])
        .rm_tag_attributes("ins", ["cite"])
        .attribute_filter(|_, attribute, value| Some(trimmed(attribute, value)))
        .id_prefix(Some(ID_PREFIX));
    builder
});

/// Keeps a fragment, with the prefix of ids, for footnotes. Any other relative address is dropped, because it
/// would point into whichever site shows the story.
fn only_fragments(url: &str) -> Option<Cow<'_, str>> {
    let fragment = url.strip_prefix('#')?;
    Some(format!("#{ID_PREFIX}{fragment}").into())
}

/// Trims an address. Browsers drop white space and control characters around it; if they stayed, they would
/// only hide the scheme from those who look at the address.
fn trimmed<'a>(attribute: &str, value: &'a str) -> Cow<'a, str> {
    match attribute {
        "href" | "src" => value.trim_matches(|character| character <= ' ').into(),
        _ => value.into(),
    }
}

/// Renders a body of any length.
///
/// # Errors
/// Returns [`TooComplex`] with the reason if the body cannot be rendered.
pub fn render(body: &str) -> Result<Rendered, TooComplex> {
    render_until(body, &Stop::after(patience(body.len())))
}

/// Returns the time for which a body of so many bytes can keep a core busy. It is many times what a story of
/// that length needs.
#[must_use]
pub fn patience(bytes: usize) -> Duration {
    Duration::from_millis(500 + 3_000 * bytes.min(MAX_BODY_BYTES) as u64 / MAX_BODY_BYTES as u64)
}

/// Renders a body until `stop` is due.
///
/// # Errors
/// Returns [`TooComplex`] with the reason if the body cannot be rendered, also if it was stopped.
pub fn render_until(body: &str, stop: &Stop) -> Result<Rendered, TooComplex> {
    if nesting::is_too_deep(body) {
        return Err(TooComplex::Nested);
    }
    let mut unsafe_html = Html::default();
    let mut reading = Reading::new(Parser::new_ext(body, OPTIONS), stop);
    let written = html::write_html_fmt(&mut unsafe_html, &mut reading);
    let word_count = reading.finish()?;
    written.map_err(|_| TooComplex::Long)?;
    tree::check(&unsafe_html.0, stop)?;
    let html = sanitise(&unsafe_html.0, stop)?;
    // Marks that the body itself contains are found when the body is read.
    if has_too_many_marks(&html) && !has_too_many_marks(body) {
        return Err(TooComplex::Marks);
    }
    let reading_minutes = (word_count + WORDS_A_MINUTE - 1) / WORDS_A_MINUTE;
    Ok(Rendered { html, word_count, reading_minutes })
}

/// Returns a body without any markup: its blocks become paragraphs, and raw HTML is left out.
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

/// Sanitises HTML. Both the parser and the serialiser work piece by piece, and can be stopped between two
/// pieces.
fn sanitise(html: &str, stop: &Stop) -> Result<String, TooComplex> {
    let mut clean = Vec::with_capacity(html.len());
    let document =
        SANITISER.clean_from_reader(Until(html.as_bytes(), stop)).map_err(|_| TooComplex::Costly)?;
    document.write_to(Until(&mut clean, stop)).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => TooComplex::Long,
        _ => TooComplex::Costly,
    })?;
    String::from_utf8(clean).map_err(|_| TooComplex::Costly)
}

/// A reader or writer that works until it is time to stop. As a writer, it takes at most [`MAX_HTML`] bytes.
struct Until<'a, T>(T, &'a Stop);

impl<T> Until<'_, T> {
    fn check(&self) -> io::Result<()> {
        if self.1.is_due() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl<T: Read> Read for Until<'_, T> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.0.read(piece)
    }
}

impl Write for Until<'_, &mut Vec<u8>> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.check()?;
        if self.0.len() + piece.len() > MAX_HTML {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.write(piece)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(render(&deep.repeat(101)), Err(TooComplex::Nested), "{deep}");
            assert!(render(&deep.repeat(9)).is_ok(), "{deep}");
        }
        for flat in
            ["> a\n\n", "<div>a</div>\n", "<p>a\n", "<br>", "- a\n", "1 < 2 ", "**a** ", "<!-- -->\n\n"]
        {
            assert!(render(&flat.repeat(500)).is_ok(), "{flat}");
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
        let long = |piece: &str| piece.repeat(MAX_BODY_BYTES / piece.len());
        assert_eq!(render(&long("> ")), Err(TooComplex::Nested));
        // Only the parser of HTML knows how deep these are nested.
        assert!(render(&long("<h1></h2>")).is_ok(), "any heading's end ends a heading");
        for piece in ["<div title=\"</div>\">\n", "<div><!--</div>-->\n"] {
            assert_eq!(render(&long(piece)), Err(TooComplex::Nested), "{piece}");
        }
        let body = format!("<p>{}", long("& "));
        assert_eq!(render_until(&body, &Stop::after(Duration::from_millis(300))), Err(TooComplex::Costly));
        // As Markdown, the same is cut in pieces.
        let patient = Stop::after(Duration::from_secs(60));
        assert_eq!(render_until(&long("& "), &patient).unwrap().word_count, 524_288);
        assert_eq!(render_until(&long("&"), &patient), Err(TooComplex::Long));
    }

    #[test]
    fn a_cut_is_not_seen() {
        let text = "kata & unit ".repeat(5_000);
        for (body, html) in [
            (text.clone(), format!("<p>{}</p>\n", text.trim_end().replace('&', "&amp;"))),
            (format!("`{text}`"), format!("<p><code>{}</code></p>\n", text.replace('&', "&amp;"))),
            (format!("    {text}"), format!("<pre><code>{}</code></pre>\n", text.replace('&', "&amp;"))),
            (
                format!("![{}](https://a.example/)", &text[..12_000]),
                format!(
                    "<p><img src=\"https://a.example/\" alt=\"{}\"></p>\n",
                    text[..12_000].replace('&', "&amp;")
                ),
            ),
        ] {
            assert!(render(&body).is_ok_and(|rendered| rendered.html == html), "{}", &body[..20]);
        }
    }

    #[test]
    fn marks_that_are_named_by_their_numbers_are_marks() {
        assert_eq!(render(&"&#803;".repeat(31)), Err(TooComplex::Marks));
        assert_eq!(render(&format!("<p>a{}", "&#x344;".repeat(16))), Err(TooComplex::Marks));
        assert!(render(&"&#803;".repeat(30)).is_ok());
    }

    #[test]
    fn an_address_is_shown_as_it_is_followed() {
        let html = render("<a href=\"&Tab; https://a.example/\">a</a>").unwrap().html;
        assert!(html.contains("href=\"https://a.example/\""), "{html}");
    }
}
