//! Pages of a list, walked by keyset: a cursor names the last row that was seen, so that rows which come or go meanwhile
//! neither repeat nor hide others, and page 500 costs what page 1 does.

pub(crate) mod cursor;

use deserr::Deserr;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};

pub use self::cursor::CursorKey;
use crate::{
    error::ApiResult,
    faults::{Faults, Invalid},
    http::{query::Flag, reply::Representation},
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
    #[schema(required)]
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

    /// How many elements that are.
    #[must_use]
    pub fn elements(self) -> usize {
        self.0.into()
    }

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
        let plain = !text.starts_with(['+', '0']);
        match text.parse() {
            Ok(limit @ 1..=Self::MAX) if plain => Ok(Self(limit)),
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
    #[param(value_type = String, required = false, min_length = 1)]
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
        key.open(fingerprint, self.cursor.as_deref())
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
    let has_next = rows.len() > usize::from(limit.0);
    rows.truncate(limit.0.into());
    page_of(Rows { rows, has_next }, total, key, query, position)
}

/// The rows of a page.
#[derive(Debug)]
pub struct Rows<T> {
    /// In the list's order.
    pub rows: Vec<T>,
    /// Whether others follow.
    pub has_next: bool,
}

/// Makes a page of its rows.
///
/// # Errors
/// A position cannot be written as JSON.
pub fn page_of<T, P: Serialize>(
    rows: Rows<T>,
    total: Option<i64>,
    key: &CursorKey,
    query: &str,
    position: impl FnOnce(&T) -> P,
) -> ApiResult<Page<T>> {
    let Rows { rows: data, has_next } = rows;
    let next_cursor = match data.last() {
        Some(last) if has_next => Some(key.seal(query, &position(last))?),
        _ => None,
    };
    Ok(Page { data, next_cursor, total })
}

/// The position after a row in a list that is sorted by a text and, where that is equal, by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextPosition {
    /// The row's sort key.
    pub text: String,
    /// The row's id.
    pub id: uuid::Uuid,
}
