//! What holds for any input: proptest looks for one for which it does not, and tells the smallest that it
//! finds.

mod inputs;
mod markdown;
mod patches;
mod requests;
mod walks;

use std::fmt::Debug;

use proptest::{
    prelude::*,
    test_runner::{Config, TestError, TestRunner},
};
use tokio::runtime::Runtime;
use warta::{
    principal::Role,
    values::{FromText, Slug},
};

use crate::support::Server;

/// Holds a property against so many inputs. A failure is told with its smallest input, to be made a test of
/// its own.
pub(crate) fn holds<S: Strategy>(cases: u32, inputs: S, property: impl Fn(S::Value))
where
    S::Value: Debug,
{
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let outcome = TestRunner::new(config).run(&inputs, |input| {
        property(input);
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, input)) => {
            panic!(
                "it does not hold for {input:#?}\n{reason}\nRepair the code, and keep this input in a test of its own."
            )
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// A server that all the inputs of one property share, and an editor's token.
struct Shared {
    runtime: Runtime,
    server: Server,
    token: String,
}

impl Shared {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let (server, token) = runtime.block_on(async {
            let server = Server::start().await;
            let token = server.sign_in(Role::Editor).await;
            (server, token)
        });
        Self { runtime, server, token }
    }

    fn token(&self) -> Option<&str> {
        Some(&self.token)
    }
}

/// Any text, and more often than chance would have it such as has led others astray.
fn text() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "",
        " ",
        "\0",
        "\n",
        "\r\n",
        "\t",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{202e}",
        "\u{fffd}",
        "\u{10ffff}",
        "é",
        "e\u{301}",
        "ﬁ",
        "İ",
        "ß",
        "日本",
        "👩‍🚀",
        "'",
        "\"",
        "\\",
        "%",
        "_",
        "--",
        ";",
        "$1",
        "{}",
        "null",
        "true",
        "0",
        "-1",
        "1e999",
        "a",
        "id",
        "in",
        "en-us",
        "und",
        "zh-hant-tw",
        "tag",
        "source",
        "original",
        "https://a.example/",
        "http://",
        "https://user@a.example",
        "javascript:alert(1)",
        "//a.example",
        "<script>",
        "00000000-0000-0000-0000-000000000000",
        "../",
        "' or 1=1 --",
        "\u{1f1ee}\u{1f1e9}",
    ]);
    prop_oneof![
        3 => prop::collection::vec(words, 1..4).prop_map(|words| words.concat()),
        2 => any::<String>(),
        1 => ("[a-z]{1,3}", 100_usize..1100).prop_map(|(word, times)| word.repeat(times)),
        1 => "[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}",
    ]
}

#[test]
fn a_slug_of_a_slug_is_itself() {
    holds(2000, text(), |text| {
        let made = Slug::make(&text, "article");
        assert_eq!(Slug::make(&made, "article"), made);
        assert_eq!(Slug::from_text(made.to_string()).unwrap(), made, "what is made can be given");
        if let Ok(given) = Slug::from_text(text.clone()) {
            assert_eq!(*given, *text);
        }
    });
}
