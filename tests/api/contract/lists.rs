//! Parameters and cursors, read strictly.

use serde_json::{Value, json};

use super::reads;
use crate::support::{Answer, Article, Cast, Server, operations};

#[track_caller]
fn assert_fault(answer: Answer, parameter: &str, code: &str) {
    let answer = answer.expect_problem(400, "invalid-query");
    let wanted = (parameter.to_owned(), code.to_owned());
    assert!(answer.faults().contains(&wanted), "no {wanted:?} in {}", answer.text);
}

#[tokio::test]
async fn every_operation_refuses_a_parameter_that_it_does_not_know() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    for operation in operations() {
        let state = Article::fit_for(operation.id);
        let request = cast.prepare(&server, &operation, state).await;
        let before = server.snapshot().await;
        for query in ["?nope=1", "?nope", "?Limit=1", "?limit[]=1", "?token=x", "?=1"] {
            let answer = request.send(&server, Some(&cast.admin), query).await;
            if is_appended_to(operation.template) {
                assert_eq!(answer.status, 200, "{}{query}: {}", operation.id, answer.text);
                continue;
            }
            assert_eq!(answer.status, 400, "{}{query}: {}", operation.id, answer.text);
            let name = query.trim_start_matches('?').split('=').next().unwrap();
            assert_fault(answer, name, "unknown");
        }
        assert_eq!(server.snapshot().await, before, "{} changed something", operation.id);
    }
}

/// Whether an address is one that readers, probes and sites append parameters of their own to: feeds,
/// sitemaps, pages and probes.
fn is_appended_to(template: &str) -> bool {
    !template.starts_with("/v1/") && !template.starts_with("/.well-known/")
}

/// The parameters of a query that an operation has, each with a value that it accepts.
fn parameters(object: &Value) -> Vec<(String, String)> {
    let parameters = object["parameters"].as_array().into_iter().flatten();
    let queried = parameters.filter(|parameter| parameter["in"] == "query");
    let value = |name: &str, schema: &Value| match (name, schema) {
        ("tag" | "tag_all" | "tag_none" | "source", _) => "riset".to_owned(),
        ("cites", _) => "https://pesisir.example/1".to_owned(),
        ("q", _) => "riset".to_owned(),
        ("language", _) => "id".to_owned(),
        ("created_by", _) => "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77".to_owned(),
        ("status", _) => "published".to_owned(),
        ("subject" | "actor", _) => "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77".to_owned(),
        ("type", _) => "article.published".to_owned(),
        ("sort" | "subject_type", schema) => schema["enum"][0].as_str().unwrap().to_owned(),
        ("include", _) => "body".to_owned(),
        ("cursor" | "preview", _) => "x".to_owned(),
        (_, schema) if schema["format"] == "date-time" => "2026-08-17T10:00:00Z".to_owned(),
        (_, schema) if schema["type"] == "boolean" => "false".to_owned(),
        (_, schema) if schema["type"] == "integer" => "1".to_owned(),
        (name, schema) => panic!("{name}: say here a value that it accepts: {schema}"),
    };
    queried
        .map(|parameter| {
            let name = parameter["name"].as_str().unwrap();
            (name.to_owned(), value(name, &parameter["schema"]))
        })
        .collect()
}

#[tokio::test]
async fn every_parameter_is_taken_once() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let admin = Some(cast.admin.as_str());
    for (operation, request) in reads(&server, &cast).await {
        for (name, value) in parameters(operation.object) {
            // A cursor is bound to its query, and a preview to its article.
            if name != "cursor" && name != "preview" {
                request.send(&server, admin, &format!("?{name}={value}")).await.expect(200);
            }
            for query in [
                format!("?{name}={value}&{name}={value}"),
                format!("?{name}={value}&{name}"),
                format!("?{name}={value}&{}={value}", name.replacen('t', "%74", 1).replacen('l', "%6c", 1)),
            ] {
                if query.matches(&name).count() == 1 && !query.contains('%') {
                    continue;
                }
                let answer = request.send(&server, admin, &query).await;
                assert_eq!(answer.status, 400, "{}{query}: {}", operation.id, answer.text);
                assert_fault(answer, &name, "repeated");
            }
        }
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_applied_is_refused_and_not_ignored() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let editor = Some(cast.editor.as_str());
    let many = vec!["a"; 21].join(",");
    for path in ["/v1/articles", "/v1/tags", "/v1/sources", "/v1/editors", "/v1/events"] {
        for limit in ["0", "101", "-1", "x", "1.5", "", "1e1", "0x1", "%201", "99999999999999999999"] {
            let answer = server.get(&format!("{path}?limit={limit}"), Some(&cast.admin)).await;
            assert_fault(answer, "limit", "out_of_range");
        }
        for count in ["", "1", "yes", "TRUE"] {
            let answer = server.get(&format!("{path}?count={count}"), Some(&cast.admin)).await;
            assert_fault(answer, "count", "wrong_type");
        }
        for limit in [1, 100] {
            server.get(&format!("{path}?limit={limit}"), Some(&cast.admin)).await.expect(200);
        }
    }
    for (query, parameter, code) in [
        ("tag=", "tag", "empty_element"),
        ("tag", "tag", "empty_element"),
        ("tag=a,,b", "tag", "empty_element"),
        ("tag=a,", "tag", "empty_element"),
        ("tag_all=,a", "tag_all", "empty_element"),
        ("tag_none=", "tag_none", "empty_element"),
        ("tag=A", "tag", "invalid_slug"),
        ("tag=%FF", "tag", "invalid_encoding"),
        (&format!("tag={many}"), "tag", "too_many"),
        ("source=", "source", "empty_element"),
        ("source='", "source", "invalid_slug"),
        ("language=", "language", "empty_element"),
        ("language=??", "language", "invalid_language"),
        ("created_by=1", "created_by", "invalid_id"),
        ("status=", "status", "empty_element"),
        ("status=nope", "status", "unknown_value"),
        ("status=draft", "status", "needs_draft"),
        ("status=published,retracted", "status", "needs_draft"),
        ("sort=", "sort", "unknown_value"),
        ("sort=body", "sort", "unknown_value"),
        ("sort=title,id", "sort", "unknown_value"),
        ("sort=-id", "sort", "unknown_value"),
        ("include=", "include", "unknown_value"),
        ("draft=", "draft", "wrong_type"),
        ("draft=1", "draft", "wrong_type"),
        ("published_after=yesterday", "published_after", "invalid_time"),
        ("published_before=2026-08-17", "published_before", "invalid_time"),
        ("updated_after=2026-08-17T10:00:00", "updated_after", "invalid_time"),
        ("updated_after=2026-08-17T10:00:00+07:00", "updated_after", "invalid_time"),
        ("cursor=", "cursor", "invalid_cursor"),
    ] {
        assert_fault(server.get(&format!("/v1/articles?{query}"), editor).await, parameter, code);
    }
    // All faults at once, of readers too.
    let answer = server.get("/v1/articles?limit=0&tag=&nope=1&sort=x", None).await;
    let faults: Vec<_> = answer.expect_problem(400, "invalid-query").faults();
    let names: Vec<_> = faults.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["limit", "nope", "sort", "tag"]);
}

#[tokio::test]
async fn a_cursor_is_good_for_the_query_that_made_it_and_no_other() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let (editor, admin) = (Some(cast.editor.as_str()), Some(cast.admin.as_str()));
    for number in 0..3 {
        cast.article(&server, Article::Live).await;
        server.post("/v1/tags", editor, json!({"name": format!("Rubrik {number}")})).await.expect(201);
        server.post("/v1/sources", editor, json!({"name": format!("Sumber {number}")})).await.expect(201);
    }
    let other = Server::start().await;
    let elsewhere = Cast::of(&other).await;
    elsewhere.article(&other, Article::Live).await;
    elsewhere.article(&other, Article::Live).await;
    let cursor_of = async |server: &Server, target: &str, token: Option<&str>| {
        let page = server.get(target, token).await.expect(200);
        page.body["next_cursor"].as_str().unwrap_or_else(|| panic!("{target}: no next page")).to_owned()
    };
    let articles = cursor_of(&server, "/v1/articles?limit=1", None).await;
    let at = |cursor: &str| format!("&cursor={cursor}");
    // The page size, the count and what is given of each do not change which rows there are.
    for query in ["limit=1", "limit=2", "limit=1&count=true", "limit=1&include=body", ""] {
        server.get(&format!("/v1/articles?{query}{}", at(&articles)), None).await.expect(200);
    }
    let foreign = cursor_of(&other, "/v1/articles?limit=1", None).await;
    let cut = &articles[..articles.len() - 1];
    let mut changed = articles.clone().into_bytes();
    changed[5] = if changed[5] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    for (target, token, cursor) in [
        ("/v1/articles?sort=title", None, articles.as_str()),
        ("/v1/articles?sort=published_at", None, &articles),
        ("/v1/articles?sort=-updated_at", None, &articles),
        ("/v1/articles?language=id", None, &articles),
        ("/v1/articles?tag_none=none", None, &articles),
        ("/v1/articles?draft=true", editor, &articles),
        ("/v1/tags?limit=1", None, &articles),
        ("/v1/sources?limit=1", None, &articles),
        ("/v1/editors?limit=1", admin, &articles),
        ("/v1/events?limit=1", admin, &articles),
        ("/v1/articles?limit=1", None, &foreign),
        ("/v1/articles?limit=1", None, cut),
        ("/v1/articles?limit=1", None, &articles[1..]),
        ("/v1/articles?limit=1", None, &changed),
        ("/v1/articles?limit=1", None, &format!("{articles}A")),
        ("/v1/articles?limit=1", None, &format!("{articles}=")),
        ("/v1/articles?limit=1", None, &format!("{articles}%00")),
        ("/v1/articles?limit=1", None, "eyJ0aW1lIjpudWxsfQ"),
        ("/v1/articles?limit=1", None, "..."),
    ] {
        let answer = server.get(&format!("{target}{}", at(cursor)), token).await;
        assert_eq!(answer.status, 400, "{target} {cursor}: {}", answer.text);
        assert_fault(answer, "cursor", "invalid_cursor");
    }
    let tags = cursor_of(&server, "/v1/tags?limit=1", None).await;
    let sources = server.get(&format!("/v1/sources?limit=1{}", at(&tags)), None).await;
    assert_fault(sources, "cursor", "invalid_cursor");
    // A writer's cursor into the own drafts shows an editor's drafts to nobody who may not see them.
    let drafts = cursor_of(&server, "/v1/articles?draft=true&limit=1", editor).await;
    let target = format!("/v1/articles?draft=true&limit=1{}", at(&drafts));
    server.get(&target, None).await.expect_problem(401, "unauthenticated");
    let page = server.get(&target, Some(&cast.other)).await;
    assert!(page.status == 400 || page.body["data"] == json!([]), "{}", page.text);
}
