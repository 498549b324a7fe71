//! The first start, and the second.

use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::{
    data_dir,
    program::{Program, command},
};

/// A client of a running program.
pub(super) struct Visitor<'a> {
    pub(super) program: &'a Program,
    pub(super) client: Client,
}

impl<'a> Visitor<'a> {
    pub(super) fn of(program: &'a Program) -> Self {
        Self { program, client: Client::new() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.program.address)
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> Value {
        let request = self.client.get(self.url(path));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }

    /// The status that a token has here.
    pub(super) async fn me(&self, token: &str) -> u16 {
        self.client.get(self.url("/v1/me")).bearer_auth(token).send().await.unwrap().status().as_u16()
    }

    pub(super) async fn post(&self, path: &str, token: &str, body: &Value) -> Response {
        let request = self.client.post(self.url(path)).json(body);
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        request.send().await.unwrap()
    }

    /// The tag of a draft, as it is now.
    async fn draft_tag(&self, path: &str, token: &str) -> String {
        let request = self.client.get(self.url(&format!("{path}?draft=true"))).bearer_auth(token);
        request.send().await.unwrap().headers()["etag"].to_str().unwrap().to_owned()
    }

    async fn post_if(&self, path: &str, token: &str, tag: &str, body: &Value) -> Response {
        let request = self.client.post(self.url(path)).bearer_auth(token).header("if-match", tag);
        request.json(body).send().await.unwrap()
    }

    /// The access token, or the status that was answered instead.
    pub(super) async fn sign_in(&self, email: &str, password: &str) -> Result<String, u16> {
        let response = self.post("/v1/auth/login", "", &json!({"email": email, "password": password})).await;
        let status = response.status().as_u16();
        let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        body["access_token"].as_str().map(str::to_owned).ok_or(status)
    }

    /// How many elements a list has.
    pub(super) async fn total(&self, path: &str, token: &str) -> Value {
        self.get(&format!("{path}{}count=true", if path.contains('?') { '&' } else { '?' }), token).await["total"]
            .take()
    }
}

#[tokio::test]
async fn a_first_start_has_an_admin_and_something_to_read() {
    let folder = data_dir();
    let first = Program::start(&mut command(folder.path()));
    let told = first.told("Admin");
    let (email, rest) = told.trim().split_once(", password ").unwrap();
    let password = rest.strip_suffix(" (shown this once)").unwrap();
    let visitor = Visitor::of(&first);
    let token = visitor.sign_in(email, password).await.unwrap();
    assert_eq!(visitor.get("/v1/me", &token).await["role"], "admin");
    assert_eq!(visitor.sign_in(email, "another password").await, Err(401));

    // The news page that the demo is: a menu, headlines, sources, and stories in two languages.
    assert_eq!(visitor.total("/v1/articles?language=id", "").await, 12);
    assert_eq!(visitor.total("/v1/articles?language=en", "").await, 4);
    assert_eq!(visitor.total("/v1/articles?draft=true&status=draft", &token).await, 1);
    let latest = visitor.get("/v1/articles?include=body&limit=100", "").await;
    for story in latest["data"].as_array().unwrap() {
        let slug = &story["slug"];
        assert!(story["word_count"].as_i64().unwrap() > 100, "{slug}");
        assert!(!story["summary"].as_str().unwrap().is_empty(), "{slug}");
        let citations = story["citations"].as_array().unwrap().len();
        assert!((1..=3).contains(&citations), "{slug} has {citations} citations");
        assert!(!story["tags"].as_array().unwrap().is_empty(), "{slug}");
    }
    let translated = visitor.get("/v1/articles/model-bahasa-terbuka-tujuh-bahasa-daerah", "").await;
    assert_eq!(translated["translations"][0]["language"], "en");
    for path in ["/v1/tags?limit=100", "/v1/sources?limit=100"] {
        let list = visitor.get(path, "").await;
        let elements = list["data"].as_array().unwrap();
        assert!(
            elements.len() > 5 && elements.iter().all(|one| one["article_count"].as_i64() > Some(0)),
            "{path}"
        );
    }
    let menu = visitor.get("/v1/tags?menu=true", "").await;
    let menu: Vec<_> =
        menu["data"].as_array().unwrap().iter().map(|tag| tag["slug"].as_str().unwrap()).collect();
    assert_eq!(menu, ["riset", "kebijakan", "industri", "pendidikan", "etika"]);
    let emptied =
        visitor.client.delete(visitor.url("/v1/articles/open-language-model-seven-regional-languages"));
    assert_eq!(emptied.bearer_auth(&token).send().await.unwrap().status(), 204);
    drop(visitor);
    assert!(!first.stop().contains(password), "it is shown once");

    let second = Program::start(&mut command(folder.path()));
    let visitor = Visitor::of(&second);
    assert_eq!(visitor.me(&token).await, 200, "the key is kept");
    visitor.sign_in(email, password).await.unwrap();
    assert_eq!(
        visitor.total("/v1/articles", "").await,
        15,
        "the demo comes once, and what was deleted stays so"
    );
    drop(visitor);
    let rest = second.stop();
    assert!(!rest.contains("password") && !rest.contains("Admin"), "{rest}");
}

#[tokio::test]
async fn settings_name_the_first_admin_and_leave_the_demo_out() {
    let folder = data_dir();
    let mut start = command(folder.path());
    start.env("WARTA_DEMO", "false").env("WARTA_ADMIN_EMAIL", "ayu@example.org");
    start.env("WARTA_ADMIN_PASSWORD", "correct horse battery staple");
    let program = Program::start(&mut start);
    assert_eq!(program.told("Admin").trim(), "ayu@example.org");
    let visitor = Visitor::of(&program);
    let token = visitor.sign_in("ayu@example.org", "correct horse battery staple").await.unwrap();
    for path in ["/v1/articles", "/v1/articles?draft=true", "/v1/tags", "/v1/sources"] {
        assert_eq!(visitor.total(path, &token).await, 0, "{path}");
    }
    drop(visitor);
    program.stop();

    // Only while there is nobody: a setting that stays does not make or change anybody.
    start
        .env("WARTA_ADMIN_EMAIL", "budi@example.org")
        .env("WARTA_ADMIN_PASSWORD", "another horse battery staple");
    let program = Program::start(&mut start);
    let visitor = Visitor::of(&program);
    assert_eq!(visitor.sign_in("budi@example.org", "another horse battery staple").await, Err(401));
    let token = visitor.sign_in("ayu@example.org", "correct horse battery staple").await.unwrap();
    assert_eq!(visitor.total("/v1/editors", &token).await, 1);
}

#[tokio::test]
async fn a_newsroom_that_asks_for_citations_and_review_starts_with_the_demo_too() {
    let folder = data_dir();
    let mut start = command(folder.path());
    start.env("WARTA_REQUIRE_CITATION", "true").env("WARTA_REQUIRE_REVIEW", "true");
    start
        .env("WARTA_ADMIN_EMAIL", "ayu@example.org")
        .env("WARTA_ADMIN_PASSWORD", "correct horse battery staple");
    let program = Program::start(&mut start);
    let visitor = Visitor::of(&program);
    assert_eq!(visitor.total("/v1/articles", "").await, 16);
    let token = visitor.sign_in("ayu@example.org", "correct horse battery staple").await.unwrap();
    let draft = json!({"title": "Kabar", "language": "id"});
    assert_eq!(visitor.post("/v1/articles", &token, &draft).await.status(), 201);
    let refused = visitor.post("/v1/articles/kabar/publish", &token, &json!({})).await;
    assert_eq!(refused.status(), 428, "it names no draft that was reviewed");
    let tag = visitor.draft_tag("/v1/articles/kabar", &token).await;
    let refused = visitor.post_if("/v1/articles/kabar/publish", &token, &tag, &json!({})).await;
    assert_eq!(refused.status(), 422);
    let refused: Value = serde_json::from_slice(&refused.bytes().await.unwrap()).unwrap();
    assert_eq!(refused["errors"][0]["code"], "citation_required");
    assert_eq!(refused["errors"][1]["code"], "review_required");
    let reason = json!({"override": true, "override_reason": "Tidak ada orang lain."});
    assert_eq!(visitor.post("/v1/articles/kabar/publish", &token, &reason).await.status(), 200);
    visitor.get("/v1/articles/kabar", "").await;
}
