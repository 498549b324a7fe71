//! The record: what would have been written when the stories were, sealed.

use std::fmt::Write;

use diesel::pg::data_types::PgTimestamp;
use tokio_postgres::Client;
use warta::audit::chain::{Content, Head};

use super::{
    copy,
    story::{World, id_at, written},
};
use crate::{outcome::Outcome, words::Dice};

const TABLE: &str =
    "events (id, created_at, type, actor_id, request_id, subject_type, subject_id, details, sequence, hash)";

/// Microseconds from 1970 to 2000, where Postgres counts from.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// How many stories' events are copied at a time.
const BATCH: usize = 5000;

/// Copies them, on one connection, since each hash is made of the one before.
pub(super) async fn copy_all(client: &Client, world: &World) -> Outcome<()> {
    let mut head = Head::START;
    let mut rows = String::new();
    for number in 0..world.count {
        let story = world.story(number);
        let happened = [("article.created", Some(story.created)), ("article.published", story.published)];
        for (place, (kind, time)) in (0..).zip(happened) {
            let Some(time) = time else { continue };
            let mut dice = Dice::of(number * 2 + place);
            let content = Content {
                id: id_at(time, &mut dice),
                created_at: PgTimestamp(time.timestamp_micros() - POSTGRES_EPOCH),
                r#type: kind.to_owned(),
                actor_id: Some(story.writer),
                request_id: Some(id_at(time, &mut dice).to_string()),
                subject_type: "article".to_owned(),
                subject_id: story.id,
                details: match kind {
                    "article.published" => {
                        format!(r#"{{"revision": 1, "published_at": "{}"}}"#, written(time))
                    }
                    _ => "{}".to_owned(),
                },
            };
            head = content.after(head).ok_or("an event cannot be hashed")?;
            let Content { id, subject_id, details, .. } = &content;
            let (time, actor) = (written(time), story.writer);
            let request = content.request_id.as_deref().unwrap_or_default();
            let Head { sequence, hash } = head;
            #[rustfmt::skip]
            writeln!(
                rows,
                "{id}\t{time}\t{kind}\t{actor}\t{request}\tarticle\t{subject_id}\t{details}\t{sequence}\t\\\\x{hash}"
            )?;
        }
        if (number + 1).is_multiple_of(BATCH as u64) || number + 1 == world.count {
            copy(client, TABLE, std::mem::take(&mut rows)).await?;
        }
    }
    Ok(())
}
