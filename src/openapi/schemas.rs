//! Corrections to the schemas of the OpenAPI document that utoipa makes.

use serde_json::{Map, Value, json};

/// Moves the description of an inlined member next to its schema.
///
/// utoipa writes a described member whose schema is inlined as `allOf: [schema, {type: object,
/// description}]`, which no string can satisfy. Here it becomes `{...schema, description}`, everywhere in the
/// document.
pub(crate) fn unwrap_described(document: &mut Value) {
    match document {
        Value::Array(elements) => elements.iter_mut().for_each(unwrap_described),
        Value::Object(members) => {
            members.values_mut().for_each(unwrap_described);
            if let Some((schema, notes)) = described(members) {
                members.remove("allOf");
                members.extend(schema);
                members.extend(notes.into_iter().filter(|(name, _)| name != "type"));
            }
        }
        _ => {}
    }
}

/// Turns a schema that is made of others, which serde flattens into one object, into that one object, which
/// is what clients get. Schemas that are only parts of others are removed from the document.
pub(crate) fn merge_flattened(document: &mut Value) {
    const ROOT: &str = "#/components/schemas/";
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let all = schemas.clone();
    let part = |part: &Value| match part["$ref"].as_str().and_then(|path| path.strip_prefix(ROOT)) {
        Some(name) => (all.get(name).cloned(), Some(name.to_owned())),
        None => (Some(part.clone()), None),
    };
    let mut parts_only = Vec::new();
    for schema in schemas.values_mut() {
        let Some(parts) = schema["allOf"].as_array() else { continue };
        let (parts, names): (Vec<_>, Vec<_>) = parts.iter().map(part).unzip();
        let Some(parts) = parts.into_iter().collect::<Option<Vec<Value>>>() else { continue };
        if !parts.iter().all(|part| part["properties"].is_object()) {
            continue;
        }
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for mut part in parts {
            properties.extend(part["properties"].as_object_mut().map(std::mem::take).unwrap_or_default());
            required.extend(part["required"].as_array_mut().map(std::mem::take).unwrap_or_default());
        }
        let Some(members) = schema.as_object_mut() else { continue };
        members.remove("allOf");
        members.extend([
            ("type".to_owned(), json!("object")),
            ("properties".to_owned(), properties.into()),
            ("required".to_owned(), required.into()),
        ]);
        parts_only.extend(names.into_iter().flatten());
    }
    for name in parts_only {
        let reference = json!(format!("{ROOT}{name}"));
        if !refers_to(document, &reference)
            && let Some(schemas) = document["components"]["schemas"].as_object_mut()
        {
            schemas.remove(&name);
        }
    }
}

/// Names the words of an enumeration if they differ in a sign alone: `-title` and `title` are one identifier
/// to a program that generates a client. Such programs take the names in `x-enum-varnames`.
pub(crate) fn name_words(document: &mut Value) {
    match document {
        Value::Array(elements) => elements.iter_mut().for_each(name_words),
        Value::Object(members) => {
            members.values_mut().for_each(name_words);
            let words = members.get("enum").and_then(Value::as_array);
            let words: Vec<_> = words.into_iter().flatten().filter_map(Value::as_str).collect();
            if words.iter().any(|word| word.starts_with('-')) {
                let name = |word: &&str| match word.strip_prefix('-') {
                    Some(word) => format!("{word}_descending"),
                    None => (*word).to_owned(),
                };
                let names: Vec<_> = words.iter().map(name).collect();
                members.insert("x-enum-varnames".to_owned(), json!(names));
            }
        }
        _ => {}
    }
}

/// Returns `true` if a value contains this reference.
pub(crate) fn refers_to(value: &Value, reference: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|element| refers_to(element, reference)),
        Value::Object(members) => {
            members.get("$ref") == Some(reference)
                || members.values().any(|member| refers_to(member, reference))
        }
        _ => false,
    }
}

/// Names the pages of a list after their elements: `Page_Tag`, utoipa's name for an instance of a generic
/// type, becomes `TagPage`, and its elements refer to `Tag` instead of repeating it.
pub(crate) fn name_pages(document: &mut Value) {
    const PREFIX: &str = "Page_";
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let pages: Vec<_> = schemas.keys().filter(|name| name.starts_with(PREFIX)).cloned().collect();
    for name in pages {
        let Some(mut page) = schemas.remove(&name) else { continue };
        let element = &name[PREFIX.len()..];
        page["properties"]["data"]["items"] = json!({"$ref": format!("#/components/schemas/{element}")});
        schemas.insert(format!("{element}Page"), page);
    }
    rename_pages(&mut document["paths"], &format!("#/components/schemas/{PREFIX}"));
}

fn rename_pages(value: &mut Value, prefix: &str) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| rename_pages(element, prefix)),
        Value::Object(members) => members.values_mut().for_each(|member| rename_pages(member, prefix)),
        Value::String(text) => {
            if let Some(element) = text.strip_prefix(prefix) {
                *text = format!("#/components/schemas/{element}Page");
            }
        }
        _ => {}
    }
}

/// Returns the schema and the notes of a described member.
fn described(members: &Map<String, Value>) -> Option<(Map<String, Value>, Map<String, Value>)> {
    const NOTES: [&str; 6] = ["type", "title", "description", "default", "readOnly", "writeOnly"];
    match members.get("allOf")?.as_array()?.as_slice() {
        [Value::Object(schema), Value::Object(notes)]
            if notes.get("type").is_some_and(|kind| kind == "object")
                && notes.keys().all(|name| NOTES.contains(&name.as_str())) =>
        {
            Some((schema.clone(), notes.clone()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use utoipa::{PartialSchema, ToSchema};

    use super::*;
    use crate::values::Line;

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Sample {
        /// The name that it has.
        #[schema(inline)]
        name: Line<1, 9>,
    }

    #[test]
    fn a_described_member_keeps_its_schema_and_its_description() {
        let mut document = json!({"schemas": [Sample::schema()]});
        unwrap_described(&mut document);
        let name = &document["schemas"][0]["properties"]["name"];
        assert_eq!(name["type"], "string");
        assert_eq!(name["maxLength"], 9);
        assert_eq!(name["description"], "The name that it has.");
        assert!(name.get("allOf").is_none());
    }

    #[test]
    fn what_is_flattened_is_one_object() {
        let part = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
        let own = json!({"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]});
        let whole = json!({"description": "Both.", "allOf": [{"$ref": "#/components/schemas/Part"}, own]});
        let other = json!({"allOf": [{"$ref": "#/components/schemas/Whole"}, {"type": "null"}]});
        let mut document = json!({"components": {"schemas": {"Part": part, "Whole": whole, "Other": other}}});
        merge_flattened(&mut document);
        let properties = json!({"a": {"type": "string"}, "b": {"type": "string"}});
        let merged = json!({"description": "Both.", "type": "object", "properties": properties, "required": ["a", "b"]});
        assert_eq!(document, json!({"components": {"schemas": {"Whole": merged, "Other": other}}}));
    }

    #[test]
    fn a_real_composition_stays() {
        let document = json!({"allOf": [{"type": "object"}, {"type": "object", "properties": {}}]});
        let mut same = document.clone();
        unwrap_described(&mut same);
        assert_eq!(same, document);
    }
}
