//! Building blocks for SQL that the query builder cannot express.

use std::{marker::PhantomData, sync::OnceLock};

use diesel::{
    QueryResult,
    expression::{
        AppearsOnTable, Expression, SelectableExpression, TypedExpressionType, ValidGrouping, is_aggregate,
    },
    pg::{Pg, PgQueryBuilder},
    query_builder::{AstPass, QueryBuilder, QueryFragment, QueryId},
};

/// A constant piece of SQL with a type.
///
/// Unlike [`diesel::dsl::sql`] it takes only a constant. So a query that contains it has one of few texts,
/// and its prepared statement is kept: no request pays for planning again.
pub(crate) struct Fragment<ST>(&'static str, PhantomData<ST>);

/// Makes a constant piece of SQL; `ST` is the type of its value.
#[must_use]
pub(crate) fn fragment<ST: TypedExpressionType>(sql: &'static str) -> Fragment<ST> {
    Fragment(sql, PhantomData)
}

impl<ST> Clone for Fragment<ST> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<ST> Copy for Fragment<ST> {}

impl<ST: TypedExpressionType> Expression for Fragment<ST> {
    type SqlType = ST;
}

impl<ST> QueryFragment<Pg> for Fragment<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

impl<ST> QueryId for Fragment<ST> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<QS, ST: TypedExpressionType> SelectableExpression<QS> for Fragment<ST> {}
impl<QS, ST: TypedExpressionType> AppearsOnTable<QS> for Fragment<ST> {}

impl<GB, ST> ValidGrouping<GB> for Fragment<ST> {
    // As for a constant: it can be used beside columns and beside aggregates.
    type IsAggregate = is_aggregate::Never;
}

/// A list of selected columns, without values, whose SQL is built only once: for many columns, building it
/// takes as long as reading their row.
pub(crate) struct Selection<E> {
    columns: E,
    text: &'static OnceLock<String>,
}

impl<E: QueryFragment<Pg>> Selection<E> {
    /// Makes a selection. `text` keeps the SQL for the next selection, which must have the same columns.
    pub(crate) fn new(columns: E, text: &'static OnceLock<String>) -> Self {
        Self { columns, text }
    }

    fn text(&self) -> QueryResult<&'static str> {
        if let Some(text) = self.text.get() {
            return Ok(text);
        }
        let mut builder = PgQueryBuilder::default();
        self.columns.to_sql(&mut builder, &Pg)?;
        Ok(self.text.get_or_init(|| builder.finish()))
    }
}

impl<E: Expression> Expression for Selection<E> {
    type SqlType = E::SqlType;
}

impl<E: QueryFragment<Pg>> QueryFragment<Pg> for Selection<E> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.text()?);
        Ok(())
    }
}

impl<E> QueryId for Selection<E> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<QS, E: SelectableExpression<QS>> SelectableExpression<QS> for Selection<E> {}
impl<QS, E: AppearsOnTable<QS>> AppearsOnTable<QS> for Selection<E> {}

impl<GB, E: ValidGrouping<GB>> ValidGrouping<GB> for Selection<E> {
    type IsAggregate = E::IsAggregate;
}

/// Makes an expression of this SQL type from a piece of SQL with values, which is a [`QueryFragment`].
macro_rules! expression {
    ($name:ty: $sql_type:ty) => {
        impl diesel::expression::Expression for $name {
            type SqlType = $sql_type;
        }

        impl diesel::query_builder::QueryId for $name {
            type QueryId = ();

            const HAS_STATIC_QUERY_ID: bool = false;
        }

        impl<QS> diesel::expression::SelectableExpression<QS> for $name {}
        impl<QS> diesel::expression::AppearsOnTable<QS> for $name {}

        impl<GB> diesel::expression::ValidGrouping<GB> for $name {
            type IsAggregate = diesel::expression::is_aggregate::No;
        }
    };
}

pub(crate) use expression;

diesel::define_sql_function! {
    /// Returns true if each word of `typed` begins a word of the name or of the slug. An index serves it.
    fn completes(
        name: diesel::sql_types::Text,
        slug: diesel::sql_types::Text,
        typed: diesel::sql_types::Text,
    ) -> diesel::sql_types::Bool;
}

diesel::define_sql_function! {
    /// Returns the text in lower case, by the rules of the database's locale.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}
