//! Pages of a list, found by keyset: a cursor names the last row that was seen. Rows that come or go
//! meanwhile neither repeat nor hide others, and page 500 costs as much as page 1.

pub(crate) mod cursor;

use std::future::Future;

use deserr::Deserr;
use diesel::QueryResult;
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
    /// The elements of this page, in the order of the list.
    pub data: Vec<T>,
    /// The cursor of the next page, to send as `cursor`; `null` on the last page. It is opaque, and only
    /// valid for the query that made it.
    #[schema(example = "eyJ0aW1lIjoiMjAyNi0wOC0xN1QxMDowMDowMFoifQ")]
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// The number of elements on all pages together; only with `count=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, example = 42)]
    pub total: Option<i64>,
}

impl<T: Serialize> Representation for Page<T> {
    fn next_cursor(&self) -> Option<&str> {
        self.next_cursor.as_deref()
    }
}

/// The most elements of a page: 1 to [`Limit::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    /// The largest page, in elements.
    pub const MAX: u16 = 100;
    /// The size of a page if the caller asks for none.
    pub const DEFAULT: u16 = 20;

    /// Returns the limit as a number of elements.
    #[must_use]
    pub fn elements(self) -> usize {
        self.0.into()
    }

    /// Returns the number of rows to read: one more than the page has, to know if there is a next page.
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

/// The parameters for the pages of a list without filters.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The most elements of a page.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the page before; without it, the first page is returned.
    #[deserr(default)]
    #[param(value_type = String, required = false, min_length = 1)]
    pub cursor: Option<String>,
    /// Count the elements of all pages, and return the number in `total`.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub count: Flag,
}

/// The query of a list that is read page by page.
pub(crate) trait Paged {
    /// The number of elements that a page has at most.
    fn limit(&self) -> Limit;

    /// The cursor of the page; `None` for the first page.
    fn cursor(&self) -> Option<&str>;

    /// Returns true if the elements of all pages are to be counted.
    fn wants_count(&self) -> bool;
}

/// Implements [`Paged`] for queries with the members `limit`, `cursor` and `count`.
#[macro_export]
macro_rules! paged {
    ($query:ty) => {
        impl $crate::pagination::Paged for $query {
            fn limit(&self) -> $crate::pagination::Limit {
                self.limit
            }

            fn cursor(&self) -> Option<&str> {
                self.cursor.as_deref()
            }

            fn wants_count(&self) -> bool {
                self.count.0
            }
        }
    };
}

paged!(PageQuery);

/// One page that a request asks for: it is read with [`rows`](Self::rows) and [`after`](Self::after), and
/// made with [`of`](Self::of) or [`of_rows`](Self::of_rows).
pub(crate) struct PageRequest<'a, P> {
    key: &'a CursorKey,
    fingerprint: &'a str,
    limit: Limit,
    wants_count: bool,
    after: Option<P>,
}

impl CursorKey {
    /// Reads which page a query asks for. Call it before anything is asked of the database.
    ///
    /// # Errors
    /// `400` if the cursor was not made by this query.
    pub(crate) fn open_page<'a, P: DeserializeOwned>(
        &'a self,
        query: &impl Paged,
        fingerprint: &'a str,
    ) -> ApiResult<PageRequest<'a, P>> {
        let after = self.open(fingerprint, query.cursor())?;
        let (limit, wants_count) = (query.limit(), query.wants_count());
        Ok(PageRequest { key: self, fingerprint, limit, wants_count, after })
    }
}

impl<P: Serialize> PageRequest<'_, P> {
    /// The number of rows to read: one more than the page has, which tells whether there is a next page.
    pub(crate) fn rows(&self) -> i64 {
        self.limit.rows()
    }

    /// Takes the position after which the page begins; `None` at the beginning of the list.
    pub(crate) fn after(&mut self) -> Option<P> {
        self.after.take()
    }

    /// Counts the elements of all pages, if the query wants that; else `count` does not run.
    pub(crate) async fn total(
        &self,
        count: impl Future<Output = QueryResult<i64>>,
    ) -> QueryResult<Option<i64>> {
        if self.wants_count { count.await.map(Some) } else { Ok(None) }
    }

    /// Makes the page of the rows that were read, of which there can be one more than it holds.
    ///
    /// # Errors
    /// The position cannot be written as JSON.
    pub(crate) fn of<T>(
        self,
        mut rows: Vec<T>,
        total: Option<i64>,
        position: impl FnOnce(&T) -> P,
    ) -> ApiResult<Page<T>> {
        let has_next = rows.len() > self.limit.elements();
        rows.truncate(self.limit.elements());
        self.of_rows(Rows { rows, has_next }, total, position)
    }

    /// Makes the page of its rows.
    ///
    /// # Errors
    /// The position cannot be written as JSON.
    pub(crate) fn of_rows<T>(
        self,
        rows: Rows<T>,
        total: Option<i64>,
        position: impl FnOnce(&T) -> P,
    ) -> ApiResult<Page<T>> {
        let Rows { rows: data, has_next } = rows;
        let next_cursor = match data.last() {
            Some(last) if has_next => Some(self.key.seal(self.fingerprint, &position(last))?),
            _ => None,
        };
        Ok(Page { data, next_cursor, total })
    }
}

/// The rows of a page.
#[derive(Debug)]
pub struct Rows<T> {
    /// The rows, in the order of the list.
    pub rows: Vec<T>,
    /// Set if other rows follow after the page.
    pub has_next: bool,
}

/// The position after a row in a list that is sorted by a text and, where that is equal, by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextPosition {
    /// The text that the row is sorted by.
    pub text: String,
    /// The id of the row, which decides among equal texts.
    pub id: uuid::Uuid,
}
