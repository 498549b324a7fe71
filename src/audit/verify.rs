//! `warta audit verify`: whether the record is as it was written.

use std::fmt;

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use crate::audit::{
    chain::{Hash, Head},
    store::{self, Line},
};
use crate::{database::Database, error::ApiResult};

/// How many events are held in memory at a time.
const BATCH: i64 = 1000;

/// What a verification found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every event is as it was written.
    Whole {
        /// The end of the chain.
        head: Head,
        /// How many events are committed and not sealed yet. Nothing can be said of these.
        unsealed: i64,
    },
    /// Somebody was here.
    Tampered(Finding),
}

/// The first place at which the record is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The sequence number that does not hold.
    pub sequence: i64,
    /// The event that stands there; `None` where there is none.
    pub id: Option<Uuid>,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What was done to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It says something else now, or has another hash.
    Changed,
    /// One or more events were taken out here.
    Missing,
    /// It was put in.
    Inserted,
    /// It stood at another place.
    Reordered,
    /// The events up to here agree with each other, but not with the head that was kept.
    Rewritten,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record was tampered with: ")?;
        let sequence = self.sequence;
        match self.id {
            Some(id) => write!(f, "event {sequence} ({id}) ")?,
            None => write!(f, "event {sequence} ")?,
        }
        f.write_str(match (self.wrong, self.id) {
            (Wrong::Changed, _) => "was changed, or does not follow from the one before",
            (Wrong::Missing, None) => "is missing",
            (Wrong::Missing, Some(_)) => "stands where another one is missing",
            (Wrong::Inserted, _) => "was inserted",
            (Wrong::Reordered, _) => "was reordered",
            (Wrong::Rewritten, _) => "was changed: its hash is not that of the given head",
        })
    }
}

/// Walks the whole chain as of one moment, in bounded memory, and computes each hash anew.
///
/// A chain cannot know that its end was cut off: `kept` is the head of an earlier verification, which must still be in it.
///
/// # Errors
/// As any statement.
pub async fn verify(database: &Database, kept: Option<Head>) -> ApiResult<Verdict> {
    let mut conn = database.get().await?;
    let mut snapshot = conn.build_transaction().repeatable_read().read_only();
    Ok(snapshot.run(async |conn| walk(conn, kept).await).await?)
}

async fn walk(conn: &mut AsyncPgConnection, kept: Option<Head>) -> QueryResult<Verdict> {
    let mut head = Head::START;
    let mut before = None;
    let mut position = START;
    loop {
        let lines = store::lines(conn, position, BATCH).await?;
        let Some(last) = lines.last() else { break };
        position = last.position();
        for line in &lines {
            if !follows(line, head) {
                let wrong = explain(conn, line, head, before).await?;
                return Ok(Verdict::Tampered(wrong));
            }
            before = Some(head);
            head = line.content.after(head).unwrap_or(head);
            if let Some(kept) = kept
                && kept.sequence == head.sequence
                && kept.hash != head.hash
            {
                let id = Some(line.content.id);
                return Ok(Verdict::Tampered(Finding {
                    sequence: head.sequence,
                    id,
                    wrong: Wrong::Rewritten,
                }));
            }
        }
    }
    if kept.is_some_and(|kept| kept.sequence > head.sequence) {
        let sequence = head.sequence + 1;
        return Ok(Verdict::Tampered(Finding { sequence, id: None, wrong: Wrong::Missing }));
    }
    Ok(Verdict::Whole { head, unsealed: store::count_unsealed(conn).await? })
}

/// Before every line, also before such as cannot be.
const START: (i64, Uuid) = (i64::MIN, Uuid::nil());

/// Whether the line is the one that stands after `head`.
fn follows(line: &Line, head: Head) -> bool {
    let expected = line.content.after(head);
    line.sequence == expected.map(|next| next.sequence) && has_hash(line, expected)
}

fn has_hash(line: &Line, head: Option<Head>) -> bool {
    head.is_some() && line.hash.as_deref().and_then(Hash::from_bytes) == head.map(|head| head.hash)
}

/// What is wrong with the first line that does not follow: `before` and `head` are the ends of the chain before it.
///
/// A line that was moved still fits at the place that it had. So the rest of the chain is looked through for the line that fits here,
/// and for the place that this one fits at.
async fn explain(
    conn: &mut AsyncPgConnection,
    line: &Line,
    head: Head,
    before: Option<Head>,
) -> QueryResult<Finding> {
    let sequence = head.sequence + 1;
    let id = Some(line.content.id);
    let found = |sequence, id, wrong| Ok(Finding { sequence, id, wrong });
    let stands_at = line.sequence.unwrap_or_default();
    if stands_at > sequence {
        return found(sequence, None, Wrong::Missing);
    }
    if stands_at < sequence {
        return found(stands_at, id, Wrong::Inserted);
    }
    // It fits where the one before stands, which was put in with a hash of its own.
    if before.is_some_and(|before| has_hash(line, line.content.after(before))) {
        let forged = store::lines(conn, (head.sequence, Uuid::nil()), 1).await?;
        return found(head.sequence, forged.first().map(|line| line.content.id), Wrong::Inserted);
    }
    let mut rest = Rest { line, head, has_here: false, fits_elsewhere: false, closes_a_gap: false };
    let mut previous = line.clone();
    let mut position = line.position();
    loop {
        let lines = store::lines(conn, position, BATCH).await?;
        let Some(last) = lines.last() else { break };
        position = last.position();
        for later in lines {
            rest.see(&previous, &later);
            previous = later;
        }
    }
    match rest {
        Rest { has_here: true, fits_elsewhere: true, .. } => found(sequence, id, Wrong::Reordered),
        Rest { has_here: true, .. } => found(sequence, id, Wrong::Inserted),
        Rest { closes_a_gap: true, .. } => found(sequence, id, Wrong::Missing),
        Rest { .. } => found(sequence, id, Wrong::Changed),
    }
}

/// What the lines after the first one that is wrong say of it.
struct Rest<'a> {
    line: &'a Line,
    head: Head,
    /// One of them belongs at its place.
    has_here: bool,
    /// It belongs at the place of one of them.
    fits_elsewhere: bool,
    /// They have moved up by one.
    closes_a_gap: bool,
}

impl Rest<'_> {
    fn see(&mut self, previous: &Line, later: &Line) {
        let head_of = |line: &Line, sequence: i64| {
            let hash = line.hash.as_deref().and_then(Hash::from_bytes)?;
            Some(Head { sequence, hash })
        };
        let place = later.sequence.unwrap_or_default();
        // A hash stays with its line, or with its place, depending on what was moved.
        let here = later.content.after(self.head);
        self.has_here |= has_hash(later, here) || has_hash(self.line, here);
        let fits = |head: Option<Head>| {
            let moved = head.and_then(|head| self.line.content.after(head));
            has_hash(self.line, moved) || has_hash(later, moved)
        };
        // At the place of `later`, or after it where all have moved down by one.
        let fits = fits(head_of(previous, place - 1))
            || fits(head_of(later, place - 1))
            || fits(head_of(later, place));
        self.fits_elsewhere |= fits;
        if previous.position() == self.line.position() {
            let shifted = head_of(previous, place).and_then(|head| later.content.after(head));
            self.closes_a_gap = has_hash(later, shifted);
        }
    }
}
