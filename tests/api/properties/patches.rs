//! A patch makes what RFC 7396 says.

use std::cell::Cell;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Shared, holds};

/// The pseudo-code of RFC 7396, section 2.
fn merged(target: &Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut target = target.as_object().cloned().unwrap_or_default();
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            let present = target.get(name).unwrap_or(&Value::Null);
            let value = merged(present, value);
            target.insert(name.clone(), value);
        }
    }
    Value::Object(target)
}

/// Values that a member may get, `null` among them; some members cannot be without one.
fn member(name: &'static str, values: Vec<Value>) -> impl Strategy<Value = Option<(String, Value)>> {
    prop::option::weighted(0.3, prop::sample::select(values).prop_map(move |value| (name.to_owned(), value)))
}

fn patch() -> impl Strategy<Value = Value> {
    let citation = |title: &str| json!({"source": "source", "url": "https://a.example/", "title": title, "role": "data"});
    let members = (
        member("title", vec![json!("Satu"), json!("Dua dua"), json!(null), json!(7)]),
        member("slug", vec![json!("satu-satu"), json!("dua-dua")]),
        member("language", vec![json!("id"), json!("en"), json!(null)]),
        member("summary", vec![json!("Ringkasan"), json!(""), json!(null)]),
        member("body", vec![json!("Satu *dua*"), json!(null)]),
        member("byline", vec![json!("Redaksi"), json!(null)]),
        member("kicker", vec![json!("Riset"), json!(""), json!(null)]),
        member(
            "tags",
            vec![json!(["one"]), json!(["two", "one"]), json!([]), json!(null), json!(["nothing"])],
        ),
        member(
            "citations",
            vec![json!([citation("a")]), json!([citation("b"), citation("a")]), json!([]), json!(null)],
        ),
        member(
            "image",
            vec![
                json!({"url": "https://a.example/a.png", "alt": "A"}),
                json!({"caption": "C", "alt": null}),
                json!({"url": null}),
                json!({}),
                json!(null),
            ],
        ),
        member(
            "provenance",
            vec![
                json!({"kind": "translated", "tool": "Penerjemah 2", "source_language": "en"}),
                json!({"kind": "human"}),
                json!({"reviewed_by": "Redaksi", "tool": null}),
                json!({"source_language": "ms"}),
                json!({"source_language": null}),
                json!({"kind": null}),
                json!({"digital_source_type": "x"}),
                json!({}),
                json!(null),
            ],
        ),
    );
    members.prop_map(|(a, b, c, d, e, f, g, h, i, j, k)| {
        Value::Object([a, b, c, d, e, f, g, h, i, j, k].into_iter().flatten().collect::<Map<_, _>>())
    })
}

/// Whether a merged input may be, without what it is made of being asked.
fn is_valid(input: &Value) -> bool {
    input["title"].is_string()
        && input["language"].is_string()
        && (input["image"].is_null() || input["image"]["url"].is_string())
        && (input["provenance"].is_null() || input["provenance"]["kind"].is_string())
        && input["provenance"].get("digital_source_type").is_none()
        && (input["provenance"]["source_language"].is_null()
            || input["provenance"]["source_language"] != input["language"])
        && input["tags"] != json!(["nothing"])
}

/// The input that an answer shows, written as a client would: tags and sources by slug, and what is empty
/// left out.
fn shown(article: &Value) -> Value {
    let mut input = Map::new();
    for name in [
        "title",
        "slug",
        "language",
        "kicker",
        "summary",
        "body",
        "byline",
        "image",
        "provenance",
        "tags",
        "citations",
    ] {
        let value = match name {
            "tags" => article[name].as_array().unwrap().iter().map(|tag| tag["slug"].clone()).collect(),
            "citations" => {
                let mut citations = article[name].clone();
                for citation in citations.as_array_mut().unwrap() {
                    citation["source"] = citation["source"]["slug"].take();
                }
                citations
            }
            "image" if article[name].is_object() => without_empty(&article[name]),
            // What is derived is no input.
            "provenance" if article[name].is_object() => {
                let mut provenance = without_empty(&article[name]);
                provenance.as_object_mut().unwrap().remove("digital_source_type").unwrap();
                provenance
            }
            _ => article[name].clone(),
        };
        input.insert(name.to_owned(), value);
    }
    without_empty(&Value::Object(input))
}

fn without_empty(value: &Value) -> Value {
    let empty = |value: &Value| value.is_null() || *value == json!("") || *value == json!([]);
    let members = value.as_object().unwrap().iter().filter(|(_, value)| !empty(value));
    Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
}

#[test]
fn a_patch_does_what_the_standard_says() {
    let shared = Shared::start();
    let (server, token) = (&shared.server, shared.token());
    shared.runtime.block_on(async {
        for name in ["One", "Two"] {
            server.post("/v1/tags", token, json!({"name": name})).await.expect(201);
        }
        server.post("/v1/sources", token, json!({"name": "Source"})).await.expect(201);
    });
    let number = Cell::new(0);
    holds(40, prop::collection::vec(patch(), 1..6), |patches| {
        number.set(number.get() + 1);
        shared.runtime.block_on(async {
            let made = json!({"title": "Judul", "language": "id", "summary": "Awal", "tags": ["two"]});
            let made = server.post("/v1/articles", token, made).await.expect(201);
            let path = format!("/v1/articles/{}", made.body["id"].as_str().unwrap());
            let mut present = made.body;
            for mut patch in patches {
                // Nobody else's.
                if let Some(slug) = patch["slug"].as_str().map(str::to_owned) {
                    patch["slug"] = json!(format!("{slug}-{}", number.get()));
                }
                let expected = merged(&shown(&present), &patch);
                let answer = server.patch(&path, token, patch.clone()).await;
                if is_valid(&expected) {
                    let answer = answer.expect(200);
                    let mut expected = expected;
                    if expected["image"].is_object() {
                        expected["image"] = without_empty(&expected["image"]);
                    }
                    assert_eq!(shown(&answer.body), without_empty(&expected), "{patch}");
                    present = answer.body;
                } else {
                    answer.expect_problem(422, "invalid-body");
                    let same = server.get(&format!("{path}?draft=true"), token).await.expect(200).body;
                    assert_eq!(same, present, "a patch that is refused changes nothing");
                }
            }
        });
    });
}
