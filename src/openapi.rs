//! Builds the OpenAPI document: its general part, and the answers and headers that all operations have in
//! common.

mod examples;
mod problems;
pub(crate) mod schemas;

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use self::problems::REQUEST_ID;

use crate::{
    error::{Problem, ProblemType},
    openapi::schemas::{merge_flattened, name_pages, name_words, refers_to, unwrap_described},
};

/// The entity tag in examples.
const ENTITY_TAG: &str = "\"3.q1hYy0c8a0mJ2sX4n5W7bQ\"";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Warta",
        description = "A headless CMS for newsrooms: articles, tags and sources as JSON over HTTP.\n\n\
            Readers need no token and see what is published. Editors sign in with `POST /v1/auth/login` and send the access \
            token as `Authorization: Bearer`.\n\n\
            Every error is a problem (RFC 9457). Lists are paged with `limit` and `cursor`. Times are UTC (RFC 3339), ids \
            are UUIDs, languages are BCP 47 tags.",
        license(name = "MIT", identifier = "MIT"),
    ),
    servers((url = "/", description = "This instance")),
    tags(
        (name = "articles", description = "Stories: drafts that editors work on, and what readers see of them."),
        (name = "tags", description = "Topics and sections. A frontend's menu is made of them."),
        (name = "sources", description = "Publishers and organisations that stories come from."),
        (name = "publishing", description = "Feeds and sitemaps of what readers see. Links lead to the public site or, if none is set, to this API."),
        (name = "sign-in", description = "Tokens, and your own account."),
        (name = "editors", description = "The editors, for admins."),
        (name = "events", description = "What was changed, by whom and when: append-only, and chained by hashes."),
        (name = "service", description = "The service itself."),
    ),
    components(schemas(Problem)),
)]
struct Base;

/// Returns the document before any route is registered.
#[must_use]
pub(crate) fn base() -> utoipa::openapi::OpenApi {
    let mut base = Base::openapi();
    base.info.version = env!("CARGO_PKG_VERSION").to_owned();
    base
}

/// Completes the document with what follows from each operation: the errors that it can answer, and the
/// headers of its answers.
#[must_use]
pub(crate) fn finish(document: &utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    unwrap_described(&mut document);
    name_pages(&mut document);
    merge_flattened(&mut document);
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.extend(problems::schemas());
    }
    document["components"]["securitySchemes"] = json!({"token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token from `POST /v1/auth/login`, good for 15 minutes.",
    }});
    document["components"]["headers"] = headers();
    document["components"]["responses"] = common_responses();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete(path, method, operation);
        }
    }
    examples::complete(&mut document);
    drop_unused(&mut document);
    name_words(&mut document);
    document
}

/// Removes the types of problems that no operation lists: they can be answered at any address.
fn drop_unused(document: &mut Value) {
    let unused: Vec<_> = problems::schemas()
        .map(|(name, _)| name)
        .filter(|name| !refers_to(document, &json!(format!("#/components/schemas/{name}"))))
        .collect();
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| !unused.contains(name));
    }
}

/// The errors that operations share, by their kind.
const COMMON: [ProblemType; 11] = [
    ProblemType::InvalidQuery,
    ProblemType::Unauthenticated,
    ProblemType::NotFound,
    ProblemType::RequestTimeout,
    ProblemType::BodyTooLarge,
    ProblemType::UriTooLong,
    ProblemType::UnsupportedMediaType,
    ProblemType::InvalidBody,
    ProblemType::HeadersTooLarge,
    ProblemType::Internal,
    ProblemType::Unavailable,
];

fn common_responses() -> Value {
    let response = |kind: ProblemType| {
        let info = kind.info();
        let (kinds, description) = match kind {
            ProblemType::InvalidQuery => (
                &[kind, ProblemType::BadRequest, ProblemType::MalformedBody][..],
                "The request is malformed: its query string, a header, or a body that is not JSON.",
            ),
            ProblemType::Unavailable => (&[kind, ProblemType::ReadOnly][..], info.title),
            _ => (std::slice::from_ref(&kind), info.title),
        };
        (info.name.to_owned(), problem(kinds, description))
    };
    Value::Object(COMMON.into_iter().map(response).collect())
}

/// Returns a response that can be a problem of each of these kinds, which all have the same status.
fn problem(kinds: &[ProblemType], description: &str) -> Value {
    let status = kinds.first().map_or(500, |kind| kind.info().status.as_u16());
    let headers: &[&str] = match status {
        404 | 410 => &NOTHING,
        401 => &["X-Request-Id", "Cache-Control", "WWW-Authenticate"],
        409 if kinds.contains(&ProblemType::AlreadyCovered) => &["X-Request-Id", "Cache-Control", "Link"],
        412 => &["X-Request-Id", "Cache-Control", "ETag"],
        429 | 503 => &["X-Request-Id", "Cache-Control", "Retry-After"],
        _ => &["X-Request-Id", "Cache-Control"],
    };
    json!({
        "description": description,
        "headers": header_refs(headers),
        "content": {"application/problem+json": problems::content(kinds, description)},
    })
}

/// The headers of an answer with something that was found.
const FOUND: [&str; 8] =
    ["X-Request-Id", "ETag", "Cache-Control", "Vary", "Surrogate-Key", "Cache-Tag", "Age", "Cache-Status"];

/// The headers of an answer that says that there is nothing, or that it has moved.
const NOTHING: [&str; 7] =
    ["X-Request-Id", "Cache-Control", "Vary", "Surrogate-Key", "Cache-Tag", "Age", "Cache-Status"];

fn header_refs(names: &[&str]) -> Value {
    let reference =
        |name: &&str| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    Value::Object(names.iter().map(reference).collect())
}

fn headers() -> Value {
    let header = |description: &str, example: Value| {
        let r#type = if example.is_number() { "integer" } else { "string" };
        json!({"description": description, "schema": {"type": r#type}, "example": example})
    };
    json!({
        "X-Request-Id": header("The request's id. Quote it in a report.", json!(REQUEST_ID)),
        "ETag": header("A strong entity tag (RFC 9110). Send it as If-None-Match or, for a resource that can be changed, as If-Match.", json!(ENTITY_TAG)),
        "Cache-Control": header("Which caches can keep the answer, and for how long (RFC 9111).", json!("public, max-age=5, stale-while-revalidate=30, stale-if-error=600")),
        "Vary": header("The request headers that the answer depends on.", json!("Authorization, Accept-Encoding")),
        "Surrogate-Key": header("The keys by which a CDN purges an answer to readers, separated by spaces.", json!("article:0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77 articles lists")),
        "Cache-Tag": header("The same as Surrogate-Key, separated by commas.", json!("article:0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77,articles,lists")),
        "Age": header("Seconds since the answer was last known to be current (RFC 9111). Only while the database is away and the answer comes from memory.", json!(12)),
        "Cache-Status": header("How the cache handled the request (RFC 9211). Only while the database is away and the answer comes from memory.", json!("warta; hit; ttl=-12; detail=database-away")),
        "Link": header("Related links (RFC 8288): `rel=\"next\"` for the next page, if any; `rel=\"related\"` for the story that already covers the document.", json!("</v1/articles?limit=20&cursor=eyJ0>; rel=\"next\"")),
        "Location": header("The path of the created resource.", json!("/v1/articles/model-bahasa-daerah")),
        "WWW-Authenticate": header("How to authenticate (RFC 6750).", json!("Bearer realm=\"warta\"")),
        "X-Robots-Tag": header("`noindex`: search engines must not list the answer. Only on answers to previews.", json!("noindex")),
        "Retry-After": header("Seconds to wait.", json!(1)),
    })
}

fn complete(path: &str, method: &str, operation: &mut Value) {
    let has_body = operation.get("requestBody").is_some();
    let has_path_parameter = path.contains('{');
    let needs_token = operation.get("security").is_some();
    if !needs_token {
        // Every operation refuses a bad token, and none that is public needs a good one.
        operation["security"] = json!([{}, {"token": []}]);
    }
    let contents = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut);
    for content in contents.into_iter().flat_map(Map::values_mut) {
        leave_null_out(&mut content["schema"]);
    }
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        if parameter["in"] == "path"
            && parameter.get("example").is_none()
            && let Some(example) = example_of(parameter["name"].as_str().unwrap_or_default())
        {
            parameter["example"] = example;
        }
    }
    let condition = condition(method, &operation["responses"]);
    if let Some(condition) = condition {
        match operation.get_mut("parameters").and_then(Value::as_array_mut) {
            Some(parameters) => parameters.push(condition),
            None => operation["parameters"] = json!([condition]),
        }
    }
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for kind in COMMON {
        let applies = match kind {
            ProblemType::NotFound => has_path_parameter,
            ProblemType::RequestTimeout
            | ProblemType::BodyTooLarge
            | ProblemType::UnsupportedMediaType
            | ProblemType::InvalidBody => has_body,
            _ => true,
        };
        if applies {
            let info = kind.info();
            let reference = json!({"$ref": format!("#/components/responses/{}", info.name)});
            responses.entry(info.status.as_str()).or_insert(reference);
        }
    }
    for (status, response) in responses.iter_mut() {
        let status: u16 = status.parse().unwrap_or_default();
        if response.get("$ref").is_some() {
            continue;
        }
        if status >= 400 {
            let description = response["description"].as_str().unwrap_or_default().to_owned();
            let mut own = response["content"]["application/problem+json"].take();
            // Which problem it is, its kind says better.
            if own["schema"]["$ref"] == "#/components/schemas/Problem"
                && let Some(own) = own.as_object_mut()
            {
                own.remove("schema");
            }
            *response = problem(&problems::take_kinds(status, response), &description);
            extend(&mut response["content"]["application/problem+json"], own);
            continue;
        }
        let schema = response["content"]["application/json"]["schema"]["$ref"].as_str();
        let paged = schema.is_some_and(|name| name.ends_with("Page"));
        let names: &[&str] = match (method, status) {
            ("get", 200) if paged => &[&FOUND[..], &["Link"]].concat(),
            ("get", 200) => &FOUND,
            (_, 308) => &[&NOTHING[..], &["Location"]].concat(),
            (_, 201) => &["X-Request-Id", "ETag", "Cache-Control", "Location"],
            (_, 204) => &["X-Request-Id", "Cache-Control"],
            _ => &["X-Request-Id", "ETag", "Cache-Control"],
        };
        let own = response["headers"].take();
        response["headers"] = header_refs(names);
        extend(&mut response["headers"], own);
    }
    if method == "get" {
        responses.insert(
            "304".to_owned(),
            json!({
                "description": "The caller has this representation already (If-None-Match).",
                "headers": header_refs(&FOUND),
            }),
        );
    }
    sort(responses);
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    if parameters.any(|parameter| parameter["name"] == "preview") {
        add_robots(&mut operation["responses"]);
    }
}

/// Returns a value from the demo content for a path parameter, so that a first try finds something.
fn example_of(parameter: &str) -> Option<Value> {
    Some(match parameter {
        "article" => json!("uji-triase-ai-tiga-rumah-sakit"),
        "tag" => json!("riset"),
        "source" => json!("nusa-lintas"),
        "from" | "number" => json!(1),
        "to" => json!(2),
        _ => return None,
    })
}

/// Removes `null` from the schema of an optional body: leaving it out is not the same as sending `null`.
fn leave_null_out(schema: &mut Value) {
    let Some(alternatives) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else { return };
    alternatives.retain(|alternative| alternative["type"] != "null");
    if let [only] = alternatives.as_mut_slice() {
        *schema = only.take();
    }
}

/// Adds the header for search engines to every answer of an operation that gives previews, since each of them
/// can be an answer to a preview.
fn add_robots(responses: &mut Value) {
    let common = common_responses();
    for (_, response) in responses.as_object_mut().into_iter().flatten() {
        if let Some(name) = response["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            *response = common[name].clone();
        }
        response["headers"]["X-Robots-Tag"] = json!({"$ref": "#/components/headers/X-Robots-Tag"});
    }
}

/// Adds the members that an operation defines itself. They replace members of the same name; examples are
/// merged.
fn extend(common: &mut Value, own: Value) {
    let Value::Object(own) = own else { return };
    for (name, value) in own {
        match (name.as_str(), value) {
            ("example", members @ Value::Object(_)) => extend(&mut common["example"], members),
            (_, value) => common[name] = value,
        }
    }
}

/// Returns the header parameter that makes a request conditional (RFC 9110, section 13).
fn condition(method: &str, responses: &Value) -> Option<Value> {
    let (name, required, description) = if method == "patch" && responses.get("428").is_some() {
        let description =
            "The ETag of the draft that the change was made from, or `*` to overwrite the current draft.";
        ("If-Match", true, description)
    } else if responses.get("412").is_some() {
        (
            "If-Match",
            false,
            "The ETag of the state that the request was made from. If the state is another one, nothing is done.",
        )
    } else if method == "get" {
        ("If-None-Match", false, "The ETags of the representations that the caller has already.")
    } else {
        return None;
    };
    Some(json!({
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string"},
        "example": ENTITY_TAG,
    }))
}

fn sort(responses: &mut Map<String, Value>) {
    let mut sorted: Vec<_> = std::mem::take(responses).into_iter().collect();
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    responses.extend(sorted);
}
