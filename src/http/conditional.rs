//! Entity tags and conditional requests (RFC 9110, section 13).
//!
//! Every tag is strong. The tag of a thing that can be changed is `"<version>.<hash>"`, the tag of anything
//! else is `"<hash>"`. The hash is of the representation's bytes, so `If-None-Match` is exact. The version
//! names the thing and counts its own changes. `If-Match` compares only the version, so that a renamed tag
//! inside an article does not make an editor's change stale.

use std::{
    borrow::Cow,
    fmt,
    future::{Ready, ready},
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, EntityTag, HeaderMap, HeaderName, HeaderValue},
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::error::{ApiError, ApiResult, ProblemType};

/// The state of a thing that can be changed: its id, and the count of its changes. If a new thing takes the
/// address of a deleted one, its id differs, and so does its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StateTag {
    pub of: Uuid,
    /// The count, which grows with each change.
    pub count: i64,
}

impl StateTag {
    /// Returns the state of a thing that records the time of its last change and never changes twice at the
    /// same time.
    #[must_use]
    pub(crate) fn at(of: Uuid, updated_at: DateTime<Utc>) -> Self {
        Self { of, count: updated_at.timestamp_micros() }
    }

    /// Returns the part of a tag that names the thing: random bits, if the id is a UUIDv7.
    fn mark(of: Uuid) -> String {
        let id = of.simple().to_string();
        id[id.len() - 8..].to_owned()
    }
}

impl fmt::Display for StateTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.count, Self::mark(self.of))
    }
}

/// The bytes of the hash in a tag: 128 bits are plenty against accidents, and keep the header short.
const HASH_BYTES: usize = 16;

/// The length of the hash in base64url.
const HASH_LENGTH: usize = 22;

/// Returns the tag of a representation; `version` is set for a thing that can be changed.
#[must_use]
pub(crate) fn entity_tag(version: Option<StateTag>, representation: &[u8]) -> EntityTag {
    let hash = BASE64_URL_SAFE_NO_PAD.encode(&digest(&SHA256, representation).as_ref()[..HASH_BYTES]);
    EntityTag::new_strong(match version {
        Some(version) => format!("{version}.{hash}"),
        None => hash,
    })
}

/// Returns the tag by which a caller names a representation as known (`If-None-Match`); for `*`, the
/// representation's own tag.
///
/// `forms` are the codings in which the representation can be sent. Each coded form has other bytes and so a
/// tag of its own, with the coding's name at its end (RFC 9110, section 8.8.3.3).
#[must_use]
pub(crate) fn named_as_known(headers: &HeaderMap, tag: &HeaderValue, forms: &[&str]) -> Option<HeaderValue> {
    if !headers.contains_key(header::IF_NONE_MATCH) {
        return None;
    }
    let own: EntityTag = tag.to_str().ok()?.parse().ok()?;
    let known = match named(headers, header::IF_NONE_MATCH)? {
        Named::Any => own,
        Named::Tags(known) => known.into_iter().find(|known| {
            let form = known.tag().strip_prefix(own.tag());
            form.is_some_and(|form| {
                form.is_empty() || form.strip_prefix('-').is_some_and(|form| forms.contains(&form))
            })
        })?,
    };
    // Every tag of ours is strong, also where a proxy made it weak on its way.
    HeaderValue::from_str(&EntityTag::new_strong(known.tag().to_owned()).to_string()).ok()
}

/// The value of a condition.
enum Named {
    /// The value `*`, for any state.
    Any,
    /// A list of tags.
    Tags(Vec<EntityTag>),
}

/// Reads a condition; `None` if any part of it is malformed.
///
/// The parser of actix-web drops tags that it does not understand, and splits tags at the commas in them.
fn named(headers: &HeaderMap, name: HeaderName) -> Option<Named> {
    let values = headers.get_all(name).map(HeaderValue::to_str).collect::<Result<Vec<_>, _>>();
    let values = values.ok()?.join(",");
    match values.as_str() {
        "*" => Some(Named::Any),
        list => tags(list).map(Named::Tags),
    }
}

/// Reads a list of entity tags (RFC 9110, sections 5.6.1 and 8.8.3).
fn tags(list: &str) -> Option<Vec<EntityTag>> {
    const SPACE: [char; 2] = [' ', '\t'];
    let mut tags = Vec::new();
    let mut rest = list;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(tags);
        }
        let opening = if rest.starts_with("W/") { 2 } else { 0 };
        let length = rest.get(opening + 1..)?.find('"')? + opening + 2;
        tags.push(rest[..length].parse().ok()?);
        rest = rest[length..].trim_start_matches(SPACE);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}

/// The state that a change was made from, as `If-Match` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// The header is absent.
    Absent,
    /// The value `*`: the change is made from any state.
    Any,
    /// A list of tags: the change is made from one of these states.
    Tags(Vec<EntityTag>),
}

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::IF_MATCH) {
            return ready(Ok(Self::Absent));
        }
        ready(match named(request.headers(), header::IF_MATCH) {
            Some(Named::Any) => Ok(Self::Any),
            Some(Named::Tags(tags)) if !tags.is_empty() => Ok(Self::Tags(tags)),
            _ => Err(ApiError::new(
                ProblemType::BadRequest,
                "If-Match is neither `*` nor a list of entity tags in double quotes.",
            )),
        })
    }
}

impl IfMatch {
    /// Refuses a change without the header.
    ///
    /// # Errors
    /// `428` if the header is absent.
    pub(crate) fn required(self) -> ApiResult<Self> {
        match self {
            Self::Absent => Err(ApiError::new(
                ProblemType::PreconditionRequired,
                "Send the draft's ETag in If-Match (read it with `?draft=true`), or `*` to override.",
            )),
            present => Ok(present),
        }
    }

    /// Returns `true` if a thing at this version can be changed. The comparison is strong: a weak tag never
    /// matches.
    #[must_use]
    pub(crate) fn allows(&self, version: StateTag) -> bool {
        match self {
            Self::Absent | Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| count_in(tag, version.of) == Some(version.count)),
        }
    }

    /// Returns the newest version of this thing that the header names, even if the thing never had that
    /// version.
    #[must_use]
    pub(crate) fn newest(&self, of: Uuid) -> Option<i64> {
        match self {
            Self::Absent | Self::Any => None,
            Self::Tags(tags) => tags.iter().filter_map(|tag| count_in(tag, of)).max(),
        }
    }
}

/// Returns the count in a tag of this thing, if the tag has the form that [`entity_tag`] makes. The hash is
/// not compared: the thing has several representations, and a renamed tag inside it changes them.
fn count_in(tag: &EntityTag, of: Uuid) -> Option<i64> {
    let (version, hash) = tag.tag().split_once('.')?;
    let (count, mark) = version.rsplit_once('-')?;
    let is_of_it = !tag.weak && mark == StateTag::mark(of) && is_hash(hash);
    let count: i64 = count.parse().ok().filter(|_| is_of_it)?;
    // Each state has one spelling: no sign, no zeros before it.
    version.strip_prefix(&count.to_string())?.starts_with('-').then_some(count)
}

/// Returns `true` if a text can be the end of a tag of ours: 16 bytes in base64url, and perhaps the coding in
/// which they were sent.
fn is_hash(end: &str) -> bool {
    let Some((hash, coding)) = end.split_at_checked(HASH_LENGTH) else { return false };
    let is_coding = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
    BASE64_URL_SAFE_NO_PAD.decode(hash).is_ok_and(|bytes| bytes.len() == HASH_BYTES)
        && (coding.is_empty() || coding.strip_prefix('-').is_some_and(is_coding))
}

/// Returns a `412` with the current tag.
#[must_use]
pub(crate) fn stale(current: &EntityTag) -> ApiError {
    stale_because(current, "If-Match does not name the current state. The ETag header gives the current one.")
}

/// Returns a `412` with the current tag, and with a detail that says more about what happened.
#[must_use]
pub(crate) fn stale_because(current: &EntityTag, detail: impl Into<Cow<'static, str>>) -> ApiError {
    let error = ApiError::new(ProblemType::PreconditionFailed, detail)
        .with_member("current_etag", current.to_string());
    match HeaderValue::from_str(&current.to_string()) {
        Ok(tag) => error.with_header(header::ETAG, tag),
        Err(_) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_matches_its_version_only() {
        let version = StateTag { of: Uuid::from_u128(7), count: 12 };
        let tag = entity_tag(Some(version), b"{}");
        assert!(!tag.weak);
        assert!(IfMatch::Tags(vec![tag.clone()]).allows(version));
        assert!(!IfMatch::Tags(vec![tag.clone()]).allows(StateTag { count: 13, ..version }));
        assert!(!IfMatch::Tags(vec![tag.clone()]).allows(StateTag { of: Uuid::from_u128(8), ..version }));
        assert!(!IfMatch::Tags(vec![EntityTag::new_weak(tag.tag().to_owned())]).allows(version));
        assert!(!IfMatch::Tags(vec![entity_tag(None, b"{}")]).allows(version));
        assert!(IfMatch::Any.allows(version));
    }

    #[test]
    fn a_state_has_one_spelling() {
        let version = StateTag { of: Uuid::from_u128(7), count: 12 };
        let allows = |tag: &str| IfMatch::Tags(vec![EntityTag::new_strong(tag.to_owned())]).allows(version);
        let hash = "AAAAAAAAAAAAAAAAAAAAAA";
        for right in [format!("{version}.{hash}"), format!("{version}.{hash}-gzip")] {
            assert!(allows(&right), "{right}");
        }
        for wrong in [
            format!("+{version}.{hash}"),
            format!("0{version}.{hash}"),
            format!("-{version}.{hash}"),
            format!("{version}.x"),
            format!("{version}."),
            format!("{version}"),
            format!("{version}.{hash}x"),
            format!("{version}.{hash}-"),
            format!("{version}.{hash}-GZIP"),
            format!("{version}.{}+", &hash[..21]),
        ] {
            assert!(!allows(&wrong), "{wrong}");
        }
    }

    #[test]
    fn the_newest_of_several_versions_is_found() {
        let [this, other] = [7, 8].map(Uuid::from_u128);
        let tag = |count, of| entity_tag(Some(StateTag { of, count }), b"{}");
        let weak = EntityTag::new_weak(tag(99, this).tag().to_owned());
        let tags =
            vec![tag(9, this), tag(12, this), tag(98, other), entity_tag(None, b"{}"), tag(3, this), weak];
        assert_eq!(IfMatch::Tags(tags).newest(this), Some(12));
        assert_eq!(IfMatch::Any.newest(this), None);
    }

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let read = |list: &str| {
            tags(list).map(|tags| tags.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        for (list, found) in [
            ("\"a\"", "\"a\""),
            ("\"a\",W/\"b,c\" , \"\"", "\"a\" W/\"b,c\" \"\""),
            (",, \"a\" ,\t,", "\"a\""),
            ("", ""),
        ] {
            assert_eq!(read(list).as_deref(), Some(found), "{list}");
        }
        for list in
            ["a", "\"a", "a\"", "*, \"a\"", "\"a\" \"b\"", "\"a\", b", "W/", "w/\"a\"", "\"a b\"", "W\"a\""]
        {
            assert_eq!(read(list), None, "{list}");
        }
    }

    #[test]
    fn a_tag_changes_with_the_representation() {
        assert_ne!(entity_tag(None, b"a"), entity_tag(None, b"b"));
        assert_eq!(entity_tag(None, b"a"), entity_tag(None, b"a"));
    }
}
