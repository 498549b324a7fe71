//! Pages of a list, walked by keyset: a cursor names the last row that was seen, so that rows which come or go meanwhile
//! neither repeat nor hide others, and page 500 costs what page 1 does.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use deserr::{Deserr, ValuePointerRef};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};

use crate::{
    error::{ApiError, ApiResult},
    http::{
        faults::{Faults, Invalid},
        query::Flag,
        reply::Representation,
    },
    read_from_text,
    values::FromText,
};

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The page's elements.
    pub data: Vec<T>,
    /// Send it as `cursor` for the next page; `null` on the last one. Opaque, and only good for the query that made it.
    #[schema(example = "eyJ0aW1lIjoiMjAyNi0wOC0xN1QxMDowMDowMFoifQ")]
    pub next_cursor: Option<String>,
    /// How many elements all pages have together; only with `count=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, example = 42)]
    pub total: Option<i64>,
}

impl<T: Serialize> Representation for Page<T> {
    fn next_cursor(&self) -> Option<&str> {
        self.next_cursor.as_deref()
    }
}

/// How many elements a page has at most: 1 to [`Limit::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    /// The largest page.
    pub const MAX: u16 = 100;
    /// The page where nothing was asked for.
    pub const DEFAULT: u16 = 20;

    /// How many rows to read: one more than the page has, to know whether there is a next one.
    #[must_use]
    pub fn rows(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(Self::DEFAULT)
    }
}

impl FromText for Limit {
    fn from_text(text: String) -> Result<Self, Invalid> {
        match text.parse() {
            Ok(limit @ 1..=Self::MAX) => Ok(Self(limit)),
            _ => {
                Err(Invalid::new("out_of_range", format!("Expected a whole number from 1 to {}.", Self::MAX)))
            }
        }
    }
}

read_from_text!(Limit);

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(Self::MAX))
            .default(Some(Self::DEFAULT.into()))
            .into()
    }
}
impl ToSchema for Limit {}

/// How a list without filters is paged.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many elements a page has at most.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the page before; without it, the first page.
    #[deserr(default)]
    pub cursor: Option<String>,
    /// Whether to count the elements of all pages, into `total`.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub count: Flag,
}

impl PageQuery {
    /// The position after which the page starts.
    ///
    /// # Errors
    /// `400`: the cursor was not made by this query.
    pub fn after<P: DeserializeOwned>(&self, key: &CursorKey, fingerprint: &str) -> ApiResult<Option<P>> {
        self.cursor.as_deref().map(|cursor| key.open(fingerprint, cursor)).transpose()
    }
}

/// What cursors are signed with. All instances over one database have the same.
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

    /// A cursor that names `position` in the list that `query` makes.
    ///
    /// # Errors
    /// The position cannot be written as JSON.
    pub fn seal<P: Serialize>(&self, query: &str, position: &P) -> ApiResult<String> {
        let mut bytes = serde_json::to_vec(position).map_err(ApiError::internal)?;
        let signature = self.sign(query, &bytes);
        bytes.extend_from_slice(&signature.as_ref()[..SIGNATURE]);
        Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The position that a cursor names.
    ///
    /// # Errors
    /// `400`: the cursor was not made by this query, or not by Warta.
    pub fn open<P: DeserializeOwned>(&self, query: &str, cursor: &str) -> ApiResult<P> {
        let position = || {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
            let (position, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE)?)?;
            let expected = self.sign(query, position);
            aws_lc_rs::constant_time::verify_slices_are_equal(&expected.as_ref()[..SIGNATURE], signature)
                .ok()?;
            serde_json::from_slice(position).ok()
        };
        position().ok_or_else(|| {
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

/// Makes a page of the rows that were read, which may be one more than it holds.
///
/// # Errors
/// A position cannot be written as JSON.
pub fn page<T, P: Serialize>(
    mut rows: Vec<T>,
    limit: Limit,
    total: Option<i64>,
    key: &CursorKey,
    query: &str,
    position: impl FnOnce(&T) -> P,
) -> ApiResult<Page<T>> {
    let more = rows.len() > usize::from(limit.0);
    rows.truncate(limit.0.into());
    let next_cursor = match rows.last() {
        Some(last) if more => Some(key.seal(query, &position(last))?),
        _ => None,
    };
    Ok(Page { data: rows, next_cursor, total })
}

/// The position after a row in a list that is sorted by a text and, where that is equal, by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextPosition {
    /// The row's sort key.
    pub text: String,
    /// The row's id.
    pub id: uuid::Uuid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_bound_to_its_query_and_its_key() {
        let key = CursorKey::derive(b"secret");
        let cursor = key.seal("sort=title", &7).unwrap();
        assert_eq!(key.open::<i32>("sort=title", &cursor).unwrap(), 7);
        assert!(key.open::<i32>("sort=-title", &cursor).is_err());
        assert!(CursorKey::derive(b"other").open::<i32>("sort=title", &cursor).is_err());
        for broken in ["", "AAAA", "ä", &cursor[1..], &format!("{cursor}A")] {
            assert!(key.open::<i32>("sort=title", broken).is_err());
        }
    }
}
