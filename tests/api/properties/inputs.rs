//! Any string in any field of an input is kept as it is, or refused with the field's name.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Shared, holds, text};

/// Where a string may stand: what is made, where in its input, and where in the answer (nowhere: it names
/// something else).
const FIELDS: [(&str, &str, Option<&str>); 27] = [
    ("articles", "/title", Some("/title")),
    ("articles", "/slug", Some("/slug")),
    ("articles", "/language", None),
    ("articles", "/summary", Some("/summary")),
    ("articles", "/body", Some("/body")),
    ("articles", "/byline", Some("/byline")),
    ("articles", "/kicker", Some("/kicker")),
    ("articles", "/image/url", Some("/image/url")),
    ("articles", "/image/alt", Some("/image/alt")),
    ("articles", "/image/caption", Some("/image/caption")),
    ("articles", "/image/credit", Some("/image/credit")),
    ("articles", "/provenance/kind", Some("/provenance/kind")),
    ("articles", "/provenance/tool", Some("/provenance/tool")),
    ("articles", "/provenance/reviewed_by", Some("/provenance/reviewed_by")),
    ("articles", "/provenance/source_language", None),
    ("articles", "/tags/0", None),
    ("articles", "/citations/0/url", Some("/citations/0/url")),
    ("articles", "/citations/0/title", Some("/citations/0/title")),
    ("articles", "/citations/0/source", None),
    ("articles", "/citations/0/role", Some("/citations/0/role")),
    ("articles", "/translation_of", None),
    ("tags", "/name", Some("/name")),
    ("tags", "/slug", Some("/slug")),
    ("tags", "/description", Some("/description")),
    ("sources", "/name", Some("/name")),
    ("sources", "/homepage_url", Some("/homepage_url")),
    ("sources", "/language", None),
];

/// An input in which every string field is valid.
fn valid(kind: &str) -> Value {
    match kind {
        "articles" => json!({
            "title": "Judul", "slug": null, "language": "id", "kicker": "Riset", "summary": "", "body": "", "byline": "Redaksi",
            "image": {"url": "https://a.example/", "alt": "", "caption": "", "credit": ""},
            // No text that is tried is this language.
            "provenance": {
                "kind": "translated", "tool": "Penerjemah", "reviewed_by": "Redaksi", "source_language": "zh-Hant-HK",
            },
            "tags": ["tag"], "translation_of": null,
            "citations": [{"source": "source", "url": "https://a.example/", "title": "Laporan", "role": "data"}],
        }),
        "tags" => json!({"name": "Nama", "slug": null, "description": ""}),
        _ => json!({"name": "Nama", "homepage_url": null, "description": "", "language": null}),
    }
}

#[test]
fn any_string_is_kept_or_refused_with_its_place() {
    let shared = Shared::start();
    let (server, token) = (&shared.server, shared.token());
    for kind in ["tag", "source"] {
        let made =
            server.post(if kind == "tag" { "/v1/tags" } else { "/v1/sources" }, token, json!({"name": kind}));
        shared.runtime.block_on(made).expect(201);
    }
    holds(300, (prop::sample::select(FIELDS.to_vec()), text()), |((kind, field, answered), text)| {
        let mut input = valid(kind);
        *input.pointer_mut(field).unwrap() = json!(text);
        shared.runtime.block_on(async {
            let answer = server.post(&format!("/v1/{kind}"), token, input.clone()).await;
            if answer.status == 201 {
                if let Some(place) = answered {
                    assert_eq!(answer.body.pointer(place), Some(&json!(text)), "{kind}{field}");
                }
                let path = answer.header("location");
                let path = if kind == "articles" { format!("{path}?draft=true") } else { path.to_owned() };
                assert_eq!(server.get(&path, token).await.expect(200).body, answer.body);
                // What was canonicalised is canonical.
                if field == "/language" {
                    input["language"] = answer.body["language"].clone();
                    let again = server.post(&format!("/v1/{kind}"), token, input).await.expect(201);
                    assert_eq!(again.body["language"], answer.body["language"]);
                }
            } else {
                let status = if answer.body["type"] == "/problems/slug-taken" { 409 } else { 422 };
                let places = answer.expect(status).faults();
                assert!(places.iter().all(|(place, _)| place == field), "{kind}{field}: {places:?}");
                assert!(!places.is_empty());
            }
        });
    });
}
