//! The orders of lists, and where a page starts in them.

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

/// Where a draft that readers cannot see stands among times.
const UNPUBLISHED_LAST: &str = "coalesce(editions.published_at, 'infinity')";

/// Sorts, and starts after a position. The first condition alone bounds the part of the index that is read; the second leaves
/// out what a tie would repeat.
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
        // The best first; of those that fit alike, the latest.
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

/// Sorts what was picked already by when it was published. No index has this order: none is to be walked to find it all.
pub(crate) fn sorted(query: EditionsQuery<'_>, descending: bool) -> EditionsQuery<'_> {
    let published = fragment::<Timestamptz>(UNPUBLISHED_LAST);
    if descending {
        query.order((published.desc(), editions::article_id.desc()))
    } else {
        query.order((published.asc(), editions::article_id.asc()))
    }
}

diesel::define_sql_function! {
    /// The first of the two that is not null.
    fn coalesce(first: Nullable<Timestamptz>, second: Timestamptz) -> Timestamptz;
}

type OrInfinity = coalesce<Option<DateTime<Utc>>, Fragment<Timestamptz>>;

fn or_infinity(time: Option<DateTime<Utc>>) -> OrInfinity {
    coalesce(time, fragment("'infinity'::timestamptz"))
}
