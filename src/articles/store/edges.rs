//! Live articles in the order of their publication, out of indexes alone.
//!
//! A tag or a citation of what readers see has the time and the language of its edition on it. So the latest articles with a tag, or of
//! a source, come out of one index in their order, whatever else there is; what else is asked of them is looked up for each. A page of
//! ids is found first, and then its articles: no plan depends on how many there are, or on where they stand among all others.

use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment},
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::{
        Status,
        filter::{ArticlesQuery, Position, Sort, View},
    },
    database::fragment::expression,
    schema::{sources, tag_names},
    values::{Reference, reference::split},
};

type Out<'a, 'b> = AstPass<'a, 'b, Pg>;

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
        // An id is a name of a tag, too: it leads on where the tag was merged into another one.
        Self { kind: Kind::Tag, ids: Vec::new(), names: any.iter().map(ToString::to_string).collect() }
    }

    fn sources(any: &[Reference]) -> Self {
        let (ids, slugs) = split(any);
        Self { kind: Kind::Source, ids, names: slugs.into_iter().map(str::to_owned).collect() }
    }

    fn is_one(&self) -> bool {
        self.ids.len() + self.names.len() == 1
    }

    /// The table of the edges, and its column that names them.
    fn edges(&self) -> (&'static str, &'static str) {
        match self.kind {
            Kind::Tag => ("edition_tags", "tag_id"),
            Kind::Source => ("citations", "source_id"),
        }
    }

    /// Writes the statement that finds their ids.
    fn write<'b>(&'b self, out: &mut Out<'_, 'b>) -> QueryResult<()> {
        match (self.kind, &self.ids[..], &self.names[..]) {
            (Kind::Tag, _, [name]) => {
                out.push_sql("select tag_id from tag_names where name = ");
                out.push_bind_param::<Text, _>(name)
            }
            (Kind::Tag, ..) => {
                out.push_sql("select distinct tag_id from tag_names where name = any(");
                out.push_bind_param::<Array<Text>, _>(&self.names)?;
                out.push_sql(")");
                Ok(())
            }
            (Kind::Source, [id], []) => {
                out.push_sql("select id from sources where id = ");
                out.push_bind_param::<SqlUuid, _>(id)
            }
            (Kind::Source, [], [slug]) => {
                out.push_sql("select id from sources where slug = ");
                out.push_bind_param::<Text, _>(slug)
            }
            (Kind::Source, ..) => {
                out.push_sql("select id from sources where id = any(");
                out.push_bind_param::<Array<SqlUuid>, _>(&self.ids)?;
                out.push_sql(") or slug = any(");
                out.push_bind_param::<Array<Text>, _>(&self.names)?;
                out.push_sql(")");
                Ok(())
            }
        }
    }

    /// Writes what an id is compared with, so that it is one of theirs. What they are called is looked up once.
    fn write_comparison<'b>(&'b self, out: &mut Out<'_, 'b>) -> QueryResult<()> {
        let [before, behind] = if self.is_one() { ["(", ")"] } else { ["any(array(", "))"] };
        out.push_sql(before);
        self.write(out)?;
        out.push_sql(behind);
        Ok(())
    }

    /// Writes whether the edition that is called so has any of them.
    fn write_exists<'b>(&'b self, edition: &str, kind: &str, out: &mut Out<'_, 'b>) -> QueryResult<()> {
        let (table, column) = self.edges();
        out.push_sql(&format!(
            "exists (select from {table} edge where edge.article_id = {edition}.article_id and edge.kind = {kind} and edge.{column} = "
        ));
        self.write_comparison(out)?;
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
    fn walk_ast<'b>(&'b self, mut out: Out<'_, 'b>) -> QueryResult<()> {
        // Where nothing is called so, this alone tells, and no edition is looked at.
        if self.0.is_one() {
            out.push_sql("(");
            self.0.write(&mut out)?;
            out.push_sql(") is not null and ");
        }
        self.0.write_exists("editions", "editions.kind", &mut out)
    }
}

expression!(Has: Bool);

/// What a query asks for, where indexes of live editions, tags and citations can tell.
#[derive(Debug)]
struct Asked {
    /// What the articles are found by; `None`: all of them.
    by: Option<Named>,
    /// What they have to have besides, or must not have.
    others: Vec<(bool, Named)>,
    languages: Option<Vec<String>>,
    published_after: Option<DateTime<Utc>>,
    published_before: Option<DateTime<Utc>>,
}

impl Asked {
    /// `None` where readers ask for something else too, or editors ask.
    fn by(view: View, query: &ArticlesQuery) -> Option<Self> {
        // Each filter is named, so that none that comes is forgotten.
        let ArticlesQuery {
            q: None,
            tag,
            tag_all,
            tag_none,
            source,
            cites: None,
            language,
            author: None,
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
        // Readers ask for no other status.
        let all_published = |any: &[Status]| any.iter().all(|status| *status == Status::Published);
        if view != View::Live || !status.as_ref().is_none_or(|any| all_published(&any.0)) {
            return None;
        }
        // First what there is less of, as a rule.
        let mut wanted: Vec<_> = source.iter().map(|any| Named::sources(&any.0)).collect();
        let each = tag_all.iter().flat_map(|all| &all.0);
        wanted.extend(each.map(|tag| Named::tags(std::slice::from_ref(tag))));
        wanted.extend(tag.iter().map(|any| Named::tags(&any.0)));
        let mut wanted = wanted.into_iter();
        let by = wanted.next();
        let unwanted = tag_none.iter().map(|none| (false, Named::tags(&none.0)));
        Some(Self {
            by,
            others: wanted.map(|named| (true, named)).chain(unwanted).collect(),
            languages: language.as_ref().map(|any| any.0.iter().map(|tag| (**tag).to_owned()).collect()),
            published_after: published_after.map(|time| time.0),
            published_before: published_before.map(|time| time.0),
        })
    }

    /// Writes a selection of the time and the id of each article: whole, or for one of several names (`named.id`) or languages
    /// (`spoken.language`) at a time.
    fn write<'b>(&'b self, by_name: bool, by_language: bool, out: &mut Out<'_, 'b>) -> QueryResult<()> {
        // An article may cite a source more than once, and have several of the tags.
        let repeats = self.by.as_ref().is_some_and(|by| by.kind == Kind::Source || !(by_name || by.is_one()));
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
        for (has, named) in &self.others {
            out.push_sql(if *has { " and " } else { " and not " });
            named.write_exists("a", "'live'", out)?;
        }
        Ok(())
    }
}

/// Whether an edition is on a page of live ones.
#[derive(Debug)]
pub(super) struct OnPage {
    asked: Asked,
    descending: bool,
    after: Option<(Option<DateTime<Utc>>, Uuid)>,
    rows: i64,
}

impl OnPage {
    /// `None` where the indexes do not tell.
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

    /// Writes where the page begins, and the order.
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
        // The longest page and one, whatever is asked for: of a number that is not known when it is planned Postgres assumes that
        // it is a tenth of all there are, and plans anew each time.
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
        // Of several names or languages each has a place of its own in an index.
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

/// How many articles there are on all pages.
#[derive(Debug)]
pub(super) struct CountOf(Asked);

impl CountOf {
    /// `None` where the indexes do not tell.
    pub(super) fn of(view: View, query: &ArticlesQuery) -> Option<Self> {
        Asked::by(view, query).map(Self)
    }
}

impl QueryFragment<Pg> for CountOf {
    fn walk_ast<'b>(&'b self, mut out: Out<'_, 'b>) -> QueryResult<()> {
        out.push_sql("(select count(*) from (");
        self.0.write(false, false, &mut out)?;
        out.push_sql(") as asked)");
        Ok(())
    }
}

expression!(CountOf: BigInt);

/// The ids of the tags that these names lead to.
///
/// # Errors
/// As any statement.
pub async fn tag_ids(conn: &mut AsyncPgConnection, any: &[Reference]) -> QueryResult<Vec<Uuid>> {
    let names: Vec<_> = any.iter().map(ToString::to_string).collect();
    tag_names::table.filter(tag_names::name.eq_any(names)).select(tag_names::tag_id).load(conn).await
}

/// The ids of these sources, of those that there are.
///
/// # Errors
/// As any statement.
pub async fn source_ids(conn: &mut AsyncPgConnection, any: &[Reference]) -> QueryResult<Vec<Uuid>> {
    let (mut ids, slugs) = split(any);
    if !slugs.is_empty() {
        let named: Vec<Uuid> =
            sources::table.filter(sources::slug.eq_any(slugs)).select(sources::id).load(conn).await?;
        ids.extend(named);
    }
    Ok(ids)
}
