//! The schemas of the OpenAPI document, made to say what is meant.

use serde_json::{Map, Value};

/// Puts what is said of an inlined member beside its schema.
///
/// utoipa writes a described member whose schema is inlined as `allOf: [schema, {type: object, description}]`, which no string
/// can satisfy. Here it becomes `{...schema, description}`, everywhere in the document.
pub fn unwrap_described(document: &mut Value) {
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

/// The two parts of a described member.
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
    use serde_json::json;
    use utoipa::{PartialSchema, ToSchema};

    use super::*;
    use crate::values::Line;

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Sample {
        /// What it is called.
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
        assert_eq!(name["description"], "What it is called.");
        assert!(name.get("allOf").is_none());
    }

    #[test]
    fn a_real_composition_stays() {
        let document = json!({"allOf": [{"type": "object"}, {"type": "object", "properties": {}}]});
        let mut same = document.clone();
        unwrap_described(&mut same);
        assert_eq!(same, document);
    }
}
