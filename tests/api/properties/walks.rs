//! A walk sees each row once, whatever comes meanwhile.

use std::cell::Cell;

use proptest::prelude::*;
use serde_json::json;

use super::{Shared, holds};

/// A story by the day of its publication and by its headline, of which there are so few that ties are common.
#[derive(Clone, Debug)]
struct Story {
    day: u8,
    title: &'static str,
}

fn stories(most: usize) -> impl Strategy<Value = Vec<Story>> {
    let story = (1_u8..6, prop::sample::select(vec!["apel", "Apel", "kopi", "zaitun"]));
    prop::collection::vec(story.prop_map(|(day, title)| Story { day, title }), 0..most)
}

impl Shared {
    /// Publishes a story with this tag; its id.
    async fn story(&self, tag: &str, story: &Story) -> String {
        let body = json!({"title": story.title, "language": "id", "tags": [tag]});
        let made = self.server.post("/v1/articles", self.token(), body).await.expect(201);
        let id = made.body["id"].as_str().unwrap().to_owned();
        let at = json!({"at": format!("2024-01-0{}T00:00:00Z", story.day)});
        self.server.post(&format!("/v1/articles/{id}/publish"), self.token(), at).await.expect(200);
        id
    }
}

#[test]
fn a_walk_sees_each_row_once_whatever_comes_meanwhile() {
    let shared = Shared::start();
    let sorts = ["published_at", "-published_at", "updated_at", "-updated_at", "title", "-title"];
    let walks = (prop::sample::select(sorts.to_vec()), 1_usize..4, any::<bool>(), stories(7), stories(5));
    let number = Cell::new(0);
    holds(16, walks, |(sort, limit, draft, present, coming)| {
        number.set(number.get() + 1);
        let tag = format!("walk-{}", number.get());
        shared.runtime.block_on(async {
            shared.server.post("/v1/tags", shared.token(), json!({"name": tag})).await.expect(201);
            let mut expected = Vec::new();
            for story in &present {
                expected.push(shared.story(&tag, story).await);
            }
            let mut coming = coming.iter();
            let mut seen = Vec::new();
            let mut next = Some(format!("/v1/articles?tag={tag}&sort={sort}&limit={limit}&draft={draft}"));
            while let Some(page) = next.take() {
                let answer = shared.server.get(&page, shared.token()).await.expect(200);
                seen.extend(answer.each("id").into_iter().map(str::to_owned));
                if let Some(story) = coming.next() {
                    shared.story(&tag, story).await;
                }
                next = answer.headers.get("link").map(|link| {
                    let link = link.to_str().unwrap();
                    link.trim_start_matches('<').split('>').next().unwrap().to_owned()
                });
            }
            let times = |id: &String| seen.iter().filter(|seen| *seen == id).count();
            assert!(seen.iter().all(|id| times(id) == 1), "a row came twice: {seen:?}");
            assert!(expected.iter().all(|id| times(id) == 1), "a row was lost: {expected:?} in {seen:?}");
        });
    });
}
