//! Each answer that a test sees is held against the OpenAPI document: its status, its headers, its media type
//! and its body must be there. So is each body that was accepted.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::Validator;
use reqwest::{
    Method,
    header::{self, HeaderMap},
};
use serde_json::{Value, json};
use warta::error::ProblemType;

/// The OpenAPI document, as the program generates it.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(warta::app::document);
    &DOCUMENT
}

/// The document with every object closed, so that a member which it does not name is found.
fn closed() -> &'static Value {
    static CLOSED: LazyLock<Value> = LazyLock::new(|| {
        let mut document = document().clone();
        let schemas = document["components"]["schemas"].as_object_mut().unwrap();
        for (name, schema) in schemas {
            // Kinds of problems have members of their own, and no others.
            if name.ends_with("Problem") && name != "Problem" {
                schema["unevaluatedProperties"] = json!(false);
            } else if name != "Problem" && schema.get("properties").is_some() {
                schema["additionalProperties"] = json!(false);
            }
        }
        document
    });
    &CLOSED
}

/// Headers that belong to HTTP itself, to the Fetch standard, or to every answer alike, and are not the
/// operations'.
const GENERAL: [&str; 13] = [
    "content-encoding",
    "content-type",
    "content-length",
    "transfer-encoding",
    "connection",
    "date",
    "allow",
    "vary",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "content-security-policy",
    "referrer-policy",
    "x-content-type-options",
];

/// What was sent and what came back.
pub(crate) struct Exchange<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) sent: Option<&'a Value>,
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// What holds for every answer, whatever it answers.
pub(crate) fn check_common(status: u16, headers: &HeaderMap, body: &[u8]) {
    assert!(headers.contains_key("x-request-id"), "{status} without X-Request-Id");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    if status >= 400 && !body.is_empty() {
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        let problem: Value = serde_json::from_slice(body).unwrap();
        let name = problem["type"].as_str().unwrap().trim_start_matches("/problems/");
        assert!(
            ProblemType::ALL.iter().any(|kind| kind.info().name == name),
            "{problem:#}: its type leads to no page; add the kind to ProblemType::ALL"
        );
    }
}

/// Fails the test where an exchange is not as the document says. Addresses that the document does not have
/// are the business of the tests that ask for them.
pub(crate) fn check(exchange: &Exchange<'_>) {
    check_common(exchange.status, exchange.headers, exchange.body);
    let method =
        if exchange.method == Method::HEAD { "get" } else { &exchange.method.as_str().to_lowercase() };
    let Some((template, operation)) = operation(method, exchange.path) else { return };
    let name = format!("{method} {template} -> {}", exchange.status);
    let at = format!("/paths/{}/{method}", escaped(&template));

    let mut responses = format!("{at}/responses/{}", exchange.status);
    let response = operation["responses"].get(exchange.status.to_string());
    let mut response = response.unwrap_or_else(|| panic!("{name}: the document does not know this status"));
    if let Some(reference) = response.get("$ref") {
        responses = reference.as_str().unwrap().trim_start_matches('#').to_owned();
        response = closed().pointer(&responses).unwrap();
    }
    for header in exchange.headers.keys() {
        let documented = response["headers"].as_object().is_some_and(|headers| {
            headers.keys().any(|documented| documented.eq_ignore_ascii_case(header.as_str()))
        });
        assert!(
            documented || GENERAL.contains(&header.as_str()),
            "{name}: the document does not know the header {header}"
        );
    }
    if exchange.method == Method::HEAD || exchange.body.is_empty() {
        assert!(exchange.method == Method::HEAD || response.get("content").is_none(), "{name}: no body");
    } else {
        let media_type = exchange.headers[header::CONTENT_TYPE].to_str().unwrap();
        let media_type = media_type.split(';').next().unwrap();
        // What `Accept` may ask for is what an address of its own has.
        let form = match (template.as_str(), media_type) {
            (ARTICLE, "application/ld+json") => Some("json-ld"),
            (ARTICLE, "application/ninjs+json") => Some("ninjs"),
            (ARTICLE, "text/markdown") => Some("markdown"),
            _ => None,
        };
        if let Some(form) = form {
            responses = format!("/paths/{}/get/responses/200", escaped(&format!("{ARTICLE}/{form}")));
            response = &closed()["paths"][format!("{ARTICLE}/{form}")]["get"]["responses"]["200"];
        }
        assert!(response["content"].get(media_type).is_some(), "{name}: unknown media type {media_type}");
        if media_type.ends_with("json") {
            let body: Value = serde_json::from_slice(exchange.body).unwrap();
            let schema = format!("{responses}/content/{}/schema", escaped(media_type));
            hold(&name, &schema, &body);
        }
    }
    if let Some(sent) = exchange.sent
        && exchange.status < 300
        && operation["requestBody"].is_object()
    {
        let content = operation["requestBody"]["content"].as_object().unwrap();
        let media_type = content.keys().next().unwrap();
        let schema = format!("{at}/requestBody/content/{}/schema", escaped(media_type));
        hold(&format!("{name}: the body that was accepted"), &schema, sent);
    }
}

/// An article's own address.
const ARTICLE: &str = "/v1/articles/{article}";

/// The operation that a path leads to, with its template: literal segments go before parameters.
fn operation(method: &str, path: &str) -> Option<(String, &'static Value)> {
    let path = path.split('?').next().unwrap();
    let segments: Vec<_> = path.split('/').collect();
    let fits = |template: &&String| {
        let parts: Vec<_> = template.split('/').collect();
        let fit = |(part, segment): (&&str, &&str)| {
            let (before, after) = (part.split('{').next().unwrap(), part.rsplit('}').next().unwrap());
            part.contains('{') && segment.starts_with(before) && segment.ends_with(after) || part == segment
        };
        parts.len() == segments.len() && parts.iter().zip(&segments).all(fit)
    };
    let paths = closed()["paths"].as_object().unwrap();
    let template = paths.keys().filter(fits).min_by_key(|template| template.matches('{').count())?;
    Some((template.clone(), paths[template].get(method)?))
}

/// Fails the test where a value is not as the schema at this place of the document says.
pub(crate) fn hold(name: &str, pointer: &str, value: &Value) {
    static VALIDATORS: Mutex<Option<HashMap<String, Arc<Validator>>>> = Mutex::new(None);
    let validator = {
        let mut validators = VALIDATORS.lock().unwrap();
        let validators = validators.get_or_insert_default();
        validators.entry(pointer.to_owned()).or_insert_with(|| Arc::new(validator(pointer))).clone()
    };
    let faults: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(faults.is_empty(), "{name}: not as the document says:\n{}\n{value:#}", faults.join("\n"));
}

fn validator(pointer: &str) -> Validator {
    let mut root = closed().clone();
    root["$ref"] = json!(format!("#{pointer}"));
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&root)
        .unwrap_or_else(|error| panic!("{pointer} is no schema: {error}"))
}

/// A member's name as a part of a JSON pointer in a URL's fragment.
pub(crate) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1").replace('{', "%7B").replace('}', "%7D")
}
