//! Instances of the program, and a client of them.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Client, Method, StatusCode, header};
use serde_json::{Value, json};
use warta::{auth::keys::Keys, database::DatabaseUrl};

use crate::{
    fill::cast::{PASSWORD, email},
    outcome::{Outcome, about},
};

/// The program that cargo built for this.
const PROGRAM: &str = env!("CARGO_BIN_EXE_warta");

/// The setting that bounds the response cache.
const CACHE: &str = "WARTA_CACHE_BYTES";

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether the response cache is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caching {
    /// As a newsroom gets it.
    Default,
    /// Every request reaches the database.
    Off,
}

/// Starts instances.
#[derive(Clone, Debug)]
pub(crate) struct Launcher {
    folder: PathBuf,
    /// Whether the program has a response cache.
    pub(crate) has_cache: bool,
}

impl Launcher {
    /// Makes the key that all instances sign with.
    pub(crate) fn new(folder: &Path) -> Outcome<Self> {
        Keys::load_or_create(&folder.join("jwt.pem")).map_err(about("the key"))?;
        let help = Command::new(PROGRAM).arg("--help").env_clear().output().map_err(about(PROGRAM))?;
        let has_cache = String::from_utf8_lossy(&help.stdout).contains(CACHE);
        Ok(Self { folder: folder.to_owned(), has_cache })
    }

    /// Starts an instance with default settings; ready when it returns.
    pub(crate) async fn start(&self, url: &DatabaseUrl, caching: Caching) -> Outcome<Server> {
        let started = Instant::now();
        let mut command = Command::new(PROGRAM);
        // Settings of the one who runs this are not those that are measured.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command
            .env("DATABASE_URL", url.expose())
            .env("WARTA_JWT_KEY_FILE", self.folder.join("jwt.pem"))
            .env("WARTA_LISTEN", "127.0.0.1:0")
            .env("WARTA_LOG", "warn");
        if self.has_cache && caching == Caching::Off {
            command.env(CACHE, "0");
        }
        let log = File::options().create(true).append(true).open(self.folder.join("warta.log"))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut process = Process(command.spawn().map_err(about(PROGRAM))?);
        let output = process.0.stdout.take().ok_or("no output")?;
        let (tell, told) = tokio::sync::oneshot::channel();
        // Reads on to the end: the program must not find its output closed.
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            let mut bases = lines.filter_map(|line| {
                let address = line.split_once("API")?.1.trim().to_owned();
                Some(address.strip_suffix("/v1/articles")?.to_owned())
            });
            // Nobody waits for it where the start was given up.
            let _ = bases.next().map(|base| tell.send(base));
            bases.for_each(drop);
        });
        let base = told.await.map_err(about("warta does not start; target/figures/warta.log says why"))?;
        let client = Client::builder().timeout(Duration::from_secs(40)).build()?;
        let mut server = Server { base, client, process, started_in: Duration::ZERO };
        while !server.is_ready().await {
            if started.elapsed() > PATIENCE {
                return Err("warta does not get ready".into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.started_in = started.elapsed();
        Ok(server)
    }
}

/// A child that ends with this.
#[derive(Debug)]
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It has nothing to put away: what it answered is committed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running instance.
#[derive(Debug)]
pub(crate) struct Server {
    /// `http://127.0.0.1:<port>`.
    pub(crate) base: String,
    /// How long it took until it was ready.
    pub(crate) started_in: Duration,
    client: Client,
    process: Process,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// A line for each header that does not follow from the body and the moment.
    pub(crate) head: String,
    pub(crate) text: String,
    /// From sending to the last byte.
    pub(crate) took: Duration,
}

impl Answer {
    /// Its JSON.
    pub(crate) fn json(&self) -> Outcome<Value> {
        serde_json::from_str(&self.text).map_err(about(format!("{}: {}", self.status, self.text)))
    }
}

impl Server {
    async fn is_ready(&self) -> bool {
        let answer = self.client.get(format!("{}/readyz", self.base)).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    /// Sends anything.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Outcome<Answer> {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if method == Method::PATCH {
            request = request.header(header::IF_MATCH, "*");
        }
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let started = Instant::now();
        let response = request.send().await?;
        let status = response.status();
        let lines = response
            .headers()
            .iter()
            .filter(|(name, _)| **name != header::DATE && **name != header::CONTENT_LENGTH);
        let head =
            lines.map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap_or_default())).collect();
        let text = response.text().await?;
        Ok(Answer { status, head, text, took: started.elapsed() })
    }

    /// What there is, whatever it is.
    pub(crate) async fn try_get(&self, path: &str) -> Outcome<Answer> {
        self.send(Method::GET, path, None, None).await
    }

    /// What there must be.
    pub(crate) async fn get(&self, path: &str) -> Outcome<Answer> {
        succeeded(path, self.try_get(path).await?)
    }

    /// Changes something; fails where that is refused.
    pub(crate) async fn write(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Outcome<Answer> {
        succeeded(path, self.send(method, path, Some(token), body).await?)
    }

    /// Signs in; the access token.
    pub(crate) async fn sign_in(&self, editor: usize) -> Outcome<String> {
        let body = json!({"email": email(editor), "password": PASSWORD});
        let path = "/v1/auth/login";
        let answer = succeeded(path, self.send(Method::POST, path, None, Some(&body)).await?)?;
        Ok(answer.json()?["access_token"].as_str().ok_or("no token")?.to_owned())
    }

    /// Resident memory, in MiB.
    pub(crate) fn resident(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kilobytes / 1024.0)
    }
}

fn succeeded(path: &str, answer: Answer) -> Outcome<Answer> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    Err(format!("{path}: {}: {}", answer.status, answer.text).into())
}
