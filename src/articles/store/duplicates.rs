//! Which stories rest on which documents.

use diesel::{dsl::exists, prelude::*, sql_types::Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::{
        model::{article::CitationRole, state::Status},
        store::draft::{DRAFT, LIVE},
    },
    database::{lock::hold_names, sql::fragment},
    schema::{articles, citations, editions, sources},
    values::{DocumentKey, Reference},
};

const NOT_RETRACTED: &str = "(not exists (select from editions r where r.article_id = articles.id and r.kind = 'live' \
     and r.status = 'retracted'))";

/// The id of the source with this id or slug.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
pub(crate) async fn source_id(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<Uuid> {
    let (id, slug) = reference.parts();
    let named = sources::id.nullable().eq(id).or(sources::slug.nullable().eq(slug));
    sources::table.filter(named).select(sources::id).first(conn).await
}

/// Waits until no other transaction is about to cover one of these documents.
///
/// # Errors
/// As any statement.
pub(crate) async fn hold_documents(conn: &mut AsyncPgConnection, keys: &[DocumentKey]) -> QueryResult<()> {
    let names: Vec<_> = keys.iter().map(|key| format!("document {:?}", key.as_bytes())).collect();
    hold_names(conn, &names).await
}

/// A document that a story covers.
#[derive(Debug, Queryable)]
pub(crate) struct Coverage {
    /// The document's key.
    pub document: Vec<u8>,
    /// The story.
    pub article_id: Uuid,
    /// Its slug.
    pub slug: String,
    /// Its headline.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// Whether readers see it.
    pub live: bool,
}

/// For each of these documents that a story outside of the translation group covers, one such story: the oldest that readers see,
/// else the oldest draft. What is in the trash or retracted covers nothing; nor does a draft that is not `of` this writer, where one
/// is given.
///
/// # Errors
/// As any statement.
pub(crate) async fn coverage(
    conn: &mut AsyncPgConnection,
    of: Option<Uuid>,
    group: Uuid,
    keys: &[DocumentKey],
) -> QueryResult<Vec<Coverage>> {
    let keys: Vec<_> = keys.iter().map(|key| key.as_bytes().to_vec()).collect();
    let visible = editions::kind
        .eq(LIVE)
        .or(articles::created_by.nullable().eq(of))
        .or(of.is_none().into_sql::<Bool>());
    let same_edition = editions::article_id.eq(citations::article_id).and(editions::kind.eq(citations::kind));
    citations::table
        .inner_join(editions::table.on(same_edition))
        .inner_join(articles::table.on(articles::id.eq(citations::article_id)))
        .filter(citations::document_key.eq_any(keys))
        .filter(citations::role.eq_any(CitationRole::COVERING))
        .filter(editions::translation_group_id.ne(group))
        .filter(articles::trashed_at.is_null())
        .filter(fragment::<Bool>(NOT_RETRACTED))
        .filter(visible)
        .distinct_on(citations::document_key)
        .order((citations::document_key, editions::kind.desc(), articles::id))
        .select((
            citations::document_key,
            editions::article_id,
            editions::slug,
            editions::title,
            editions::status,
            editions::kind.eq(LIVE),
        ))
        .load(conn)
        .await
}

/// Whether the draft cites anything.
///
/// # Errors
/// As any statement.
pub(crate) async fn has_citation(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<bool> {
    let cited = citations::table.filter(citations::article_id.eq(id)).filter(citations::kind.eq(DRAFT));
    diesel::select(exists(cited)).get_result(conn).await
}
