//! Finds pages of live articles in the order of their publication, by indexes alone.
//!
//! The tags and citations of live editions carry the time and the language of their edition. So the latest
//! articles with a tag, or of a source, come out of one index in their order, however many other articles
//! there are; all other conditions are checked for each of them. A page of ids is found first, and then its
//! articles: no plan depends on the number of articles or on the place of the page among them.

use std::slice;

use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::QueryFragment,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use crate::{
    articles::{
        model::{
            query::{ArticlesQuery, Position, Sort},
            state::Status,
            view::View,
        },
        store::list::tag_source_filters::{EdgeTable, HasAll, Named, Out},
    },
    database::sql::expression,
};

/// The filters of a query, if the indexes of live editions, tags and citations can answer them.
#[derive(Debug)]
struct Asked {
    /// The tags or sources by which the articles are found; `None` means all articles.
    by: Option<Named>,
    /// Further tags or sources: an article has to have one of each.
    any: Vec<Named>,
    all: Option<HasAll>,
    none: Option<Named>,
    languages: Option<Vec<String>>,
    published_after: Option<DateTime<Utc>>,
    published_before: Option<DateTime<Utc>>,
}

impl Asked {
    /// Returns `None` if the view is not the live one, or the query has a filter that the indexes cannot
    /// answer.
    fn by(view: View, query: &ArticlesQuery) -> Option<Self> {
        // Each filter is named here, so that no new one can be forgotten.
        let ArticlesQuery {
            q: None,
            tag,
            tag_all,
            tag_none,
            source,
            cites: None,
            language,
            created_by: None,
            published_after,
            published_before,
            updated_after: None,
            status,
            draft: _,
            trashed: _,
            sort: _,
            limit: _,
            cursor: _,
            count: _,
            include: _,
        } = query
        else {
            return None;
        };
        // Readers can ask for no other status.
        let all_published = |any: &[Status]| any.iter().all(|status| *status == Status::Published);
        if view != View::Live || !status.as_ref().is_none_or(|any| all_published(&any.0)) {
            return None;
        }
        // The one that fewer articles have comes first, as a rule.
        let source = source.iter().map(|any| Named::sources(&any.0));
        let (joined, all) = HasAll::beside(tag_all.as_ref().map_or(&[][..], |all| &all.0));
        let joined = joined.iter().map(|tag| Named::tags(slice::from_ref(tag)));
        let mut any = source.chain(joined).chain(tag.iter().map(|any| Named::tags(&any.0)));
        Some(Self {
            by: any.next(),
            any: any.collect(),
            all,
            none: tag_none.as_ref().map(|none| Named::tags(&none.0)),
            languages: language.as_ref().map(|any| any.0.iter().map(|tag| (**tag).to_owned()).collect()),
            published_after: published_after.map(|time| time.0),
            published_before: published_before.map(|time| time.0),
        })
    }

    /// Returns `true` if the query is one of the few that many clients send. Each connection keeps the plans
    /// of these only: the plans of all combinations would fill the memory of the server.
    fn is_common(&self) -> bool {
        let Self { by, any, all, none, languages, published_after, published_before } = self;
        by.as_ref().is_none_or(Named::is_one)
            && any.is_empty()
            && all.is_none()
            && none.is_none()
            && languages.as_ref().is_none_or(|languages| languages.len() == 1)
            && published_after.is_none()
            && published_before.is_none()
    }

    /// Writes a selection of the time and the id of each article: all at once, or for one of several names
    /// (`named.id`) or languages (`spoken.language`) at a time.
    fn write<'b>(&'b self, by_name: bool, by_language: bool, out: &mut Out<'_, 'b>) -> QueryResult<()> {
        // An article may cite a source more than once, and have several of the tags.
        let repeats =
            self.by.as_ref().is_some_and(|by| by.kind == EdgeTable::Source || !(by_name || by.is_one()));
        out.push_sql(if repeats { "select distinct " } else { "select " });
        out.push_sql("a.published_at, a.article_id from ");
        match &self.by {
            None => out.push_sql("editions a where a.kind = 'live' and a.status = 'published'"),
            Some(named) => {
                let (table, column) = named.edges();
                out.push_sql(&format!("{table} a where a.published_at is not null and a.{column} = "));
                if by_name {
                    out.push_sql("named.id");
                } else {
                    named.write_comparison(out)?;
                }
            }
        }
        match &self.languages {
            None => {}
            Some(_) if by_language => out.push_sql(" and a.language = spoken.language"),
            Some(languages) if languages.len() == 1 => {
                out.push_sql(" and a.language = ");
                out.push_bind_param::<Text, _>(&languages[0])?;
            }
            Some(languages) => {
                out.push_sql(" and a.language = any(");
                out.push_bind_param::<Array<Text>, _>(languages)?;
                out.push_sql(")");
            }
        }
        for (than, time) in [(" > ", &self.published_after), (" < ", &self.published_before)] {
            if let Some(time) = time {
                out.push_sql(" and a.published_at");
                out.push_sql(than);
                out.push_bind_param::<Timestamptz, _>(time)?;
            }
        }
        for named in &self.any {
            out.push_sql(" and ");
            named.write_exists("a", "'live'", out)?;
        }
        if let Some(all) = &self.all {
            out.push_sql(" and ");
            all.write("a", "'live'", out)?;
        }
        if let Some(named) = &self.none {
            out.push_sql(" and not ");
            named.write_exists("a", "'live'", out)?;
        }
        Ok(())
    }
}

/// The condition that an edition is on a page of live ones.
#[derive(Debug)]
pub(super) struct OnPage {
    asked: Asked,
    descending: bool,
    after: Option<(Option<DateTime<Utc>>, Uuid)>,
    rows: i64,
}

impl OnPage {
    /// Returns `None` if the indexes cannot answer the query.
    pub(super) fn of(view: View, query: &ArticlesQuery, rows: i64, after: Option<&Position>) -> Option<Self> {
        let descending = match query.sort {
            Sort::PublishedDescending => true,
            Sort::PublishedAscending => false,
            _ => return None,
        };
        let after = match after {
            None => None,
            Some(Position::Time { time, id }) => Some((*time, *id)),
            Some(_) => return None,
        };
        Some(Self { asked: Asked::by(view, query)?, descending, after, rows })
    }

    /// Writes the position after which the page starts, and the order.
    fn write_end<'b>(&'b self, out: &mut Out<'_, 'b>) -> QueryResult<()> {
        if let Some((time, id)) = &self.after {
            out.push_sql(" and (a.published_at, a.article_id) ");
            out.push_sql(if self.descending { "< (" } else { "> (" });
            out.push_bind_param::<Nullable<Timestamptz>, _>(time)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(id)?;
            out.push_sql(")");
        }
        out.push_sql(self.order());
        // The longest page and one more, whatever the limit is: if Postgres does not know the number when it
        // plans, it assumes a tenth of all rows, and plans anew each time.
        out.push_sql(" limit 101");
        Ok(())
    }

    fn order(&self) -> &'static str {
        if self.descending {
            " order by published_at desc, article_id desc"
        } else {
            " order by published_at, article_id"
        }
    }
}

impl QueryFragment<Pg> for OnPage {
    fn walk_ast<'b>(&'b self, mut out: Out<'_, 'b>) -> QueryResult<()> {
        let asked = &self.asked;
        if !(asked.is_common() && self.descending) {
            out.unsafe_to_cache_prepared();
        }
        // Each of several names or languages has its own place in an index.
        let names = asked.by.as_ref().filter(|named| !named.is_one());
        let languages = asked.languages.as_ref().filter(|languages| languages.len() > 1);
        out.push_sql("editions.article_id = any(array(select article_id from (");
        let several = names.is_some() || languages.is_some();
        if several {
            out.push_sql("select distinct published_at, article_id from ");
            if let Some(names) = names {
                out.push_sql("(");
                names.write(&mut out)?;
                out.push_sql(") as named (id) cross join ");
            }
            if let Some(languages) = languages {
                out.push_sql("unnest(");
                out.push_bind_param::<Array<Text>, _>(languages)?;
                out.push_sql(") as spoken (language) cross join ");
            }
            out.push_sql("lateral (");
        }
        asked.write(names.is_some(), languages.is_some(), &mut out)?;
        self.write_end(&mut out)?;
        if several {
            out.push_sql(") as first");
        }
        out.push_sql(") as page");
        out.push_sql(self.order());
        out.push_sql(" limit ");
        out.push_bind_param::<BigInt, _>(&self.rows)?;
        out.push_sql("))");
        Ok(())
    }
}

expression!(OnPage: Bool);

/// The number of articles on all pages.
#[derive(Debug)]
pub(super) struct CountOf(Asked);

impl CountOf {
    /// Returns `None` if the indexes cannot answer the query.
    pub(super) fn of(view: View, query: &ArticlesQuery) -> Option<Self> {
        Asked::by(view, query).map(Self)
    }
}

impl QueryFragment<Pg> for CountOf {
    fn walk_ast<'b>(&'b self, mut out: Out<'_, 'b>) -> QueryResult<()> {
        if !self.0.is_common() {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql("(select count(*) from (");
        self.0.write(false, false, &mut out)?;
        out.push_sql(") as asked)");
        Ok(())
    }
}

expression!(CountOf: BigInt);
