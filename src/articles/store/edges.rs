//! Articles by their tags or sources.
//!
//! A tag or a citation of what readers see has the time and the language of its edition on it. So the latest articles with a tag, or of
//! a source, come out of one index in their order, whatever else there is: no plan depends on how many there are, or on where they
//! stand among all others.

use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment},
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use crate::{
    articles::filter::{ArticlesQuery, Position, Sort, View},
    database::fragment::expression,
    values::{Reference, reference::split},
};

/// What an article is joined with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tag,
    Source,
}

/// The tags or the sources with these names.
#[derive(Debug)]
struct Named {
    kind: Kind,
    ids: Vec<Uuid>,
    names: Vec<String>,
}

impl Named {
    fn tags(any: &[Reference]) -> Self {
        Self { kind: Kind::Tag, ids: Vec::new(), names: any.iter().map(ToString::to_string).collect() }
    }

    fn sources(any: &[Reference]) -> Self {
        let (ids, slugs) = split(any);
        Self { kind: Kind::Source, ids, names: slugs.into_iter().map(str::to_owned).collect() }
    }

    /// The table of the edges, and its column that names them.
    fn edges(&self) -> (&'static str, &'static str) {
        match self.kind {
            Kind::Tag => ("edition_tags", "tag_id"),
            Kind::Source => ("citations", "source_id"),
        }
    }

    /// Writes the statement that finds their ids.
    fn write<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self.kind {
            Kind::Tag => out.push_sql("select distinct tag_id from tag_names where name = any("),
            Kind::Source => {
                out.push_sql("select id from sources where id = any(");
                out.push_bind_param::<Array<SqlUuid>, _>(&self.ids)?;
                out.push_sql(") or slug = any(");
            }
        }
        out.push_bind_param::<Array<Text>, _>(&self.names)?;
        out.push_sql(")");
        Ok(())
    }
}

/// Whether an edition has any of the tags or sources.
#[derive(Debug)]
pub(super) struct Has(Named);

impl Has {
    pub(super) fn tag(any: &[Reference]) -> Self {
        Self(Named::tags(any))
    }

    pub(super) fn source(any: &[Reference]) -> Self {
        Self(Named::sources(any))
    }
}

impl QueryFragment<Pg> for Has {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (table, column) = self.0.edges();
        out.push_sql("exists (select from ");
        out.push_sql(table);
        out.push_sql(
            " edge where edge.article_id = editions.article_id and edge.kind = editions.kind and edge.",
        );
        out.push_sql(column);
        // In an array of its own: what they are called is looked up once.
        out.push_sql(" = any(array(");
        self.0.write(&mut out)?;
        out.push_sql(")))");
        Ok(())
    }
}

expression!(Has: Bool);

/// What a query asks for, where tags or citations alone can tell.
#[derive(Debug)]
struct Asked {
    named: Named,
    languages: Option<Vec<String>>,
}

impl Asked {
    /// `None` where readers ask for something else too, or editors ask.
    fn by(view: View, query: &ArticlesQuery) -> Option<Self> {
        // Each filter is named, so that none that comes is forgotten.
        let ArticlesQuery {
            q: None,
            tag,
            tag_all,
            tag_none: None,
            source,
            cites: None,
            language,
            author: None,
            published_after: None,
            published_before: None,
            updated_after: None,
            status: None,
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
        let named = match (view, tag, tag_all, source) {
            (View::Live, Some(any), None, None) => Named::tags(&any.0),
            (View::Live, None, Some(all), None) if all.0.len() == 1 => Named::tags(&all.0),
            (View::Live, None, None, Some(any)) => Named::sources(&any.0),
            _ => return None,
        };
        let languages = language.as_ref().map(|any| any.0.iter().map(|tag| (**tag).to_owned()).collect());
        Some(Self { named, languages })
    }
}

/// Whether an edition is on a page of the live ones with any of the tags or sources.
#[derive(Debug)]
pub(super) struct OnPage {
    asked: Asked,
    descending: bool,
    after: Option<(Option<DateTime<Utc>>, Uuid)>,
    rows: i64,
}

impl OnPage {
    /// `None` where edges do not tell.
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

    /// Writes in which order the first rows are taken.
    fn write_first<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(if self.descending {
            " order by published_at desc, article_id desc limit "
        } else {
            " order by published_at, article_id limit "
        });
        out.push_bind_param::<BigInt, _>(&self.rows)
    }
}

impl QueryFragment<Pg> for OnPage {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Asked { named, languages } = &self.asked;
        let (table, column) = named.edges();
        // An article may have several of the tags, and cite a source more than once.
        out.push_sql(
            "editions.article_id = any(array(select article_id from (select distinct published_at, article_id from (",
        );
        named.write(&mut out)?;
        out.push_sql(") as named (id)");
        if let Some(languages) = languages {
            out.push_sql(" cross join unnest(");
            out.push_bind_param::<Array<Text>, _>(languages)?;
            out.push_sql(") as spoken (language)");
        }
        out.push_sql(" cross join lateral (select distinct edge.published_at, edge.article_id from ");
        out.push_sql(table);
        out.push_sql(" edge where edge.");
        out.push_sql(column);
        out.push_sql(" = named.id and edge.published_at is not null");
        if languages.is_some() {
            out.push_sql(" and edge.language = spoken.language");
        }
        if let Some((time, id)) = &self.after {
            out.push_sql(" and (edge.published_at, edge.article_id) ");
            out.push_sql(if self.descending { "< (" } else { "> (" });
            out.push_bind_param::<Nullable<Timestamptz>, _>(time)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(id)?;
            out.push_sql(")");
        }
        self.write_first(&mut out)?;
        out.push_sql(") as first) as firsts");
        self.write_first(&mut out)?;
        out.push_sql("))");
        Ok(())
    }
}

expression!(OnPage: Bool);

/// How many live articles have any of the tags or sources.
#[derive(Debug)]
pub(super) struct CountOf(Asked);

impl CountOf {
    /// `None` where edges do not tell.
    pub(super) fn of(view: View, query: &ArticlesQuery) -> Option<Self> {
        Asked::by(view, query).map(Self)
    }
}

impl QueryFragment<Pg> for CountOf {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Asked { named, languages } = &self.0;
        let (table, column) = named.edges();
        // Of one tag or source, the index has those of an article beside each other.
        let [before, behind] =
            if named.ids.len() + named.names.len() == 1 { ["(", ")"] } else { ["any(array(", "))"] };
        out.push_sql("(select count(*) from (select distinct published_at, article_id from ");
        out.push_sql(table);
        out.push_sql(" where published_at is not null and ");
        out.push_sql(column);
        out.push_sql(" = ");
        out.push_sql(before);
        named.write(&mut out)?;
        out.push_sql(behind);
        if let Some(languages) = languages {
            out.push_sql(" and language = any(");
            out.push_bind_param::<Array<Text>, _>(languages)?;
            out.push_sql(")");
        }
        out.push_sql(") as edge)");
        Ok(())
    }
}

expression!(CountOf: BigInt);
