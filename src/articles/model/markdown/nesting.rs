//! Checks how deeply a body is nested, as far as its Markdown shows that before it is parsed.

use crate::articles::model::markdown::MAX_NESTING;

/// Returns `true` if a line begins with the marks of more than [`MAX_NESTING`] quotes, lists and footnotes.
/// At each line that follows, the parser goes over all of them that are still open.
pub(super) fn is_too_deep(body: &str) -> bool {
    // Each mark has at least one byte, so a shorter line cannot have too many.
    body.split(['\n', '\r']).any(|line| line.len() > MAX_NESTING && marks(line) > MAX_NESTING)
}

/// Counts the marks that a line begins with. If the line ends in a rule (`* * *`), the marks of the rule open
/// nothing and are not counted.
fn marks(line: &str) -> usize {
    let mut rest = line;
    let mut marks = 0;
    // The last run of equal marks, and the number of marks in it.
    let (mut run, mut in_run) = ("", 0);
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let Some(length) = mark(rest) else { break };
        let (this, after) = rest.split_at(length);
        in_run = if this == run { in_run + 1 } else { 1 };
        run = this;
        marks += 1;
        rest = after;
    }
    let is_rule =
        matches!(run, "-" | "*") && rest.bytes().all(|byte| [run.as_bytes()[0], b' ', b'\t'].contains(&byte));
    if is_rule && in_run > 2 { marks - in_run } else { marks }
}

/// Returns the length of the mark that a text begins with; `None` if it begins with none.
fn mark(text: &str) -> Option<usize> {
    let is_space = |byte: Option<&u8>| matches!(byte, None | Some(b' ' | b'\t'));
    let bytes = text.as_bytes();
    match bytes {
        [b'>', ..] => Some(1),
        [b'-' | b'*' | b'+', rest @ ..] if is_space(rest.first()) => Some(1),
        [b'0'..=b'9', ..] => {
            let digits = bytes.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
            let ends = matches!(bytes.get(digits), Some(b'.' | b')')) && is_space(bytes.get(digits + 1));
            ends.then_some(digits + 1)
        }
        [b'[', b'^', ..] => {
            let end = text.find(']')?;
            (bytes.get(end + 1) == Some(&b':')).then_some(end + 2)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_counted_where_a_line_begins() {
        for (line, count) in [
            ("", 0),
            ("kata > kata", 0),
            ("> - 1. + [^a]: kata", 5),
            (">>> kata", 3),
            ("> - - -", 1),
            ("* * * * *", 0),
            ("- - - a", 3),
            ("-----", 0),
            ("1.5 kata", 0),
            ("2024) kata", 1),
            ("12345678901. kata", 0),
        ] {
            assert_eq!(marks(line), count, "{line}");
        }
        for deep in ["> ", ">", "- + ", "1. ", "> - ", "[^a]: "] {
            assert!(is_too_deep(&format!("a\r\n{}a", deep.repeat(101))), "{deep}");
            assert!(!is_too_deep(&deep.repeat(50)), "{deep}");
        }
        assert!(!is_too_deep(&"- ".repeat(1000)) && !is_too_deep(&"> a\n".repeat(1000)));
    }
}
