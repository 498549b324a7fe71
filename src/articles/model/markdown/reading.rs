//! The events of a body while its Markdown becomes HTML: their words are counted, and too deep or too costly
//! bodies are stopped.

use std::{collections::VecDeque, fmt};

use pulldown_cmark::{CowStr, Event, Tag, TagEnd};

use crate::{
    articles::model::markdown::{MAX_HTML, MAX_NESTING, TooComplex},
    blocking::Stop,
};

/// The longest piece of text that is not cut, in bytes.
const MAX_RUN: usize = 512;

/// An empty comment, which cuts a text in two. The HTML serialiser searches from each `&` to the end of its
/// text, so long texts are slow. Comments are removed before that.
const CUT: Event<'static> = Event::InlineHtml(CowStr::Borrowed("<!---->"));

/// Passes on the events of a body, and ends them if they are nested too deeply or take too long.
pub(super) struct Reading<'a, I> {
    events: I,
    stop: &'a Stop,
    words: WordCount,
    depth: usize,
    /// The number of open images. The content of an image is its alternative text, not elements.
    images: usize,
    /// The bytes of text since the last cut or the last other event.
    run: usize,
    cut: VecDeque<Event<'a>>,
    outcome: Result<(), TooComplex>,
}

impl<'a, I: Iterator<Item = Event<'a>>> Reading<'a, I> {
    pub(super) fn new(events: I, stop: &'a Stop) -> Self {
        let (words, cut) = (WordCount::default(), VecDeque::new());
        Self { events, stop, words, depth: 0, images: 0, run: 0, cut, outcome: Ok(()) }
    }

    /// Returns the number of words.
    ///
    /// # Errors
    /// Returns [`TooComplex`] with the reason if the reading was given up.
    pub(super) fn finish(self) -> Result<i32, TooComplex> {
        self.outcome.map(|()| self.words.count)
    }

    fn give_up(&mut self, why: TooComplex) -> Option<Event<'a>> {
        self.outcome = Err(why);
        None
    }

    fn text(&mut self, text: CowStr<'a>) -> Event<'a> {
        self.run += text.len();
        if self.run <= MAX_RUN || self.images > 0 {
            return Event::Text(text);
        }
        self.cut(&text);
        CUT
    }

    fn code(&mut self, text: CowStr<'a>) -> Event<'a> {
        if text.len() <= MAX_RUN || self.images > 0 {
            return Event::Code(text);
        }
        self.cut(&text);
        self.cut.push_back(Event::InlineHtml(CowStr::Borrowed("</code>")));
        Event::InlineHtml(CowStr::Borrowed("<code>"))
    }

    fn cut(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_RUN));
            self.cut.push_back(Event::Text(piece.to_owned().into()));
            self.run = piece.len();
            rest = after;
            if !rest.is_empty() {
                self.cut.push_back(CUT);
            }
        }
    }
}

impl<'a, I: Iterator<Item = Event<'a>>> Iterator for Reading<'a, I> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        if let Some(event) = self.cut.pop_front() {
            return Some(event);
        }
        if self.outcome.is_err() {
            return None;
        }
        let event = self.events.next()?;
        self.words.see(&event);
        if self.stop.is_due() {
            return self.give_up(TooComplex::Costly);
        }
        match &event {
            Event::Start(tag) => {
                self.depth += 1;
                self.images += usize::from(matches!(tag, Tag::Image { .. }));
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                self.images = self.images.saturating_sub(usize::from(matches!(tag, TagEnd::Image)));
            }
            _ => {}
        }
        if self.depth > MAX_NESTING {
            return self.give_up(TooComplex::Nested);
        }
        Some(match event {
            Event::Text(text) => self.text(text),
            // The text goes on after a soft break.
            Event::SoftBreak => Event::SoftBreak,
            event => {
                self.run = 0;
                if let Event::Code(text) = event { self.code(text) } else { event }
            }
        })
    }
}

/// HTML that is not sanitised yet, at most twice [`MAX_HTML`] long.
#[derive(Default)]
pub(super) struct Html(pub(super) String);

impl fmt::Write for Html {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > 2 * MAX_HTML {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
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
}
