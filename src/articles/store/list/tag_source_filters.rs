//! Whether an edition has tags or sources.

use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment},
    sql_types::{Array, Bool, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    database::sql::expression,
    schema::{sources, tag_names},
    values::{Reference, reference::split},
};

pub(super) type Out<'a, 'b> = AstPass<'a, 'b, Pg>;

/// What an article is joined with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EdgeTable {
    Tag,
    Source,
}

/// The tags or the sources with these names.
#[derive(Debug)]
pub(super) struct Named {
    pub kind: EdgeTable,
    ids: Vec<Uuid>,
    names: Vec<String>,
}

impl Named {
    pub(super) fn tags(any: &[Reference]) -> Self {
        // An id is a name of a tag, too: it leads on where the tag was merged into another one.
        Self { kind: EdgeTable::Tag, ids: Vec::new(), names: any.iter().map(ToString::to_string).collect() }
    }

    pub(super) fn sources(any: &[Reference]) -> Self {
        let (ids, slugs) = split(any);
        Self { kind: EdgeTable::Source, ids, names: slugs.into_iter().map(str::to_owned).collect() }
    }

    pub(super) fn is_one(&self) -> bool {
        self.ids.len() + self.names.len() == 1
    }

    /// The table of the edges, and its column that names them.
    pub(super) fn edges(&self) -> (&'static str, &'static str) {
        match self.kind {
            EdgeTable::Tag => ("edition_tags", "tag_id"),
            EdgeTable::Source => ("citations", "source_id"),
        }
    }

    /// Writes the statement that finds their ids.
    pub(super) fn write<'b>(&'b self, out: &mut Out<'_, 'b>) -> QueryResult<()> {
        match (self.kind, &self.ids[..], &self.names[..]) {
            (EdgeTable::Tag, _, [name]) => {
                out.push_sql("select tag_id from tag_names where name = ");
                out.push_bind_param::<Text, _>(name)
            }
            (EdgeTable::Tag, ..) => {
                out.push_sql("select distinct tag_id from tag_names where name = any(");
                out.push_bind_param::<Array<Text>, _>(&self.names)?;
                out.push_sql(")");
                Ok(())
            }
            (EdgeTable::Source, [id], []) => {
                out.push_sql("select id from sources where id = ");
                out.push_bind_param::<SqlUuid, _>(id)
            }
            (EdgeTable::Source, [], [slug]) => {
                out.push_sql("select id from sources where slug = ");
                out.push_bind_param::<Text, _>(slug)
            }
            (EdgeTable::Source, ..) => {
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
    pub(super) fn write_comparison<'b>(&'b self, out: &mut Out<'_, 'b>) -> QueryResult<()> {
        let [before, behind] = if self.is_one() { ["(", ")"] } else { ["any(array(", "))"] };
        out.push_sql(before);
        self.write(out)?;
        out.push_sql(behind);
        Ok(())
    }

    /// Writes whether the edition that is called so has any of them.
    pub(super) fn write_exists<'b>(
        &'b self,
        edition: &str,
        kind: &str,
        out: &mut Out<'_, 'b>,
    ) -> QueryResult<()> {
        let (table, column) = self.edges();
        out.push_sql(&format!(
            "exists (select from {table} edge where edge.article_id = {edition}.article_id and edge.kind = {kind} and edge.{column} = "
        ));
        self.write_comparison(out)?;
        out.push_sql(")");
        Ok(())
    }
}

/// How many tags an article is joined with, where it has to have all of some. For so few joins are faster.
const JOINED: usize = 2;

/// Whether an edition has all of the tags with these names. However many there are, it is one condition: a join for each takes long to
/// plan.
#[derive(Debug)]
pub(super) struct HasAll(Vec<String>);

impl HasAll {
    /// The tags that are better joined one by one, and the condition of all others, where there are any.
    pub(super) fn beside(all: &[Reference]) -> (&[Reference], Option<Self>) {
        let (joined, rest) = all.split_at(JOINED.min(all.len()));
        let rest: Vec<_> = rest.iter().map(ToString::to_string).collect();
        (joined, (!rest.is_empty()).then_some(Self(rest)))
    }

    /// Writes whether the edition that is called so has each of them.
    pub(super) fn write<'b>(&'b self, edition: &str, kind: &str, out: &mut Out<'_, 'b>) -> QueryResult<()> {
        out.push_sql(&format!(
            "(select count(*) from edition_tags edge where edge.article_id = {edition}.article_id and edge.kind = {kind} \
             and edge.tag_id = any(array(select tag_id from tag_names where name = any("
        ));
        out.push_bind_param::<Array<Text>, _>(&self.0)?;
        // As many as there are, where each name leads to one, some to the same.
        out.push_sql(
            ")))) = (select case when count(t.tag_id) = count(*) then count(distinct t.tag_id) end from unnest(",
        );
        out.push_bind_param::<Array<Text>, _>(&self.0)?;
        out.push_sql(") as n (name) left join tag_names t on t.name = n.name)");
        Ok(())
    }
}

impl QueryFragment<Pg> for HasAll {
    fn walk_ast<'b>(&'b self, mut out: Out<'_, 'b>) -> QueryResult<()> {
        self.write("editions", "editions.kind", &mut out)
    }
}

expression!(HasAll: Bool);

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
        out.push_sql("(");
        // Where nothing is called so, this alone tells, and no edition is looked at.
        if self.0.is_one() {
            out.push_sql("(");
            self.0.write(&mut out)?;
            out.push_sql(") is not null and ");
        }
        self.0.write_exists("editions", "editions.kind", &mut out)?;
        out.push_sql(")");
        Ok(())
    }
}

expression!(Has: Bool);

/// Whether an edition has none of the tags.
#[derive(Debug)]
pub(super) struct HasNone(Named);

impl HasNone {
    pub(super) fn tag(any: &[Reference]) -> Self {
        Self(Named::tags(any))
    }
}

impl QueryFragment<Pg> for HasNone {
    fn walk_ast<'b>(&'b self, mut out: Out<'_, 'b>) -> QueryResult<()> {
        out.push_sql("not ");
        self.0.write_exists("editions", "editions.kind", &mut out)
    }
}

expression!(HasNone: Bool);

/// The ids of the tags that these names lead to.
///
/// # Errors
/// As any statement.
pub(crate) async fn tag_ids(conn: &mut AsyncPgConnection, any: &[Reference]) -> QueryResult<Vec<Uuid>> {
    let names: Vec<_> = any.iter().map(ToString::to_string).collect();
    tag_names::table.filter(tag_names::name.eq_any(names)).select(tag_names::tag_id).load(conn).await
}

/// The ids of these sources, of those that there are.
///
/// # Errors
/// As any statement.
pub(crate) async fn source_ids(conn: &mut AsyncPgConnection, any: &[Reference]) -> QueryResult<Vec<Uuid>> {
    let (mut ids, slugs) = split(any);
    if !slugs.is_empty() {
        let named: Vec<Uuid> =
            sources::table.filter(sources::slug.eq_any(slugs)).select(sources::id).load(conn).await?;
        ids.extend(named);
    }
    Ok(ids)
}
