//! The limits that the document states are the ones that the code enforces.

use serde_json::{Value, json};
use warta::principal::Role;

use super::{branch, resolved};
use crate::support::{Answer, Article, Cast, Operation, Server, operations};

/// A place in a body whose schema has limits.
#[derive(Debug)]
struct Place {
    pointer: String,
    schema: &'static Value,
}

/// The limited places of a body. The body must have each member that its schema knows.
fn places(id: &str, schema: &'static Value, body: &Value, pointer: &str, found: &mut Vec<Place>) {
    let schema = branch(resolved(schema));
    if schema["maxLength"].is_u64() || schema["minLength"].is_u64() || schema["maxItems"].is_u64() {
        found.push(Place { pointer: pointer.to_owned(), schema });
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let member =
            body.get(name).unwrap_or_else(|| panic!("{id}: give {pointer}/{name} to it in Cast::body"));
        places(id, property, member, &format!("{pointer}/{name}"), found);
    }
    if let Some(items) = schema.get("items") {
        places(id, items, &body[0], &format!("{pointer}/0"), found);
    }
}

/// A text of this many characters that is at fault in nothing but, perhaps, its length.
fn text(place: &Place, length: usize) -> String {
    let schema = place.schema;
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    if names_something(&place.pointer) {
        return "r".repeat(length);
    }
    match schema["format"].as_str() {
        // One that nobody else has.
        Some("password") => {
            let letters = (0..u32::try_from(length).unwrap()).map(|n| 0x4e00 + n * n * 7 % 9_000);
            letters.filter_map(char::from_u32).collect()
        }
        Some("idn-email") if length > 66 => {
            let domain = ["b".repeat(63), "c".repeat(63), "d".repeat(63)].join(".");
            format!("{}@{}", "a".repeat(64), &domain[..length - 65])
        }
        Some("idn-email") => format!("{}@b", "a".repeat(length.saturating_sub(2))),
        _ if schema["pattern"].as_str().is_some_and(|pattern| pattern.contains("://")) => {
            format!("{:a<length$}", "https://a.example/")
        }
        _ if pattern.starts_with("^[A-Za-z0-9]+(-") => match length {
            0..=3 => "id"[..length.min(2)].to_owned(),
            _ => "en-Latn-US-abcdefgh-abcdefgi-abcdefghi"[..length].to_owned(),
        },
        // Any slug and any sentence.
        _ => "a".repeat(length),
    }
}

/// Whether it must name something that is there.
fn names_something(pointer: &str) -> bool {
    pointer.starts_with("/tags/")
        || pointer.ends_with("/source")
        || matches!(pointer, "/translation_of" | "/into")
}

/// Something to name by the shortest and by the longest slug there can be.
async fn make_named(server: &Server, cast: &Cast, longest: usize) {
    for length in [1, longest] {
        let slug = "r".repeat(length);
        let named = json!({"name": "Nama", "slug": slug});
        server.post("/v1/tags", Some(&cast.editor), named.clone()).await.expect(201);
        server.post("/v1/sources", Some(&cast.editor), named).await.expect(201);
        let article = json!({"title": "Judul", "slug": slug, "language": "jv"});
        server.post("/v1/articles", Some(&cast.writer), article).await.expect(201);
    }
}

/// The codes of the faults at a place.
fn codes(answer: &Answer, pointer: &str) -> Vec<String> {
    if answer.status != 422 {
        return Vec::new();
    }
    answer.faults().into_iter().filter(|(place, _)| place == pointer).map(|(_, code)| code).collect()
}

/// Sends the operation's body with one value replaced.
async fn with(server: &Server, cast: &Cast, operation: &Operation, pointer: &str, value: Value) -> Answer {
    let mut request = cast.prepare(server, operation, Article::fit_for(operation.id)).await;
    let body = request.body.as_mut().unwrap();
    if pointer == "/translation_of" {
        body["translation_of"] = value;
        body["language"] = json!("en");
    } else if pointer == "/override_reason" {
        body["override"] = json!(true);
        body["override_reason"] = value;
    } else {
        *body.pointer_mut(pointer).unwrap() = value;
    }
    // Whoever has changed the password needs another body the next time.
    let fresh =
        if operation.id == "change_password" { Some(server.sign_in(Role::Admin).await) } else { None };
    request.send(server, Some(fresh.as_deref().unwrap_or(&cast.admin)), "").await
}

#[tokio::test]
async fn what_the_document_allows_is_accepted_and_one_more_is_refused() {
    let mut tried = 0;
    for operation in operations() {
        let id = operation.id;
        let Some(content) = operation.object["requestBody"]["content"].as_object() else { continue };
        let server = Server::start().await;
        let cast = Cast::of(&server).await;
        let sample = cast.prepare(&server, &operation, Article::fit_for(operation.id)).await.body.unwrap();
        let mut sample = sample;
        if matches!(id, "create_article" | "update_article") {
            sample["translation_of"] = json!("r");
        }
        if id == "publish_article" {
            sample["override"] = json!(true);
            sample["override_reason"] = json!("Mendesak.");
        }
        let mut found = Vec::new();
        places(id, &content.values().next().unwrap()["schema"], &sample, "", &mut found);
        if found.iter().any(|place| names_something(&place.pointer)) {
            make_named(&server, &cast, 120).await;
        }
        for place in &found {
            let pointer = &place.pointer;
            let limit = |name: &str| place.schema[name].as_u64().map(|limit| usize::try_from(limit).unwrap());
            if let Some(max) = limit("maxItems") {
                let elements = elements(&server, &cast, pointer, &sample, max + 1).await;
                let most = json!(elements[..max]);
                assert_accepted(id, pointer, &with(&server, &cast, &operation, pointer, most).await);
                let answer = with(&server, &cast, &operation, pointer, json!(elements)).await;
                assert_eq!(codes(&answer, pointer), ["too_many"], "{id} {pointer}: {}", answer.text);
                tried += 1;
                continue;
            }
            if let Some(max) = limit("maxLength") {
                let most = json!(text(place, max));
                assert_accepted(id, pointer, &with(&server, &cast, &operation, pointer, most).await);
                let answer = with(&server, &cast, &operation, pointer, json!(text(place, max + 1))).await;
                assert_refused(id, pointer, max + 1, &answer);
                tried += 1;
            }
            if let Some(min @ 1..) = limit("minLength") {
                let least = json!(text(place, min));
                assert_accepted(id, pointer, &with(&server, &cast, &operation, pointer, least).await);
                let answer = with(&server, &cast, &operation, pointer, json!(text(place, min - 1))).await;
                assert_refused(id, pointer, min - 1, &answer);
            }
        }
    }
    assert!(tried > 40, "only {tried} limits were found: does the walk miss some?");
}

#[track_caller]
fn assert_accepted(id: &str, pointer: &str, answer: &Answer) {
    // A given password or token is looked at, and is wrong.
    let looked_at = answer.status == 401 || codes(answer, pointer) == ["wrong_password"];
    assert!(answer.status < 300 || looked_at, "{id}: the document allows {pointer}: {}", answer.text);
}

#[track_caller]
fn assert_refused(id: &str, pointer: &str, length: usize, answer: &Answer) {
    let codes = codes(answer, pointer);
    assert!(
        codes.len() == 1 && codes[0] != "wrong_password",
        "{id}: the document does not allow {pointer} to have {length} characters; the answer is {}: {}",
        answer.status,
        answer.text
    );
}

/// So many elements for an array, each of them good.
async fn elements(server: &Server, cast: &Cast, pointer: &str, body: &Value, count: usize) -> Vec<Value> {
    let mut elements = Vec::new();
    for number in 0..count {
        elements.push(match pointer {
            "/tags" => {
                let tag = json!({"name": format!("Rubrik {number}")});
                server.post("/v1/tags", Some(&cast.editor), tag).await.expect(201).body["id"].clone()
            }
            _ => body.pointer(pointer).unwrap()[0].clone(),
        });
    }
    elements
}
