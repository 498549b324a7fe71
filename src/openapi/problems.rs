//! The problems in the OpenAPI document: a schema for each type, and the types that an operation can answer.

use serde_json::{Map, Value, json};

use crate::error::ProblemType;

/// The extension by which a response of an operation names its kinds of problems, if its status has several.
const EXTENSION: &str = "x-problems";

/// The request id in examples.
pub(super) const REQUEST_ID: &str = "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77";

/// Returns the name of a kind's schema, such as `SlugTakenProblem`.
fn name_of(kind: ProblemType) -> String {
    let mut name = String::new();
    for word in kind.info().name.split('-') {
        let (first, rest) = word.split_at(1);
        name.push_str(&first.to_uppercase());
        name.push_str(rest);
    }
    name + "Problem"
}

/// Returns the schema of each kind: its `type` is one word, and it has the members of its kind.
pub(super) fn schemas() -> impl Iterator<Item = (String, Value)> {
    ProblemType::ALL.into_iter().map(|kind| {
        let info = kind.info();
        let mut properties = members(kind);
        let always = properties.keys().filter(|name| !SOMETIMES.contains(&name.as_str()));
        let required: Value = always.map(String::as_str).chain(["type"]).collect();
        properties.insert(
            "type".to_owned(),
            json!({"type": "string", "const": format!("/problems/{}", info.name)}),
        );
        let own = json!({"type": "object", "properties": properties, "required": required});
        let schema = json!({
            "description": info.explanation,
            "allOf": [{"$ref": "#/components/schemas/Problem"}, own],
        });
        (name_of(kind), schema)
    })
}

/// The members that a `412` has only if there is a current state, and the caller is allowed to see it.
const SOMETIMES: [&str; 4] = ["current_etag", "saved_by", "saved_at", "revision"];

/// Returns the members that a kind adds to those of every problem (RFC 9457, section 3.2).
fn members(kind: ProblemType) -> Map<String, Value> {
    let members = match kind {
        ProblemType::Retracted => json!({
            "reason": {"type": "string", "description": "Why the story was taken back, for readers."},
            "retracted_at": {"type": "string", "format": "date-time", "description": "When the story was taken back."},
        }),
        ProblemType::NotAllowedInState => json!({
            "state": {"$ref": "#/components/schemas/State"},
            "allowed": {
                "type": "array", "items": {"$ref": "#/components/schemas/Action"},
                "description": "The actions that the state allows. Your role decides if you can do them.",
            },
        }),
        ProblemType::AlreadyCovered => json!({"article": {
            "type": "object",
            "description": "The story that covers the first of the documents.",
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "slug": {"$ref": "#/components/schemas/Slug"},
                "title": {"type": "string"},
                "status": {"$ref": "#/components/schemas/Status"},
                "href": {"type": "string", "format": "uri-reference", "description": "The path at which you can read the story."},
            },
            "required": ["id", "slug", "title", "status", "href"],
        }}),
        ProblemType::NotAcceptable => json!({"available": {
            "type": "array", "items": {"type": "string"}, "description": "The media types to choose from.",
        }}),
        ProblemType::PreconditionFailed => json!({
            "current_etag": {"type": "string", "description": "The ETag of the present state."},
            "saved_by": {"$ref": "#/components/schemas/EditorLink"},
            "saved_at": {"type": "string", "format": "date-time", "description": "When the present draft was saved."},
            "revision": {"type": "integer", "minimum": 1, "description": "The number of the draft's newest revision."},
        }),
        ProblemType::SourceCited => json!({"article_count": {
            "type": "integer", "minimum": 0, "description": "The number of articles you can see that cite the source.",
        }}),
        _ => json!({}),
    };
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Returns the kinds of problems that a response of an operation stands for: those of its status or, if the
/// status has several, those that the response names. [`ProblemType::Conflict`] is always among them, since a
/// change can collide with any other one.
pub(super) fn take_kinds(status: u16, response: &mut Value) -> Vec<ProblemType> {
    let mut kinds: Vec<_> =
        ProblemType::ALL.into_iter().filter(|kind| kind.info().status == status).collect();
    if let Some(named) = response.as_object_mut().and_then(|response| response.remove(EXTENSION)) {
        let is_named = |kind: &ProblemType| {
            *kind == ProblemType::Conflict
                || named.as_array().is_some_and(|names| names.contains(&json!(kind)))
        };
        kinds.retain(is_named);
    }
    kinds
}

/// Returns the content of a response that can be a problem of each of these kinds.
pub(super) fn content(kinds: &[ProblemType], detail: &str) -> Value {
    let reference = |kind: &ProblemType| json!({"$ref": format!("#/components/schemas/{}", name_of(*kind))});
    let schema = match kinds {
        [kind] => reference(kind),
        kinds => {
            let mapping: Map<_, _> = kinds
                .iter()
                .map(|kind| (format!("/problems/{}", kind.info().name), reference(kind)["$ref"].clone()))
                .collect();
            json!({
                "oneOf": kinds.iter().map(reference).collect::<Vec<_>>(),
                "discriminator": {"propertyName": "type", "mapping": mapping},
            })
        }
    };
    let mut content = json!({"schema": schema});
    if let Some(kind) = kinds.first() {
        let info = kind.info();
        content["example"] = json!({
            "type": format!("/problems/{}", info.name),
            "title": info.title,
            "status": info.status.as_u16(),
            "detail": detail,
            "request_id": REQUEST_ID,
        });
        for (name, schema) in members(*kind) {
            content["example"][name.as_str()] = example(&name, &schema);
        }
    }
    content
}

/// Returns a value of a member, for examples.
fn example(name: &str, schema: &Value) -> Value {
    match name {
        "reason" => json!("Angka utama dalam berita ini ternyata dikarang oleh narasumbernya."),
        "retracted_at" => json!("2026-11-24T07:30:00Z"),
        "state" => json!("trashed"),
        "allowed" => json!(["restore", "delete"]),
        "article" => json!({
            "id": "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a78",
            "slug": "model-bahasa-daerah",
            "title": "Model bahasa terbuka kini memahami tujuh bahasa daerah",
            "status": "published",
            "href": "/v1/articles/model-bahasa-daerah",
        }),
        "available" => json!(["application/json", "application/ld+json"]),
        "current_etag" => json!("\"3.q1hYy0c8a0mJ2sX4n5W7bQ\""),
        "saved_by" => json!({"id": "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a79", "name": "Ayu Lestari"}),
        "saved_at" => json!("2026-11-24T07:30:00Z"),
        _ if schema["type"] == "integer" => json!(3),
        _ => Value::Null,
    }
}
