//! The filters of a list as conditions on editions.

use std::slice;

use diesel::{
    dsl::{exists, not},
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment},
    sql_types::Bool,
};
use uuid::Uuid;

use crate::{
    articles::{
        model::{query::ArticlesQuery, state::Status, view::View},
        store::{
            editions::{EditionsQuery, visible},
            list::{
                search::{Matches, Meaning},
                tag_source_filters::{Has, HasAll, HasNone},
            },
        },
    },
    database::sql::{expression, fragment},
    schema::{articles, citations, editions},
    values::DocumentKey,
};

/// The condition that the story of a draft was retracted; few stories are.
const TAKEN_BACK: &str = "editions.article_id in (select l.article_id from editions l where l.kind = 'live' \
     and l.status = 'retracted')";

/// The condition that an edition has one of these statuses. The statuses are literals in the SQL, and not
/// parameters: there are few combinations of them, and some statuses are rare.
struct HasStatus<'a>(&'a [Status]);

impl QueryFragment<Pg> for HasStatus<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("editions.status in (");
        let mut statuses = self.0.to_vec();
        statuses.sort_unstable();
        statuses.dedup();
        for (place, status) in statuses.iter().enumerate() {
            out.push_sql(if place > 0 { ", '" } else { "'" });
            out.push_sql(status.as_str());
            out.push_sql("'");
        }
        out.push_sql(")");
        Ok(())
    }
}

expression!(HasStatus<'_>: Bool);

/// A condition that is always true, and keeps the plan of its statement out of the cache of the connection:
/// there are too many combinations of filters.
struct Unkept;

impl QueryFragment<Pg> for Unkept {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("true");
        Ok(())
    }
}

expression!(Unkept: Bool);

fn asks_for_something(query: &ArticlesQuery) -> bool {
    query.q.is_some()
        || query.tag.is_some()
        || query.tag_all.is_some()
        || query.tag_none.is_some()
        || query.source.is_some()
        || query.cites.is_some()
        || query.language.is_some()
        || query.created_by.is_some()
        || query.published_after.is_some()
        || query.published_before.is_some()
        || query.updated_after.is_some()
        || query.status.is_some()
}

/// Selects the editions that the view can see and the query asks for.
pub(super) fn filtered<'a>(
    view: View,
    query: &'a ArticlesQuery,
    search: Option<&'a [Meaning]>,
) -> EditionsQuery<'a> {
    let mut filtered = visible(view);
    if asks_for_something(query) {
        filtered = filtered.filter(Unkept);
    }
    if let Some(meanings) = search {
        filtered = filtered.filter(Matches(meanings));
    }
    if let Some(any) = &query.tag {
        filtered = filtered.filter(Has::tag(&any.0));
    }
    if let Some(all) = &query.tag_all {
        let (joined, rest) = HasAll::beside(&all.0);
        for tag in joined {
            filtered = filtered.filter(Has::tag(slice::from_ref(tag)));
        }
        if let Some(rest) = rest {
            filtered = filtered.filter(rest);
        }
    }
    if let Some(none) = &query.tag_none {
        filtered = filtered.filter(HasNone::tag(&none.0));
    }
    if let Some(any) = &query.source {
        filtered = filtered.filter(Has::source(&any.0));
    }
    if let Some(url) = &query.cites {
        filtered = filtered.filter(exists(
            citations::table
                .filter(citations::article_id.eq(editions::article_id))
                .filter(citations::kind.eq(editions::kind))
                .filter(citations::document_key.eq(DocumentKey::of(url).as_bytes().to_vec())),
        ));
    }
    if let Some(any) = &query.language {
        let languages: Vec<&str> = any.0.iter().map(|language| &**language).collect();
        filtered = filtered.filter(editions::language.eq_any(languages));
    }
    if let Some(any) = &query.created_by {
        let creators: Vec<Uuid> = any.0.iter().map(|id| id.0).collect();
        filtered = filtered.filter(articles::created_by.eq_any(creators));
    }
    filtered = match (&query.status, view) {
        (None, _) => filtered,
        (Some(any), View::Live | View::Preview) => filtered.filter(HasStatus(&any.0)),
        (Some(any), View::Drafts(_)) => {
            let taken_back = || fragment::<Bool>(TAKEN_BACK);
            let others = not(taken_back()).and(HasStatus(&any.0));
            match &any.0[..] {
                // No draft has this status itself.
                [Status::Retracted] => filtered.filter(taken_back()),
                any if any.contains(&Status::Retracted) => filtered.filter(taken_back().or(others)),
                _ => filtered.filter(others),
            }
        }
    };
    if let Some(time) = query.published_after {
        filtered = filtered.filter(editions::published_at.gt(time.0));
    }
    if let Some(time) = query.published_before {
        filtered = filtered.filter(editions::published_at.lt(time.0));
    }
    if let Some(time) = query.updated_after {
        filtered = filtered.filter(editions::updated_at.gt(time.0));
    }
    filtered
}
