//! Conditional requests (RFC 9110, section 13).

use serde_json::json;

use super::reads;
use crate::support::{Answer, Article, Cast, Server, WRITER, operations};

/// What answers only for the moment, and so is another thing each time.
const FLEETING: &str = "read_metrics";

#[tokio::test]
async fn whoever_has_it_already_is_told_so_without_it() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let bearer = format!("Bearer {}", cast.admin);
    for (operation, request) in reads(&server, &cast).await {
        let public = operation.object["security"].as_array().unwrap().contains(&json!({}));
        for token in [None, Some(bearer.as_str())].into_iter().skip(usize::from(!public)) {
            let ask = async |tag: Option<&str>, more: &[(&str, &str)]| {
                let mut headers = more.to_vec();
                headers.extend(token.map(|token| ("authorization", token)));
                headers.extend(tag.map(|tag| ("if-none-match", tag)));
                server.send("GET", &request.path, &headers, None).await
            };
            let first = ask(None, &[]).await.expect(200);
            let tag = first.header("etag").to_owned();
            assert!(tag.starts_with('"') && tag.len() > 10, "{}: {tag} is not strong", operation.id);
            if operation.id == FLEETING {
                ask(Some(&tag), &[]).await.expect(200);
                continue;
            }
            let known =
                [tag.clone(), format!("W/{tag}"), format!("\"a\", W/\"b,c\",{tag} , \"d\""), "*".to_owned()];
            for known in known {
                for more in [&[][..], &[("cache-control", "no-cache")], &[("origin", WRITER)]] {
                    let again = ask(Some(&known), more).await;
                    assert_eq!(again.status, 304, "{} {known}", operation.id);
                    assert_eq!(again.text, "");
                    for name in ["etag", "cache-control", "vary", "access-control-allow-origin"] {
                        assert_eq!(again.header(name), first.header(name), "{} {name}", operation.id);
                    }
                    assert!(!again.headers.contains_key("content-type"), "{}", operation.id);
                }
            }
            for other in ["\"other\"", "W/\"other\"", "\"a\", \"b\"", "\"*\"", tag.trim_matches('"')] {
                let again = ask(Some(other), &[]).await.expect(200);
                assert_eq!(again.header("etag"), tag);
                assert_eq!(again.text, first.text);
            }
        }
    }
}

#[tokio::test]
async fn an_answer_to_a_token_is_kept_by_nobody_and_to_none_by_all() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    for (operation, request) in reads(&server, &cast).await {
        let mine = request.send(&server, Some(&cast.admin), "").await.expect(200);
        assert!(mine.header("cache-control").contains("no-store"), "{}", operation.id);
        assert!(mine.header("vary").contains("Authorization"), "{}", operation.id);
        let everybodys = request.send(&server, None, "").await;
        if everybodys.status == 200 && mine.header("cache-control").contains("private") {
            assert!(everybodys.header("cache-control").starts_with("public, "), "{}", operation.id);
        }
    }
}

#[tokio::test]
async fn a_tag_follows_the_thing() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let editor = Some(cast.editor.as_str());
    let made = server.post("/v1/tags", editor, json!({"name": "Satu"})).await.expect(201);
    let path = made.header("location").to_owned();
    let read = server.get(&path, None).await.expect(200);
    assert_eq!(read.header("etag"), made.header("etag"));
    let changed = server.patch(&path, editor, json!({"name": "Dua"})).await.expect(200);
    assert_ne!(changed.header("etag"), made.header("etag"));
    let headers = [("if-none-match", made.header("etag"))];
    let read = server.send("GET", &path, &headers, None).await.expect(200);
    assert_eq!(read.header("etag"), changed.header("etag"));
    assert_eq!(read.body["name"], "Dua");
}

/// The operations that honour `If-Match`: those that may answer `412`.
fn guarded() -> Vec<crate::support::Operation> {
    operations().into_iter().filter(|operation| operation.object["responses"].get("412").is_some()).collect()
}

#[test]
fn every_change_of_a_thing_honours_if_match() {
    for operation in operations() {
        // A link to a draft follows it; it is made of no state of it.
        let acts = operation.method == "POST"
            && operation.template.contains("}/")
            && operation.id != "create_preview_link";
        let changes = ["PATCH", "DELETE"].contains(&&*operation.method) || acts;
        let guarded = operation.object["responses"].get("412").is_some();
        assert_eq!(
            guarded, changes,
            "{}: a change of a thing takes If-Match and may answer 412",
            operation.id
        );
    }
}

#[tokio::test]
async fn a_change_is_made_of_the_state_that_it_names_or_not_at_all() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    for operation in guarded() {
        let id = operation.id;
        let state = Article::fit_for(id);
        let request = cast.prepare(&server, &operation, state).await;
        let bearer = format!("Bearer {}", cast.admin);
        // A link has a state of its own; whatever else stands below a thing changes the thing.
        let thing = if id == "revoke_preview_link" {
            request.path.clone()
        } else {
            let draft = if operation.template.contains("{article}") { state.draft_query() } else { "" };
            format!("{}{draft}", request.path.split('/').take(4).collect::<Vec<_>>().join("/"))
        };
        let current = server.get(&thing, Some(&cast.admin)).await.expect(200);
        let current = current.header("etag").to_owned();
        let change = async |tag: Option<&str>| -> Answer {
            let mut headers = vec![("authorization", bearer.as_str())];
            headers.extend(tag.map(|tag| ("if-match", tag)));
            server.send(&request.method, &request.path, &headers, request.body.clone()).await
        };
        let before = server.snapshot().await;
        if id == "update_article" {
            change(None).await.expect_problem(428, "precondition-required");
        }
        let (version, hash) = current.trim_matches('"').split_once('.').unwrap();
        let (count, of) = version.split_once('-').unwrap();
        let stale = format!("{}-{of}", count.parse::<i64>().unwrap() - 1);
        for tag in [
            format!("\"{stale}.{hash}\""),
            format!("W/{current}"),
            "\"other\"".to_owned(),
            "\"\"".to_owned(),
            "\"*\"".to_owned(),
            format!("\"{version}\""),
            format!("\"a\", \"{stale}.{hash}\""),
        ] {
            let answer = change(Some(&tag)).await;
            assert_eq!(answer.status, 412, "{id} {tag}: {}", answer.text);
            let answer = answer.expect_problem(412, "precondition-failed");
            assert_eq!(answer.header("etag"), current, "{id} {tag}");
            assert_eq!(answer.body["current_etag"], *current, "{id} {tag}");
        }
        for tag in ["", "x", "\"open", "*, \"a\"", &format!("{current}, open"), current.trim_matches('"')] {
            let answer = change(Some(tag)).await;
            assert_eq!(answer.status, 400, "{id} {tag}: {}", answer.text);
            answer.expect_problem(400, "bad-request");
        }
        assert_eq!(server.snapshot().await, before, "{id} changed something");
        let answer = change(Some(&format!("\"other\", {current}"))).await;
        assert!(answer.status < 300, "{id}: {}", answer.text);

        // `*` stands for whatever there is.
        let request = cast.prepare(&server, &operation, state).await;
        let headers = [("authorization", bearer.as_str()), ("if-match", "*")];
        let answer = server.send(&request.method, &request.path, &headers, request.body.clone()).await;
        assert!(answer.status < 300, "{id}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_state_is_named_by_its_tag_as_it_was_given() {
    let server = Server::start().await;
    let cast = Cast::of(&server).await;
    let bearer = format!("Bearer {}", cast.admin);
    let article =
        server.post("/v1/articles", Some(&cast.admin), json!({"title": "Kabar", "language": "id"})).await;
    let tag = server.post("/v1/tags", Some(&cast.admin), json!({"name": "Riset"})).await;
    for (made, patch) in [(article, json!({"byline": "R"})), (tag, json!({"description": "R"}))] {
        let path = made.expect(201).header("location").to_owned();
        let current = server.get(&format!("{path}?draft=true"), Some(&cast.admin)).await;
        let current = if current.status == 200 { current } else { server.get(&path, None).await.expect(200) };
        let known = current.header("etag").trim_matches('"').to_owned();
        let (version, hash) = known.split_once('.').unwrap();
        for other in [
            format!("+{known}"),
            format!("0{known}"),
            format!("{version}.x"),
            format!("{version}."),
            version.to_owned(),
            format!("{known}x"),
            format!("{version}.{}", &hash[1..]),
        ] {
            let headers = [("authorization", &*bearer), ("if-match", &format!("\"{other}\""))];
            server
                .send("PATCH", &path, &headers, Some(patch.clone()))
                .await
                .expect_problem(412, "precondition-failed");
        }
        // The state is what is compared, not which of its representations was read.
        let other = format!("\"{version}.AAAAAAAAAAAAAAAAAAAAAA-gzip\"");
        let headers = [("authorization", &*bearer), ("if-match", &*other)];
        server.send("PATCH", &path, &headers, Some(patch.clone())).await.expect(200);
    }
}
