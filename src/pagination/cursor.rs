//! Cursors: signed positions in a list, so that only cursors made by this program are accepted.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use deserr::ValuePointerRef;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{ApiError, ApiResult},
    faults::{Faults, Invalid},
};

/// The key that cursors are signed with. All instances on one database have the same key.
#[derive(Clone)]
pub struct CursorKey(hmac::Key);

/// The length of a cursor's signature in bytes.
const SIGNATURE: usize = 16;

impl CursorKey {
    /// Derives the key from a secret that the instances share.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        let master = hmac::Key::new(hmac::HMAC_SHA256, secret);
        Self(hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&master, b"warta cursor v1").as_ref()))
    }

    fn sign(&self, query: &str, position: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        // The length first, so that no other pair of query and position has the same bytes.
        context.update(&(query.len() as u64).to_be_bytes());
        context.update(query.as_bytes());
        context.update(position);
        context.sign()
    }

    /// Makes a cursor that names `position` in the list of `query`.
    ///
    /// # Errors
    /// Returns an error if the position cannot be written as JSON.
    pub fn seal<P: Serialize>(&self, query: &str, position: &P) -> ApiResult<String> {
        let mut bytes = serde_json::to_vec(position).map_err(ApiError::internal)?;
        let signature = self.sign(query, &bytes);
        bytes.extend_from_slice(&signature.as_ref()[..SIGNATURE]);
        Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Returns the position that a cursor names; `None` without a cursor, for the first page.
    ///
    /// # Errors
    /// `400` if the cursor was not made by this query, or not by Warta.
    pub fn open<P: DeserializeOwned>(&self, query: &str, cursor: Option<&str>) -> ApiResult<Option<P>> {
        let Some(cursor) = cursor else { return Ok(None) };
        let position = || {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
            let (position, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE)?)?;
            let expected = self.sign(query, position);
            aws_lc_rs::constant_time::verify_slices_are_equal(&expected.as_ref()[..SIGNATURE], signature)
                .ok()?;
            serde_json::from_slice(position).ok()
        };
        position().map(Some).ok_or_else(|| {
            ApiError::invalid_query(Faults::one(
                ValuePointerRef::Origin.push_key("cursor"),
                Invalid::new(
                    "invalid_cursor",
                    "The cursor was not made by this query. Send it with the same filters and sort, or start again without it.",
                ),
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_bound_to_its_query_and_its_key() {
        let key = CursorKey::derive(b"secret");
        let cursor = key.seal("sort=title", &7).unwrap();
        assert_eq!(key.open::<i32>("sort=title", Some(&cursor)).unwrap(), Some(7));
        assert!(key.open::<i32>("sort=-title", Some(&cursor)).is_err());
        assert!(CursorKey::derive(b"other").open::<i32>("sort=title", Some(&cursor)).is_err());
        for broken in ["", "AAAA", "ä", &cursor[1..], &format!("{cursor}A")] {
            assert!(key.open::<i32>("sort=title", Some(broken)).is_err());
        }
    }
}
