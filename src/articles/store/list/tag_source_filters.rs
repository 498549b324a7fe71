//! The conditions that an edition has any, all or none of some tags or sources.

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

/// The table that connects articles with tags or with sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EdgeTable {
    Tag,
    Source,
}

/// The tags or the sources with these ids or slugs.
#[derive(Debug)]
pub(super) struct Named {
    pub kind: EdgeTable,
    ids: Vec<Uuid>,
    names: Vec<String>,
}

impl Named {
    pub(super) fn tags(any: &[Reference]) -> Self {
        // An id is also a name of a tag: if the tag was merged, it leads to the other tag.
        Self { kind: EdgeTable::Tag, ids: Vec::new(), names: any.iter().map(ToString::to_string).collect() }
    }

    pub(super) fn sources(any: &[Reference]) -> Self {
        let (ids, slugs) = split(any);
        Self { kind: EdgeTable::Source, ids, names: slugs.into_iter().map(str::to_owned).collect() }
    }

    pub(super) fn is_one(&self) -> bool {
        self.ids.len() + self.names.len() == 1
    }

    /// Returns the table of the edges, and its column with the id of the tag or source.
    pub(super) fn edges(&self) -> (&'static str, &'static str) {
        match self.kind {
            EdgeTable::Tag => ("edition_tags", "tag_id"),
            EdgeTable::Source => ("citations", "source_id"),
        }
    }

    /// Writes the statement that finds the ids.
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

    /// Writes the right side of a comparison of an id with the ids of these tags or sources. Postgres looks
    /// up their names once.
    pub(super) fn write_comparison<'b>(&'b self, out: &mut Out<'_, 'b>) -> QueryResult<()> {
        let [before, behind] = if self.is_one() { ["(", ")"] } else { ["any(array(", "))"] };
        out.push_sql(before);
        self.write(out)?;
        out.push_sql(behind);
        Ok(())
    }

    /// Writes the condition that the edition with this alias has any of them.
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

/// The maximum number of joins for tags that an article must have. For so few, joins are faster.
const JOINED: usize = 2;

/// The condition that an edition has all of the tags with these names. It is one condition for any number of
/// tags, because it takes long to plan one join per tag.
#[derive(Debug)]
pub(super) struct HasAll(Vec<String>);

impl HasAll {
    /// Returns the tags that are better joined one by one, and the condition for all others, if there are
    /// any.
    pub(super) fn beside(all: &[Reference]) -> (&[Reference], Option<Self>) {
        let (joined, rest) = all.split_at(JOINED.min(all.len()));
        let rest: Vec<_> = rest.iter().map(ToString::to_string).collect();
        (joined, (!rest.is_empty()).then_some(Self(rest)))
    }

    /// Writes the condition that the edition with this alias has each of them.
    pub(super) fn write<'b>(&'b self, edition: &str, kind: &str, out: &mut Out<'_, 'b>) -> QueryResult<()> {
        out.push_sql(&format!(
            "(select count(*) from edition_tags edge where edge.article_id = {edition}.article_id and edge.kind = {kind} \
             and edge.tag_id = any(array(select tag_id from tag_names where name = any("
        ));
        out.push_bind_param::<Array<Text>, _>(&self.0)?;
        // As many as there are tags, if each name leads to one; some names can lead to the same tag.
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

/// The condition that an edition has any of the tags or sources.
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
        // If there is no tag or source of this name, this condition alone decides, and no edition is looked
        // at.
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

/// The condition that an edition has none of the tags.
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

/// Returns the ids of the tags that these names lead to.
pub(crate) async fn tag_ids(conn: &mut AsyncPgConnection, any: &[Reference]) -> QueryResult<Vec<Uuid>> {
    let names: Vec<_> = any.iter().map(ToString::to_string).collect();
    tag_names::table.filter(tag_names::name.eq_any(names)).select(tag_names::tag_id).load(conn).await
}

/// Returns the ids of these sources. Slugs that no source has are left out; ids are returned without a
/// lookup.
pub(crate) async fn source_ids(conn: &mut AsyncPgConnection, any: &[Reference]) -> QueryResult<Vec<Uuid>> {
    let (mut ids, slugs) = split(any);
    if !slugs.is_empty() {
        let named: Vec<Uuid> =
            sources::table.filter(sources::slug.eq_any(slugs)).select(sources::id).load(conn).await?;
        ids.extend(named);
    }
    Ok(ids)
}
