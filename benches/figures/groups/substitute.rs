//! What pgbench writes in place of what was captured: rows that are as new, and as different from each other,
//! as the server's.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::targets::Target;

/// Makes an id like the server's, of the time of the transaction: the same for the same number in one
/// transaction.
pub(super) const FUNCTIONS: &str = "
    create or replace function figures_id(r text, k int) returns uuid language sql stable as $$
        select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || substr(md5(r || '/' || k), 1, 20))::uuid
    $$";

/// An article that was written to while it was captured.
pub(super) struct Captured<'a> {
    pub(super) target: &'a Target,
    /// What made the text unique.
    pub(super) unique: String,
}

/// Knows what is new in each write. In a script `:n` is the number of the article that is written to, in
/// `figures_targets`, and `:r` a number that no other write has.
pub(super) struct Fresh<'a> {
    /// What is from this time on was made by the write.
    since: DateTime<Utc>,
    captured: Vec<Captured<'a>>,
}

impl<'a> Fresh<'a> {
    /// Of writes since this time, to these articles.
    pub(super) fn new(since: DateTime<Utc>, captured: Vec<Captured<'a>>) -> Self {
        Self { since, captured }
    }

    /// An expression for a parameter of this type, where the value must not be the one that was captured.
    pub(super) fn instead_of(&self, sql: &str, kind: &str, value: &str) -> Option<String> {
        // Locks on names: those that are unique have keys that are.
        if sql.contains("pg_advisory") {
            let keys =
                (0..value.split(',').count()).map(|key| format!("hashtextextended((:r)::text, {key})"));
            return Some(format!("array[{}]::bigint[]", keys.collect::<Vec<_>>().join(", ")));
        }
        match kind {
            "bytea" => return Some(document_key(0)),
            "_bytea" => {
                let keys = (0..value.split(',').count()).map(document_key);
                return Some(format!("array[{}]", keys.collect::<Vec<_>>().join(", ")));
            }
            "timestamptz" => return self.is_new(value).then(|| "now()".to_owned()),
            _ => {}
        }
        if let Some(Captured { target, .. }) =
            self.captured.iter().find(|captured| captured.target.slug == value)
        {
            debug_assert_eq!(target.slug, value);
            return Some("(select slug from figures_targets where n = :n)".to_owned());
        }
        if let Ok(id) = value.parse::<Uuid>() {
            if self.captured.iter().any(|captured| captured.target.id == id) {
                return Some(format!("(select id from figures_targets where n = :n)::{kind}"));
            }
            // The last digits tell ids apart that one write makes.
            let millis = id.as_u128() >> 80;
            let key = id.as_u128() & 0x7fff_ffff;
            let is_new = i64::try_from(millis).is_ok_and(|millis| millis >= self.since.timestamp_millis());
            return is_new.then(|| format!("figures_id((:r)::text, {key})::{kind}"));
        }
        let unique = self.captured.iter().find(|captured| value.contains(&captured.unique))?;
        let text = value.replace('\'', "''");
        Some(format!("replace('{text}', '{}', (:r)::text)::{kind}", unique.unique))
    }

    fn is_new(&self, time: &str) -> bool {
        // As Postgres writes it in UTC.
        DateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S%.f%#z").is_ok_and(|time| time >= self.since)
    }
}

/// A document that no other write cites.
fn document_key(number: usize) -> String {
    format!("substring(sha256(convert_to((:r)::text || '/{number}', 'UTF8')) from 1 for 16)")
}
