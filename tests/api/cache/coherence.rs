//! After every change: what the instance that took it answers, and what another one that heard of it answers,
//! is what an instance without a cache answers.

use chrono::TimeDelta;
use serde_json::json;
use warta::principal::Role;

use super::{Desk, is_hit, read, warm};
use crate::support::{Answer, Server};

/// All that readers look at while things change.
const WATCHED: [&str; 45] = [
    "/v1/articles",
    "/v1/articles?limit=1",
    "/v1/articles?tag=riset",
    "/v1/articles?tag=hukum",
    "/v1/articles?tag={tag}",
    "/v1/articles?tag=riset,hukum&language=id",
    "/v1/articles?tag_all=riset,hukum",
    "/v1/articles?tag_none=hukum",
    "/v1/articles?source=pesisir",
    "/v1/articles?source={source}",
    "/v1/articles?language=id",
    "/v1/articles?language=en,jv",
    "/v1/articles?count=true&language=id",
    "/v1/articles?sort=title",
    "/v1/articles?sort=-updated_at&tag=riset",
    "/v1/articles?sort=-updated_at&tag=hukum&limit=1",
    "/v1/articles?include=body",
    "/v1/articles?q=nelayan",
    "/v1/articles?cites=https://pesisir.example/1",
    "/v1/articles/satu",
    "/v1/articles/{one}",
    "/v1/articles/uno",
    "/v1/articles/one",
    "/v1/articles/{two}",
    "/v1/articles/lain",
    "/v1/articles/{one}/related",
    "/v1/articles/{two}/related",
    "/v1/articles/lain/related",
    "/v1/articles/{one}/corrections",
    "/v1/articles/{one}/versions",
    "/v1/articles/{one}/versions/1",
    "/v1/tags",
    "/v1/tags?menu=true",
    "/v1/tags?q=hu",
    "/v1/tags/riset",
    "/v1/tags/hukum",
    "/v1/tags/{tag}",
    "/v1/sources",
    "/v1/sources/pesisir",
    "/v1/sources/{source}",
    "/v1/sources/pesisir/articles",
    "/feeds/rss.xml",
    "/feeds/atom.xml?tag=riset",
    "/feeds/feed.json?source=pesisir",
    "/sitemap.xml",
];

/// What an answer says, whoever gives it.
fn said(answer: &Answer, base: &str) -> String {
    let request = answer.header("x-request-id");
    let tag = if answer.text.contains(base) {
        ""
    } else {
        answer.headers.get("etag").map_or("", |tag| tag.to_str().unwrap())
    };
    let link = answer.headers.get("link").map_or("", |link| link.to_str().unwrap());
    let text = answer.text.replace(request, "").replace(base, "");
    format!("{} {tag} {link}\n{text}", answer.status)
}

struct Watch {
    desk: Desk,
    other: Server,
    uncached: Server,
    ids: Vec<(&'static str, String)>,
}

impl Watch {
    fn paths(&self) -> Vec<String> {
        let fill =
            |path: &&str| self.ids.iter().fold((*path).to_owned(), |path, (name, id)| path.replace(name, id));
        let known = |path: &String| !path.contains('{');
        WATCHED.iter().map(fill).filter(known).collect()
    }

    /// Compares all that is watched, and leaves it in memory.
    async fn compare(&self, after: &str) {
        // The one that took the change is asked at once; the other one has heard of it.
        self.compare_one(&self.desk.server, after).await;
        self.other.cache.caught_up().await;
        self.compare_one(&self.other, after).await;
    }

    async fn compare_one(&self, server: &Server, after: &str) {
        for path in self.paths() {
            let found = said(&read(server, &path).await, &server.base);
            let expected = said(&read(&self.uncached, &path).await, &self.uncached.base);
            assert_eq!(found, expected, "{path} after {after}");
        }
        for path in self.paths() {
            if read(server, &path).await.status == 200 {
                assert!(is_hit(server, &path).await, "{path} is not kept");
            }
        }
    }

    async fn patch(&self, path: &str, body: serde_json::Value) {
        let editor = Some(self.desk.editor.as_str());
        self.desk.server.patch(path, editor, body.clone()).await.expect(200);
        self.compare(&format!("PATCH {path} {body}")).await;
    }

    async fn post(&self, path: &str, body: serde_json::Value) -> Answer {
        let editor = Some(self.desk.editor.as_str());
        let answer = self.desk.server.post(path, editor, body.clone()).await;
        assert!(answer.status < 300, "{}", answer.text);
        self.compare(&format!("POST {path} {body}")).await;
        answer
    }

    async fn delete(&self, path: &str) {
        self.desk.server.delete(path, Some(&self.desk.editor)).await.expect(204);
        self.compare(&format!("DELETE {path}")).await;
    }

    async fn made(&mut self, name: &'static str, path: &str, body: serde_json::Value) {
        let answer = self.post(path, body).await;
        self.ids.push((name, answer.body["id"].as_str().unwrap().to_owned()));
    }
}

#[tokio::test]
async fn no_change_leaves_an_older_answer() {
    let desk = Desk::open().await;
    let (other, uncached) = (desk.server.beside(1 << 20).await, desk.server.beside(0).await);
    let mut watch = Watch { desk, other, uncached, ids: Vec::new() };
    let now = json!({});
    watch.compare("nothing").await;
    watch.made("{tag}", "/v1/tags", json!({"name": "Riset", "menu": true})).await;
    watch.post("/v1/tags", json!({"name": "Hukum"})).await;
    watch.made("{source}", "/v1/sources", json!({"name": "Pesisir"})).await;
    let citation =
        json!({"source": "pesisir", "url": "https://pesisir.example/1", "title": "Laporan", "role": "data"});
    let one = json!({"title": "Satu nelayan", "slug": "satu", "language": "id", "body": "Nelayan melaut.",
        "tags": ["riset"], "citations": [citation]});
    watch.made("{one}", "/v1/articles", one).await;
    watch.post("/v1/articles/satu/publish", now.clone()).await;
    let two = json!({"title": "One fisher", "slug": "one", "language": "en", "translation_of": "satu", "tags": ["riset"]});
    watch.made("{two}", "/v1/articles", two).await;
    watch.post("/v1/articles/one/publish", now.clone()).await;
    // A story that shares nothing but a word, and another list.
    let other = json!({"title": "Harga nelayan lain", "slug": "lain", "language": "jv", "tags": ["hukum"]});
    watch.post("/v1/articles", other).await;
    watch.post("/v1/articles/lain/publish", now.clone()).await;

    watch.patch("/v1/articles/satu", json!({"title": "Satu lagi", "body": "Nelayan pulang."})).await;
    watch.post("/v1/articles/satu/publish", now.clone()).await;
    watch.patch("/v1/articles/satu", json!({"tags": ["hukum", "riset"]})).await;
    watch.post("/v1/articles/satu/publish", now.clone()).await;
    watch.patch("/v1/articles/satu", json!({"tags": ["hukum"], "slug": "uno", "language": "jv"})).await;
    watch.post("/v1/articles/{one}/publish".replace("{one}", &watch.ids[2].1).as_str(), now.clone()).await;
    // So that the correction brings the other one back to the top of a list that it was not on.
    watch.patch("/v1/articles/lain", json!({"summary": "Diperbarui."})).await;
    watch.post("/v1/articles/lain/publish", now.clone()).await;
    watch
        .post("/v1/articles/uno/corrections", json!({"kind": "correction", "text": "Bukan dua, satu."}))
        .await;
    watch.patch("/v1/articles/uno", json!({"citations": []})).await;
    watch.post("/v1/articles/uno/publish", now.clone()).await;
    watch.delete("/v1/articles/uno/slugs/satu").await;
    watch.patch("/v1/articles/one", json!({"translation_of": null})).await;
    watch.post("/v1/articles/one/publish", now.clone()).await;
    watch.patch("/v1/articles/one", json!({"translation_of": "uno", "citations": [citation]})).await;
    watch.post("/v1/articles/one/publish", now.clone()).await;

    watch.patch("/v1/tags/hukum", json!({"name": "Hukum dan HAM", "menu": true, "position": 1})).await;
    watch.patch("/v1/tags/hukum", json!({"slug": "hukum-ham"})).await;
    watch.post("/v1/tags", json!({"name": "Laut"})).await;
    watch.post("/v1/tags/riset/merge", json!({"into": "laut"})).await;
    watch.patch("/v1/sources/pesisir", json!({"name": "Kantor Pesisir"})).await;
    watch.patch("/v1/sources/pesisir", json!({"slug": "kantor"})).await;
    watch.patch("/v1/sources/kantor", json!({"slug": "pesisir"})).await;
    watch.delete("/v1/tags/laut").await;

    watch.post("/v1/articles/lain/unpublish", now.clone()).await;
    let soon = watch.desk.server.clock.now() + TimeDelta::hours(1);
    watch.post("/v1/articles/lain/publish", json!({"at": soon})).await;
    watch.desk.server.clock.advance(TimeDelta::hours(2));
    watch.desk.editor = watch.desk.server.sign_in(Role::Admin).await;
    // The worker of another instance publishes it; nobody acknowledged that to anyone.
    assert_eq!(watch.uncached.publish_due().await, 1);
    watch.desk.server.cache.caught_up().await;
    watch.compare("a scheduled publication").await;
    watch.delete("/v1/articles/lain").await;
    watch.post("/v1/articles/lain/restore", now.clone()).await;
    watch.post("/v1/articles/one/retract", json!({"reason": "Keliru."})).await;
    watch.delete("/v1/articles/uno").await;
    watch.delete("/v1/articles/lain?permanent=true").await;
    watch.delete("/v1/articles/{one}?permanent=true".replace("{one}", &watch.ids[2].1).as_str()).await;
    watch.delete("/v1/articles/one?permanent=true").await;
    watch.delete("/v1/sources/pesisir").await;
    watch.delete("/v1/tags/hukum-ham").await;
}

#[tokio::test]
async fn a_change_drops_only_what_it_concerns() {
    let desk = Desk::open().await;
    for name in ["Riset", "Hukum"] {
        desk.make("/v1/tags", json!({"name": name})).await;
    }
    let changed = desk.story("Berubah", &["riset"]).await;
    let other = desk.story("Lain", &["hukum"]).await;
    let kept = [
        other.as_str(),
        "/v1/articles?tag=hukum",
        "/v1/sources",
        "/v1/tags/hukum",
        "/feeds/rss.xml?tag=hukum",
        "/docs",
        "/",
    ];
    let dropped =
        [changed.as_str(), "/v1/articles", "/v1/articles?tag=riset", "/v1/tags/riset", "/sitemap.xml"];
    let server = &desk.server;
    for path in kept.iter().chain(&dropped) {
        warm(server, path).await;
    }
    desk.retitle(&changed, "Kini").await;
    // Of all sources the number of articles is told, so that no publication leaves their list as it was.
    for path in kept.iter().filter(|path| **path != "/v1/sources") {
        assert!(is_hit(server, path).await, "{path} was dropped");
    }
    for path in dropped {
        assert!(!is_hit(server, path).await, "{path} was kept");
    }
}

#[tokio::test]
async fn what_readers_cannot_see_drops_nothing() {
    let desk = Desk::open().await;
    let (server, token) = (&desk.server, Some(desk.editor.as_str()));
    desk.make("/v1/tags", json!({"name": "Riset"})).await;
    let story = desk.story("Satu", &[]).await;
    let watched =
        [story.as_str(), "/v1/articles", "/v1/articles?tag=riset", "/v1/tags", "/v1/articles?q=satu"];
    for path in watched {
        warm(server, path).await;
    }
    desk.make("/v1/articles", json!({"title": "Naskah", "language": "id", "tags": ["riset"]})).await;
    server
        .patch(&story, token, json!({"title": "Lain", "tags": ["riset"], "note": "Perlu dilihat."}))
        .await
        .expect(200);
    server.act(&format!("{story}/submit"), token).await.expect(200);
    server.post(&format!("{story}/publish"), token, json!({"at": "2999-01-01T00:00:00Z"})).await.expect(200);
    server.act(&format!("{story}/unschedule"), token).await.expect(200);
    desk.make(&format!("{story}/preview-links"), json!({})).await;
    server.delete("/v1/articles/naskah", token).await.expect(204);
    for path in watched {
        assert!(is_hit(server, path).await, "{path} was dropped");
    }
}
