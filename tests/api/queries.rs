//! Each operation runs a constant number of SQL statements, however much there is to read or to write.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};
use warta::principal::Role;

use crate::support::{PASSWORD, Server, document};

/// The size of the small and of the large case: rows, tags, translations and sessions.
const SIZES: [usize; 2] = [2, 20];

/// What there is to work on: as many articles, tags, sources and editors as `size`, and one of each that all
/// the others belong to: `/v1/articles/story` has every tag, cites every source, was changed and corrected,
/// and is translated `size` times; `tag-0` and `source-0` are on every article; `ayu@example.org` has `size`
/// sessions.
struct Newsroom {
    server: Server,
    admin: String,
    size: usize,
}

const LANGUAGES: [&str; 20] = [
    "ace", "ban", "bug", "de", "en", "fr", "gor", "ja", "jv", "ko", "mad", "min", "ms", "nl", "su", "sw",
    "ta", "th", "vi", "zh",
];

impl Newsroom {
    async fn of(size: usize) -> Self {
        let server = Server::uncached().await;
        let admin = server.sign_in(Role::Admin).await;
        let room = Self { server, admin, size };
        for number in 0..size {
            room.made("/v1/tags", json!({"name": format!("Tag {number}")})).await;
            room.made("/v1/sources", json!({"name": format!("Source {number}")})).await;
        }
        room.made("/v1/tags", json!({"name": "Unused"})).await;
        room.made("/v1/sources", json!({"name": "Unused"})).await;
        room.made("/v1/articles", room.article_of("Story", "story")).await;
        for number in 0..size {
            let patch = json!({"summary": format!("Summary {number}")});
            room.server.patch("/v1/articles/story", Some(&room.admin), patch).await.expect(200);
        }
        room.server.act("/v1/articles/story/publish", Some(&room.admin)).await.expect(200);
        for number in 0..size {
            let correction = json!({"kind": "update", "text": format!("Kabar {number}")});
            room.made("/v1/articles/story/corrections", correction).await;
            let change = json!({"summary": format!("Ringkasan {number}")});
            room.server.patch("/v1/articles/story", Some(&room.admin), change).await.expect(200);
            room.server.act("/v1/articles/story/publish", Some(&room.admin)).await.expect(200);
        }
        for language in &LANGUAGES[..size] {
            let mut translation = room.article(&format!("Story {language}"));
            translation["language"] = json!(language);
            translation["translation_of"] = json!("story");
            room.made("/v1/articles", translation).await;
            let publish = format!("/v1/articles/story-{language}/publish");
            room.server.act(&publish, Some(&room.admin)).await.expect(200);
        }
        // It had as many other slugs, and has as many links.
        let others = (0..size).map(|number| format!("story-{number}"));
        for slug in others.chain(["story".to_owned()]) {
            room.server
                .patch("/v1/articles/story", Some(&room.admin), json!({"slug": slug}))
                .await
                .expect(200);
            room.server.act("/v1/articles/story/publish", Some(&room.admin)).await.expect(200);
            room.made("/v1/articles/story/preview-links", json!({})).await;
        }
        room.server.editor("ayu@example.org", Role::Writer).await;
        for _ in 0..size {
            room.server.token("ayu@example.org").await;
        }
        room
    }

    /// With every tag, and a citation of every source, of documents that no other article has.
    fn article(&self, title: &str) -> Value {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        self.article_of(title, &format!("document-{}", NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The same, of documents that all have this name.
    fn article_of(&self, title: &str, document: &str) -> Value {
        let tags: Vec<_> = (0..self.size).map(|number| format!("tag-{number}")).collect();
        let citation = |number| json!({"source": format!("source-{number}"), "url": format!("https://source.example/{document}/{number}"), "title": "Laporan"});
        let citations: Vec<_> = (0..self.size).map(citation).collect();
        json!({"title": title, "language": "id", "tags": tags, "citations": citations})
    }

    async fn made(&self, path: &str, body: Value) -> String {
        self.server.post(path, Some(&self.admin), body).await.expect(201).header("location").to_owned()
    }

    /// Takes the place-holders of the table's paths and bodies.
    async fn fill(&self, text: &str) -> String {
        let mut text = text.replace("{size}", &self.size.to_string());
        if text.contains("{draft}") {
            text = text.replace("{draft}", &self.made("/v1/articles", self.article("Draft")).await);
        }
        if text.contains("{link}") {
            text = text.replace("{link}", &self.made("/v1/articles/story/preview-links", json!({})).await);
        }
        if text.contains("{preview}") {
            let path = "/v1/articles/story/preview-links";
            let link = self.server.post(path, Some(&self.admin), json!({})).await.expect(201);
            text = text.replace("{preview}", link.body["token"].as_str().unwrap());
        }
        if text.contains("{ayu}") {
            let list = self.server.get("/v1/editors?limit=100", Some(&self.admin)).await;
            let place = list.each("email").iter().position(|email| *email == "ayu@example.org").unwrap();
            text = text.replace("{ayu}", list.each("id")[place]);
        }
        if text.contains("{refresh_token}") {
            let login = json!({"email": "ayu@example.org", "password": PASSWORD});
            let tokens = self.server.post("/v1/auth/login", None, login).await.expect(200);
            text = text.replace("{refresh_token}", tokens.body["refresh_token"].as_str().unwrap());
        }
        if text.contains("\"{article}\"") {
            text = text.replace("\"{article}\"", &self.article("New").to_string());
        }
        if text.contains("\"{duplicate}\"") {
            text = text.replace("\"{duplicate}\"", &self.article_of("Twice", "story").to_string());
        }
        if text.contains("\"{change}\"") {
            let mut article = self.article("Changed");
            article["tags"].as_array_mut().unwrap().reverse();
            text = text.replace("\"{change}\"", &article.to_string());
        }
        text
    }

    /// How many statements a request runs.
    async fn cost(&self, case: &Case) -> u64 {
        let Case { method, path, token, body, status, .. } = case;
        let path = self.fill(path).await;
        let body = if body.is_empty() { None } else { Some(self.fill(body).await) };
        let body = body.map(|body| serde_json::from_str(&body).unwrap());
        let token = match token {
            Nobody => None,
            Admin => Some(format!("Bearer {}", self.admin)),
            Ayu => Some(format!("Bearer {}", self.server.token("ayu@example.org").await)),
        };
        let mut headers = vec![("if-match", "*")];
        headers.extend(token.iter().map(|token| ("authorization", token.as_str())));
        let before = self.server.database.statements();
        self.server.send(method, &path, &headers, body).await.expect(*status);
        self.server.database.statements() - before
    }
}

#[derive(Clone, Copy)]
enum By {
    Nobody,
    Admin,
    Ayu,
}
use By::{Admin, Ayu, Nobody};

/// One request of an operation. Where it stands in braces, the path and the body get what the size makes of
/// it.
struct Case {
    operation: &'static str,
    method: &'static str,
    path: &'static str,
    token: By,
    body: &'static str,
    status: u16,
}

macro_rules! cases {
    ($($operation:ident: $token:ident $method:ident $path:literal $($body:literal)? => $status:literal,)+) => {
        [$(Case {
            operation: stringify!($operation),
            method: stringify!($method),
            path: $path,
            token: $token,
            body: concat!($($body)?),
            status: $status,
        }),+]
    };
}

/// At least one request of every operation. Their order matters: some take away what others work on.
const CASES: &[Case] = &cases! {
    read_keys: Nobody GET "/.well-known/jwks.json" => 200,
    read_liveness: Nobody GET "/livez" => 200,
    read_readiness: Nobody GET "/readyz" => 200,
    read_metrics: Nobody GET "/metrics" => 200,
    read_openapi: Nobody GET "/openapi.json" => 200,
    explain_problem: Nobody GET "/problems/not-found" => 200,
    list_problems: Nobody GET "/problems" => 200,
    list_articles: Nobody GET "/v1/articles?limit={size}" => 200,
    list_articles: Nobody GET "/v1/articles?limit={size}&include=body&count=true" => 200,
    list_articles: Nobody GET "/v1/articles?limit={size}&tag=tag-0,tag-1&source=source-0&sort=title" => 200,
    list_articles: Admin GET "/v1/articles?limit={size}&draft=true" => 200,
    list_articles: Ayu GET "/v1/articles?limit={size}&draft=true&count=true" => 200,
    list_articles: Nobody GET "/v1/articles?limit={size}&q=story&count=true" => 200,
    list_articles: Nobody GET "/v1/articles?limit={size}&q=story&sort=relevance&language=id" => 200,
    list_articles: Admin GET "/v1/articles?limit={size}&q=story&draft=true" => 200,
    read_article: Nobody GET "/v1/articles/story" => 200,
    read_article: Admin GET "/v1/articles/story?draft=true" => 200,
    read_article: Ayu GET "/v1/articles/story?draft=true" => 403,
    read_article: Nobody GET "/v1/articles/nothing" => 404,
    read_article: Nobody GET "/v1/articles/story?draft=true&preview={preview}" => 200,
    read_article: Nobody GET "/v1/articles/nothing?draft=true&preview={preview}" => 401,
    read_rss: Nobody GET "/feeds/rss.xml?limit={size}" => 200,
    read_rss: Nobody GET "/feeds/rss.xml?limit={size}&tag=tag-0,tag-1&source=source-0" => 200,
    read_atom: Nobody GET "/feeds/atom.xml?limit={size}" => 200,
    read_json_feed: Nobody GET "/feeds/feed.json?limit={size}" => 200,
    read_sitemap: Nobody GET "/sitemap.xml" => 200,
    read_news_sitemap: Nobody GET "/sitemap-news.xml" => 200,
    read_sitemap_part: Nobody GET "/sitemap-1.xml" => 200,
    create_preview_link: Admin POST "/v1/articles/story/preview-links" => 201,
    list_preview_links: Admin GET "/v1/articles/story/preview-links?limit={size}&count=true" => 200,
    read_preview_link: Admin GET "{link}" => 200,
    revoke_preview_link: Admin DELETE "{link}" => 204,
    list_article_slugs: Admin GET "/v1/articles/story/slugs?limit={size}&count=true" => 200,
    free_article_slug: Admin DELETE "/v1/articles/story/slugs/story-0" => 204,
    create_article: Admin POST "/v1/articles" "\"{article}\"" => 201,
    create_article: Ayu POST "/v1/articles" "\"{article}\"" => 201,
    create_article: Admin POST "/v1/articles" "\"{duplicate}\"" => 409,
    create_article: Ayu POST "/v1/articles" "\"{duplicate}\"" => 409,
    create_article: Ayu POST "/v1/articles?allow_duplicate=true" "\"{duplicate}\"" => 201,
    list_articles: Nobody GET "/v1/articles?limit={size}&cites=https://source.example/story/0&count=true" => 200,
    list_articles: Admin GET "/v1/articles?limit={size}&cites=https://source.example/story/0&draft=true" => 200,
    update_article: Admin PATCH "/v1/articles/story" "\"{change}\"" => 200,
    update_article: Admin PATCH "/v1/articles/story" r#"{"note": "A note alone"}"# => 200,
    list_revisions: Admin GET "/v1/articles/story/revisions?limit={size}&count=true" => 200,
    read_revision: Admin GET "/v1/articles/story/revisions/1" => 200,
    compare_revisions: Admin GET "/v1/articles/story/compare/1...3" => 200,
    restore_revision: Admin POST "/v1/articles/story/revisions/1/restore" => 200,
    restore_revision: Admin POST "/v1/articles/story/revisions/3/restore" => 200,
    update_article: Admin PATCH "/v1/articles/story" r#"{"title": "Title alone", "slug": null}"# => 200,
    publish_article: Admin POST "/v1/articles/story/publish" => 200,
    publish_article: Admin POST "{draft}/publish" => 200,
    create_correction: Admin POST "/v1/articles/story/corrections" r#"{"kind": "update", "text": "Kabar."}"# => 201,
    list_corrections: Nobody GET "/v1/articles/title-alone/corrections?limit={size}&count=true" => 200,
    list_corrections: Nobody GET "/v1/articles/story/corrections" => 308,
    read_correction: Nobody GET "/v1/articles/title-alone/corrections/00000000-0000-0000-0000-000000000000" => 404,
    list_related_articles: Nobody GET "/v1/articles/title-alone/related?limit={size}" => 200,
    list_related_articles: Nobody GET "/v1/articles/story/related" => 308,
    list_versions: Nobody GET "/v1/articles/title-alone/versions?limit={size}&count=true" => 200,
    read_version: Nobody GET "/v1/articles/title-alone/versions/{size}" => 200,
    read_version: Nobody GET "/v1/articles/title-alone/versions/1" => 200,
    read_article_json_ld: Nobody GET "/v1/articles/title-alone/json-ld" => 200,
    read_article_ninjs: Nobody GET "/v1/articles/title-alone/ninjs" => 200,
    read_article_markdown: Nobody GET "/v1/articles/title-alone/markdown" => 200,
    read_article_markdown: Nobody GET "/v1/articles/story/markdown" => 308,
    unpublish_article: Admin POST "/v1/articles/story/unpublish" => 200,
    submit_article: Admin POST "/v1/articles/story/submit" => 200,
    publish_article: Admin POST "/v1/articles/story/publish" r#"{"at": "2999-01-01T00:00:00Z"}"# => 200,
    unschedule_article: Admin POST "/v1/articles/story/unschedule" => 200,
    delete_article: Admin DELETE "/v1/articles/story" => 204,
    restore_article: Admin POST "/v1/articles/story/restore" => 200,
    publish_article: Admin POST "/v1/articles/story/publish" => 200,
    retract_article: Admin POST "/v1/articles/story/retract" r#"{"reason": "Wrong"}"# => 200,
    read_article: Nobody GET "/v1/articles/title-alone" => 410,
    list_versions: Admin GET "/v1/articles/title-alone/versions" => 200,
    list_articles: Admin GET "/v1/articles?limit={size}&trashed=true" => 200,
    delete_article: Admin DELETE "/v1/articles/story" => 204,
    delete_article: Admin DELETE "/v1/articles/story?permanent=true" => 204,
    list_tags: Nobody GET "/v1/tags?limit={size}&count=true" => 200,
    list_tags: Nobody GET "/v1/tags?limit={size}&count=true&q=tag" => 200,
    create_tag: Admin POST "/v1/tags" r#"{"name": "Tag"}"# => 201,
    read_tag: Nobody GET "/v1/tags/tag-0" => 200,
    update_tag: Admin PATCH "/v1/tags/tag-0" r#"{"name": "Renamed", "slug": null}"# => 200,
    list_tags: Nobody GET "/v1/tags?limit={size}&count=true&menu=false&sort=position" => 200,
    merge_tag: Admin POST "/v1/tags/renamed/merge" r#"{"into": "tag"}"# => 200,
    read_tag: Nobody GET "/v1/tags/renamed" => 308,
    delete_tag: Admin DELETE "/v1/tags/tag-1" => 204,
    list_sources: Nobody GET "/v1/sources?limit={size}&count=true" => 200,
    list_sources: Nobody GET "/v1/sources?limit={size}&count=true&q=sour" => 200,
    create_source: Ayu POST "/v1/sources" r#"{"name": "Source"}"# => 201,
    read_source: Nobody GET "/v1/sources/source-0" => 200,
    list_source_articles: Nobody GET "/v1/sources/source-0/articles?limit={size}&count=true" => 200,
    list_source_articles: Ayu GET "/v1/sources/source-0/articles?limit={size}&draft=true" => 200,
    list_source_articles: Nobody GET "/v1/sources/nothing/articles" => 404,
    update_source: Admin PATCH "/v1/sources/source-0" r#"{"name": "Renamed", "slug": null}"# => 200,
    delete_source: Admin DELETE "/v1/sources/source-1" => 409,
    delete_source: Admin DELETE "/v1/sources/unused" => 204,
    login: Nobody POST "/v1/auth/login" r#"{"email": "ayu@example.org", "password": "correct horse battery staple"}"# => 200,
    login: Nobody POST "/v1/auth/login" r#"{"email": "nobody@example.org", "password": "correct horse battery staple"}"# => 401,
    refresh: Nobody POST "/v1/auth/refresh" r#"{"refresh_token": "{refresh_token}"}"# => 200,
    logout: Ayu POST "/v1/auth/logout" => 204,
    read_me: Ayu GET "/v1/me" => 200,
    update_me: Ayu PATCH "/v1/me" r#"{"name": "Ayu"}"# => 200,
    change_password: Ayu PUT "/v1/me/password"
        r#"{"current_password": "correct horse battery staple", "new_password": "correct horse battery stapler"}"# => 204,
    list_editors: Admin GET "/v1/editors?limit={size}&count=true" => 200,
    create_editor: Admin POST "/v1/editors"
        r#"{"email": "b@example.org", "name": "B", "role": "writer", "password": "correct horse battery"}"# => 201,
    read_editor: Admin GET "/v1/editors/{ayu}" => 200,
    update_editor: Admin PATCH "/v1/editors/{ayu}" r#"{"role": "editor"}"# => 200,
    update_editor: Admin PATCH "/v1/editors/{ayu}" r#"{"password": "correct horse battery staple"}"# => 200,
    update_editor: Admin PATCH "/v1/editors/{ayu}" r#"{"active": false}"# => 200,
    list_events: Admin GET "/v1/events?limit={size}&count=true" => 200,
    list_events: Admin GET "/v1/events?limit={size}&sort=sequence&subject_type=article&type=article.created" => 200,
};

#[test]
fn every_operation_is_counted() {
    let paths = document()["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|item| item.as_object().unwrap().values());
    let documented: BTreeSet<_> =
        operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let counted: BTreeSet<_> = CASES.iter().map(|case| case.operation).collect();
    let missing: Vec<_> = documented.difference(&counted).collect();
    assert!(
        missing.is_empty(),
        "no request of these operations is in CASES of tests/api/queries.rs; add one for each, so that the number of its SQL \
         statements stays the same however much there is: {missing:?}"
    );
    let gone: Vec<_> = counted.difference(&documented).collect();
    assert!(gone.is_empty(), "these operations are not in the document: {gone:?}");
}

#[tokio::test]
async fn the_number_of_statements_is_constant() {
    let [small, large] = SIZES;
    let (small, large) = (Newsroom::of(small).await, Newsroom::of(large).await);
    let mut wrong = Vec::new();
    for case in CASES {
        let (few, many) = (small.cost(case).await, large.cost(case).await);
        // The database is asked whether it is there now and then, whoever else asks.
        if few != many && case.operation != "read_readiness" {
            let Case { operation, method, path, .. } = case;
            wrong.push(format!(
                "{operation} ({method} {path}): {few} with {}, {many} with {}",
                small.size, large.size
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "these requests run more statements where there is more to read or write; load children in one query for all \
         (`= any(...)`) and write them with one insert:\n{}",
        wrong.join("\n")
    );
}
