//! What was acknowledged to writers, and whether it is there.

use futures::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::newsroom::{Answer, Desk};

/// How many questions are asked at a time.
const TOGETHER: usize = 8;

/// What one writer knows.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) stories: Vec<Story>,
    /// How many writes were acknowledged.
    pub(crate) acknowledged: usize,
    /// How many were refused or not answered: nobody knows what became of them.
    pub(crate) doubtful: usize,
    /// Answers that no writer may be given.
    pub(crate) wrong: Vec<String>,
}

/// A story, from the first write that was acknowledged on. After a doubtful one it is left alone.
pub(crate) struct Story {
    path: String,
    /// The whole draft, as the last acknowledgement had it.
    draft: Value,
    /// What readers see of it, as the last acknowledged publication had it.
    live: Option<Value>,
    /// What was sent in the doubtful write after that.
    doubt: Option<Doubt>,
}

enum Doubt {
    Change(Value),
    Publication,
}

impl Ledger {
    /// Sends a write, and takes down what became of it. `None` is doubtful.
    pub(crate) async fn send(
        &mut self,
        desk: &Desk,
        method: Method,
        path: &str,
        tag: Option<&str>,
        body: &Value,
    ) -> Option<Answer> {
        match desk.write(method, path, tag, body).await {
            Ok(answer) if (200..300).contains(&answer.status) => {
                self.acknowledged += 1;
                return Some(answer);
            }
            Ok(answer) if answer.status == 503 && answer.retry => {}
            Ok(answer) => self.wrong.push(format!("{path}: {} {}", answer.status, answer.text)),
            Err(error) => self.wrong.push(format!("{path}: {error}")),
        }
        self.doubtful += 1;
        None
    }

    /// Writes a story, changes it, publishes it, and does both again, for as long as all goes well. `false`:
    /// it did not.
    pub(crate) async fn write_story(&mut self, desk: &Desk, name: &str) -> bool {
        let carried = json!({
            "title": format!("Warta {name}"),
            "language": "en",
            "summary": format!("Ringkasan {name}."),
            "body": format!("Isi *{name}*. ").repeat(40),
        });
        let Some(made) = self.send(desk, Method::POST, "/v1/articles", None, &carried).await else {
            return false;
        };
        let path = format!("/v1/articles/{}", made.body["id"].as_str().unwrap());
        let mut tag = made.tag;
        let mut story = Story { path: path.clone(), draft: made.body, live: None, doubt: None };
        for round in 1..=2 {
            let change = json!({"title": format!("Warta {name}, {round}"), "body": format!("Isi {name}, {round}. ").repeat(40)});
            match self.send(desk, Method::PATCH, &path, Some(&tag), &change).await {
                Some(answer) => (story.draft, tag) = (answer.body, answer.tag),
                None => story.doubt = Some(Doubt::Change(change)),
            }
            if story.doubt.is_none() {
                match self.send(desk, Method::POST, &format!("{path}/publish"), Some(&tag), &json!({})).await
                {
                    Some(answer) => {
                        (story.live, story.draft, tag) = (Some(answer.body.clone()), answer.body, answer.tag)
                    }
                    None => story.doubt = Some(Doubt::Publication),
                }
            }
            if story.doubt.is_some() {
                break;
            }
        }
        let well = story.doubt.is_none();
        self.stories.push(story);
        well
    }
}

/// What is not there of what was acknowledged, as an instance tells.
pub(crate) async fn missing(stories: &[&Story], desk: &Desk) -> Vec<String> {
    let asked = stream::iter(stories).map(|story| story.missing(desk)).buffer_unordered(TOGETHER);
    asked.filter_map(async |missing| missing).collect().await
}

impl Story {
    async fn missing(&self, desk: &Desk) -> Option<String> {
        let (draft, live) = tokio::join!(desk.draft(&self.path), desk.read(&self.path));
        let (draft, live) = (draft.unwrap(), live.unwrap());
        let lost = |what: &str, known: &Value, found: &Answer| {
            Some(format!("{} {what}: {known} is {} {}", self.path, found.status, found.text))
        };
        let draft_is_there = match &self.doubt {
            None => draft.body == self.draft,
            // What is derived from either is in it too.
            Some(Doubt::Publication) => has(&draft.body, &self.draft),
            Some(Doubt::Change(change)) => has(&draft.body, &self.draft) || has(&draft.body, change),
        };
        if !draft_is_there {
            return lost("draft", &self.draft, &draft);
        }
        let live_is_there = match (&self.live, &self.doubt) {
            (Some(known), Some(Doubt::Publication)) => has(&live.body, known) || has(&live.body, &self.draft),
            (Some(known), _) => live.status == 200 && has(&live.body, known),
            (None, Some(Doubt::Publication)) => live.status == 404 || has(&live.body, &self.draft),
            (None, _) => live.status == 404,
        };
        if live_is_there { None } else { lost("live", self.live.as_ref().unwrap_or(&self.draft), &live) }
    }
}

/// Whether a story has the texts of another one.
fn has(found: &Value, known: &Value) -> bool {
    ["title", "body"].iter().all(|field| found[field].is_string() && found[field] == known[field])
}
