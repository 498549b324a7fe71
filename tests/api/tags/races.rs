//! Merges while articles are changed.

use std::time::Duration;

use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures::future::{join, join_all};
use serde_json::json;

use super::Desk;

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// Waits until so many connections to the test's database wait for a lock.
async fn until_waiting(conn: &mut AsyncPgConnection, wanted: i64) {
    let query = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    for _ in 0..500 {
        // In a transaction, the view would stay as it was at first.
        conn.batch_execute("select pg_stat_clear_snapshot()").await.unwrap();
        let waiting: Count = diesel::sql_query(query).get_result(conn).await.unwrap();
        if waiting.count == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never {wanted} waited for a lock");
}

/// Has a tag's place on an article changed elsewhere, until `commit`.
const GIVE: &str = "insert into edition_tags (article_id, kind, tag_id, position) \
     select e.article_id, e.kind, t.id, 1 from editions e, tags t where e.slug = 'satu' and e.kind = 'draft' and t.slug = 'lama'";

const LOCK_ARTICLE: &str =
    "select 1 from articles where id = (select article_id from article_slugs where slug = 'satu') for update";

#[tokio::test]
async fn what_names_a_tag_while_it_is_merged_gets_the_one_that_stays() {
    let desk = Desk::open().await;
    desk.tags(["Lama", "Baru"]).await;
    desk.live("Satu", json!(["lama"])).await;
    let mut other = desk.server.database.get().await.unwrap();
    // The merge has the tag, and waits for this.
    other.batch_execute("begin; select 1 from edition_tags for update").await.unwrap();
    let release = async {
        until_waiting(&mut other, 1).await;
        let save = desk.draft("Dua", json!(["lama"]));
        let commit = async {
            until_waiting(&mut other, 2).await;
            other.batch_execute("commit").await.unwrap();
        };
        join(save, commit).await.0
    };
    let (merged, saved) = join(desk.merge("lama", "baru"), release).await;
    merged.expect(200);
    assert_eq!(desk.of_draft(&saved).await, ["baru"]);
}

#[tokio::test]
async fn a_merge_waits_for_the_articles_that_have_the_tag() {
    let desk = Desk::open().await;
    desk.tags(["Lama", "Baru"]).await;
    let path = desk.live("Satu", json!(["lama"])).await;
    let mut other = desk.server.database.get().await.unwrap();
    other.batch_execute(&format!("begin; {LOCK_ARTICLE}")).await.unwrap();
    let release = async {
        until_waiting(&mut other, 1).await;
        // As publishing does: what the merge saw is gone, and there is another one like it.
        let again = "create temporary table gone on commit drop as select * from edition_tags where kind = 'live'; \
             delete from edition_tags where kind = 'live'; insert into edition_tags select * from gone; commit";
        other.batch_execute(again).await.unwrap();
    };
    let (merged, ()) = join(desk.merge("lama", "baru"), release).await;
    merged.expect(200);
    assert_eq!(
        (desk.of_live(&path).await, desk.of_draft(&path).await),
        (vec!["baru".to_owned()], vec!["baru".to_owned()])
    );
}

#[tokio::test]
async fn an_article_that_gets_the_tag_at_the_last_moment_is_not_waited_for() {
    let desk = Desk::open().await;
    desk.tags(["Lama", "Baru", "Lain"]).await;
    let path = desk.draft("Satu", json!(["lain"])).await;
    let before = desk.server.snapshot().await;
    for delete in [false, true] {
        let mut giver = desk.server.database.get().await.unwrap();
        let mut editor = desk.server.database.get().await.unwrap();
        giver.batch_execute(&format!("begin; {GIVE}")).await.unwrap();
        editor.batch_execute(&format!("begin; {LOCK_ARTICLE}")).await.unwrap();
        let release = async {
            until_waiting(&mut giver, 1).await;
            giver.batch_execute("commit").await.unwrap();
        };
        let change = async {
            match delete {
                true => desk.server.delete("/v1/tags/lama", desk.editor()).await,
                false => desk.merge("lama", "baru").await,
            }
        };
        let (refused, ()) = join(change, release).await;
        refused.expect_problem(409, "conflict");
        editor.batch_execute("rollback").await.unwrap();
        giver.batch_execute("delete from edition_tags where position = 1").await.unwrap();
    }
    assert_eq!(desk.server.snapshot().await, before);
    let mut giver = desk.server.database.get().await.unwrap();
    giver.batch_execute(GIVE).await.unwrap();
    desk.merge("lama", "baru").await.expect(200);
    assert_eq!(desk.of_draft(&path).await, ["lain", "baru"]);
}

#[tokio::test]
async fn saves_publications_and_merges_at_once_lose_no_tag() {
    let desk = Desk::open().await;
    let desk = &desk;
    for round in 0..4 {
        let name = |letter: &str| format!("{letter}-{round}");
        let (old, new, other) = (name("lama"), name("baru"), name("lain"));
        desk.tags([old.as_str(), &new, &other]).await;
        let mut paths = Vec::new();
        for number in 0..6 {
            // Some get the tag only while it is merged.
            let tags = if number < 3 { json!([other, old]) } else { json!([other]) };
            paths.push(desk.live(&format!("Kabar {round} {number}"), tags).await);
        }
        let saves = join_all(paths.iter().map(|path| {
            let tags = [json!([old, other]), json!([other, old, new]), json!([old])];
            async move {
                for tags in tags {
                    // It waits for the merge, and finds the tag that stays.
                    desk.server.patch(path, desk.editor(), json!({"tags": tags})).await.expect(200);
                    desk.server.act(&format!("{path}/publish"), desk.editor()).await.expect(200);
                }
            }
        }));
        let creations = join_all((0..4).map(|number| {
            let tags = json!([other, old]);
            async move { desk.draft(&format!("Baru {round} {number}"), tags).await }
        }));
        let merge = async {
            loop {
                let answer = desk.merge(&old, &new).await;
                if answer.status != 409 {
                    break answer.expect(200);
                }
                answer.expect_problem(409, "conflict");
            }
        };
        let ((_, created), _) = join(join(saves, creations), merge).await;
        for path in &paths {
            assert_eq!(desk.of_draft(path).await, [new.as_str()]);
            assert_eq!(desk.of_live(path).await, [new.as_str()]);
        }
        for path in created {
            assert_eq!(desk.of_draft(&path).await, [other.as_str(), &new]);
        }
        desk.assert_gapless().await;
    }
    // Two ways round at once: one of them is first.
    desk.tags(["Kiri", "Kanan"]).await;
    let (one, other) = join(desk.merge("kiri", "kanan"), desk.merge("kanan", "kiri")).await;
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422]);
}
