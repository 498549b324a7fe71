//! The OpenAPI document: complete, true to the code, and the one that is committed.

mod limits;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{document, escaped, hold, operations};

#[test]
fn the_committed_document_is_the_generated_one() {
    let committed = std::fs::read_to_string("openapi/openapi.json").unwrap_or_default();
    assert!(
        committed == format!("{:#}\n", document()),
        "openapi/openapi.json is stale: run `cargo run -- openapi > openapi/openapi.json`, look at the difference as a \
         client would, and commit it"
    );
}

#[test]
fn every_operation_is_described() {
    let declared: BTreeSet<_> =
        document()["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    let mut used = BTreeSet::new();
    for operation in operations() {
        let (id, object) = (operation.id, operation.object);
        assert!(ids.insert(id), "{id}: the operation id is there twice");
        for name in ["summary", "description"] {
            let text = object[name].as_str().unwrap_or_default();
            assert!(
                !text.trim().is_empty(),
                "{id}: no {name}; the first line of the handler's doc comment is the summary, what follows the description"
            );
        }
        let summary = object["summary"].as_str().unwrap();
        assert!(!summary.ends_with('.') && !summary.contains('\n'), "{id}: {summary:?} is no title");
        let tags: Vec<_> =
            object["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
        assert!(tags.len() == 1 && declared.contains(tags[0]), "{id}: {tags:?} is not one declared tag");
        used.extend(tags);
        assert!(object["security"].as_array().is_some_and(|ways| !ways.is_empty()), "{id}: no security");
        let statuses: Vec<_> = object["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        for class in ['2', '4', '5'] {
            assert!(statuses.iter().any(|status| status.starts_with(class)), "{id}: no {class}xx response");
        }
        for (status, response) in object["responses"].as_object().unwrap() {
            let response = resolved(response);
            let text = response["description"].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{id}: the response {status} has no description");
        }
        for parameter in object["parameters"].as_array().into_iter().flatten() {
            let text =
                parameter["description"].as_str().or(resolved(&parameter["schema"])["description"].as_str());
            assert!(
                text.is_some_and(|text| !text.is_empty()),
                "{id}: {} has no description",
                parameter["name"]
            );
        }
        let templated: BTreeSet<_> =
            operation.template.split(['{', '}']).skip(1).step_by(2).map(str::to_owned).collect();
        let declared: BTreeSet<_> = object["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(templated, declared, "{id}: its path parameters");
    }
    assert_eq!(used, declared, "a declared tag has no operation");
}

#[test]
fn every_body_has_an_example() {
    for operation in operations() {
        let content = operation.object["requestBody"]["content"].as_object().into_iter().flatten();
        for (media_type, content) in content {
            let schema = branch(resolved(&content["schema"]));
            let given = [content, schema]
                .iter()
                .any(|place| place.get("example").is_some() || place.get("examples").is_some());
            assert!(given, "{}: its body as {media_type} has no example", operation.id);
        }
    }
}

/// What a reference leads to.
fn resolved(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let target = document().pointer(reference.trim_start_matches('#'));
            resolved(target.unwrap_or_else(|| panic!("{reference} leads nowhere")))
        }
        None => value,
    }
}

/// The branch of a choice that is not `null`.
fn branch(schema: &'static Value) -> &'static Value {
    let branches = schema["oneOf"].as_array().into_iter().flatten();
    match branches.map(resolved).find(|branch| branch["type"] != "null") {
        Some(found) => branch(found),
        None => schema,
    }
}

/// Calls `see` with each object of the document that may have an example, and the pointer to it. What stands
/// inside an example, a default or a list of values is data and not looked into.
fn walk(value: &'static Value, pointer: &str, is_names: bool, see: &mut impl FnMut(&'static Value, &str)) {
    match value {
        Value::Object(members) => {
            if !is_names {
                see(value, pointer);
            }
            for (name, member) in members {
                let is_data = ["example", "examples", "default", "enum", "const"].contains(&name.as_str());
                if !is_names && is_data {
                    continue;
                }
                let maps = [
                    "properties",
                    "responses",
                    "headers",
                    "content",
                    "schemas",
                    "paths",
                    "patternProperties",
                ];
                let names = !is_names && maps.contains(&name.as_str());
                walk(member, &format!("{pointer}/{}", escaped(name)), names, see);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                walk(element, &format!("{pointer}/{index}"), false, see);
            }
        }
        _ => {}
    }
}

#[test]
fn every_example_is_valid() {
    let mut count = 0;
    walk(document(), "", false, &mut |object, pointer| {
        // A parameter, a header and a media type have their schema below them; a schema is one itself.
        let (schema, described) = match object.get("schema") {
            Some(_) => (format!("{pointer}/schema"), true),
            None => (pointer.to_owned(), false),
        };
        let mut check = |example: &Value| {
            count += 1;
            hold(&format!("the example at #{pointer}"), &schema, example);
        };
        if let Some(example) = object.get("example") {
            check(example);
        }
        match object.get("examples") {
            // Of a schema.
            Some(Value::Array(examples)) if !described => examples.iter().for_each(&mut check),
            // Of anything else: Example Objects.
            Some(Value::Object(examples)) if described => {
                examples.values().for_each(|example| check(&example["value"]));
            }
            Some(other) => panic!("#{pointer}: these are no examples: {other}"),
            None => {}
        }
    });
    assert!(count > 50, "only {count} examples were found: does the walk miss some?");
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let mut used = BTreeSet::new();
    walk(document(), "", false, &mut |object, pointer| {
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            let target = reference.trim_start_matches('#');
            assert!(document().pointer(target).is_some(), "#{pointer}: {reference} leads nowhere");
            used.insert(target.to_owned());
        }
    });
    for (kind, components) in document()["components"].as_object().unwrap() {
        if kind == "securitySchemes" {
            continue;
        }
        for name in components.as_object().unwrap().keys() {
            let target = format!("/components/{kind}/{name}");
            assert!(used.contains(&target), "#{target} is not used: remove it, or refer to it");
        }
    }
}

#[test]
fn every_required_member_is_there() {
    walk(document(), "", false, &mut |object, pointer| {
        if object["type"] != "object" {
            return;
        }
        for name in object["required"].as_array().into_iter().flatten() {
            let known = object["properties"].get(name.as_str().unwrap()).is_some();
            assert!(known, "#{pointer}: {name} is required and not described");
        }
    });
}
