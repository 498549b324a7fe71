//! Entity tags and conditional requests (RFC 9110, section 13).
//!
//! Every tag is strong. The tag of a thing that can be changed is `"<version>.<hash>"`, of anything else `"<hash>"`: the hash
//! is of the representation's bytes, so `If-None-Match` is exact; the version counts the changes of the thing itself, and
//! `If-Match` compares only that, so that a renamed tag inside an article does not make an editor's change stale.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, EntityTag, HeaderName, HeaderValue},
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::error::{ApiError, ApiResult, Kind};

/// The tag of a representation; `version` for a thing that can be changed.
#[must_use]
pub fn entity_tag(version: Option<i64>, representation: &[u8]) -> EntityTag {
    // 128 bits are plenty against accidents, and keep the header short.
    let hash = BASE64_URL_SAFE_NO_PAD.encode(&digest(&SHA256, representation).as_ref()[..16]);
    EntityTag::new_strong(match version {
        Some(version) => format!("{version}.{hash}"),
        None => hash,
    })
}

/// Whether the caller already has this representation.
#[must_use]
pub fn already_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match named(request, header::IF_NONE_MATCH) {
        Some(Named::Any) => true,
        Some(Named::Tags(known)) => known.iter().any(|known| known.weak_eq(tag)),
        None => false,
    }
}

/// What a condition names.
enum Named {
    /// `*`.
    Any,
    /// These tags.
    Tags(Vec<EntityTag>),
}

/// Reads a condition; `None` where any part of it is malformed.
///
/// The parser of actix-web drops what it does not understand, and splits tags at the commas in them.
fn named(request: &HttpRequest, name: HeaderName) -> Option<Named> {
    let values = request.headers().get_all(name).map(HeaderValue::to_str).collect::<Result<Vec<_>, _>>();
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
pub enum IfMatch {
    /// No header.
    Absent,
    /// `*`: whatever the state is.
    Any,
    /// Any of these tags.
    Tags(Vec<EntityTag>),
}

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::IF_MATCH) {
            return ready(Ok(Self::Absent));
        }
        ready(match named(request, header::IF_MATCH) {
            Some(Named::Any) => Ok(Self::Any),
            Some(Named::Tags(tags)) if !tags.is_empty() => Ok(Self::Tags(tags)),
            _ => Err(ApiError::new(
                Kind::BadRequest,
                "If-Match is neither `*` nor a list of entity tags in double quotes.",
            )),
        })
    }
}

impl IfMatch {
    /// # Errors
    /// `428` if the header is absent.
    pub fn required(self) -> ApiResult<Self> {
        match self {
            Self::Absent => Err(ApiError::new(
                Kind::PreconditionRequired,
                "Send the draft's ETag in If-Match (read it with `?draft=true`), or `*` to override.",
            )),
            present => Ok(present),
        }
    }

    /// Whether a thing at this version may be changed. Comparison is strong: a weak tag never matches.
    #[must_use]
    pub fn allows(&self, version: i64) -> bool {
        match self {
            Self::Absent | Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| version_of(tag) == Some(version)),
        }
    }

    /// The newest version that it names, whether there ever was one or not.
    #[must_use]
    pub fn newest(&self) -> Option<i64> {
        match self {
            Self::Absent | Self::Any => None,
            Self::Tags(tags) => tags.iter().filter_map(version_of).max(),
        }
    }
}

fn version_of(tag: &EntityTag) -> Option<i64> {
    let (version, _) = tag.tag().split_once('.')?;
    if tag.weak { None } else { version.parse().ok() }
}

/// `412` with the current tag.
#[must_use]
pub fn stale(current: &EntityTag) -> ApiError {
    let error = ApiError::new(
        Kind::PreconditionFailed,
        "If-Match does not name the current state. The ETag header gives the current one.",
    )
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
        let tag = entity_tag(Some(12), b"{}");
        assert!(!tag.weak);
        assert!(IfMatch::Tags(vec![tag.clone()]).allows(12));
        assert!(!IfMatch::Tags(vec![tag.clone()]).allows(13));
        assert!(!IfMatch::Tags(vec![EntityTag::new_weak(tag.tag().to_owned())]).allows(12));
        assert!(!IfMatch::Tags(vec![entity_tag(None, b"{}")]).allows(12));
        assert!(IfMatch::Any.allows(12));
    }

    #[test]
    fn the_newest_of_several_versions_is_found() {
        let tag = |version| entity_tag(Some(version), b"{}");
        let weak = EntityTag::new_weak(tag(99).tag().to_owned());
        let named = IfMatch::Tags(vec![tag(9), tag(12), entity_tag(None, b"{}"), tag(3), weak]);
        assert_eq!(named.newest(), Some(12));
        assert_eq!(IfMatch::Any.newest(), None);
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
