//! Writers and readers, who go on all the while.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    ledger::Ledger,
    newsroom::{Answer, Desk},
};

/// How many writers each instance has.
const WRITERS: usize = 2;

/// How long writers and readers rest after each round.
const REST: Duration = Duration::from_millis(10);

/// The same after a write that was refused.
const LONG_REST: Duration = Duration::from_millis(50);

/// The list of what writers publish, whose total grows.
const FRONT: &str = "/v1/articles?language=en&limit=2&count=true";

/// What counts stories, and so changes as well.
const MENU: &str = "/v1/tags?menu=true";

/// Who works.
pub(crate) struct Load {
    shared: Arc<Shared>,
    writers: Vec<JoinHandle<Ledger>>,
    readers: Vec<JoinHandle<Sight>>,
}

struct Shared {
    stop: AtomicBool,
    since: Instant,
    /// When each instance acknowledged writes.
    acknowledged: [Mutex<Vec<Instant>>; 2],
    /// The story that is changed all the time: its address, and the number that its last acknowledged
    /// publication carried.
    moving: String,
    number: AtomicU64,
}

/// What a reader saw.
#[derive(Default)]
pub(crate) struct Sight {
    pub(crate) answers: usize,
    pub(crate) from_memory: usize,
    /// Of what nobody had read since it changed.
    pub(crate) refused: usize,
    pub(crate) slowest: Duration,
    pub(crate) wrong: Vec<String>,
}

/// Publishes a story; its address.
async fn publish(desk: &Desk, title: &str, language: &str) -> String {
    let body = json!({"title": title, "language": language, "body": "Isi."});
    let made = desk.write(Method::POST, "/v1/articles", None, &body).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("/v1/articles/{}", made.body["id"].as_str().unwrap());
    let done = desk.write(Method::POST, &format!("{path}/publish"), None, &json!({})).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.text);
    path
}

impl Load {
    /// Publishes some stories, reads them at both instances, and goes on reading them and writing others.
    pub(crate) async fn start(desks: &[Desk; 2]) -> Self {
        let mut steady: Vec<String> =
            ["/v1/articles?language=id", "/feeds/rss.xml?language=id"].map(str::to_owned).into();
        for title in ["Satu", "Dua", "Tiga"] {
            steady.push(publish(&desks[0], title, "id").await);
        }
        let moving = publish(&desks[0], "0", "en").await;
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            since: Instant::now(),
            acknowledged: Default::default(),
            moving,
            number: AtomicU64::new(0),
        });
        let (mut writers, mut readers) = (Vec::new(), Vec::new());
        for desk in desks {
            for path in &steady {
                let first = shared.first_answer(desk, path).await;
                readers.push(tokio::spawn(Arc::clone(&shared).read_steady(
                    desk.clone(),
                    path.clone(),
                    first,
                )));
            }
            for path in [shared.moving.as_str(), FRONT, MENU] {
                readers.push(tokio::spawn(Arc::clone(&shared).read_moving(desk.clone(), path.to_owned())));
            }
            for writer in 0..WRITERS {
                let name = format!("{}-{writer}", desk.number);
                writers.push(tokio::spawn(Arc::clone(&shared).write(desk.clone(), name)));
            }
        }
        writers.push(tokio::spawn(Arc::clone(&shared).write_moving(desks[0].clone())));
        Self { shared, writers, readers }
    }

    /// How long after a moment an instance acknowledged a write; fails after `limit`.
    pub(crate) async fn acknowledged(&self, desk: &Desk, after: Instant, limit: Duration) -> Duration {
        loop {
            let times = self.shared.acknowledged[desk.number].lock().unwrap().clone();
            if let Some(time) = times.iter().find(|time| **time >= after) {
                return time.duration_since(after);
            }
            assert!(after.elapsed() < limit, "instance {} acknowledges no write for {limit:?}", desk.number);
            tokio::time::sleep(REST).await;
        }
    }

    /// Ends it: what writers know, and what readers saw.
    pub(crate) async fn end(self) -> (Vec<Ledger>, Vec<Sight>) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let (mut ledgers, mut sights) = (Vec::new(), Vec::new());
        for writer in self.writers {
            ledgers.push(writer.await.unwrap());
        }
        for reader in self.readers {
            sights.push(reader.await.unwrap());
        }
        (ledgers, sights)
    }

    /// The address of the story that was changed all the time, and the number that it has at least.
    pub(crate) fn moving(&self) -> (String, u64) {
        (self.shared.moving.clone(), self.shared.number.load(Ordering::Acquire))
    }
}

impl Shared {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn tell(&self, desk: &Desk) {
        self.acknowledged[desk.number].lock().unwrap().push(Instant::now());
    }

    async fn write(self: Arc<Self>, desk: Desk, name: String) -> Ledger {
        let mut ledger = Ledger::default();
        for story in 1.. {
            if !self.goes_on() {
                break;
            }
            let before = ledger.acknowledged;
            let well = ledger.write_story(&desk, &format!("{name}-{story}")).await;
            if ledger.acknowledged > before {
                self.tell(&desk);
            }
            tokio::time::sleep(if well { REST } else { LONG_REST }).await;
        }
        ledger
    }

    /// Publishes one story again and again, with a number that grows.
    async fn write_moving(self: Arc<Self>, desk: Desk) -> Ledger {
        let mut ledger = Ledger::default();
        for number in 1.. {
            if !self.goes_on() {
                break;
            }
            let (path, title) = (self.moving.as_str(), json!({"title": number.to_string()}));
            let changed = ledger.send(&desk, Method::PATCH, path, Some("*"), &title).await;
            let published = match changed {
                Some(_) => {
                    ledger.send(&desk, Method::POST, &format!("{path}/publish"), None, &json!({})).await
                }
                None => None,
            };
            if published.is_some() {
                self.number.store(number, Ordering::Release);
                self.tell(&desk);
            }
            tokio::time::sleep(if published.is_some() { REST } else { LONG_REST }).await;
        }
        ledger
    }

    /// Reads until an answer is kept in memory, and no longer changes.
    async fn first_answer(&self, desk: &Desk, path: &str) -> Answer {
        loop {
            let (one, two) = (desk.read(path).await.unwrap(), desk.read(path).await.unwrap());
            if one.status == 200 && one.text == two.text {
                return two;
            }
            assert!(self.since.elapsed() < Duration::from_secs(20), "{path}: {} {}", one.status, one.text);
        }
    }

    /// Reads what does not change: it is the same all the time.
    async fn read_steady(self: Arc<Self>, desk: Desk, path: String, first: Answer) -> Sight {
        let mut sight = Sight::default();
        while self.goes_on() {
            let Some(answer) = self.read(&mut sight, &desk, &path).await else { continue };
            if answer.status != 200 || answer.text != first.text {
                self.complain(&mut sight, &desk, &path, &format!("{} {}", answer.status, answer.text));
            }
        }
        sight
    }

    /// Reads what changes all the time: it is never older than it was, nor than what the same instance
    /// acknowledged before.
    async fn read_moving(self: Arc<Self>, desk: Desk, path: String) -> Sight {
        let mut sight = Sight::default();
        let mut before = 0;
        while self.goes_on() {
            let acknowledged = self.number.load(Ordering::Acquire);
            let Some(answer) = self.read(&mut sight, &desk, &path).await else { continue };
            match answer.status {
                200 => {
                    let number = number(&answer.body);
                    let least = if desk.number == 0 && path == self.moving { acknowledged } else { 0 };
                    if number < before.max(least) {
                        let older = format!("{number} after {before}, when {least} was acknowledged");
                        self.complain(&mut sight, &desk, &path, &older);
                    }
                    before = number.max(before);
                }
                503 if answer.retry => sight.refused += 1,
                other => self.complain(&mut sight, &desk, &path, &format!("{other} {}", answer.text)),
            }
        }
        sight
    }

    async fn read(&self, sight: &mut Sight, desk: &Desk, path: &str) -> Option<Answer> {
        tokio::time::sleep(REST).await;
        let asked = Instant::now();
        let answer = desk.read(path).await;
        sight.slowest = sight.slowest.max(asked.elapsed());
        sight.answers += 1;
        match answer {
            Ok(answer) => {
                sight.from_memory += usize::from(answer.from_memory);
                Some(answer)
            }
            Err(error) => {
                self.complain(sight, desk, path, &error);
                None
            }
        }
    }

    fn complain(&self, sight: &mut Sight, desk: &Desk, path: &str, what: &str) {
        let when = self.since.elapsed().as_secs_f64();
        sight.wrong.push(format!("after {when:.1} s, instance {}, {path}: {what}", desk.number));
    }
}

/// What an answer counts: the title of the moving story, or the total of the front page.
pub(crate) fn number(body: &Value) -> u64 {
    body["total"].as_u64().or_else(|| body["title"].as_str()?.parse().ok()).unwrap_or_default()
}
