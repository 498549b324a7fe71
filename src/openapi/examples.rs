//! Adds the examples to the OpenAPI document: each body gets one, put together from the schemas of its
//! members.

use serde_json::{Map, Value, json};

/// Gives each body that has no example one that its schema allows.
pub(super) fn complete(document: &mut Value) {
    let components = document["components"].clone();
    let responses = document["components"]["responses"].as_object_mut().into_iter().flatten();
    responses.for_each(|(_, response)| fill(response, &components));
    let items = document["paths"].as_object_mut().into_iter().flatten();
    for operation in items.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten().map(|(_, it)| it))
    {
        if let Some(body) = operation.get_mut("requestBody") {
            fill(body, &components);
        }
        let responses = operation["responses"].as_object_mut().into_iter().flatten();
        responses.for_each(|(_, response)| fill(response, &components));
    }
}

/// Adds an example to each media type of a body or response.
fn fill(body: &mut Value, components: &Value) {
    let contents = body.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, content) in contents {
        if content.get("example").is_none()
            && let Some(schema) = content.get("schema")
        {
            content["example"] = of(schema, components);
        }
    }
}

/// Returns a value that a schema of this document allows: the schema's own example, or one made from its
/// parts.
fn of(schema: &Value, components: &Value) -> Value {
    let given = schema.get("example").or_else(|| schema["examples"].get(0));
    if let Some(value) = given.or_else(|| schema["enum"].get(0)).or_else(|| schema.get("default")) {
        return value.clone();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return of(&components["schemas"][name], components);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let choice = choices.iter().find(|choice| choice["type"] != "null");
        return choice.map_or(Value::Null, |choice| of(choice, components));
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| **kind != "null").unwrap_or(&Value::Null),
        kind => kind,
    };
    match kind.as_str() {
        Some("object") => {
            let members = schema["properties"].as_object().into_iter().flatten();
            let example: Map<_, _> =
                members.map(|(name, member)| (name.clone(), of(member, components))).collect();
            example.into()
        }
        Some("array") => json!([of(&schema["items"], components)]),
        Some("integer") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        Some("string") => match schema["format"].as_str() {
            Some("uuid") => json!("0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77"),
            Some("date-time") => json!("2026-08-17T10:00:00Z"),
            Some("uri") => json!("https://warta.example/"),
            _ => json!("text"),
        },
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every example of the document, with the pointer of its schema.
    fn examples(value: &Value, at: &str, found: &mut Vec<(String, Value)>) {
        if let (Some(example), Some(_)) = (value.get("example"), value.get("schema")) {
            found.push((format!("{at}/schema"), example.clone()));
        }
        let escaped =
            |key: &str| key.replace('~', "~0").replace('/', "~1").replace('{', "%7B").replace('}', "%7D");
        match value {
            Value::Object(members) => {
                members
                    .iter()
                    .for_each(|(key, value)| examples(value, &format!("{at}/{}", escaped(key)), found));
            }
            Value::Array(elements) => {
                elements
                    .iter()
                    .enumerate()
                    .for_each(|(index, value)| examples(value, &format!("{at}/{index}"), found));
            }
            _ => {}
        }
    }

    #[test]
    fn every_body_has_an_example_that_its_schema_allows() {
        let document = crate::app::document();
        let mut found = Vec::new();
        examples(&document, "#", &mut found);
        let media_types = document.to_string().matches("\"content\":").count();
        assert!(found.len() >= media_types, "{} examples, {media_types} bodies", found.len());
        for (pointer, example) in found {
            let mut root = document.clone();
            root["$ref"] = json!(pointer);
            let validator = jsonschema::options()
                .with_draft(jsonschema::Draft::Draft202012)
                .should_validate_formats(true)
                .build(&root)
                .unwrap();
            let faults: Vec<_> = validator.iter_errors(&example).map(|error| error.to_string()).collect();
            assert!(faults.is_empty(), "{pointer}: give its members an example: {faults:?}");
        }
    }
}
