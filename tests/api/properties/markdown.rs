//! Any Markdown gives HTML in which nothing can run.

use proptest::prelude::*;
use scraper::Html;
use serde_json::json;
use warta::articles::model::markdown::render;

use super::{Shared, holds, text};

/// What HTML and Markdown are made of, and what has got past the sanitisers of others.
const PIECES: [&str; 70] = [
    "<",
    ">",
    "</",
    "/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "&",
    "&lt;",
    "&#x3c;",
    "&colon;",
    "&Tab;",
    "\"",
    "'",
    "`",
    "```\n",
    "~~~",
    "*",
    "_",
    "~~",
    "#",
    "\n",
    "\n\n",
    "    ",
    "> ",
    "- ",
    "1. ",
    "|",
    "|-|-|\n",
    "[",
    "](",
    ")",
    "![",
    "[^1]",
    "[^1]: ",
    "[a]: ",
    "<a href=",
    "<img src=",
    "<svg",
    "<math>",
    "<mtext>",
    "<mglyph>",
    "<style>",
    "</style>",
    "<script>",
    "</script>",
    "<iframe",
    "<object data=",
    "<embed src=",
    "<form action=",
    "<table><td>",
    "<select>",
    "<noscript>",
    "<template>",
    "<textarea>",
    "<title>",
    "<xmp>",
    "<base href=//a>",
    "<meta http-equiv=refresh content=",
    "<p id=",
    " onerror=alert(1) ",
    " style=\"x:url(javascript:alert(1))\" ",
    "javascript:alert(1)",
    "JaVa\tScRiPt:",
    "data:text/html,",
    "vbscript:",
    "https://a.example/",
    "//a.example",
];

/// Elements that run something, load something, or take the page over.
const DANGEROUS: [&str; 20] = [
    "script", "style", "iframe", "frame", "frameset", "object", "embed", "applet", "form", "input", "button",
    "select", "textarea", "svg", "math", "base", "meta", "link", "template", "noscript",
];

/// Attributes that hold addresses.
const ADDRESSES: [&str; 12] = [
    "href",
    "src",
    "srcset",
    "cite",
    "action",
    "formaction",
    "data",
    "poster",
    "background",
    "longdesc",
    "xlink:href",
    "ping",
];

fn assert_harmless(html: &str) {
    let page = Html::parse_fragment(html);
    for element in page.tree.values().filter_map(|node| node.as_element()) {
        assert!(!DANGEROUS.contains(&element.name()), "<{}> in {html}", element.name());
        for (name, value) in element.attrs() {
            assert!(!name.to_ascii_lowercase().starts_with("on"), "{name} in {html}");
            if ADDRESSES.contains(&name) {
                let scheme = ["https://", "http://", "https:", "http:", "mailto:", "#"];
                let value = value.to_ascii_lowercase();
                assert!(scheme.iter().any(|scheme| value.starts_with(scheme)), "{name}={value} in {html}");
            }
            if name == "style" {
                assert!(value.starts_with("text-align:") && !value.contains('('), "{name}={value} in {html}");
            }
            // What the page's own scripts look up by name must not be taken by an article.
            if matches!(name, "id" | "name") {
                assert!(value.starts_with("body-"), "{name}={value} in {html}");
            }
        }
    }
}

#[test]
fn no_markdown_makes_a_script() {
    let pieces = prop::collection::vec(
        prop_oneof![9 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned), 1 => text()],
        1..24,
    );
    holds(3000, pieces, |pieces| {
        let rendered = render(&pieces.concat()).unwrap();
        assert_harmless(&rendered.html);
        // A browser that writes what it read, and reads it again, must not see something else.
        assert_harmless(&Html::parse_fragment(&rendered.html).root_element().inner_html());
        assert!(rendered.word_count >= 0 && rendered.reading_minutes >= i32::from(rendered.word_count > 0));
        assert_eq!(render(&pieces.concat()), Ok(rendered));
    });
}

#[test]
fn what_looks_harmless_stays() {
    for (markdown, html) in [
        ("[a](https://a.example/?b=c&d=e#f)", "href=\"https://a.example/?b=c&amp;d=e#f\""),
        ("[a](mailto:a@b.example)", "href=\"mailto:a@b.example\""),
        (
            "![a](https://a.example/a.png \"b\")",
            "<img src=\"https://a.example/a.png\" alt=\"a\" title=\"b\">",
        ),
        ("<u>a</u>", "<u>a</u>"),
        ("`<script>`", "<code>&lt;script&gt;</code>"),
    ] {
        let rendered = render(markdown).unwrap().html;
        assert!(rendered.contains(html), "{rendered}");
        assert_harmless(&rendered);
    }
}
#[test]
fn a_body_of_nothing_but_open_elements_is_refused() {
    let shared = Shared::start();
    for open in ["> ", "<div>", "<ul><li>", "<b></i>"] {
        let body = json!({"title": "Judul", "language": "id", "body": open.repeat(100_000)});
        let answer = shared.runtime.block_on(shared.server.post("/v1/articles", shared.token(), body));
        assert_eq!(answer.expect(422).faults(), [("/body".to_owned(), "too_complex".to_owned())], "{open}");
    }
}
