//! Whatever body is sent, it is saved or refused, and soon.

use std::time::{Duration, Instant};

use futures::future::join;
use proptest::prelude::*;
use warta::{
    articles::model::markdown::{MAX_BODY_BYTES, TooComplex, render},
    principal::Role,
};

use super::story;
use crate::support::Server;

/// What has cost parsers of Markdown and HTML the square of its length, or what makes them remember.
const PIECES: [&str; 64] = [
    "[",
    "![",
    "[](",
    "[a](<",
    "[a][",
    "](a)",
    "*",
    "_",
    "**a ",
    "*a_ ",
    "~~",
    "`",
    "``` ",
    "`a``",
    "<",
    "<a",
    "</",
    "<!--",
    "<?",
    "<![CDATA[",
    "& ",
    "&",
    "&amp;",
    "\\",
    "a\n",
    "\n",
    "> ",
    "- ",
    "+ - * ",
    "1. ",
    "> a\n\n",
    "|-|\n",
    "a|b\n-|-\n",
    "[^1]",
    "[^1]: a\n",
    "[a]: b\n",
    "# a\n",
    "    a\n",
    "\t",
    "***a ",
    "<a href=\"",
    "<div>",
    "<h1></h2>",
    "<b>",
    "</b>",
    "<p>",
    "<table>",
    "<td>",
    "<i></i>",
    "<a><p>",
    "<svg>",
    "<select>",
    "<template>",
    "<font a=1>",
    "<a b",
    " b c=d",
    "<html a>",
    "<div title=\"</div>\">\n",
    "<a</b",
    "\u{a0}",
    "é",
    "a@b.c ",
    "<td style=\"a:b;",
    "e\u{323}",
];

/// A body of the greatest length: one thing after another, each many times.
fn body() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES.to_vec()), 1..4).prop_map(|pieces| {
        let each = MAX_BODY_BYTES / pieces.len();
        pieces.iter().map(|piece| piece.repeat(each / piece.len())).collect()
    })
}

/// The worst that was found, for each way in which it was bad.
fn worst() -> Vec<(&'static str, String)> {
    let fill = |piece: &str| piece.repeat(MAX_BODY_BYTES / piece.len());
    let formatting = |count: usize| (0..count).map(|number| format!("<b x={number}>")).collect::<String>();
    let mut attributes = "<a ".to_owned();
    (0..160_000).for_each(|number| attributes += &format!("{number:x} "));
    vec![
        ("names that close nothing", fill("<h1></h2>")),
        ("tags within tags", format!("<div>{}", "<a</b".repeat(200_000))),
        ("what is escaped", format!("<p>{}", "& ".repeat(520_000))),
        ("quotes that go on", "> ".repeat(262_144) + &"a\n".repeat(262_144)),
        ("lists that go on", "- + ".repeat(131_072) + &"\n".repeat(524_288)),
        ("attributes", format!("{attributes}>")),
        ("attributes of the root", (0..90_000).map(|number| format!("<html a{number:x}>")).collect()),
        ("formatting that is opened again", "<p>".to_owned() + &formatting(90) + &"<p>a".repeat(250_000)),
        (
            "a link that is opened again",
            format!("<p><a href=\"https://a/{}\">{}", "é".repeat(250_000), "<p>a".repeat(130_000)),
        ),
        ("what is not for tables", format!("<table>{}", "<i></i>".repeat(140_000))),
        ("nested styles", format!("<td style=\"{}\">", "(".repeat(1_000_000))),
        ("a name of a host", format!("[a](https://{}/)", "é.".repeat(340_000))),
        ("empty cells", format!("|{}\n|{}\n{}", "a|".repeat(1000), "-|".repeat(1000), "|\n".repeat(500_000))),
        ("references", format!("[a]: <https://a/{}>\n\n{}", "a".repeat(500_000), "[a]".repeat(180_000))),
        ("marks by number", fill("&#836;&#803;")),
    ]
}

#[tokio::test]
async fn each_of_the_worst_bodies_is_saved_or_refused_and_others_go_on_saving() {
    let server = Server::start().await;
    let (one, other) = (server.sign_in(Role::Writer).await, server.sign_in(Role::Writer).await);
    let (one, other) = (Some(one.as_str()), Some(other.as_str()));
    for (name, body) in worst() {
        let started = Instant::now();
        let giant = async { (server.post("/v1/articles", one, story(body)).await, started.elapsed()) };
        let stories = async {
            for number in 0..3 {
                server.post("/v1/articles", other, story(format!("Cerita {number}."))).await.expect(201);
            }
            started.elapsed()
        };
        let ((answer, took), others_took) = join(giant, stories).await;
        // Five seconds of one core, and two; a slow and busy machine has a while more.
        assert!(took < Duration::from_secs(60) && others_took < Duration::from_secs(30), "{name}: {took:?}");
        if answer.status != 201 {
            let faults = answer.expect(422).faults();
            let [(place, code)] = faults.as_slice() else { panic!("{name}: {faults:?}") };
            assert_eq!(place, "/body", "{name}");
            assert!(["too_complex", "too_long", "too_many_marks"].contains(&code.as_str()), "{name}: {code}");
        }
    }
}

#[test]
fn any_body_is_rendered_or_refused_in_time() {
    crate::properties::holds(24, body(), |body| {
        let started = Instant::now();
        match render(&body) {
            Ok(rendered) => assert!(rendered.html.len() <= 4 * 1024 * 1024),
            Err(TooComplex::Nested | TooComplex::Costly | TooComplex::Long | TooComplex::Marks) => {}
        }
        assert!(started.elapsed() < Duration::from_secs(60), "it took {:?}", started.elapsed());
    });
}
