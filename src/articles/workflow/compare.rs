//! Compares two revisions, and shows the differences for people to read.

use std::{borrow::Cow, sync::LazyLock, time::Duration};

use serde::Serialize;
use serde_json::Value;
use similar::{Algorithm, DiffOp, DiffTag, TextDiff};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    articles::{
        model::{
            content::Field,
            markdown::MAX_BODY_BYTES,
            revision::{Revision, RevisionItem},
        },
        store::Kept,
    },
    blocking::{Piece, Work},
    error::{ApiError, ApiResult},
    http::reply::Representation,
    principal::Principal,
    text_enum,
};

static COMPARING: LazyLock<Work<Uuid>> =
    LazyLock::new(|| Work::new("comparing", "Too many comparisons at once; please retry."));

/// The number of unchanged lines that are shown before and after each change.
const CONTEXT: usize = 3;

/// The maximum number of pieces in a comparison of two bodies. It bounds the size of the answer, which lists
/// each of them.
const MAX_PIECES: usize = 2_000;

text_enum! {
    /// The kind of difference between lines of two bodies.
    pub enum LineOp {
        /// Both bodies have the lines.
        Equal = "equal",
        /// Only the first body has the lines.
        Delete = "delete",
        /// Only the second body has the lines.
        Insert = "insert",
    }
}

/// The differences between two revisions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Comparison {
    /// The revision from which the comparison starts.
    pub from: RevisionItem,
    /// The revision with which it is compared.
    pub to: RevisionItem,
    /// The fields in which they differ, except the body.
    pub fields: Vec<FieldChange>,
    /// The lines in which the bodies differ, with up to three unchanged lines before and after each change.
    /// Lines that are left out are in both bodies. If the bodies differ in very many places, each of them is
    /// given as a whole.
    pub body: Vec<Lines>,
}

impl Representation for Comparison {}

/// A field in which two revisions differ.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FieldChange {
    /// The name of the field.
    pub field: Field,
    /// The value in the first revision, as in its `content`; `null` for `translation_of`, of which revisions
    /// keep only that it changed.
    #[schema(required, value_type = Value, example = "Kabar")]
    pub from: Value,
    /// The value in the second revision, in the same form.
    #[schema(required, value_type = Value, example = "Kabar pagi")]
    pub to: Value,
}

/// Lines of the bodies that follow each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Lines {
    /// The kind of difference.
    pub op: LineOp,
    /// The number of the first of these lines in the first body, from 1. For inserted lines, it is the number
    /// of the line before which they were inserted.
    #[schema(minimum = 1, example = 4)]
    pub from_line: usize,
    /// The number of the first of these lines in the second body, from 1. For deleted lines, it is the number
    /// of the line before which they stood.
    #[schema(minimum = 1, example = 4)]
    pub to_line: usize,
    /// The lines, each with a line break at its end.
    #[schema(example = "Tim peneliti **merilis** model itu pekan ini.\n")]
    pub text: String,
}

/// Compares two revisions of one article; the requests of all editors take turns. It takes a while if bodies
/// are long, so no connection is held meanwhile.
///
/// # Errors
/// `503` if too many requests wait already.
pub(crate) async fn compare(principal: Principal, from: Kept, to: Kept) -> ApiResult<Comparison> {
    let size = from.0.content.body.len() + to.0.content.body.len();
    let piece = Piece { of: principal.editor_id, size, patience: patience(size) };
    COMPARING.run_for(piece, move |_| comparison(from, to)).await?.map_err(ApiError::internal)
}

/// Returns the time limit for the comparison of two bodies that have so many bytes together. What is not
/// compared by then counts as different.
fn patience(bytes: usize) -> Duration {
    Duration::from_millis(500 + 300 * bytes.min(2 * MAX_BODY_BYTES) as u64 / MAX_BODY_BYTES as u64)
}

fn comparison((from, from_group): Kept, (to, to_group): Kept) -> serde_json::Result<Comparison> {
    let changed = from.content.facets(from_group).changed(&to.content.facets(to_group));
    let body = lines(&from.content.body, &to.content.body);
    let (from, mut from_fields) = taken_apart(from)?;
    let (to, mut to_fields) = taken_apart(to)?;
    let change = |field: Field| FieldChange {
        field,
        from: from_fields[field.as_str()].take(),
        to: to_fields[field.as_str()].take(),
    };
    let fields = changed.0.into_iter().filter(|field| *field != Field::Body).map(change).collect();
    Ok(Comparison { from, to, fields, body })
}

fn taken_apart(revision: Revision) -> serde_json::Result<(RevisionItem, Value)> {
    let Revision { item, content } = revision;
    let content = serde_json::to_value(content)?;
    Ok((item, content))
}

/// Returns the lines in which two texts differ. Text that is added below the last line does not change that
/// line.
fn lines(from: &str, to: &str) -> Vec<Lines> {
    let (from, to) = (ended(from), ended(to));
    if from == to {
        return Vec::new();
    }
    let patience = patience(from.len() + to.len());
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).timeout(patience).diff_lines(&*from, &*to);
    let groups = diff.grouped_ops(CONTEXT);
    if groups.iter().map(Vec::len).sum::<usize>() > MAX_PIECES {
        let whole =
            DiffOp::Replace { old_index: 0, old_len: diff.old_len(), new_index: 0, new_len: diff.new_len() };
        return pieces(&diff, whole);
    }
    groups.into_iter().flatten().flat_map(|op| pieces(&diff, op)).collect()
}

/// Returns the text with a line break at the end of its last line.
fn ended(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.ends_with('\n') { text.into() } else { format!("{text}\n").into() }
}

/// Returns the lines of one operation; a replacement deletes first, and then inserts.
fn pieces(diff: &TextDiff<'_, '_, str>, op: DiffOp) -> Vec<Lines> {
    let (tag, old, new) = op.as_tag_tuple();
    let (from_line, to_line) = (old.start + 1, new.start + 1);
    let deleted = || old.clone().filter_map(|index| diff.old_slice(index)).collect();
    let inserted = || new.clone().filter_map(|index| diff.new_slice(index)).collect();
    let delete = || Lines { op: LineOp::Delete, from_line, to_line, text: deleted() };
    let insert = |from_line| Lines { op: LineOp::Insert, from_line, to_line, text: inserted() };
    match tag {
        DiffTag::Equal => vec![Lines { op: LineOp::Equal, from_line, to_line, text: deleted() }],
        DiffTag::Delete => vec![delete()],
        DiffTag::Insert => vec![insert(from_line)],
        DiffTag::Replace => {
            let both = [delete(), insert(old.end + 1)];
            both.into_iter().filter(|lines| !lines.text.is_empty()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Puts the second body together from the first one and the differences.
    fn applied(from: &str, changes: &[Lines]) -> String {
        let mut old = from.split_inclusive('\n').collect::<Vec<_>>().into_iter().enumerate().peekable();
        let mut made = String::new();
        for lines in changes {
            while old.peek().is_some_and(|(index, _)| index + 1 < lines.from_line) {
                made.push_str(old.next().unwrap().1);
            }
            assert_eq!(made.split_inclusive('\n').count() + 1, lines.to_line, "{lines:?}");
            if lines.op == LineOp::Insert {
                made.push_str(&lines.text);
                continue;
            }
            for line in lines.text.split_inclusive('\n') {
                assert_eq!(old.next().unwrap().1, line);
                if lines.op == LineOp::Equal {
                    made.push_str(line);
                }
            }
        }
        made.extend(old.map(|(_, line)| line));
        made
    }

    proptest! {
        #[test]
        fn a_comparison_leads_from_one_body_to_the_other(
            from in prop::collection::vec("[ab]?\n", 0..30),
            to in prop::collection::vec("[ab]?\n", 0..30),
            ends in prop::array::uniform2("[ab]?"),
        ) {
            let (from, to) = (from.concat() + &ends[0], to.concat() + &ends[1]);
            let changes = lines(&from, &to);
            prop_assert_eq!(changes.is_empty(), ended(&from) == ended(&to));
            prop_assert_eq!(applied(&ended(&from), &changes), ended(&to));
        }
    }

    #[test]
    fn only_what_is_near_a_change_is_told() {
        let from: String = (1..=20).map(|line| format!("{line}\n")).collect();
        let to = from.replace("10\n", "sepuluh\n");
        let [before, deleted, inserted, after] = lines(&from, &to).try_into().unwrap();
        assert_eq!((before.op, before.from_line, &*before.text), (LineOp::Equal, 7, "7\n8\n9\n"));
        assert_eq!((deleted.op, deleted.from_line, &*deleted.text), (LineOp::Delete, 10, "10\n"));
        assert_eq!((inserted.op, inserted.to_line, &*inserted.text), (LineOp::Insert, 10, "sepuluh\n"));
        assert_eq!((after.op, after.to_line, &*after.text), (LineOp::Equal, 11, "11\n12\n13\n"));
    }

    #[test]
    fn a_paragraph_below_the_last_one_leaves_that_alone() {
        let [before, inserted] = lines("Satu.", "Satu.\n\nDua.").try_into().unwrap();
        assert_eq!((before.op, &*before.text), (LineOp::Equal, "Satu.\n"));
        assert_eq!((inserted.op, &*inserted.text), (LineOp::Insert, "\nDua.\n"));
    }

    #[test]
    fn bodies_that_differ_all_over_are_told_apart_as_wholes() {
        let to: String = (0..1500).map(|line| format!("{line}\n")).collect();
        let from = to.replace('\n', "\nx\n");
        let changes = lines(&from, &to);
        assert_eq!(
            changes.iter().map(|lines| lines.op).collect::<Vec<_>>(),
            [LineOp::Delete, LineOp::Insert]
        );
        assert_eq!(applied(&from, &changes), to);
        // Nothing in common, and as many lines as there can be.
        let changes = lines(&"\n".repeat(1024 * 1024), &"a\n".repeat(512 * 1024));
        assert!(changes.len() <= MAX_PIECES);
    }
}
