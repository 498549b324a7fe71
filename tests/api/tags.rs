//! Tags as a menu, and tags that are merged into others.

mod races;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use warta::{
    principal::Role,
    schema::{edition_tags, events},
};

use crate::{
    lists::walk,
    support::{Answer, Server},
};

struct Desk {
    server: Server,
    token: String,
}

impl Desk {
    async fn open() -> Self {
        let server = Server::start().await;
        let token = server.sign_in(Role::Editor).await;
        Self { server, token }
    }

    fn editor(&self) -> Option<&str> {
        Some(&self.token)
    }

    async fn tag(&self, body: Value) -> Answer {
        self.server.post("/v1/tags", self.editor(), body).await.expect(201)
    }

    /// Makes tags of these names; their ids.
    async fn tags<const N: usize>(&self, names: [&str; N]) -> [String; N] {
        let mut ids = Vec::new();
        for name in names {
            ids.push(self.tag(json!({"name": name})).await.body["id"].as_str().unwrap().to_owned());
        }
        ids.try_into().unwrap()
    }

    async fn draft(&self, title: &str, tags: Value) -> String {
        let body = json!({"title": title, "language": "id", "tags": tags});
        let made = self.server.post("/v1/articles", self.editor(), body).await.expect(201);
        made.header("location").to_owned()
    }

    async fn live(&self, title: &str, tags: Value) -> String {
        let path = self.draft(title, tags).await;
        self.server.act(&format!("{path}/publish"), self.editor()).await.expect(200);
        path
    }

    async fn merge(&self, tag: &str, into: &str) -> Answer {
        self.server.post(&format!("/v1/tags/{tag}/merge"), self.editor(), json!({"into": into})).await
    }

    /// The slugs of the tags of a draft.
    async fn of_draft(&self, path: &str) -> Vec<String> {
        slugs(&self.server.get(&format!("{path}?draft=true"), self.editor()).await.expect(200))
    }

    async fn of_live(&self, path: &str) -> Vec<String> {
        slugs(&self.server.get(path, None).await.expect(200))
    }

    /// The positions of the tags of each edition have no gap.
    async fn assert_gapless(&self) {
        let mut conn = self.server.database.get().await.unwrap();
        let rows: Vec<(uuid::Uuid, String, i16)> = edition_tags::table
            .order((edition_tags::article_id, edition_tags::kind, edition_tags::position))
            .select((edition_tags::article_id, edition_tags::kind, edition_tags::position))
            .load(&mut conn)
            .await
            .unwrap();
        for edition in rows.chunk_by(|one, other| (one.0, &one.1) == (other.0, &other.1)) {
            let positions: Vec<_> = edition.iter().map(|row| usize::try_from(row.2).unwrap()).collect();
            assert_eq!(positions, (0..edition.len()).collect::<Vec<_>>());
        }
    }
}

fn slugs(answer: &Answer) -> Vec<String> {
    let tags = answer.body["tags"].as_array().unwrap();
    tags.iter().map(|tag| tag["slug"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_menu_is_the_tags_that_are_in_it_in_its_order() {
    let desk = Desk::open().await;
    let plain = desk.tag(json!({"name": "Zaitun"})).await;
    assert_eq!((&plain.body["menu"], &plain.body["position"]), (&json!(false), &Value::Null));
    for (name, position) in
        [("Kopi", json!(7)), ("apel", json!(7)), ("Apel", json!(7)), ("Teh", json!(0)), ("Ubi", json!(null))]
    {
        desk.tag(json!({"name": name, "menu": true, "position": position})).await;
    }
    desk.tag(json!({"name": "Bambu", "menu": true})).await;
    desk.tag(json!({"name": "Laut", "position": 32767})).await;
    desk.tag(json!({"name": "Awan", "position": 3})).await;
    let menu = ["teh", "apel", "apel-2", "kopi", "bambu", "ubi"];
    let all = ["teh", "awan", "apel", "apel-2", "kopi", "laut", "bambu", "ubi", "zaitun"];
    let named = ["apel", "apel-2", "awan", "bambu", "kopi", "laut", "teh", "ubi", "zaitun"];
    for (query, expected) in [
        ("menu=true", &menu[..]),
        ("menu=true&sort=position", &menu),
        ("menu=true&sort=name", &["apel", "apel-2", "bambu", "kopi", "teh", "ubi"]),
        ("menu=false", &["awan", "laut", "zaitun"]),
        ("menu=false&sort=position", &["awan", "laut", "zaitun"]),
        ("sort=position", &all),
        ("sort=name", &named),
        ("", &named),
    ] {
        for limit in [1, 2, 3, 100] {
            let tags = walk(&desk.server, &format!("/v1/tags?{query}"), limit, None).await;
            let found: Vec<_> = tags.iter().map(|tag| tag["slug"].as_str().unwrap()).collect();
            assert_eq!(found, expected, "{query} in pages of {limit}");
        }
        let counted = desk.server.get(&format!("/v1/tags?{query}&count=true&limit=1"), None).await;
        assert_eq!(counted.body["total"], expected.len(), "{query}");
    }

    // A patch takes what it names, and leaves the rest.
    let moved = json!({"position": 1});
    let moved = desk.server.patch("/v1/tags/ubi", desk.editor(), moved).await.expect(200);
    assert_eq!((&moved.body["menu"], &moved.body["position"]), (&json!(true), &json!(1)));
    let taken_out = json!({"menu": null, "position": null});
    let taken_out = desk.server.patch("/v1/tags/ubi", desk.editor(), taken_out).await.expect(200);
    assert_eq!((&taken_out.body["menu"], &taken_out.body["position"]), (&json!(false), &Value::Null));
}

#[tokio::test]
async fn what_is_no_place_in_a_menu_is_refused() {
    let desk = Desk::open().await;
    desk.tags(["Riset"]).await;
    let most = json!({"name": "Ujung", "menu": false, "position": 32767});
    assert_eq!(desk.tag(most).await.body["position"], 32767);
    for (member, value, code) in [
        ("position", json!(-1), "out_of_range"),
        ("position", json!(32768), "out_of_range"),
        ("position", json!(u64::MAX), "out_of_range"),
        ("position", json!(i64::MIN), "out_of_range"),
        ("position", json!(1.5), "wrong_type"),
        ("position", json!("1"), "wrong_type"),
        ("position", json!(true), "wrong_type"),
        ("menu", json!("true"), "wrong_type"),
        ("menu", json!(1), "wrong_type"),
    ] {
        let faults = [(format!("/{member}"), code.to_owned())];
        let made = desk.server.post("/v1/tags", desk.editor(), json!({"name": "x", member: value})).await;
        assert_eq!(made.expect_problem(422, "invalid-body").faults(), faults, "{value}");
        let patched = desk.server.patch("/v1/tags/riset", desk.editor(), json!({member: value})).await;
        assert_eq!(patched.expect_problem(422, "invalid-body").faults(), faults, "{value}");
    }
    for (query, parameter, code) in [
        ("menu=", "menu", "wrong_type"),
        ("menu=1", "menu", "wrong_type"),
        ("sort=", "sort", "unknown_value"),
        ("sort=-position", "sort", "unknown_value"),
        ("sort=title", "sort", "unknown_value"),
        ("position=1", "position", "unknown"),
    ] {
        let answer = desk.server.get(&format!("/v1/tags?{query}"), None).await;
        let faults = answer.expect_problem(400, "invalid-query").faults();
        assert_eq!(faults, [(parameter.to_owned(), code.to_owned())], "{query}");
    }
    let page = desk.server.get("/v1/tags?limit=1", None).await.expect(200);
    let cursor = page.body["next_cursor"].as_str().unwrap();
    for query in ["sort=position", "menu=false", "menu=true"] {
        desk.server.get(&format!("/v1/tags?{query}&cursor={cursor}"), None).await.expect(400);
    }
}

#[tokio::test]
async fn a_merge_moves_every_edition() {
    let desk = Desk::open().await;
    let [old, new, ..] = desk.tags(["Lama", "Baru", "Lain", "Satu"]).await;
    let draft = desk.draft("Draf", json!(["lain", "lama", "satu"])).await;
    let live = desk.live("Tayang", json!(["lama", "lain", "baru", "satu"])).await;
    // The draft has them the other way round.
    let turned = json!({"tags": ["satu", "baru", "lain", "lama"]});
    desk.server.patch(&live, desk.editor(), turned).await.expect(200);
    let untouched = desk.live("Lain lagi", json!(["baru", "lain"])).await;
    let trashed = desk.draft("Dibuang", json!(["lama", "satu"])).await;
    desk.server.delete(&trashed, desk.editor()).await.expect(204);
    let before = desk.server.get(&live, None).await.expect(200);
    let drafted = desk.server.get(&format!("{live}?draft=true"), desk.editor()).await.expect(200);

    let merged = desk.merge("lama", "baru").await.expect(200);
    assert_eq!((&merged.body["id"], &merged.body["article_count"]), (&json!(new), &json!(2)));
    let read = desk.server.get("/v1/tags/baru", None).await.expect(200);
    assert_eq!((&read.body, read.header("etag")), (&merged.body, merged.header("etag")));
    assert_eq!(desk.of_draft(&draft).await, ["lain", "baru", "satu"]);
    assert_eq!(desk.of_live(&live).await, ["baru", "lain", "satu"]);
    assert_eq!(desk.of_draft(&live).await, ["satu", "baru", "lain"]);
    assert_eq!(desk.of_live(&untouched).await, ["baru", "lain"]);
    desk.assert_gapless().await;
    let restored = desk.server.act(&format!("{trashed}/restore"), desk.editor()).await.expect(200);
    assert_eq!(slugs(&restored), ["baru", "satu"]);

    // Readers have another representation; the editor's work is as good as before.
    assert_ne!(desk.server.get(&live, None).await.header("etag"), before.header("etag"));
    let etag = drafted.header("etag");
    desk.server.patch_if(&live, desk.editor(), etag, json!({"summary": "Baru."})).await.expect(200);

    let mut conn = desk.server.database.get().await.unwrap();
    let (subject, details): (uuid::Uuid, Value) = events::table
        .filter(events::type_.eq("tag.merged"))
        .select((events::subject_id, events::details))
        .first(&mut conn)
        .await
        .unwrap();
    assert_eq!((subject.to_string(), details), (old, json!({"into": new, "article_count": 3})));
}

#[tokio::test]
async fn every_name_of_a_merged_tag_leads_to_the_one_that_stays() {
    let desk = Desk::open().await;
    let [a, b, c, other] = desk.tags(["A", "B", "C", "Lain"]).await;
    desk.server.patch("/v1/tags/a", desk.editor(), json!({"slug": "alfa"})).await.expect(200);
    let path = desk.live("Satu", json!(["alfa"])).await;
    desk.live("Dua", json!(["lain"])).await;
    desk.merge("alfa", &b).await.expect(200);
    desk.merge("b", "c").await.expect(200);
    let names = ["a", "alfa", a.as_str(), "b", b.as_str()];
    for name in names {
        let moved = desk.server.get(&format!("/v1/tags/{name}"), None).await.expect(308);
        assert_eq!(moved.header("location"), "/v1/tags/c", "{name}");
        for (filter, expected) in
            [("tag", "satu"), ("tag_all", "satu"), ("tag_none", "dua"), ("tag=lain&tag_all", "")]
        {
            let list = desk.server.get(&format!("/v1/articles?{filter}={name}"), None).await.expect(200);
            assert_eq!(list.each("slug").join(" "), expected, "{filter}={name}");
        }
        desk.server.patch(&path, desk.editor(), json!({"tags": [other, name]})).await.expect(200);
        assert_eq!(desk.of_draft(&path).await, ["lain", "c"], "{name}");
        // To change or to delete the tag, one has to know which it is.
        let here = format!("/v1/tags/{name}");
        desk.server.patch(&here, desk.editor(), json!({"name": "x"})).await.expect_problem(404, "not-found");
        desk.server.delete(&here, desk.editor()).await.expect_problem(404, "not-found");
        desk.merge(name, "lain").await.expect_problem(404, "not-found");
        // As what a merge leads into, it is another name.
        let itself = desk.merge("c", name).await.expect_problem(422, "invalid-body");
        assert_eq!(itself.faults(), [("/into".to_owned(), "itself".to_owned())]);
    }
    // What was two tags once is one, at the first place; what is one is still not given twice.
    desk.server.patch(&path, desk.editor(), json!({"tags": ["b", "lain", a, "c"]})).await.expect(200);
    assert_eq!(desk.of_draft(&path).await, ["c", "lain"]);
    let twice = desk.server.patch(&path, desk.editor(), json!({"tags": ["lain", other, "c", c]})).await;
    let faults = twice.expect_problem(422, "invalid-body").faults();
    assert_eq!(faults, ["/tags/1", "/tags/3"].map(|at| (at.to_owned(), "duplicate".to_owned())));

    // A name that leads somewhere is not to be had, and nobody makes one.
    for slug in ["a", "alfa", "b"] {
        let taken = json!({"name": "x", "slug": slug});
        let taken = desk.server.post("/v1/tags", desk.editor(), taken).await;
        let taken = taken.expect_problem(409, "slug-taken");
        assert_eq!(taken.faults(), [("/slug".to_owned(), "taken".to_owned())]);
        assert_eq!(taken.body["detail"], "The slug leads to the tag `c`.");
        let renamed = desk.server.patch("/v1/tags/lain", desk.editor(), json!({"slug": slug})).await;
        renamed.expect_problem(409, "slug-taken");
    }
    assert_eq!(desk.tag(json!({"name": "Alfa"})).await.body["slug"], "alfa-2");
    // By the tag that it leads to, it is.
    desk.server.patch("/v1/tags/c", desk.editor(), json!({"slug": "alfa"})).await.expect(200);
    let moved = desk.server.get("/v1/tags/c", None).await.expect(308);
    assert_eq!(moved.header("location"), "/v1/tags/alfa");
    desk.server.get("/v1/tags/alfa", None).await.expect(200);

    // With the tag goes all that led to it.
    desk.server.delete("/v1/tags/alfa", desk.editor()).await.expect(204);
    for name in names {
        desk.server.get(&format!("/v1/tags/{name}"), None).await.expect_problem(404, "not-found");
    }
    assert_eq!(desk.tag(json!({"name": "B"})).await.body["slug"], "b");
}

#[tokio::test]
async fn a_merge_that_cannot_be_changes_nothing() {
    let desk = Desk::open().await;
    let [a, _] = desk.tags(["A", "B"]).await;
    let path = desk.live("Satu", json!(["a"])).await;
    let before = desk.server.snapshot().await;
    for (into, code) in [
        (json!("a"), "itself"),
        (json!(a), "itself"),
        (json!("tidak-ada"), "not_found"),
        (json!(uuid::Uuid::nil()), "not_found"),
        (json!("A"), "invalid_slug"),
        (json!(null), "wrong_type"),
    ] {
        let refused = desk.server.post("/v1/tags/a/merge", desk.editor(), json!({"into": into})).await;
        let faults = refused.expect_problem(422, "invalid-body").faults();
        assert_eq!(faults, [("/into".to_owned(), code.to_owned())], "{into}");
    }
    desk.merge("tidak-ada", "b").await.expect_problem(404, "not-found");
    desk.merge("tidak-ada", "tidak-ada").await.expect_problem(404, "not-found");
    let bearer = format!("Bearer {}", desk.token);
    let send = |tag: String| {
        let bearer = bearer.clone();
        let server = &desk.server;
        async move {
            let headers = [("authorization", bearer.as_str()), ("if-match", tag.as_str())];
            server.send("POST", "/v1/tags/a/merge", &headers, Some(json!({"into": "b"}))).await
        }
    };
    let etag = desk.server.get("/v1/tags/a", None).await.header("etag").to_owned();
    let other = desk.server.get("/v1/tags/b", None).await.header("etag").to_owned();
    let stale = send(other).await.expect_problem(412, "precondition-failed");
    assert_eq!(stale.header("etag"), etag);
    assert_eq!(desk.server.snapshot().await, before);
    send(etag).await.expect(200);
    assert_eq!(desk.of_live(&path).await, ["b"]);
}
