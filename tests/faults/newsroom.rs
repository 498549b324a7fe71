//! Two instances of the real program on the servers of a rehearsal, and who asks them.

use std::{path::Path, process::Command, time::Duration};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use warta::auth::keys::Keys;

use crate::program::{Program, command};

const EMAIL: &str = "ayu@example.org";
const PASSWORD: &str = "correct horse battery staple";

/// How long a client waits for an answer. It is never that long in coming.
const PATIENCE: Duration = Duration::from_secs(30);

/// The instances. They end with the value.
pub(crate) struct Newsroom {
    programs: Vec<Program>,
    pub(crate) desks: [Desk; 2],
}

/// Whoever works with one of the instances.
#[derive(Clone)]
pub(crate) struct Desk {
    /// Of the instance, from 0 on.
    pub(crate) number: usize,
    base: String,
    client: Client,
    token: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `null` where it is no JSON.
    pub(crate) body: Value,
    pub(crate) text: String,
    pub(crate) tag: String,
    /// Whether it says when to come again.
    pub(crate) retry: bool,
    /// Whether it says that it is from before the database was away.
    pub(crate) from_memory: bool,
}

impl Newsroom {
    /// Starts both, the second one on what the first has made; signs in at each.
    pub(crate) async fn open(folder: &Path, database_url: &str) -> Self {
        let folder = folder.join("instances");
        std::fs::create_dir(&folder).unwrap();
        let key = folder.join("key.pem");
        Keys::load_or_create(&key).unwrap();
        let start = || -> Command {
            let mut start = command(&folder);
            start.current_dir(&folder).env("DATABASE_URL", database_url).env("WARTA_JWT_KEY_FILE", &key);
            start
                .env("WARTA_ADMIN_EMAIL", EMAIL)
                .env("WARTA_ADMIN_PASSWORD", PASSWORD)
                .env("WARTA_LOG", "warn");
            start
        };
        let mut programs = Vec::new();
        for _ in 0..2 {
            let mut start = start();
            programs.push(tokio::task::spawn_blocking(move || Program::start(&mut start)).await.unwrap());
        }
        let (one, two) = tokio::join!(Desk::sign_in(0, &programs[0]), Desk::sign_in(1, &programs[1]));
        Self { programs, desks: [one, two] }
    }

    /// What each instance complained of, but for the single requests.
    pub(crate) fn complaints(&self) -> String {
        let mut told = String::new();
        for (number, program) in self.programs.iter().enumerate() {
            let complaints = program.complaints();
            let lines = complaints.lines().filter(|line| !line.contains("request_id"));
            told.extend(lines.map(|line| format!("instance {number}: {line}\n")));
        }
        told
    }
}

impl Desk {
    async fn sign_in(number: usize, program: &Program) -> Self {
        let client =
            Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut desk =
            Self { number, base: format!("http://{}", program.address), client, token: String::new() };
        let words = json!({"email": EMAIL, "password": PASSWORD});
        let answer = desk.send(Method::POST, "/v1/auth/login", None, Some(&words)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
        desk.token = answer.body["access_token"].as_str().unwrap().to_owned();
        desk
    }

    /// What an editor does. The state that it is made from is `tag`.
    pub(crate) async fn write(
        &self,
        method: Method,
        path: &str,
        tag: Option<&str>,
        body: &Value,
    ) -> Result<Answer, String> {
        self.send(method, path, Some(tag.unwrap_or_default()), Some(body)).await
    }

    /// What an editor sees of a draft.
    pub(crate) async fn draft(&self, path: &str) -> Result<Answer, String> {
        self.send(Method::GET, &format!("{path}?draft=true"), Some(""), None).await
    }

    /// What a reader sees.
    pub(crate) async fn read(&self, path: &str) -> Result<Answer, String> {
        self.send(Method::GET, path, None, None).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        editor: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(tag) = editor {
            request = request.bearer_auth(&self.token);
            if !tag.is_empty() {
                request = request.header("if-match", tag);
            }
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        let status = response.status().as_u16();
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (tag, retry) = (header("etag").unwrap_or_default(), header("retry-after").is_some());
        let from_memory = header("cache-status").is_some_and(|status| status.contains("database-away"));
        let text = response.text().await.map_err(|error| format!("{error:?}"))?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status, body, text, tag, retry, from_memory })
    }
}
