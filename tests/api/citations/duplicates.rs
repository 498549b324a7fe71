//! Two stories of one document: the second one is told of the first.

use futures::future::join_all;
use serde_json::{Value, json};
use warta::principal::Role;

use super::{Desk, story};
use crate::support::Answer;

const DOCUMENT: &str = "https://pesisir.example/laporan";

impl Desk {
    async fn create(&self, token: &str, body: Value) -> Answer {
        self.server.post("/v1/articles", Some(token), body).await
    }

    /// Whether somebody is told of another story, where `slug` is the one that is named.
    #[track_caller]
    fn told(answer: Answer, slug: Option<&str>) -> Answer {
        let Some(slug) = slug else { return answer.expect(201) };
        let answer = answer.expect_problem(409, "already-covered");
        assert_eq!(answer.body["article"]["slug"], slug, "{}", answer.text);
        answer
    }
}

#[tokio::test]
async fn a_document_that_is_covered_is_told_with_its_story() {
    let desk = Desk::open().await;
    let first = desk
        .create(&desk.editor, story("Satu", &[("https://a.example", "data"), (DOCUMENT, "original")]))
        .await;
    let first = first.expect(201);
    let again = [
        ("https://a.example", "data"),
        ("https://b.example", "original"),
        ("http://pesisir.example/laporan/?utm_source=x", "translated_from"),
        (DOCUMENT, "quoted"),
    ];
    let refused = Desk::told(desk.create(&desk.editor, story("Dua", &again)).await, Some("satu"));
    assert_eq!(refused.faults(), [("/citations/2/url".to_owned(), "already_covered".to_owned())]);
    let expected = json!({
        "id": first.body["id"], "slug": "satu", "title": "Satu", "status": "draft", "href": "/v1/articles/satu?draft=true",
    });
    assert_eq!(refused.body["article"], expected);
    assert_eq!(refused.header("link"), "</v1/articles/satu?draft=true>; rel=\"related\"");
    assert!(refused.body["detail"].as_str().unwrap().contains("Satu"));
    // Nothing of it is left: its slug is free.
    desk.server.get("/v1/articles/dua?draft=true", desk.editor()).await.expect(404);

    desk.act("satu", "publish").await;
    let refused = Desk::told(desk.create(&desk.editor, story("Dua", &again)).await, Some("satu"));
    assert_eq!(refused.body["article"]["href"], "/v1/articles/satu");
    assert_eq!(refused.body["article"]["status"], "published");
    desk.server.get(refused.body["article"]["href"].as_str().unwrap(), None).await.expect(200);

    let allowed =
        desk.server.post("/v1/articles?allow_duplicate=true", desk.editor(), story("Dua", &again)).await;
    assert_eq!(allowed.expect(201).body["slug"], "dua");
    // Of several, the story of the first place is named, and of several stories the oldest that readers see.
    let two = story("Tiga", &[("https://b.example", "original"), (DOCUMENT, "original")]);
    let refused = Desk::told(desk.create(&desk.editor, two).await, Some("dua"));
    let places: Vec<_> = refused.faults().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["/citations/0/url", "/citations/1/url"]);
    Desk::told(desk.create(&desk.editor, story("Tiga", &[(DOCUMENT, "original")])).await, Some("satu"));
    // The body's own faults come first, and a change of a story is no new one.
    let faulty = desk.create(&desk.editor, story("", &again)).await.expect_problem(422, "invalid-body");
    assert_eq!(faulty.faults()[0].0, "/title");
    let patch = json!({"citations": story("", &[("https://b.example", "original")])["citations"]});
    desk.server.patch("/v1/articles/satu", desk.editor(), patch).await.expect(200);
    for query in ["allow_duplicate=yes", "allow_duplicate=", "duplicate=true"] {
        let refused =
            desk.server.post(&format!("/v1/articles?{query}"), desk.editor(), story("x", &[])).await;
        refused.expect_problem(400, "invalid-query");
    }
}

#[tokio::test]
async fn only_a_story_that_rests_on_it_covers_a_document() {
    let desk = Desk::open().await;
    for role in ["quoted", "data", "press_release"] {
        desk.create(&desk.editor, story(role, &[(DOCUMENT, role)])).await.expect(201);
    }
    desk.create(&desk.editor, story("Satu", &[(DOCUMENT, "translated_from")])).await.expect(201);
    for role in ["quoted", "data", "press_release"] {
        desk.create(&desk.editor, story(role, &[(DOCUMENT, role)])).await.expect(201);
    }
    let make = || desk.create(&desk.editor, story("Dua", &[(DOCUMENT, "original")]));
    Desk::told(make().await, Some("satu"));
    // A translation of the story rests on the same document; a translation of another one does not.
    let translation = |of: &str, language: &str| {
        let mut body = story("Terjemahan", &[(DOCUMENT, "original")]);
        body["language"] = json!(language);
        body["translation_of"] = json!(of);
        body
    };
    desk.create(&desk.editor, translation("satu", "en")).await.expect(201);
    Desk::told(desk.create(&desk.editor, translation("quoted", "jv")).await, Some("satu"));

    // What is in the trash or retracted covers nothing; what is taken down is a draft.
    desk.server.delete("/v1/articles/terjemahan", desk.editor()).await.expect(204);
    desk.act("satu", "publish").await;
    desk.act("satu", "unpublish").await;
    Desk::told(make().await, Some("satu"));
    desk.server.delete("/v1/articles/satu", desk.editor()).await.expect(204);
    make().await.expect(201);
    desk.act("dua", "publish").await;
    // A change that readers do not see yet frees nothing.
    desk.server.patch("/v1/articles/dua", desk.editor(), json!({"citations": []})).await.expect(200);
    let tiga = || desk.create(&desk.editor, story("Tiga", &[(DOCUMENT, "original")]));
    Desk::told(tiga().await, Some("dua"));
    let back = json!({"citations": story("", &[(DOCUMENT, "original")])["citations"]});
    desk.server.patch("/v1/articles/dua", desk.editor(), back).await.expect(200);
    let reason = json!({"reason": "Keliru."});
    desk.server.post("/v1/articles/dua/retract", desk.editor(), reason).await.expect(200);
    tiga().await.expect(201);
}

#[tokio::test]
async fn nobody_is_told_of_what_they_may_not_see() {
    let desk = Desk::open().await;
    let (ayu, budi) = (desk.server.sign_in(Role::Writer).await, desk.server.sign_in(Role::Writer).await);
    let hidden = "https://pesisir.example/rahasia";
    desk.create(&ayu, story("Ayu", &[(DOCUMENT, "original"), (hidden, "original")])).await.expect(201);
    Desk::told(desk.create(&ayu, story("Ayu lagi", &[(DOCUMENT, "original")])).await, Some("ayu"));
    Desk::told(desk.create(&desk.editor, story("Editor", &[(DOCUMENT, "original")])).await, Some("ayu"));
    // Somebody else's draft is not there, even where it stands beside what is.
    desk.create(&budi, story("Budi", &[(DOCUMENT, "original")])).await.expect(201);
    Desk::told(
        desk.create(&budi, story("Lagi", &[(hidden, "original"), (DOCUMENT, "original")])).await,
        Some("budi"),
    );
    desk.act("ayu", "publish").await;
    // What readers see is told as they see it.
    let patch = json!({"title": "Judul rahasia", "slug": "rahasia", "citations": []});
    desk.server.patch("/v1/articles/ayu", desk.editor(), patch).await.expect(200);
    let refused = Desk::told(desk.create(&budi, story("Lagi", &[(hidden, "original")])).await, Some("ayu"));
    assert!(!refused.text.contains("Judul rahasia") && refused.body["article"]["title"] == "Ayu");
    // A change that readers do not see is not told, but to those who see it.
    let fresh = "https://pesisir.example/baru";
    let patch = json!({"citations": story("", &[(fresh, "original")])["citations"]});
    desk.server.patch("/v1/articles/ayu", desk.editor(), patch).await.expect(200);
    Desk::told(desk.create(&desk.editor, story("Editor", &[(fresh, "original")])).await, Some("rahasia"));
    Desk::told(desk.create(&budi, story("Baru", &[(fresh, "original")])).await, None);
}

#[tokio::test]
async fn of_two_stories_at_the_same_moment_one_is_told_of_the_other() {
    let desk = Desk::open().await;
    for round in 0..8 {
        let url = |number: i32| format!("https://pesisir.example/{round}/{number}");
        let urls: Vec<_> = (0..4).map(url).collect();
        // All name the same documents, in another order each.
        let make = |turn: usize| {
            let mut documents: Vec<_> = urls.iter().map(|url| (url.as_str(), "original")).collect();
            documents.rotate_left(turn % 4);
            if turn % 2 == 1 {
                documents.reverse();
            }
            desk.create(&desk.editor, story(&format!("Kabar {turn}"), &documents))
        };
        let (made, refused): (Vec<_>, Vec<_>) =
            join_all((0..6).map(make)).await.into_iter().partition(|answer| answer.status == 201);
        assert_eq!(made.len(), 1, "{made:#?}");
        for refused in refused {
            let refused = refused.expect_problem(409, "already-covered");
            assert_eq!(refused.faults().len(), 4);
            assert_eq!(refused.body["article"]["id"], made[0].body["id"]);
        }
    }
}
