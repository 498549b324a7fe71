//! An instance of the program for one test, on a database of its own, and a client that checks what it sees.

use std::{net::TcpListener, sync::Arc, time::Duration};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use uuid::Uuid;
use warta::{
    app::{
        self, Parts, Serving,
        connections::{Connections, Limits},
        cors::Cors,
    },
    auth::{Auth, keys::Keys},
    cache::{Cache, invalidation},
    clock::Clock,
    context::{Policy, Services},
    database::{Database, DatabaseUrl, presence::Presence},
    editors::{self, Editor, command::new_editor},
    error::ApiResult,
    events::Actor,
    http::{body::BodyLimits, budget::BodyBudget},
    pagination::CursorKey,
    principal::Role,
    site::Site,
    values::FromText,
};

use super::{
    answer::Answer,
    cluster::fresh_database,
    contract::{self, Exchange},
    proxy::Proxy,
};

/// Every test editor's password.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The origin that may write.
pub(crate) const WRITER: &str = "https://newsroom.example";

/// A running instance.
pub(crate) struct Server {
    /// Set it ahead to see what expires.
    pub(crate) clock: Clock,
    /// The instance's own pool.
    pub(crate) database: Database,
    /// `http://127.0.0.1:<port>`.
    pub(crate) base: String,
    /// The instance's own cache, whether it is used or not.
    pub(crate) cache: Cache,
    /// The instance's connections.
    pub(crate) connections: Connections,
    /// Its database.
    pub(crate) url: DatabaseUrl,
    /// What signs in, with its counts.
    pub(crate) auth: Auth,
    services: Services,
    client: Client,
    handle: actix_web::dev::ServerHandle,
    link: JoinHandle<()>,
    folder: Arc<TempDir>,
}

/// What an instance is started with.
#[derive(Clone)]
struct Setup<'a> {
    policy: Policy,
    proxies: &'a [&'a str],
    site: Option<&'a str>,
    name: Option<&'a str>,
    cache_bytes: u64,
    stale_if_error: Duration,
    limits: Limits,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            proxies: &[],
            site: None,
            name: None,
            cache_bytes: 1 << 20,
            stale_if_error: Duration::from_secs(600),
            limits: Limits {
                connections: 10_000,
                connections_per_address: 256,
                exempt: Arc::from(["127.0.0.0/8".parse().unwrap()]),
            },
        }
    }
}

impl Server {
    /// Starts an instance on a fresh database.
    pub(crate) async fn start() -> Self {
        Self::start_as(Setup::default()).await
    }

    /// Starts one that believes what these networks' proxies say.
    pub(crate) async fn behind(proxies: &[&str]) -> Self {
        Self::start_as(Setup { proxies, ..Setup::default() }).await
    }

    /// Starts one whose newsroom asks for something before readers see a story.
    pub(crate) async fn start_with(policy: Policy) -> Self {
        Self::start_as(Setup { policy, ..Setup::default() }).await
    }

    /// Starts one whose stories are on a public site, at `/{language}/{slug}`.
    pub(crate) async fn with_site(site: &str) -> Self {
        Self::start_as(Setup { site: Some(site), ..Setup::default() }).await
    }

    /// The same, of a publication that has a name.
    pub(crate) async fn with_named_site(site: &str, name: &str) -> Self {
        Self::start_as(Setup { site: Some(site), name: Some(name), ..Setup::default() }).await
    }

    /// Starts one that computes every answer.
    pub(crate) async fn uncached() -> Self {
        Self::start_as(Setup { cache_bytes: 0, ..Setup::default() }).await
    }

    /// Starts one whose cache has so many bytes.
    pub(crate) async fn caching(cache_bytes: u64) -> Self {
        Self::start_as(Setup { cache_bytes, ..Setup::default() }).await
    }

    /// Starts one whose database can be cut off; what is in memory is good for so long from then on.
    pub(crate) async fn behind_a_line(stale_if_error: Duration) -> (Self, Proxy) {
        let proxy = Proxy::to(&fresh_database().await).await;
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let setup = Setup { stale_if_error, ..Setup::default() };
        (Self::start_on(proxy.url.clone(), folder, Clock::default(), setup).await, proxy)
    }

    /// Starts one that takes so many connections.
    pub(crate) async fn limited_to(limits: Limits) -> Self {
        Self::start_as(Setup { limits, ..Setup::default() }).await
    }

    /// Starts one on a database that is migrated, however it is reached; without a cache.
    pub(crate) async fn on(url: DatabaseUrl) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let setup = Setup { cache_bytes: 0, ..Setup::default() };
        Self::start_on(url, folder, Clock::default(), setup).await
    }

    async fn start_as(setup: Setup<'_>) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::start_on(fresh_database().await, folder, Clock::default(), setup).await
    }

    /// Starts another instance on the same database, with the same keys and the same clock.
    pub(crate) async fn beside(&self, cache_bytes: u64) -> Self {
        let setup = Setup { cache_bytes, ..Setup::default() };
        Self::start_on(self.url.clone(), Arc::clone(&self.folder), self.clock.clone(), setup).await
    }

    /// Starts another instance on the same database, past the line.
    pub(crate) async fn past(&self, line: &Proxy) -> Self {
        let folder = Arc::clone(&self.folder);
        Self::start_on(line.target.clone(), folder, self.clock.clone(), Setup::default()).await
    }

    async fn start_on(url: DatabaseUrl, folder: Arc<TempDir>, clock: Clock, setup: Setup<'_>) -> Self {
        let database = Database::connect(&url, 4).await.unwrap();
        let keys = Keys::load_or_create(&folder.path().join("jwt.pem")).unwrap();
        let services = Services {
            database: database.clone(),
            clock: clock.clone(),
            cursor_key: CursorKey::derive(keys.secret()),
            bodies: BodyLimits { timeout: Duration::from_secs(2), budget: BodyBudget::default() },
            policy: setup.policy,
            site: Arc::new(Site::new(
                setup.site.map(|url| url.parse().unwrap()),
                "/{language}/{slug}".parse().unwrap(),
                setup.name.map(str::to_owned),
            )),
        };
        let presence = Presence::default();
        let (cache, asked) = Cache::new(setup.cache_bytes, setup.stale_if_error, presence.clone());
        let link = tokio::spawn(invalidation::run(
            url.clone(),
            database.clone(),
            clock.clone(),
            cache.clone(),
            asked,
        ));
        let auth = Auth::new(keys, "warta");
        let parts = Parts {
            services: services.clone(),
            auth: auth.clone(),
            cache: (setup.cache_bytes > 0).then(|| cache.clone()),
            presence,
            stale_if_error: setup.stale_if_error,
            cors: Cors::new([WRITER.to_owned()]),
            trusted_proxies: setup.proxies.iter().map(|network| network.parse().unwrap()).collect(),
            log_requests: false,
            workers: 1,
            limits: setup.limits.clone(),
            finish_seconds: 1,
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let Serving { server, connections } = app::serve(parts, listener).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        // Shorter than the server keeps a connection: what is sent on one that is being closed is lost.
        let idle = Duration::from_secs(2);
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(idle)
            .build()
            .unwrap();
        let server = Self {
            clock,
            database,
            base,
            cache,
            connections,
            url,
            auth,
            services,
            client,
            handle,
            link,
            folder,
        };
        server.linked(true).await;
        server
    }

    /// Waits until the instance hears of changes, or does not.
    pub(crate) async fn linked(&self, linked: bool) {
        for _ in 0..1000 {
            if self.cache.counts().linked == linked {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the link of the cache is not {}", if linked { "up" } else { "down" });
    }

    /// Publishes whatever is due by the server's clock, as the worker of one more instance; how many
    /// articles.
    pub(crate) async fn publish_due(&self) -> usize {
        let mut published = 0;
        while self.try_publish_next().await.unwrap() {
            published += 1;
        }
        published
    }

    /// Publishes one of what is due; whether there was one.
    pub(crate) async fn try_publish_next(&self) -> ApiResult<bool> {
        let published = warta::articles::workflow::publish_due::publish_next(&self.services).await?;
        // As of another instance, this one hears of it a moment later.
        self.cache.caught_up().await;
        Ok(published)
    }

    /// Makes an editor, whose password is [`PASSWORD`].
    pub(crate) async fn editor(&self, email: &str, role: Role) -> Editor {
        let password = warta::auth::secret::Password::from_text(PASSWORD.to_owned()).unwrap();
        let new = new_editor(email, email, role.as_str(), &password).await.unwrap();
        let mut conn = self.database.get().await.unwrap();
        editors::workflow::create(&mut conn, &self.clock, self.clock.now(), &Actor::SYSTEM, new)
            .await
            .unwrap()
    }

    /// Signs an editor in, over HTTP; the access token.
    pub(crate) async fn token(&self, email: &str) -> String {
        let answer = self.post("/v1/auth/login", None, json!({"email": email, "password": PASSWORD})).await;
        answer.expect(200).body["access_token"].as_str().unwrap().to_owned()
    }

    /// Makes an editor of this role, and signs in.
    pub(crate) async fn sign_in(&self, role: Role) -> String {
        let email = format!("{role}-{}@example.org", Uuid::from_u128(rand()));
        self.editor(&email, role).await;
        self.token(&email).await
    }

    /// Sends anything, and checks the answer against the document.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let method: Method = method.parse().unwrap();
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.base));
        if let Some(body) = &body {
            request = request.body(body.to_string());
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                request = request.header("content-type", "application/json");
            }
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        contract::check(&Exchange {
            method: &method,
            path,
            sent: body.as_ref(),
            status,
            headers: &headers,
            body: &bytes,
        });
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default(), text }
    }

    async fn bearer(&self, method: &str, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        let header = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = header.iter().map(|header| ("authorization", header.as_str())).collect();
        self.send(method, path, &headers, body).await
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.bearer("GET", path, token, None).await
    }

    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Answer {
        self.bearer("POST", path, token, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, token: Option<&str>, body: Value) -> Answer {
        self.bearer("PUT", path, token, Some(body)).await
    }

    /// A change that overrides whatever the state is.
    pub(crate) async fn patch(&self, path: &str, token: Option<&str>, body: Value) -> Answer {
        self.patch_if(path, token, "*", body).await
    }

    /// A change of the state that this tag names.
    pub(crate) async fn patch_if(&self, path: &str, token: Option<&str>, tag: &str, body: Value) -> Answer {
        let header = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("if-match", tag)];
        headers.extend(header.iter().map(|header| ("authorization", header.as_str())));
        self.send("PATCH", path, &headers, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str, token: Option<&str>) -> Answer {
        self.bearer("DELETE", path, token, None).await
    }

    /// An action without a body, such as `publish`.
    pub(crate) async fn act(&self, path: &str, token: Option<&str>) -> Answer {
        self.bearer("POST", path, token, None).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Told, not awaited: the server's threads end by themselves.
        drop(self.handle.stop(false));
        self.link.abort();
        self.database.close();
    }
}

fn rand() -> u128 {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    u128::from_be_bytes(bytes)
}
