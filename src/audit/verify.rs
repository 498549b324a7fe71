//! Verifies for `warta audit verify` that the record is as it was written.

use std::fmt;

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use crate::audit::{
    chain::{Hash, Head},
    store::{self, Line},
};
use crate::{database::Database, error::ApiResult};

/// The maximum number of events that are held in memory at a time.
const BATCH: i64 = 1000;

/// The result of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every sealed event is as it was written.
    Whole {
        /// The end of the chain.
        head: Head,
        /// The number of events that are committed and not sealed yet. These cannot be verified.
        unsealed: i64,
    },
    /// The record was tampered with; only the first place is told.
    Tampered(Finding),
}

/// The first place at which the record is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The sequence number of the place.
    pub sequence: i64,
    /// The id of the event at this place; `None` if there is none.
    pub id: Option<Uuid>,
    /// The kind of damage.
    pub wrong: Wrong,
}

/// The kind of damage at a place of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The event says something else now, or has another hash.
    Changed,
    /// One or more events were removed here.
    Missing,
    /// The event was inserted.
    Inserted,
    /// The event was moved from another place.
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

/// Walks the whole chain in one snapshot of the database, in bounded memory, and computes each hash again.
///
/// A chain cannot show that its end was cut off. For this, `kept` is the head of an earlier verification,
/// which must still be part of the chain.
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

/// The position before every line, also before lines with impossible numbers.
const START: (i64, Uuid) = (i64::MIN, Uuid::nil());

/// Returns `true` if the line is the one that comes after `head`.
fn follows(line: &Line, head: Head) -> bool {
    let expected = line.content.after(head);
    line.sequence == expected.map(|next| next.sequence) && has_hash(line, expected)
}

fn has_hash(line: &Line, head: Option<Head>) -> bool {
    head.is_some() && line.hash.as_deref().and_then(Hash::from_bytes) == head.map(|head| head.hash)
}

/// Finds out what is wrong with the first line that does not follow. `head` is the end of the chain before
/// this line, and `before` is the end one line earlier.
///
/// A line that was moved still fits at the place that it had. So the rest of the chain is searched for the
/// line that fits here, and for the place at which this line fits.
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
    // The line fits where the one before it is: that one was inserted, with a hash of its own.
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

/// The evidence in the lines after the first wrong line.
struct Rest<'a> {
    line: &'a Line,
    head: Head,
    /// One of these lines belongs at the place of the wrong line.
    has_here: bool,
    /// The wrong line belongs at the place of one of these lines.
    fits_elsewhere: bool,
    /// These lines have moved up by one place.
    closes_a_gap: bool,
}

impl Rest<'_> {
    fn see(&mut self, previous: &Line, later: &Line) {
        let head_of = |line: &Line, sequence: i64| {
            let hash = line.hash.as_deref().and_then(Hash::from_bytes)?;
            Some(Head { sequence, hash })
        };
        let place = later.sequence.unwrap_or_default();
        // A hash stays with its line or with its place, depending on what was moved.
        let here = later.content.after(self.head);
        self.has_here |= has_hash(later, here) || has_hash(self.line, here);
        let fits = |head: Option<Head>| {
            let moved = head.and_then(|head| self.line.content.after(head));
            has_hash(self.line, moved) || has_hash(later, moved)
        };
        // The line fits at the place of `later`, or after it if all lines have moved down by one.
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
