//! Articles as Markdown files: the article's data as YAML, then headline, dek, body, corrections and sources,
//! as one would print them.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};
use serde_json::{Value, json};

use crate::{
    articles::{
        formats::headings::Words,
        model::{
            article::{Article, Translation},
            markdown::OPTIONS,
        },
    },
    context::links::Links,
    site::uri,
};

/// Returns an article as a Markdown file. The article must have been read with its body.
#[must_use]
pub(crate) fn write(article: &Article, links: &Links) -> String {
    let words = Words::of(&article.content.language);
    let mut text = front_matter(article, links);
    text.push_str(&format!("\n# {}\n", escaped(&article.content.title)));
    if !article.content.summary.is_empty() {
        text.push_str(&format!("\n**{}**\n", escaped(&article.content.summary)));
    }
    if let Some(body) = article.body.as_deref().filter(|body| !body.is_empty()) {
        text.push_str(&format!("\n{}\n", closed(body.trim_end_matches(['\n', '\r']))));
    }
    if !article.corrections.is_empty() {
        text.push_str(&format!("\n## {}\n\n", words.corrections));
        for correction in &article.corrections {
            let day = correction.created_at.format("%Y-%m-%d");
            text.push_str(&format!("- {day}: {}\n", escaped(&correction.text)));
        }
    }
    if !article.citations.is_empty() {
        text.push_str(&format!("\n## {}\n\n", words.sources));
        for citation in &article.citations {
            let (source, title) = (escaped(&citation.source.name), escaped(&citation.title));
            let url = uri(&citation.url);
            text.push_str(&format!("- {source}: [{title}](<{url}>)\n"));
        }
    }
    text
}

/// Returns a body after which a heading is a heading. Anything that the body leaves open and that would go on
/// to the end, such as a code block, is closed.
fn closed(body: &str) -> String {
    if heads_what_follows(body) {
        return body.to_owned();
    }
    let fence = Parser::new_ext(body, OPTIONS).into_offset_iter().filter_map(|(event, range)| match event {
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => fence(&body[range]),
        _ => None,
    });
    // The last fence is the open one. The other ends close what HTML begins: a comment, a text, an
    // instruction and so on.
    let ends = fence.last().into_iter().chain(HTML_ENDS);
    let closed = ends.map(|end| format!("{body}\n{end}")).find(|closed| heads_what_follows(closed));
    closed.unwrap_or_else(|| body.to_owned())
}

/// The ends of those HTML blocks that an empty line does not end (CommonMark 0.31, section 4.6).
const HTML_ENDS: [&str; 8] = [">", "-->", "?>", "]]>", "</pre>", "</script>", "</style>", "</textarea>"];

/// Returns the characters that a fenced code block begins with; `None` for an indented one.
fn fence(block: &str) -> Option<&str> {
    let mark = block.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    Some(&block[..block.len() - block.trim_start_matches(mark).len()])
}

fn heads_what_follows(text: &str) -> bool {
    let marked = format!("{text}\n\n## x\n");
    let mut events = Parser::new_ext(&marked, OPTIONS).into_offset_iter();
    events
        .any(|(event, range)| matches!(event, Event::Start(Tag::Heading { .. })) && range.start > text.len())
}

/// Returns the front matter: YAML 1.2 between two lines of dashes. Each value is written as JSON, which YAML
/// contains.
fn front_matter(article: &Article, links: &Links) -> String {
    let address = |id, slug: &str, language: &str| links.article(id, slug, language);
    let tags: Vec<_> = article.tags.iter().map(|tag| &tag.name).collect();
    let translation = |other: &Translation| json!({"language": other.language, "url": address(other.id, &other.slug, &other.language)});
    let translations: Vec<_> = article.translations.iter().map(translation).collect();
    let members = [
        ("id", json!(article.id)),
        ("url", json!(address(article.id, &article.content.slug, &article.content.language))),
        ("slug", json!(article.content.slug)),
        ("language", json!(article.content.language)),
        ("title", json!(article.content.title)),
        ("kicker", json!(article.content.kicker)),
        ("summary", json!(article.content.summary)),
        ("byline", json!(article.content.byline)),
        ("status", json!(article.status)),
        ("version", json!(article.public_version)),
        ("published_at", json!(article.published_at)),
        ("updated_at", json!(article.updated_at)),
        ("word_count", json!(article.word_count)),
        ("image", json!(article.content.image)),
        ("provenance", json!(article.provenance)),
        ("tags", json!(tags)),
        ("citations", json!(article.citations)),
        ("corrections", json!(article.corrections)),
        ("translations", json!(translations)),
    ];
    let lines: String = members.iter().map(|(name, value)| format!("{name}: {}\n", yaml(value))).collect();
    format!("---\n{lines}---\n")
}

/// Returns a value as JSON. Characters that YAML cannot hold, or takes for the end of a line, are escaped as
/// well.
fn yaml(value: &Value) -> String {
    let mut yaml = String::new();
    for character in value.to_string().chars() {
        match character {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                yaml.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => yaml.push(character),
        }
    }
    yaml
}

/// Returns a text in one line, escaped so that nothing in it is Markdown.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if "\\`*_{}[]<>#~|&!^".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::articles::model::markdown;

    #[test]
    fn what_is_escaped_is_text() {
        for text in ["# a *b* [c](d) <e> &amp; `f`", "a\\b", "a #", "![x](y) ~~z~~ | _q_"] {
            assert_eq!(markdown::plain(&escaped(text)), text, "{text}");
        }
    }

    #[test]
    fn what_a_body_leaves_open_is_closed() {
        for (body, end) in [
            ("Isi.", ""),
            ("```\na\n```", ""),
            ("```\na", "\n```"),
            ("Isi.\n\n~~~~rust\n```\na\n~~~", "\n~~~~"),
            ("```\na\n```\n\n`````\nb\n```", "\n`````"),
            ("- ```\n  a", ""),
            ("> ```\n> a", ""),
            ("    a", ""),
            ("<!-- a", "\n-->"),
            ("<pre>\na", "\n</pre>"),
            ("<script>\na\n\nb", "\n</script>"),
            ("<?php a", "\n?>"),
            ("<![CDATA[ a", "\n]]>"),
            ("<!DOCTYPE a", "\n>"),
            ("<div>\na", ""),
            ("## x\n\n```\n## x", "\n```"),
        ] {
            assert_eq!(closed(body), format!("{body}{end}"), "{body}");
        }
    }

    #[test]
    fn yaml_holds_every_character() {
        let text = "\u{1}\"\\\n\u{7f}\u{85}\u{2028}\u{feff}\u{ffff} \u{1f600}: - #";
        assert_eq!(serde_json::from_str::<String>(&yaml(&json!(text))).unwrap(), text);
        let read = yaml_rust2::YamlLoader::load_from_str(&yaml(&json!([text]))).unwrap();
        assert_eq!(read[0][0].as_str(), Some(text));
    }
}
