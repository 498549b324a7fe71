//! Lists by tags or sources, which are read in the order of the times on tags and citations: always what the
//! editions say.

use chrono::TimeDelta;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures::future::try_join_all;
use serde_json::json;
use warta::principal::Role;

use super::{
    Newsroom, citing,
    walks::{by_time, holds, walk},
};

#[derive(Debug, PartialEq, diesel::QueryableByName)]
struct Times {
    /// Of tags and citations, those that have a time.
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    set: i64,
    /// Those with another time or language than their editions say.
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    wrong: i64,
}

const TIMES: &str = "
    select count(edge.published_at) as set, count(*) filter (
        where (edge.published_at, edge.language) is distinct from case
            when e.kind = 'live' and e.status = 'published' then row(e.published_at, e.language)
            else row(null::timestamptz, null::text) end
    ) as wrong
    from (
        select article_id, kind, published_at, language from edition_tags
        union all select article_id, kind, published_at, language from citations
    ) as edge
    join editions e using (article_id, kind)";

impl Newsroom {
    /// Of what readers see there are so many tags and citations, and they have the times of their editions.
    async fn times_hold(&self, set: i64, after: &str) {
        let mut conn = self.server.database.get().await.unwrap();
        let times: Times = diesel::sql_query(TIMES).get_result(&mut conn).await.unwrap();
        assert_eq!(times, Times { set, wrong: 0 }, "after {after}");
    }

    /// Makes a request that succeeds.
    async fn does(&self, path: &str, body: serde_json::Value) {
        let answer = self.server.post(path, Some(&self.editor), body).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_times_of_tags_and_citations_follow_their_editions() {
    let room = Newsroom::open().await;
    let editor = Some(room.editor.as_str());
    let cited = json!([citing("source-a")[0], citing("source-b")[0], citing("source-a")[0]]);
    room.draft("satu", json!({"tags": ["tag-a", "tag-b"], "citations": cited})).await;
    room.times_hold(0, "a draft").await;
    room.publish("satu", "2024-01-01T00:00:00Z").await;
    room.times_hold(5, "a publication that is dated back").await;
    room.draft("dua", json!({"tags": ["tag-b"], "citations": citing("source-b")})).await;
    room.does("/v1/articles/dua/publish", json!({})).await;
    room.times_hold(7, "a publication").await;

    let patch = json!({"tags": ["tag-c", "tag-b", "tag-a"], "citations": [cited[0]]});
    room.server.patch("/v1/articles/satu", editor, patch).await.expect(200);
    room.times_hold(7, "a change of the draft").await;
    room.does("/v1/articles/satu/publish", json!({})).await;
    room.times_hold(6, "a publication with other tags and citations").await;
    room.does("/v1/articles/satu/corrections", json!({"kind": "update", "text": "Lanjutan."})).await;
    room.times_hold(6, "a correction").await;
    room.does("/v1/tags/tag-a/merge", json!({"into": "tag-b"})).await;
    room.times_hold(5, "a merge of two tags of one story").await;
    room.server.delete("/v1/tags/tag-c", editor).await.expect(204);
    room.times_hold(4, "a deletion of a tag").await;

    room.does("/v1/articles/satu/unpublish", json!({})).await;
    room.times_hold(2, "an unpublication").await;
    let soon = room.server.clock.now() + TimeDelta::hours(1);
    room.does("/v1/articles/satu/publish", json!({"at": soon})).await;
    room.times_hold(2, "a schedule").await;
    room.server.clock.advance(TimeDelta::hours(2));
    assert_eq!(room.server.publish_due().await, 1);
    room.times_hold(4, "a scheduled publication").await;

    let editor = room.server.sign_in(Role::Admin).await;
    let room = Newsroom { editor, ..room };
    let editor = Some(room.editor.as_str());
    room.does("/v1/articles/satu/retract", json!({"reason": "Keliru."})).await;
    room.times_hold(2, "a retraction").await;
    room.server.delete("/v1/articles/satu", editor).await.expect(204);
    room.times_hold(2, "the trash, retracted").await;
    room.does("/v1/articles/satu/restore", json!({})).await;
    room.times_hold(2, "a restoration, retracted").await;
    room.server.delete("/v1/articles/dua", editor).await.expect(204);
    room.times_hold(0, "the trash").await;
    room.does("/v1/articles/dua/restore", json!({})).await;
    room.does("/v1/articles/dua/publish", json!({})).await;
    room.times_hold(2, "a restoration").await;
    room.server.delete("/v1/articles/dua?permanent=true", editor).await.expect(204);
    room.times_hold(0, "a deletion").await;
}

#[tokio::test]
async fn no_statement_goes_past_the_times() {
    let room = Newsroom::open().await;
    let content = json!({"tags": ["tag-a"], "citations": citing("source-a")});
    room.story("satu", "2024-01-01T00:00:00Z", content).await;
    let mut conn = room.server.database.get().await.unwrap();
    for (statement, set) in [
        ("update editions set published_at = '2023-01-01T00:00:00Z' where kind = 'live'", 2),
        ("update editions set language = 'en' where kind = 'live'", 2),
        ("update edition_tags set language = null", 2),
        ("update edition_tags set published_at = '2022-01-01T00:00:00Z'", 2),
        ("update citations set published_at = null", 2),
        (
            "insert into edition_tags (article_id, kind, tag_id, position, published_at) \
             select e.article_id, e.kind, t.id, 1, now() from editions e, tags t where t.slug = 'tag-b'",
            3,
        ),
        (
            "update editions set status = 'retracted', retracted_at = now(), retraction_reason = 'Keliru.' where kind = 'live'",
            0,
        ),
        (
            "update editions set status = 'published', retracted_at = null, retraction_reason = null where kind = 'live'",
            3,
        ),
        (
            "with story as (delete from editions where kind = 'live' returning *), \
                 tag as (insert into edition_tags (article_id, kind, tag_id, position) \
                     select d.article_id, 'draft', t.id, 2 from editions d, tags t where d.kind = 'draft' and t.slug = 'tag-c') \
             select article_id from story",
            0,
        ),
        // An edition and its tag at once, whichever comes first.
        (
            "with story as (insert into editions (article_id, kind, status, slug, language, title, summary, body, body_html, \
                         translation_group_id, word_count, reading_minutes, revision, published_at, updated_at, public_version) \
                     select article_id, 'live', 'published', slug, language, title, summary, body, body_html, \
                         translation_group_id, word_count, reading_minutes, revision, now(), updated_at, 1 \
                     from editions where kind = 'draft'), \
                 tag as (insert into edition_tags (article_id, kind, tag_id, position) \
                     select d.article_id, 'live', t.id, 0 from editions d, tags t where d.kind = 'draft' and t.slug = 'tag-a') \
             select 1",
            1,
        ),
    ] {
        conn.batch_execute(statement).await.unwrap();
        room.times_hold(set, statement).await;
    }
}

#[derive(diesel::QueryableByName)]
struct Kept {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    plans: i64,
}

/// How many plans of lists all connections keep.
async fn plans_of_lists(room: &Newsroom) -> i64 {
    let connections: Vec<_> = try_join_all((0..4).map(|_| room.server.database.get())).await.unwrap();
    let mut plans = 0;
    for mut conn in connections {
        let query =
            "select count(*) as plans from pg_prepared_statements where statement like '%word_count%'";
        plans += diesel::sql_query(query).get_result::<Kept>(&mut conn).await.unwrap().plans;
    }
    plans
}

#[tokio::test]
async fn what_few_ask_for_leaves_no_plan_behind() {
    let room = Newsroom::open().await;
    let list = async |query: &str| {
        room.server.get(&format!("/v1/articles?{query}"), Some(&room.editor)).await.expect(200);
    };
    list("").await;
    list("tag=tag-a&language=id").await;
    let kept = plans_of_lists(&room).await;
    assert!(kept >= 2, "{kept}");
    for query in [
        "tag=tag-a,tag-b",
        "tag_all=tag-a,tag-b",
        "tag=tag-a&source=source-a",
        "language=en,id",
        "tag_none=tag-a",
        "sort=published_at",
        "published_before=2024-01-01T00:00:00Z",
        "tag=tag-a&sort=title",
        "updated_after=2024-01-01T00:00:00Z&sort=-title",
        "draft=true&status=draft,in_review",
        "q=kabar",
        "tag=tag-a&tag_none=tag-b&count=true",
    ] {
        list(query).await;
        assert_eq!(plans_of_lists(&room).await, kept, "{query}");
    }
}

/// What a list should have a story for.
struct Story {
    title: String,
    language: &'static str,
    day: usize,
    tags: Vec<&'static str>,
    sources: Vec<&'static str>,
}

/// With these members of a list that bits choose.
fn chosen<'a>(all: &[&'a str], bits: usize) -> Vec<&'a str> {
    all.iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1).map(|(_, one)| *one).collect()
}

/// Stories with every set of three tags, each with other sources, in two languages, on three days.
async fn mixed_stories(room: &Newsroom) -> Vec<Story> {
    let mut stories = Vec::new();
    for number in 0..24_usize {
        let story = Story {
            title: format!("Kabar {number}"),
            language: if number % 5 == 0 { "en" } else { "id" },
            day: 1 + number * number % 3,
            tags: chosen(&["tag-a", "tag-b", "tag-c"], number),
            // One of them twice.
            sources: chosen(&["source-a", "source-b", "source-a"], number / 3),
        };
        let citations: Vec<_> = story.sources.iter().map(|source| citing(source)[0].clone()).collect();
        let more = json!({"language": story.language, "tags": story.tags, "citations": citations});
        room.story(&story.title, &format!("2024-01-0{}T00:00:00Z", story.day), more).await;
        stories.push(story);
    }
    stories
}

#[tokio::test]
async fn a_list_by_edges_is_what_any_other_way_finds() {
    let room = Newsroom::open().await;
    room.server.post("/v1/tags", Some(&room.editor), json!({"name": "Lama"})).await.expect(201);
    room.does("/v1/tags/lama/merge", json!({"into": "tag-a"})).await;
    let stories = mixed_stories(&room).await;
    let hidden = || json!({"tags": ["tag-a", "tag-b"], "citations": citing("source-a")});
    room.draft("draf", hidden()).await;
    room.story("ditarik", "2024-01-02T00:00:00Z", hidden()).await;
    room.does("/v1/articles/ditarik/retract", json!({"reason": "Keliru."})).await;
    let source = room.server.get("/v1/sources/source-a", None).await.body["id"].as_str().unwrap().to_owned();
    let by_id = format!("source={source},source-b&language=en");
    let tagged = |tags: &'static [&str]| move |story: &Story| story.tags.iter().any(|tag| tags.contains(tag));
    let citing = |sources: &'static [&str]| {
        move |story: &Story| story.sources.iter().any(|source| sources.contains(source))
    };
    type Asked<'a> = Box<dyn Fn(&Story) -> bool + 'a>;
    let cases: [(&str, Asked<'_>); 20] = [
        ("tag=tag-a", Box::new(tagged(&["tag-a"]))),
        ("tag=lama,tag-a", Box::new(tagged(&["tag-a"]))),
        ("tag=tag-a,tag-c", Box::new(tagged(&["tag-a", "tag-c"]))),
        (
            "tag=tag-a,tag-b,tag-c&language=en",
            Box::new(|story| !story.tags.is_empty() && story.language == "en"),
        ),
        ("tag=tag-b&language=jv", Box::new(|_| false)),
        ("tag=tidak-ada", Box::new(|_| false)),
        ("tag_all=tag-b", Box::new(tagged(&["tag-b"]))),
        ("tag_all=tag-b,tag-c", Box::new(|story| tagged(&["tag-b"])(story) && tagged(&["tag-c"])(story))),
        ("source=source-a", Box::new(citing(&["source-a"]))),
        ("source=source-a,source-b", Box::new(citing(&["source-a", "source-b"]))),
        (&by_id, Box::new(|story| !story.sources.is_empty() && story.language == "en")),
        (
            "tag=tag-a&source=source-b",
            Box::new(|story| tagged(&["tag-a"])(story) && citing(&["source-b"])(story)),
        ),
        ("tag_none=tag-a,tag-c&status=published", Box::new(|story| !tagged(&["tag-a", "tag-c"])(story))),
        ("tag_none=tidak-ada&language=jv,en", Box::new(|story| story.language == "en")),
        (
            "tag=tag-b,tidak-ada&tag_none=lama",
            Box::new(|story| tagged(&["tag-b"])(story) && !tagged(&["tag-a"])(story)),
        ),
        ("tag_all=tag-a,tidak-ada", Box::new(|_| false)),
        ("tag_all=tag-a,tag-b,tidak-ada", Box::new(|_| false)),
        (
            "tag_all=tag-b,lama,tag-a,tag-c",
            Box::new(|story| ["tag-a", "tag-b", "tag-c"].iter().all(|tag| story.tags.contains(tag))),
        ),
        (
            "source=source-a,source-b&tag_all=tag-a,tag-b&tag=tag-c,tag-b&language=id,en",
            Box::new(|story| {
                !story.sources.is_empty() && tagged(&["tag-a"])(story) && tagged(&["tag-b"])(story)
            }),
        ),
        (
            "tag=tag-c&published_after=2024-01-01T00:00:00Z&published_before=2024-01-03T00:00:00Z",
            Box::new(|story| tagged(&["tag-c"])(story) && story.day == 2),
        ),
    ];
    for (query, asked) in cases {
        for (sort, descending) in [("published_at", false), ("-published_at", true)] {
            let path = format!("/v1/articles?{query}&sort={sort}");
            holds(&room.server, &path, None, descending, by_time("published_at")).await;
            let found = walk(&room.server, &path, 3, None).await;
            let mut titles: Vec<_> = found.iter().map(|article| article["title"].as_str().unwrap()).collect();
            titles.sort_unstable();
            let mut expected: Vec<_> =
                stories.iter().filter(|story| asked(story)).map(|story| &*story.title).collect();
            expected.sort_unstable();
            assert_eq!(titles, expected, "{path}");
            let counted = room.server.get(&format!("{path}&count=true&limit=1"), None).await.expect(200);
            assert_eq!(counted.body["total"], expected.len(), "{path}");
            // A filter that leaves all, of which tags and citations say nothing.
            let other = format!("{path}&updated_after=1900-01-01T00:00:00Z");
            assert_eq!(found, walk(&room.server, &other, 3, None).await, "{path}");
        }
    }
    for (path, count) in [("tags/tag-a", 12), ("sources/source-a", 18), ("sources/source-b", 12)] {
        let answer = room.server.get(&format!("/v1/{path}"), None).await.expect(200);
        assert_eq!(answer.body["article_count"], count, "{path}");
    }
}
