//! The orders of lists, and the position after which a page starts.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Nullable, Timestamptz},
};

use crate::{
    articles::{
        model::{
            query::{Position, Sort},
            view::View,
        },
        store::{
            editions::EditionsQuery,
            list::search::{Meaning, Rank},
        },
    },
    database::{
        keyset::{ascending, descending},
        sql::{Fragment, fragment, lower},
    },
    pagination::TextPosition,
    schema::editions,
};

/// The time by which an edition is sorted: an unpublished draft comes after all times.
const UNPUBLISHED_LAST: &str = "coalesce(editions.published_at, 'infinity')";

/// Sorts the editions, and starts after a position. The first condition alone bounds the part of the index
/// that is read; the second leaves out the rows with an equal key that earlier pages had.
pub(crate) fn ordered<'a>(
    query: EditionsQuery<'a>,
    view: View,
    sort: Sort,
    search: Option<&'a [Meaning]>,
    after: Option<Position>,
) -> EditionsQuery<'a> {
    let by_time = match &after {
        Some(Position::Time { time, id }) => Some((*time, *id)),
        _ => None,
    };
    let by_rank = match &after {
        Some(Position::Relevance { rank, time, id }) => Some((f32::from_bits(*rank), *time, *id)),
        _ => None,
    };
    let by_title = match after {
        Some(Position::Title(TextPosition { text, id })) => Some((lower(text), id)),
        _ => None,
    };
    // `infinity` stands for no time; chrono has no such value, so it is made in the statement.
    let published = || fragment::<Timestamptz>(UNPUBLISHED_LAST);
    match (sort, view) {
        // The best come first; of equally good ones, the latest.
        (Sort::Relevance, _) => {
            let rank = Rank(search.unwrap_or_default());
            let query = query.order((rank.desc(), published().desc(), editions::article_id.desc()));
            let Some((seen, time, id)) = by_rank else { return query };
            let earlier = published().lt(or_infinity(time));
            let tied = published().eq(or_infinity(time)).and(editions::article_id.lt(id));
            query.filter(rank.lt(seen).or(rank.eq(seen).and(earlier.or(tied))))
        }
        (Sort::TitleAscending, _) => {
            ascending!(query, lower(editions::title), editions::article_id, by_title)
        }
        (Sort::TitleDescending, _) => {
            descending!(query, lower(editions::title), editions::article_id, by_title)
        }
        (Sort::UpdatedAscending, _) => {
            ascending!(query, editions::updated_at.nullable(), editions::article_id, by_time)
        }
        (Sort::UpdatedDescending, _) => {
            descending!(query, editions::updated_at.nullable(), editions::article_id, by_time)
        }
        (Sort::PublishedAscending, View::Live) => {
            ascending!(query, editions::published_at, editions::article_id, by_time)
        }
        (Sort::PublishedDescending, View::Live) => {
            descending!(query, editions::published_at, editions::article_id, by_time)
        }
        (Sort::PublishedAscending, _) => {
            ascending!(
                query,
                published(),
                editions::article_id,
                by_time.map(|(time, id)| (or_infinity(time), id))
            )
        }
        (Sort::PublishedDescending, _) => {
            descending!(
                query,
                published(),
                editions::article_id,
                by_time.map(|(time, id)| (or_infinity(time), id))
            )
        }
    }
}

/// Sorts editions that are already selected by their time of publication. No index has this order, so that
/// Postgres does not walk one to find the few rows.
pub(crate) fn sorted(query: EditionsQuery<'_>, descending: bool) -> EditionsQuery<'_> {
    let published = fragment::<Timestamptz>(UNPUBLISHED_LAST);
    if descending {
        query.order((published.desc(), editions::article_id.desc()))
    } else {
        query.order((published.asc(), editions::article_id.asc()))
    }
}

diesel::define_sql_function! {
    /// Returns the first of the two that is not null.
    fn coalesce(first: Nullable<Timestamptz>, second: Timestamptz) -> Timestamptz;
}

type OrInfinity = coalesce<Option<DateTime<Utc>>, Fragment<Timestamptz>>;

fn or_infinity(time: Option<DateTime<Utc>>) -> OrInfinity {
    coalesce(time, fragment("'infinity'::timestamptz"))
}
