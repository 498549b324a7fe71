//! The chain of the record: the bytes that the hash of an event covers. It depends on no database, so that
//! everybody who has an export can compute the same.
//!
//! The events have sequence numbers from 1, without gaps. The hash of an event is SHA-256 over the UTF-8
//! bytes of one JSON array of ten elements, without white space:
//!
//! 1. the hash of the event before it, in lower-case hexadecimal; before the first event 64 zeros
//! 2. its sequence number
//! 3. its id, as `"0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77"`
//! 4. its time in UTC with six decimals, as `"2026-08-17T10:00:00.000000Z"`
//! 5. its type
//! 6. the id of its actor, or `null`
//! 7. the id of its request, or `null`
//! 8. the type of its subject
//! 9. the id of its subject
//! 10. its details: the members of objects are sorted by the bytes of their names; in strings, only `"`, `\`
//!     and the control characters below U+0020 are escaped, as `\"`, `\\`, `\b`, `\t`, `\n`, `\f`, `\r`, and
//!     the others as `\u001f` in lower case; numbers are written digit by digit as they are stored, which for
//!     the whole numbers of the record is their plain decimal form
//!
//! For such numbers, the JSON Canonicalization Scheme (RFC 8785) gives the same result. So a library for that
//! scheme makes the same bytes of an event as `GET /v1/events` shows it, once its time has six decimals.

use std::{collections::BTreeMap, fmt, str::FromStr};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use chrono::{DateTime, SecondsFormat};
use diesel::{deserialize::Queryable, pg::data_types::PgTimestamp};
use serde_json::{Value, json, value::RawValue};
use uuid::Uuid;

/// The maximum depth of nested arrays and objects in details.
const MAX_DEPTH: usize = 32;

/// The microseconds from the epoch of Unix (1970) to the epoch of Postgres (2000).
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// The hash of an event: SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(pub [u8; SHA256_OUTPUT_LEN]);

impl Hash {
    /// The hash that stands for the one before the first event: all zeros.
    pub const ZERO: Self = Self([0; SHA256_OUTPUT_LEN]);

    /// Returns `None` if the bytes do not have the length of a hash.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The end of the chain, or a place in it: a sequence number and the hash of its event. It is written as
/// `<sequence>:<hash>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The sequence number; 0 before the first event.
    pub sequence: i64,
    /// The hash of the event with that number.
    pub hash: Hash,
}

impl Head {
    /// The end of a chain without events.
    pub const START: Self = Self { sequence: 0, hash: Hash::ZERO };
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (sequence, hash) = text.split_once(':')?;
            let hash = Hash::from_bytes(&hex::decode(hash).ok()?)?;
            let sequence = sequence.parse().ok().filter(|sequence| *sequence >= 0)?;
            let head = Self { sequence, hash };
            // Before the first event, there is only one head.
            (sequence > 0 || head.hash == Self::START.hash).then_some(head)
        };
        parse().ok_or("expected <sequence>:<64 hexadecimal digits>, as a verification prints it")
    }
}

/// The part of an event that is hashed, as it is stored.
#[derive(Clone, Debug, Queryable)]
#[expect(missing_docs, reason = "they are the event's columns")]
pub struct Content {
    pub id: Uuid,
    pub created_at: PgTimestamp,
    pub r#type: String,
    pub actor_id: Option<Uuid>,
    pub request_id: Option<String>,
    pub subject_type: String,
    pub subject_id: Uuid,
    /// The JSON text as Postgres writes it: a number that passes through a float can become another one.
    pub details: String,
}

impl Content {
    /// Returns the end of the chain after this event is added to `previous`. Returns `None` if the event
    /// cannot be written in the form that is hashed; Warta writes no such event.
    #[must_use]
    pub fn after(&self, previous: Head) -> Option<Head> {
        let sequence = previous.sequence.checked_add(1)?;
        let bytes = self.canonical(previous.hash, sequence)?;
        let hash = Hash::from_bytes(digest(&SHA256, bytes.as_bytes()).as_ref())?;
        Some(Head { sequence, hash })
    }

    fn canonical(&self, previous: Hash, sequence: i64) -> Option<String> {
        let time = DateTime::from_timestamp_micros(self.created_at.0.checked_add(POSTGRES_EPOCH)?)?;
        let Value::Array(elements) = json!([
            previous.to_string(),
            sequence,
            self.id,
            time.to_rfc3339_opts(SecondsFormat::Micros, true),
            self.r#type,
            self.actor_id,
            self.request_id,
            self.subject_type,
            self.subject_id,
        ]) else {
            return None;
        };
        let mut text = String::from("[");
        for element in elements {
            text.push_str(&element.to_string());
            text.push(',');
        }
        write_canonical(&self.details, MAX_DEPTH, &mut text)?;
        text.push(']');
        Some(text)
    }
}

/// Writes a JSON text in its canonical form. Returns `None` if it is not valid JSON, or is nested too deeply.
fn write_canonical(json: &str, depth: usize, out: &mut String) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match json.trim_start().as_bytes().first()? {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
            let mut before = '{';
            for (name, value) in &members {
                out.push(before);
                out.push_str(&serde_json::to_string(name).ok()?);
                out.push(':');
                write_canonical(value.get(), depth, out)?;
                before = ',';
            }
            out.push_str(if members.is_empty() { "{}" } else { "}" });
        }
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            let mut before = '[';
            for value in &elements {
                out.push(before);
                write_canonical(value.get(), depth, out)?;
                before = ',';
            }
            out.push_str(if elements.is_empty() { "[]" } else { "]" });
        }
        b'"' => out.push_str(&serde_json::to_string(&serde_json::from_str::<String>(json).ok()?).ok()?),
        _ => out.push_str(json.trim()),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(details: &str) -> Content {
        Content {
            id: Uuid::from_u128(0x0198_c5a2_7e1b_7c3d_9a54_2f6b_8d0e_1a77),
            created_at: PgTimestamp(840_276_000_000_007),
            r#type: "article.updated".to_owned(),
            actor_id: Some(Uuid::from_u128(1)),
            request_id: None,
            subject_type: "article".to_owned(),
            subject_id: Uuid::from_u128(2),
            details: details.to_owned(),
        }
    }

    #[test]
    fn an_event_is_hashed_as_the_documentation_says() {
        let content = content(r#"{"b": [1, {}, []], "a": "\u00e9\u0001\"/", "aa": 12345678901234567890.10}"#);
        let canonical = content.canonical(Hash::ZERO, 1).unwrap();
        assert_eq!(
            canonical,
            format!(
                "[\"{}\",1,\"0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77\",\"2026-08-17T10:00:00.000007Z\",\"article.updated\",\
                 \"00000000-0000-0000-0000-000000000001\",null,\"article\",\"00000000-0000-0000-0000-000000000002\",\
                 {{\"a\":\"é\\u0001\\\"/\",\"aa\":12345678901234567890.10,\"b\":[1,{{}},[]]}}]",
                "0".repeat(64)
            )
        );
        // The hash is the `sha256sum` of these bytes.
        let head = content.after(Head::START).unwrap();
        assert_eq!(head.to_string(), "1:667a40a2db8729a5c15cd4947980b6fed5b10eeaceda3861d48d3af47050c079");
        assert_eq!(head.to_string().parse(), Ok(head));
    }

    #[test]
    fn every_part_of_an_event_counts() {
        let one = content("{}");
        let hash = |content: &Content| content.after(Head::START).unwrap().hash;
        let others = [
            Content { id: Uuid::nil(), ..one.clone() },
            Content { created_at: PgTimestamp(one.created_at.0 + 1), ..one.clone() },
            Content { r#type: "article.created".to_owned(), ..one.clone() },
            Content { actor_id: None, ..one.clone() },
            Content { request_id: Some(String::new()), ..one.clone() },
            Content { subject_type: "tag".to_owned(), ..one.clone() },
            Content { subject_id: Uuid::nil(), ..one.clone() },
            Content { details: "{\"a\": 1}".to_owned(), ..one.clone() },
            Content { details: "{\"a\": 1.0}".to_owned(), ..one.clone() },
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(hash(other), hash(&one), "{index}");
        }
        assert_ne!(hash(&others[7]), hash(&others[8]));
        assert_ne!(one.after(Head { sequence: 1, ..Head::START }).unwrap().hash, hash(&one));
        assert_ne!(one.after(Head { hash: Hash([1; 32]), ..Head::START }).unwrap().hash, hash(&one));
    }

    #[test]
    fn what_cannot_be_written_is_no_event() {
        for details in ["", "{", &"[".repeat(100_000), &format!("{}{}", "[".repeat(100), "]".repeat(100))] {
            assert!(content(details).after(Head::START).is_none());
        }
        for time in [i64::MAX, i64::MIN, i64::MAX - POSTGRES_EPOCH] {
            let never = Content { created_at: PgTimestamp(time), ..content("{}") };
            assert!(never.after(Head::START).is_none(), "{time}");
        }
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        for text in ["", "1", "1:", ":00", "-1:00", "1:00", "x:00", &format!("-1:{}", Hash::ZERO)] {
            assert!(text.parse::<Head>().is_err(), "{text}");
        }
        assert_eq!(format!("0:{}", Hash::ZERO).parse(), Ok(Head::START));
    }
}
