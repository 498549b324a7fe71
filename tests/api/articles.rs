//! Articles: from a draft to what readers see.

use serde_json::json;
use warta::auth::Role;

use crate::support::Server;

#[tokio::test]
async fn a_story_goes_from_draft_to_readers() {
    let server = Server::start().await;
    let editor = server.sign_in(Role::Editor).await;
    let editor = Some(editor.as_str());
    server.post("/v1/tags", editor, json!({"name": "Riset"})).await.expect(201);
    server
        .post(
            "/v1/sources",
            editor,
            json!({"name": "Kantor Berita Pesisir", "homepage_url": "https://pesisir.example/"}),
        )
        .await
        .expect(201);
    let body = json!({
        "title": "Model bahasa memahami bahasa daerah",
        "language": "in",
        "summary": "Ringkasan.",
        "body": "Satu **dua** tiga.",
        "image": {"url": "https://images.warta.example/a.jpg", "alt": "Gambar"},
        "byline": "Redaksi",
        "tags": ["riset"],
        "citations": [{
            "source": "kantor-berita-pesisir",
            "url": "https://pesisir.example/1",
            "title": "Laporan",
            "role": "data",
        }],
    });
    let made = server.post("/v1/articles", editor, body).await.expect(201);
    assert_eq!(made.header("location"), "/v1/articles/model-bahasa-memahami-bahasa-daerah");
    let path = made.header("location").to_owned();
    assert_eq!(made.body["status"], "draft");
    assert_eq!(made.body["language"], "id");
    assert_eq!(made.body["body_html"], "<p>Satu <strong>dua</strong> tiga.</p>\n");
    assert_eq!(made.body["published_at"], json!(null));
    server.get(&path, None).await.expect_problem(404, "not-found");
    server.get(&path, editor).await.expect_problem(404, "not-found");
    let draft = server.get(&format!("{path}?draft=true"), editor).await.expect(200);
    assert_eq!(draft.header("etag"), made.header("etag"));
    assert_eq!(draft.body, made.body);

    let published = server.act(&format!("{path}/publish"), editor).await.expect(200);
    assert_eq!(published.body["status"], "published");
    let live = server.get(&path, None).await.expect(200);
    assert_eq!(live.body["citations"][0]["source"]["name"], "Kantor Berita Pesisir");
    assert_eq!(live.body["tags"][0]["slug"], "riset");
    assert_eq!(live.body["published_at"], live.body["updated_at"]);
    assert_eq!(
        server.get("/v1/articles", None).await.each("slug"),
        [path.trim_start_matches("/v1/articles/")]
    );

    let patch =
        json!({"title": "Judul baru", "tags": [], "slug": "judul-baru", "image": {"caption": "Keterangan"}});
    let changed = server.patch_if(&path, editor, published.header("etag"), patch).await.expect(200);
    assert_eq!(changed.body["image"]["alt"], "Gambar");
    assert_eq!(changed.body["image"]["caption"], "Keterangan");
    let same = server.get(&path, None).await.expect(200);
    assert_eq!(same.text, live.text);
    assert_eq!(same.header("etag"), live.header("etag"));
    server.get("/v1/articles/judul-baru", None).await.expect(404);
    server.act(&format!("{path}/publish"), editor).await.expect(200);
    let live = server.get("/v1/articles/judul-baru", None).await.expect(200);
    assert_eq!(live.body["tags"], json!([]));
    assert_eq!(live.body["image"]["caption"], "Keterangan");
}
