//! Searching for articles.

mod attacks;
mod completion;
mod plans;
mod related;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use warta::principal::Role;

use crate::{
    lists::walk,
    support::{Answer, Server},
};

struct Newsroom {
    server: Server,
    editor: String,
}

impl Newsroom {
    async fn open() -> Self {
        let server = Server::uncached().await;
        let editor = server.sign_in(Role::Editor).await;
        Self { server, editor }
    }

    /// Makes a draft; its path.
    async fn draft(&self, article: Value) -> String {
        let made = self.server.post("/v1/articles", Some(&self.editor), article).await.expect(201);
        made.header("location").to_owned()
    }

    async fn act(&self, path: &str, action: &str) {
        self.server.act(&format!("{path}/{action}"), Some(&self.editor)).await.expect(200);
    }

    /// Makes an article that readers see; its path.
    async fn story(&self, article: Value) -> String {
        let path = self.draft(article).await;
        self.act(&path, "publish").await;
        path
    }

    /// What a search answers to someone.
    async fn search(&self, q: &str, more: &str, token: Option<&str>) -> Answer {
        self.server.get(&format!("/v1/articles?q={}{more}", encoded(q)), token).await
    }

    /// The slugs that it finds, and that `total` says the same.
    async fn found(&self, q: &str, more: &str, token: Option<&str>) -> String {
        let answer = self.search(q, &format!("{more}&count=true"), token).await.expect(200);
        let slugs = answer.each("slug");
        assert_eq!(answer.body["total"], slugs.len(), "{q}");
        slugs.join(" ")
    }

    /// The first highlight of a search.
    async fn highlight(&self, q: &str) -> (String, String) {
        let answer = self.search(q, "", None).await.expect(200);
        let of = |member| answer.body["data"][0]["highlight"][member].as_str().unwrap().to_owned();
        (of("title"), of("snippet"))
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// An article whose slug is its headline.
fn article(title: &str, language: &str, summary: &str, body: &str) -> Value {
    json!({"title": title, "language": language, "summary": summary, "body": body})
}

#[tokio::test]
async fn words_are_found_as_each_language_inflects_them() {
    let room = Newsroom::open().await;
    room.story(article("naskah", "id", "", "Warga **membaca** dan/atau menulis naskah, anak-anak juga."))
        .await;
    room.story(article("library", "en-GB", "Children were running.", "They read.")).await;
    room.story(article("lontar", "jv", "membaca", "running")).await;
    room.story(article("curriculum", "fr", "Le résumé d'un élève", "")).await;
    room.story(article("accents", "en", "", "She wrote a re\u{301}sume\u{301} in ｆｕｌｌ ｗｉｄｔｈ."))
        .await;
    for (q, more, expected) in [
        ("baca", "", "naskah"),
        ("MEMBACA", "", "lontar naskah"),
        ("membacakan", "", "naskah"),
        ("run", "", "library"),
        ("running", "", "lontar library"),
        ("running", "&language=en-GB,id", "library"),
        ("running", "&language=jv", "lontar"),
        ("running", "&language=fr", ""),
        ("anak", "", "naskah"),
        ("resume", "", "accents curriculum"),
        ("Résumé", "", "accents curriculum"),
        ("RE\u{301}SUME", "", "accents curriculum"),
        ("eleve", "", "curriculum"),
        ("full width", "", "accents"),
        ("naskah", "", "naskah"),
        ("strong", "", ""),
        ("tidakada", "", ""),
    ] {
        assert_eq!(room.found(q, more, None).await, expected, "{q}{more}");
    }
}

#[tokio::test]
async fn a_search_is_written_as_on_the_web() {
    let room = Newsroom::open().await;
    room.story(article("satu", "id", "", "model bahasa daerah")).await;
    room.story(article("dua", "id", "", "bahasa model baru")).await;
    room.story(article("tiga", "id", "", "model harga beras")).await;
    for (q, expected) in [
        ("model", "tiga dua satu"),
        ("model bahasa", "dua satu"),
        ("\"model bahasa\"", "satu"),
        ("\"bahasa model\"", "dua"),
        ("model -bahasa", "tiga"),
        ("model -\"model bahasa\"", "tiga dua"),
        ("daerah or beras", "tiga satu"),
        ("daerah OR baru -model", "satu"),
        ("bahasa and daerah", ""),
        ("model & bahasa", "dua satu"),
        ("(model) | bahasa!", "dua satu"),
        ("model:*", "tiga dua satu"),
    ] {
        assert_eq!(room.found(q, "", None).await, expected, "{q}");
    }
}

#[tokio::test]
async fn a_headline_counts_more_than_a_dek_and_a_dek_more_than_a_body() {
    let room = Newsroom::open().await;
    let tag = json!({"name": "Riset"});
    room.server.post("/v1/tags", Some(&room.editor), tag).await.expect(201);
    room.story(article("beras", "id", "", "")).await;
    room.story(article("dek", "id", "beras", "")).await;
    room.story(article("isi", "id", "", "beras")).await;
    let mut tagged = article("isi-juga", "id", "", "beras");
    tagged["tags"] = json!(["riset"]);
    room.story(tagged).await;
    assert_eq!(room.found("beras", "", None).await, "isi-juga isi dek beras");
    assert_eq!(room.found("beras", "&sort=relevance", None).await, "beras dek isi-juga isi");
    assert_eq!(room.found("beras", "&sort=title", None).await, "beras dek isi isi-juga");
    assert_eq!(room.found("beras", "&tag=riset", None).await, "isi-juga");
    assert_eq!(room.found("beras", "&tag_none=riset&sort=relevance", None).await, "beras dek isi");
    let drafts = "&draft=true&sort=relevance";
    assert_eq!(room.found("beras", drafts, Some(&room.editor)).await, "beras dek isi-juga isi");
}

#[tokio::test]
async fn pages_by_relevance_hold_each_article_once_in_order() {
    let room = Newsroom::open().await;
    // Many fit alike, in two languages.
    for number in 0..12 {
        let title = format!("kabar {number}");
        let language = if number % 2 == 0 { "id" } else { "en" };
        let body = ["beras naik", "beras dan beras lagi", "harga panjang sekali untuk beras"][number % 3];
        let path = room.draft(article(&title, language, "", body)).await;
        if number < 10 {
            room.act(&path, "publish").await;
        }
    }
    for (path, token, count) in [
        ("/v1/articles?q=beras&sort=relevance", None, 10),
        ("/v1/articles?q=beras", None, 10),
        ("/v1/articles?q=beras&sort=relevance&draft=true", Some(room.editor.as_str()), 12),
    ] {
        let whole = walk(&room.server, path, 100, token).await;
        assert_eq!(whole.len(), count, "{path}");
        for limit in [1, 2, 5] {
            assert_eq!(walk(&room.server, path, limit, token).await, whole, "{path} by {limit}");
        }
    }
    let first = room.search("beras", "&sort=relevance&limit=2", None).await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let other = room.search("naik", &format!("&sort=relevance&cursor={cursor}"), None).await;
    assert_eq!(other.expect(400).faults(), [("cursor".to_owned(), "invalid_cursor".to_owned())]);
}

#[tokio::test]
async fn what_was_found_is_marked_and_nothing_else_is_an_element() {
    let room = Newsroom::open().await;
    let body = "<script>alert(1)</script>\n\nWarga **membaca** `<b>` & [naskah](https://a.example/?a=\">\").\n\n> Kutipan *tebal*ku";
    room.story(article("Naskah <img src=x onerror=alert(1)> \"kuno\" & 'lain'", "id", "", body)).await;
    let (title, snippet) = room.highlight("naskah baca").await;
    assert_eq!(
        title,
        "<mark>Naskah</mark> &lt;img src=x onerror=alert(1)&gt; &quot;kuno&quot; &amp; &#39;lain&#39;"
    );
    assert_eq!(snippet, "Warga <mark>membaca</mark> &lt;b&gt; &amp; <mark>naskah</mark>. Kutipan tebalku");
    // What looks like an element is text.
    assert!(room.highlight("img -tidakada").await.0.contains("&lt;<mark>img</mark> src"));

    room.story(article("Le curriculum", "fr", "Voici mon résumé", "Texte.")).await;
    assert_eq!(
        room.highlight("RESUME").await,
        ("Le curriculum".to_owned(), "Voici mon <mark>résumé</mark>".to_owned())
    );
    assert_eq!(
        room.highlight("curriculum").await,
        ("Le <mark>curriculum</mark>".to_owned(), "Texte.".to_owned())
    );

    let long = format!("{}kata <mark>kunci</mark> di sini. {}", "Awal. ".repeat(200), "Akhir. ".repeat(200));
    room.story(article("Panjang", "id", "", &long)).await;
    let (_, snippet) = room.highlight("kunci").await;
    assert!(snippet.starts_with("… Awal. ") && snippet.ends_with(" Akhir. …"), "{snippet}");
    assert!(snippet.contains("kata <mark>kunci</mark> di sini."), "{snippet}");
    assert!(snippet.len() < 300, "{snippet}");
    let plain = room.server.get("/v1/articles", None).await.expect(200);
    assert!(plain.body["data"][0].get("highlight").is_none());
}

#[tokio::test]
async fn a_search_finds_only_what_its_reader_may_see() {
    let room = Newsroom::open().await;
    let (writer, other) = (room.server.sign_in(Role::Writer).await, room.server.sign_in(Role::Writer).await);
    let secret = article("Rahasia", "id", "rahasia", "rahasia");
    room.server.post("/v1/articles", Some(&writer), secret).await.expect(201);
    let drafts = "&draft=true";
    assert_eq!(room.found("rahasia", "", None).await, "");
    assert_eq!(room.found("rahasia", "", Some(&writer)).await, "");
    assert_eq!(room.found("rahasia", drafts, Some(&writer)).await, "rahasia");
    assert_eq!(room.found("rahasia", drafts, Some(&room.editor)).await, "rahasia");
    assert_eq!(room.found("rahasia", drafts, Some(&other)).await, "");
    room.search("rahasia", drafts, None).await.expect_problem(401, "unauthenticated");

    // Readers find what they see, and not what it is being changed to.
    room.act("/v1/articles/rahasia", "publish").await;
    let change = json!({"title": "Terbuka", "summary": "", "body": "perubahan"});
    room.server.patch("/v1/articles/rahasia", Some(&room.editor), change).await.expect(200);
    assert_eq!(room.found("rahasia", "", None).await, "rahasia");
    assert_eq!(room.found("perubahan", "", None).await, "");
    assert_eq!(room.found("perubahan", drafts, Some(&room.editor)).await, "rahasia");
    assert_eq!(room.found("rahasia", drafts, Some(&room.editor)).await, "");
    room.act("/v1/articles/rahasia", "publish").await;
    assert_eq!(room.found("rahasia", "", None).await, "");
    assert_eq!(room.found("perubahan", "", None).await, "rahasia");

    // The language that it changes to is the one in which it is searched.
    let change = json!({"language": "en", "body": "running"});
    room.server.patch("/v1/articles/rahasia", Some(&room.editor), change).await.expect(200);
    room.act("/v1/articles/rahasia", "publish").await;
    assert_eq!(room.found("run", "", None).await, "rahasia");

    let retract = json!({"reason": "Keliru."});
    room.server.post("/v1/articles/rahasia/retract", Some(&room.editor), retract).await.expect(200);
    assert_eq!(room.found("run", "", None).await, "");
    let taken_down = room.story(article("Sementara", "id", "", "")).await;
    room.act(&taken_down, "unpublish").await;
    assert_eq!(room.found("sementara", "", None).await, "");
    room.server.delete(&taken_down, Some(&room.editor)).await.expect(204);
    assert_eq!(room.found("sementara", drafts, Some(&room.editor)).await, "");
    assert_eq!(room.found("sementara", "&trashed=true", Some(&room.editor)).await, "sementara");
}
