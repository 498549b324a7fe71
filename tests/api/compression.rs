//! Content codings (RFC 9110, section 8.4), and the tags of their bytes.

use std::io::Read;

use reqwest::{Client, Response, header::HeaderMap};
use serde_json::json;
use warta::principal::Role;

use crate::support::Server;

const CODINGS: [&str; 3] = ["br", "zstd", "gzip"];

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
    let mut request = Client::new().get(format!("{}{path}", server.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response: Response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, headers, response.bytes().await.unwrap().into())
}

fn decoded(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        "br" => brotli::Decompressor::new(body, 4096).read_to_end(&mut plain).unwrap(),
        "gzip" => flate2::read::GzDecoder::new(body).read_to_end(&mut plain).unwrap(),
        "zstd" => zstd::stream::read::Decoder::new(body).unwrap().read_to_end(&mut plain).unwrap(),
        other => panic!("{other}"),
    };
    plain
}

/// An instance with a long story, which an editor changed since.
async fn newsroom() -> (Server, String, String) {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let body = "Nelayan pesisir utara membaca ramalan cuaca sebelum melaut. ".repeat(100);
    let story = json!({"title": "Panjang", "language": "id", "body": body});
    let made = server.post("/v1/articles", Some(&token), story).await.expect(201);
    let path = made.header("location").to_owned();
    server.act(&format!("{path}/publish"), Some(&token)).await.expect(200);
    (server, path, format!("Bearer {token}"))
}

#[tokio::test]
async fn each_coding_brings_the_same_text_under_a_tag_of_its_own() {
    let (server, path, bearer) = newsroom().await;
    let draft = format!("{path}?draft=true");
    for (path, more) in [
        (path.as_str(), &[][..]),
        ("/v1/articles?include=body", &[]),
        ("/feeds/rss.xml", &[]),
        ("/openapi.json", &[]),
        ("/", &[]),
        (draft.as_str(), &[("authorization", bearer.as_str())]),
    ] {
        let (_, plain_headers, plain) = get(&server, path, more).await;
        assert!(!plain_headers.contains_key("content-encoding"), "{path}");
        let plain_tag = plain_headers["etag"].to_str().unwrap();
        for _ in 0..2 {
            for coding in CODINGS {
                let wants = [more, &[("accept-encoding", coding)]].concat();
                let (status, headers, body) = get(&server, path, &wants).await;
                assert_eq!((status, &headers["content-encoding"]), (200, &coding.parse().unwrap()), "{path}");
                assert!(body.len() < plain.len(), "{path} {coding}");
                assert_eq!(headers["content-length"], body.len().to_string());
                assert_eq!(headers["content-type"], plain_headers["content-type"]);
                assert!(headers["vary"].to_str().unwrap().contains("Accept-Encoding"), "{path}");
                assert!(decoded(coding, &body) == plain, "{path} {coding}");
                let tag = headers["etag"].to_str().unwrap();
                assert_eq!(tag, format!("{}-{coding}\"", plain_tag.trim_end_matches('"')));

                let known = [&wants[..], &[("if-none-match", tag)]].concat();
                let (status, headers, body) = get(&server, path, &known).await;
                assert_eq!((status, body.len(), headers["etag"].to_str().unwrap()), (304, 0, tag), "{path}");
                assert!(!headers.contains_key("content-encoding"));
                assert!(headers["vary"].to_str().unwrap().contains("Accept-Encoding"), "{path}");
            }
        }
        // Whoever has it in another form has it.
        let known =
            [more, &[("if-none-match", plain_tag), ("accept-encoding", "br"), ("cache-control", "no-cache")]]
                .concat();
        let (status, headers, _) = get(&server, path, &known).await;
        assert_eq!((status, headers["etag"].to_str().unwrap()), (304, plain_tag), "{path}");
        let other = format!("{}-lz4\"", plain_tag.trim_end_matches('"'));
        assert_eq!(get(&server, path, &[more, &[("if-none-match", other.as_str())]].concat()).await.0, 200);
    }
}

#[tokio::test]
async fn the_client_gets_the_coding_that_it_wants_most() {
    let (server, path, _) = newsroom().await;
    for (wanted, expected) in [
        ("gzip, deflate, br, zstd", Some("br")),
        ("gzip, deflate, br;q=0.1", Some("gzip")),
        ("zstd, gzip;q=0.9", Some("zstd")),
        ("*", Some("br")),
        ("*, br;q=0, zstd;q=0", Some("gzip")),
        ("identity", None),
        ("deflate", None),
        ("br;q=0", None),
        ("", None),
    ] {
        let (status, headers, body) = get(&server, &path, &[("accept-encoding", wanted)]).await;
        let coding = headers.get("content-encoding").map(|coding| coding.to_str().unwrap());
        assert_eq!((status, coding), (200, expected), "{wanted}");
        let plain = coding.map_or_else(|| body.clone(), |coding| decoded(coding, &body));
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&plain).unwrap()["title"], "Panjang");
    }
}

#[tokio::test]
async fn a_tag_of_any_coding_names_the_draft_that_a_change_was_made_of() {
    let (server, path, bearer) = newsroom().await;
    let draft = format!("{path}?draft=true");
    let token = bearer.strip_prefix("Bearer ");
    for coding in CODINGS {
        let wants = [("authorization", bearer.as_str()), ("accept-encoding", coding)];
        let (_, headers, _) = get(&server, &draft, &wants).await;
        let tag = headers["etag"].to_str().unwrap();
        server.patch_if(&path, token, tag, json!({"summary": coding})).await.expect(200);
        server
            .patch_if(&path, token, tag, json!({"summary": "Lain"}))
            .await
            .expect_problem(412, "precondition-failed");
    }
}

#[tokio::test]
async fn what_is_short_or_goes_wrong_is_not_compressed() {
    let server = Server::start().await;
    for (path, status) in [("/livez", 200), ("/v1/tags", 200), ("/tiada", 404), ("/v1/articles?nope=1", 400)]
    {
        let (found, headers, _) = get(&server, path, &[("accept-encoding", "br, gzip, zstd")]).await;
        assert_eq!(found, status);
        assert!(!headers.contains_key("content-encoding"), "{path}");
    }
}
