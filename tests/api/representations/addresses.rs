//! Each form at an address of its own.

use warta::principal::Role;

use super::{newsroom, read};
use crate::support::Server;

const FORMS: [(&str, &str); 3] =
    [("json-ld", "application/ld+json"), ("ninjs", "application/ninjs+json"), ("markdown", "text/markdown")];

#[tokio::test]
async fn an_address_gives_what_accept_gives() {
    let (server, editor) = newsroom(Some("https://news.example")).await;
    for (part, media_type) in FORMS {
        let negotiated = read(&server, "/v1/articles/kabar", media_type).await.expect(200);
        let path = format!("/v1/articles/kabar/{part}");
        // Whatever a client says that it takes: an address has one form.
        for accept in ["*/*", "application/json", "text/html"] {
            let alone = read(&server, &path, accept).await.expect(200);
            assert_eq!(alone.text, negotiated.text);
            assert!(alone.header("content-type").starts_with(media_type));
            assert_eq!(alone.header("etag"), negotiated.header("etag"));
            assert_eq!(alone.header("vary"), "Authorization, Accept-Encoding");
        }
        let again = server.send("GET", &path, &[("if-none-match", negotiated.header("etag"))], None).await;
        assert_eq!(again.status, 304);
        // Drafts as well, and only for those who may see them.
        let draft = server.get(&format!("{path}?draft=true"), Some(&editor)).await.expect(200);
        assert!(draft.header("content-type").starts_with(media_type));
        server.get(&format!("{path}?draft=true"), None).await.expect(401);
    }
}

#[tokio::test]
async fn an_old_slug_leads_to_the_same_form() {
    let (server, editor) = newsroom(None).await;
    let change = serde_json::json!({"slug": "kabar-baru"});
    server.patch("/v1/articles/kabar", Some(&editor), change).await.expect(200);
    server.act("/v1/articles/kabar-baru/publish", Some(&editor)).await.expect(200);
    for (part, _) in FORMS {
        let moved = server.get(&format!("/v1/articles/kabar/{part}"), None).await.expect(308);
        assert_eq!(moved.header("location"), format!("/v1/articles/kabar-baru/{part}"));
        server.get(moved.header("location"), None).await.expect(200);
    }
}

#[tokio::test]
async fn links_are_those_of_the_address_that_was_asked() {
    let server = Server::behind(&["127.0.0.1/32"]).await;
    let editor = server.sign_in(Role::Editor).await;
    let body = serde_json::json!({"title": "Kabar", "language": "id"});
    let made = server.post("/v1/articles", Some(&editor), body).await.expect(201);
    let path = made.header("location").to_owned();
    server.act(&format!("{path}/publish"), Some(&editor)).await.expect(200);
    for (part, _) in FORMS {
        for _ in 0..2 {
            for host in ["satu.example", "dua.example"] {
                let headers = [("x-forwarded-host", host), ("x-forwarded-proto", "https")];
                let answer = server.send("GET", &format!("{path}/{part}"), &headers, None).await.expect(200);
                assert!(answer.text.contains(&format!("https://{host}/")), "{part} {host}: {}", answer.text);
            }
        }
    }
}
