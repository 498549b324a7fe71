//! Finds the stories that cover a document, by their citations.

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

/// Returns the id of the source with this id or slug.
///
/// # Errors
/// Returns [`diesel::NotFound`] if there is no such source.
pub(crate) async fn source_id(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<Uuid> {
    let (id, slug) = reference.parts();
    let named = sources::id.nullable().eq(id).or(sources::slug.nullable().eq(slug));
    sources::table.filter(named).select(sources::id).first(conn).await
}

/// Waits until no other transaction holds one of these documents, and holds them until the end of this one.
pub(crate) async fn hold_documents(conn: &mut AsyncPgConnection, keys: &[DocumentKey]) -> QueryResult<()> {
    let names: Vec<_> = keys.iter().map(|key| format!("document {:?}", key.as_bytes())).collect();
    hold_names(conn, &names).await
}

/// A document that a story covers.
#[derive(Debug, Queryable)]
pub(crate) struct Coverage {
    /// The key of the document.
    pub document: Vec<u8>,
    /// The id of the story.
    pub article_id: Uuid,
    /// The slug of the story.
    pub slug: String,
    /// The headline of the story.
    pub title: String,
    /// The status of the edition that cites the document.
    pub status: Status,
    /// `true` if that edition is the live one, which readers see.
    pub live: bool,
}

/// Returns one story for each of these documents that a story outside of the translation group covers: the
/// oldest story that readers see, or else the oldest draft. Stories that are in the trash or retracted cover
/// nothing. If `of` is a writer, drafts of others do not count either.
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

/// Returns `true` if the draft cites anything.
pub(crate) async fn has_citation(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<bool> {
    let cited = citations::table.filter(citations::article_id.eq(id)).filter(citations::kind.eq(DRAFT));
    diesel::select(exists(cited)).get_result(conn).await
}
