//! `warta audit verify`, on records that somebody was at.

use std::{process::Command, time::Duration};

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures::{StreamExt, stream};
use serde_json::json;
use tempfile::TempDir;
use warta::{
    audit::seal,
    auth::keys::Keys,
    database::{Database, DatabaseUrl},
};

use super::{
    data_dir, ends_with_one_line,
    first::Visitor,
    program::{Program, command},
};
use crate::support::cluster::{empty_database, fresh_database};

const EMAIL: &str = "ayu@example.org";
const PASSWORD: &str = "correct horse battery staple";

/// A database with a record of ten sealed events, each of which says its number.
struct Record {
    folder: TempDir,
    url: DatabaseUrl,
    database: Database,
}

impl Record {
    async fn new() -> Self {
        let url = fresh_database().await;
        let database = Database::connect(&url, 1).await.unwrap();
        let record = Self { folder: data_dir(), url, database };
        record.write(1, 10).await;
        record
    }

    async fn write(&self, from: u32, to: u32) {
        self.insert(from, to).await;
        seal::seal(&mut self.database.get().await.unwrap()).await.unwrap();
    }

    async fn insert(&self, from: u32, to: u32) {
        self.run(&format!(
            "insert into events (id, created_at, type, subject_type, subject_id, details) \
             select gen_random_uuid(), now(), 'tag.created', 'tag', gen_random_uuid(), json_build_object('number', number) \
             from generate_series({from}, {to}) number"
        ))
        .await;
    }

    async fn run(&self, sql: &str) {
        self.database
            .get()
            .await
            .unwrap()
            .batch_execute(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Does what only the owner of the table can.
    async fn tamper(&self, sql: &str) {
        self.run(&format!("begin; alter table events disable trigger user; {sql}; alter table events enable trigger user; commit"))
            .await;
    }

    /// The id of the event at this place, and its hash.
    async fn at(&self, sequence: i64) -> (String, String) {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            id: String,
            #[diesel(sql_type = diesel::sql_types::Text)]
            hash: String,
        }
        let row = "select id::text, coalesce(encode(hash, 'hex'), '') as hash from events where sequence = ";
        let row = diesel::sql_query(format!("{row}{sequence}"));
        let Row { id, hash } = row.get_result(&mut self.database.get().await.unwrap()).await.unwrap();
        (id, hash)
    }

    fn verify(&self, head: Option<&str>) -> Command {
        let mut verify = command(self.folder.path());
        verify.env("DATABASE_URL", self.url.expose()).args(["audit", "verify"]);
        verify.args(head.iter().flat_map(|head| ["--head", head]));
        verify
    }

    /// What it prints where the record is whole.
    fn whole(&self, head: Option<&str>) -> String {
        let output = self.verify(head).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[tokio::test]
async fn a_record_that_is_whole_is_said_to_be_so() {
    let record = Record::new().await;
    let (_, hash) = record.at(10).await;
    let head = format!("10:{hash}");
    assert_eq!(record.whole(None), format!("10 events verified, head {head}\n0 events not sealed yet\n"));
    record.insert(11, 13).await;
    assert_eq!(
        record.whole(Some(&head)),
        format!("10 events verified, head {head}\n3 events not sealed yet\n")
    );
    record.write(14, 1500).await;
    let (_, hash) = record.at(1500).await;
    let all = format!("1500 events verified, head 1500:{hash}\n0 events not sealed yet\n");
    assert_eq!(record.whole(Some(&head)), all);
    assert_eq!(record.whole(Some(&format!("0:{}", "0".repeat(64)))), all);

    let elsewhere = format!("0:{hash}");
    for wrong in ["", "10", "10:", "10:xyz", ":00", "nothing", &format!("10:{}", &hash[1..]), &elsewhere] {
        ends_with_one_line(
            &mut record.verify(Some(wrong)),
            2,
            &["--head", "<sequence>:<64 hexadecimal digits>"],
        );
    }
}

#[tokio::test]
async fn the_first_event_that_was_tampered_with_is_found() {
    // What is done, the place that is found, whether an event stands there, and what is wrong with it.
    let swapped = |columns: &str| {
        let of_other =
            columns.split(", ").map(|column| format!("other.{column}")).collect::<Vec<_>>().join(", ");
        format!(
            "alter table events drop constraint events_seal_check; drop index events_sequence_key; \
             update events one set ({columns}) = row({of_other}) from events other \
             where (one.sequence, other.sequence) in ((4, 7), (7, 4))"
        )
    };
    let gap = "drop index events_sequence_key; delete from events where sequence = 6; \
               update events set sequence = sequence - 1 where sequence > 6";
    let room =
        "drop index events_sequence_key; update events set sequence = sequence + 1 where sequence >= 6";
    let forged = |sequence: i64, hash: &str| {
        format!(
            "insert into events (id, created_at, type, subject_type, subject_id, details, sequence, hash) \
             values (gen_random_uuid(), now(), 'tag.deleted', 'tag', gen_random_uuid(), '{{}}', {sequence}, {hash})"
        )
    };
    let cases: Vec<(String, i64, bool, &str)> = vec![
        ("update events set details = '{\"number\": 30}' where sequence in (3, 8)".into(), 3, true, "was changed"),
        ("update events set details = '{\"number\": 3.0}' where sequence = 3".into(), 3, true, "was changed"),
        ("update events set details = '{\"number\": 3, \"x\": null}' where sequence = 3".into(), 3, true, "was changed"),
        ("update events set type = 'tag.deleted' where sequence = 1".into(), 1, true, "was changed"),
        ("update events set created_at = created_at + interval '1 microsecond' where sequence = 10".into(), 10, true, "was changed"),
        ("alter table events drop constraint events_created_at_check; update events set created_at = 'infinity' where sequence = 5".into(), 5, true, "was changed"),
        ("update events set request_id = '' where sequence = 5".into(), 5, true, "was changed"),
        ("update events set subject_id = gen_random_uuid() where sequence = 5".into(), 5, true, "was changed"),
        ("update events set id = gen_random_uuid() where sequence = 5".into(), 5, true, "was changed"),
        ("update events set hash = sha256('x') where sequence = 5".into(), 5, true, "was changed"),
        ("alter table events drop constraint events_seal_check; update events set hash = null where sequence = 5".into(), 5, true, "was changed"),
        ("delete from events where sequence = 4".into(), 4, false, "is missing"),
        ("delete from events where sequence = 1".into(), 1, false, "is missing"),
        ("delete from events where sequence between 2 and 9".into(), 2, false, "is missing"),
        ("update events set sequence = null, hash = null where sequence = 4".into(), 4, false, "is missing"),
        (gap.into(), 6, true, "stands where another one is missing"),
        (format!("{room}; {}", forged(6, "sha256('x')")), 6, true, "was inserted"),
        (format!("drop index events_sequence_key; {}", forged(6, "sha256('x')")), 6, true, ""),
        (format!("alter table events drop constraint events_seal_check; {}", forged(0, "sha256('x')")), 0, true, "was inserted"),
        (swapped("sequence"), 4, true, "was reordered"),
        (swapped("sequence, hash"), 4, true, "was reordered"),
    ];
    for (sql, sequence, stands, wrong) in cases {
        let record = Record::new().await;
        record.tamper(&sql).await;
        let id = if stands { record.at(sequence).await.0 } else { String::new() };
        let place = if stands { format!("event {sequence} ({id}) ") } else { format!("event {sequence} ") };
        // Two may stand at one place; either is found.
        let words = if wrong.is_empty() { vec!["event 6 ("] } else { vec![place.as_str(), wrong] };
        ends_with_one_line(&mut record.verify(None), 1, &words);
        drop(record);
    }
}

#[tokio::test]
async fn an_end_that_was_cut_off_is_found_by_the_head_that_was_kept() {
    let record = Record::new().await;
    let head = format!("10:{}", record.at(10).await.1);
    let earlier = format!("8:{}", record.at(8).await.1);
    record.tamper("delete from events where sequence > 8").await;
    assert!(record.whole(None).starts_with(&format!("8 events verified, head {earlier}\n")));
    ends_with_one_line(&mut record.verify(Some(&head)), 1, &["event 9 is missing"]);
    // Others in their place.
    record.write(9, 12).await;
    assert!(record.whole(Some(&earlier)).starts_with("12 events verified"));
    let (id, _) = record.at(10).await;
    ends_with_one_line(
        &mut record.verify(Some(&head)),
        1,
        &[&format!("event 10 ({id}) was changed"), "head"],
    );
}

#[tokio::test]
async fn a_database_that_is_not_up_to_date_is_left_as_it_is() {
    let mut record = Record::new().await;
    record.url = empty_database().await;
    ends_with_one_line(&mut record.verify(None), 1, &["migrations are pending"]);
    ends_with_one_line(&mut record.verify(None), 1, &["migrations are pending"]);
}

#[tokio::test]
async fn instances_seal_by_themselves_into_one_chain() {
    let record = Record::new().await;
    let key = record.folder.path().join("key.pem");
    Keys::load_or_create(&key).unwrap();
    let start = || {
        let mut start = command(record.folder.path());
        start.env("DATABASE_URL", record.url.expose()).env("WARTA_JWT_KEY_FILE", &key);
        start.env("WARTA_ADMIN_EMAIL", EMAIL).env("WARTA_ADMIN_PASSWORD", PASSWORD);
        Program::start(&mut start)
    };
    let (one, other) = (start(), start());
    let (here, there) = (Visitor::of(&one), Visitor::of(&other));
    let token = here.sign_in(EMAIL, PASSWORD).await.unwrap();
    let writes = stream::iter(0..100).map(async |number| {
        let visitor = if number % 2 == 0 { &here } else { &there };
        let made = visitor.post("/v1/tags", &token, &json!({"name": format!("Tag {number}")})).await;
        assert_eq!(made.status(), 201);
    });
    writes.buffer_unordered(8).collect::<Vec<_>>().await;
    // Nobody reads the record: the instances do it by themselves.
    let whole = "112 events verified";
    for attempt in 0.. {
        let told = record.whole(None);
        if told.starts_with(whole) {
            assert!(told.ends_with("\n0 events not sealed yet\n"), "{told}");
            break;
        }
        assert!(attempt < 100, "not sealed: {told}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop((here, there));
    one.stop();
    other.stop();
}
