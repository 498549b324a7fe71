//! Entity tags and conditional requests (RFC 9110, section 13).
//!
//! Every tag is strong. The tag of a thing that can be changed is `"<version>-<hash>"`, of anything else `"<hash>"`: the hash
//! is of the representation's bytes, so `If-None-Match` is exact; the version counts the changes of the thing itself, and
//! `If-Match` compares only that, so that a renamed tag inside an article does not make an editor's change stale.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, EntityTag, Header, HeaderValue, IfMatch as IfMatchHeader, IfNoneMatch},
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
        Some(version) => format!("{version}-{hash}"),
        None => hash,
    })
}

/// Whether the caller already has this representation.
#[must_use]
pub fn already_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => request.headers().contains_key(header::IF_NONE_MATCH),
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
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
        ready(match <IfMatchHeader as Header>::parse(request) {
            Ok(IfMatchHeader::Any) => Ok(Self::Any),
            Ok(IfMatchHeader::Items(tags)) if !tags.is_empty() => Ok(Self::Tags(tags)),
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
            Self::Tags(tags) => tags.iter().any(|tag| {
                let named = tag.tag().split_once('-').and_then(|(version, _)| version.parse().ok());
                !tag.weak && named == Some(version)
            }),
        }
    }
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
    fn a_tag_changes_with_the_representation() {
        assert_ne!(entity_tag(None, b"a"), entity_tag(None, b"b"));
        assert_eq!(entity_tag(None, b"a"), entity_tag(None, b"a"));
    }
}
