//! The database is away: closed, as where it has ended, or silent, as where it is stopped or the network
//! drops what is sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use diesel_async::SimpleAsyncConnection;
use reqwest::{Client, redirect::Policy};
use serde_json::json;
use warta::{database::Database, principal::Role};

use crate::support::{Answer, Line, Proxy, Server};

/// How long anything may take that should take a moment. Far more than it takes: the machine may be busy with
/// other tests.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long answers are good in most tests.
const LONG: Duration = Duration::from_secs(600);

/// An instance behind a line, and another one that goes past it.
struct Desk {
    server: Server,
    direct: Server,
    line: Proxy,
    editor: String,
}

impl Desk {
    async fn open(stale_if_error: Duration) -> Self {
        let (server, line) = Server::behind_a_line(stale_if_error).await;
        let editor = server.sign_in(Role::Admin).await;
        let direct = server.past(&line).await;
        Self { server, direct, line, editor }
    }

    /// Publishes a story; its path.
    async fn story(&self, title: &str) -> String {
        let body = json!({"title": title, "language": "id", "body": "Isi."});
        let made = self.direct.post("/v1/articles", Some(&self.editor), body).await.expect(201);
        let path = made.header("location").to_owned();
        self.direct.act(&format!("{path}/publish"), Some(&self.editor)).await.expect(200);
        // What is read before that was heard of is not kept.
        self.server.cache.caught_up().await;
        path
    }

    async fn retitle(&self, path: &str, title: &str) {
        self.direct.patch(path, Some(&self.editor), json!({"title": title})).await.expect(200);
        self.direct.act(&format!("{path}/publish"), Some(&self.editor)).await.expect(200);
    }

    async fn read(&self, path: &str) -> Answer {
        self.server.get(path, None).await
    }

    /// Cuts the line, and waits until the instance knows.
    async fn cut(&self, line: Line) {
        self.line.set(line);
        eventually("the loss is not noticed", async || self.server.cache.presence().is_away()).await;
    }

    /// Opens the line, and waits until the instance hears again.
    async fn mend(&self) {
        self.line.set(Line::Open);
        self.server.linked(true).await;
    }
}

async fn eventually(complaint: &str, done: impl AsyncFn() -> bool) {
    let since = Instant::now();
    while !done().await {
        assert!(since.elapsed() < PATIENCE, "{complaint}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether an answer says that it is from before the loss.
fn is_spare(answer: &Answer) -> bool {
    let Some(status) = answer.headers.get("cache-status") else { return false };
    let status = status.to_str().unwrap();
    let age: u64 = answer.header("age").parse().unwrap();
    assert!(status.starts_with("warta; hit; ttl=-") || status.starts_with("warta; fwd=stale; "), "{status}");
    assert!(age < 600 && status.contains(&format!("ttl=-{age};")), "{status}, {age}");
    true
}

/// Reads addresses over and over, and counts what is not answered as it was before.
struct Load {
    stop: Arc<AtomicBool>,
    readers: Vec<tokio::task::JoinHandle<Vec<String>>>,
    answers: Arc<AtomicUsize>,
}

impl Load {
    async fn start(server: &Server, paths: &[String]) -> Self {
        let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let client = Client::builder().redirect(Policy::none()).timeout(PATIENCE).build().unwrap();
        let mut readers = Vec::new();
        for path in paths {
            let (stop, answers, client) = (Arc::clone(&stop), Arc::clone(&answers), client.clone());
            let url = format!("{}{path}", server.base);
            let expected = client.get(&url).send().await.unwrap().status();
            readers.push(tokio::spawn(async move {
                let mut wrong = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    match client.get(&url).send().await {
                        Ok(answer) if answer.status() == expected => {}
                        other => wrong.push(format!("{url}: {other:?}")),
                    }
                    answers.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                wrong
            }));
        }
        Self { stop, readers, answers }
    }

    /// How many answers there were; fails where one was wrong.
    async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        for reader in self.readers {
            let wrong = reader.await.unwrap();
            assert!(wrong.is_empty(), "{} wrong answers, such as {}", wrong.len(), wrong[0]);
        }
        self.answers.load(Ordering::Relaxed)
    }
}

async fn readers_are_served(line: Line) {
    let desk = Desk::open(LONG).await;
    let (story, unread) = (desk.story("Satu").await, desk.story("Dua").await);
    let gone = desk.story("Tiga").await;
    let retract = json!({"reason": "Keliru."});
    desk.direct.post(&format!("{gone}/retract"), Some(&desk.editor), retract).await.expect(200);
    let moved = desk.story("Empat").await;
    desk.direct.patch(&moved, Some(&desk.editor), json!({"slug": "lima"})).await.expect(200);
    desk.direct.act(&format!("{moved}/publish"), Some(&desk.editor)).await.expect(200);
    desk.server.cache.caught_up().await;
    let watched = [
        story.as_str(),
        "/v1/articles",
        "/feeds/rss.xml",
        "/v1/tags?menu=true",
        "/v1/articles/tiada",
        &gone,
        &moved,
    ]
    .map(str::to_owned);
    let before = {
        let mut before = Vec::new();
        for path in &watched {
            before.push(desk.read(path).await);
        }
        before
    };
    assert_eq!(
        before.iter().map(|answer| answer.status).collect::<Vec<_>>(),
        [200, 200, 200, 200, 404, 410, 308]
    );
    assert!(!before.iter().any(is_spare));
    for answer in &before {
        assert!(answer.header("cache-control").contains("stale-if-error=600"), "{answer:?}");
    }

    let load = Load::start(&desk.server, &watched).await;
    desk.cut(line).await;
    for (path, before) in watched.iter().zip(&before) {
        let answer = desk.read(path).await;
        assert!(is_spare(&answer), "{path}: {answer:?}");
        let but_id = |answer: &Answer| answer.text.replace(answer.header("x-request-id"), "");
        assert_eq!((answer.status, but_id(&answer)), (before.status, but_id(before)), "{path}");
        assert_eq!(answer.header("cache-control"), before.header("cache-control"));
    }
    // In every form: whoever has it already is told so, and compressed.
    let tag = before[1].header("etag");
    let known = desk.server.send("GET", "/v1/articles", &[("if-none-match", tag)], None).await.expect(304);
    assert!(is_spare(&known));
    assert!(is_spare(&desk.server.send("HEAD", &story, &[], None).await.expect(200)));
    let packed = [("accept-encoding", "br")];
    assert!(is_spare(&desk.server.send("GET", "/feeds/rss.xml", &packed, None).await.expect(200)));
    let metrics = desk.read("/metrics").await.expect(200).text;
    assert!(!metrics.contains("warta_cache_stale_total 0\n") && metrics.contains("warta_cache_stale_total"));

    // What is not in memory, and what only the database knows, is told to come again, and nobody waits long.
    let since = Instant::now();
    let refused = desk.read(&unread).await.expect_problem(503, "unavailable");
    refused.header("retry-after").parse::<u32>().unwrap();
    desk.server.get(&story, Some(&desk.editor)).await.expect_problem(503, "unavailable");
    desk.server.get("/v1/me", Some(&desk.editor)).await.expect_problem(503, "unavailable");
    let write = desk.server.post("/v1/tags", Some(&desk.editor), json!({"name": "Riset"})).await;
    write.expect_problem(503, "unavailable").header("retry-after");
    assert!(since.elapsed() < PATIENCE, "{:?}", since.elapsed());
    desk.read("/livez").await.expect(200);
    assert_eq!(desk.read("/readyz?from=balancer").await.expect(200).body["status"], "degraded");

    // And when it is back, what changed meanwhile is seen.
    desk.retitle(&story, "Satu lagi").await;
    assert_eq!(desk.read(&story).await.expect(200).body["title"], "Satu");
    desk.line.set(Line::Open);
    eventually("readers do not see what changed meanwhile", async || {
        let answer = desk.read(&story).await.expect(200);
        answer.body["title"] == "Satu lagi" && !is_spare(&answer)
    })
    .await;
    desk.server.linked(true).await;
    for path in &watched {
        assert!(!is_spare(&desk.read(path).await), "{path}");
    }
    eventually("it is never ready again", async || desk.read("/readyz").await.body["status"] == "ok").await;
    desk.server.post("/v1/tags", Some(&desk.editor), json!({"name": "Riset"})).await.expect(201);
    assert!(load.end().await > 100);
}

#[tokio::test]
async fn readers_are_served_while_the_database_is_gone() {
    readers_are_served(Line::Closed).await;
}

#[tokio::test]
async fn readers_are_served_while_the_database_is_silent() {
    readers_are_served(Line::Silent).await;
}

#[tokio::test]
async fn what_was_invalidated_before_is_never_served() {
    let desk = Desk::open(LONG).await;
    let (kept, changed) = (desk.story("Satu").await, desk.story("Dua").await);
    for path in [&kept, &changed] {
        desk.read(path).await.expect(200);
    }
    desk.read("/v1/articles").await.expect(200);
    desk.direct
        .post(&format!("{changed}/retract"), Some(&desk.editor), json!({"reason": "Keliru."}))
        .await
        .expect(200);
    desk.server.cache.caught_up().await;
    for line in [Line::Closed, Line::Silent] {
        desk.cut(line).await;
        for path in [changed.as_str(), "/v1/articles"] {
            desk.read(path).await.expect_problem(503, "unavailable");
        }
        assert!(is_spare(&desk.read(&kept).await.expect(200)));
        desk.mend().await;
        desk.read(&kept).await.expect(200);
    }
    // Nor what was kept before an earlier loss: nobody knows what changed meanwhile.
    desk.cut(Line::Closed).await;
    desk.mend().await;
    desk.cut(Line::Closed).await;
    desk.read(&kept).await.expect_problem(503, "unavailable");
    assert_eq!(desk.read("/readyz").await.status, 503, "there is nothing to serve");
}

#[tokio::test]
async fn a_change_that_was_acknowledged_while_nothing_was_heard_is_not_taken_back() {
    let desk = Desk::open(LONG).await;
    let story = desk.story("Lama").await;
    desk.read(&story).await.expect(200);
    // A listener that is lost where the rest works.
    desk.line.set(Line::Deaf);
    desk.server.linked(false).await;
    desk.server.patch(&story, Some(&desk.editor), json!({"title": "Baru"})).await.expect(200);
    desk.server.act(&format!("{story}/publish"), Some(&desk.editor)).await.expect(200);
    assert_eq!(desk.read(&story).await.expect(200).body["title"], "Baru");
    desk.cut(Line::Closed).await;
    desk.read(&story).await.expect_problem(503, "unavailable");
}

#[tokio::test]
async fn a_change_that_is_done_as_the_database_is_lost_does_not_take_what_readers_have() {
    let desk = Desk::open(LONG).await;
    let story = desk.story("Lama").await;
    desk.server.patch(&story, Some(&desk.editor), json!({"title": "Baru"})).await.expect(200);
    assert_eq!(desk.read(&story).await.expect(200).body["title"], "Lama");
    // A commit that waits, as it may for a standby.
    let mut other = Database::connect(&desk.line.target, 1).await.unwrap().get().await.unwrap();
    let hold = "
        create function hold() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(1); return null; end $$;
        create constraint trigger hold after insert on versions deferrable initially deferred
            for each row execute function hold();
        select pg_advisory_lock(1)";
    other.batch_execute(hold).await.unwrap();
    let loss = async {
        let waits = "do $$ begin assert (select count(*) = 1 from pg_locks where locktype = 'advisory' and not granted); end $$";
        let since = Instant::now();
        while other.batch_execute(waits).await.is_err() {
            assert!(since.elapsed() < PATIENCE, "it does not wait");
        }
        desk.cut(Line::Dying).await;
        other.batch_execute("select pg_advisory_unlock(1)").await.unwrap();
    };
    let path = format!("{story}/publish");
    let (answer, ()) = tokio::join!(desk.server.act(&path, Some(&desk.editor)), loss);
    // Either would do alone: that it was done is not told, and what was before is what there is.
    answer.expect_problem(503, "unavailable").header("retry-after");
    assert_eq!(desk.direct.get(&story, None).await.expect(200).body["title"], "Baru");
    let answer = desk.read(&story).await.expect(200);
    assert_eq!(answer.body["title"], "Lama");
    assert!(is_spare(&answer));
    desk.mend().await;
    assert_eq!(desk.read(&story).await.expect(200).body["title"], "Baru");
}

#[tokio::test]
async fn after_the_time_there_is_nothing() {
    for line in [Line::Closed, Line::Silent] {
        let desk = Desk::open(Duration::from_secs(4)).await;
        let story = desk.story("Satu").await;
        let answer = desk.read(&story).await.expect(200);
        assert!(answer.header("cache-control").ends_with("stale-if-error=4"), "{answer:?}");
        desk.line.set(line);
        eventually("it goes on for ever", async || desk.read(&story).await.status == 503).await;
        eventually("it is ready for ever", async || desk.read("/readyz").await.status == 503).await;
    }
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let desk = Desk::open(Duration::ZERO).await;
    let story = desk.story("Satu").await;
    assert!(!desk.read(&story).await.expect(200).header("cache-control").contains("stale-if-error"));
    desk.line.set(Line::Closed);
    eventually("it is answered from memory", async || desk.read(&story).await.status == 503).await;
    desk.read("/readyz").await.expect_problem(503, "unavailable");
}

#[tokio::test]
async fn a_listener_that_is_lost_alone_changes_nothing_for_readers() {
    let desk = Desk::open(LONG).await;
    let story = desk.story("Satu").await;
    desk.read(&story).await.expect(200);
    desk.line.set(Line::Deaf);
    desk.server.linked(false).await;
    desk.retitle(&story, "Dua").await;
    let answer = desk.read(&story).await.expect(200);
    assert_eq!(answer.body["title"], "Dua");
    assert!(!is_spare(&answer));
    assert_eq!(desk.read("/readyz").await.expect(200).body["status"], "ok");
}
