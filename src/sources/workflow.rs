//! What happens to a source in one transaction: the change itself, and its event.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Source, SourceInput, store};
use crate::{
    clock,
    context::Context,
    error::{ApiError, ApiResult, ProblemType, violated},
    events::{EventType, SubjectType},
    faults::Fault,
    http::{
        conditional::IfMatch,
        patch::{changed_members, merge},
        reply::require_match,
    },
    principal::Principal,
    values::{Reference, Slug},
};

/// Creates a source, and records that.
///
/// # Errors
/// `409` if another source has the slug.
pub(crate) async fn create(
    conn: &mut AsyncPgConnection,
    context: &Context,
    by: Principal,
    input: SourceInput,
) -> ApiResult<Source> {
    let id = context.clock.new_id();
    let slug = choose_slug(conn, id, &input).await?;
    store::insert(conn, id, &input.into_fields(slug), Some(by.editor_id), context.now())
        .await
        .map_err(slug_conflict)?;
    context.record(conn, by, EventType::SourceCreated, (SubjectType::Source, id), json!({})).await?;
    Ok(store::find(conn, &Reference::Id(id)).await?)
}

/// Changes a source, and records that.
///
/// # Errors
/// `404` if there is no such source, `409` if another one has the slug, `412` if `If-Match` names another state, `422` for an
/// invalid patch.
pub(crate) async fn update(
    conn: &mut AsyncPgConnection,
    context: &Context,
    by: Principal,
    reference: &Reference,
    if_match: &IfMatch,
    patch: Value,
) -> ApiResult<Source> {
    let source = store::lock(conn, reference).await?;
    require_match(if_match, &source)?;
    let details = json!({"fields": changed_members(&patch)});
    let input: SourceInput =
        merge(source.as_input(), patch, SourceInput::MEMBERS).map_err(ApiError::invalid_body)?;
    let slug = choose_slug(conn, source.id, &input).await?;
    let now = clock::after(source.updated_at, context.now());
    store::update(conn, source.id, &input.into_fields(slug), now).await.map_err(slug_conflict)?;
    context.record(conn, by, EventType::SourceUpdated, (SubjectType::Source, source.id), details).await?;
    Ok(store::find(conn, &Reference::Id(source.id)).await?)
}

/// Deletes a source that no article cites.
///
/// # Errors
/// `403` if a writer did not create it, `404` if there is no such source, `409` if an article cites it, `412` if `If-Match` names
/// another state.
pub(crate) async fn remove(
    conn: &mut AsyncPgConnection,
    context: &Context,
    by: Principal,
    reference: &Reference,
    if_match: &IfMatch,
) -> ApiResult<()> {
    let source = store::lock(conn, reference).await?;
    if !by.edits_everything() && !store::is_made_by(conn, source.id, by.editor_id).await? {
        return Err(ApiError::forbidden("A writer may delete only own sources that no article cites."));
    }
    require_match(if_match, &source)?;
    match store::citing_articles(conn, source.id).await? {
        0 => store::delete(conn, source.id).await?,
        // How many drafts of others cite it is not for writers to know.
        _ if !by.edits_everything() => return Err(cited(source.article_count)),
        count => return Err(cited(count)),
    }
    let details = json!({"slug": source.slug});
    Ok(context.record(conn, by, EventType::SourceDeleted, (SubjectType::Source, source.id), details).await?)
}

/// The problem of a source that `count` articles cite which the caller may know of.
fn cited(count: i64) -> ApiError {
    let articles = match count {
        0 => "Articles that are not published cite".to_owned(),
        1 => "1 article cites".to_owned(),
        _ => format!("{count} articles cite"),
    };
    ApiError::new(ProblemType::SourceCited, format!("{articles} this source; change the citations first."))
        .with_member("article_count", count)
}

/// The slug that was given, or one made of the name that no other source has.
async fn choose_slug(conn: &mut AsyncPgConnection, id: Uuid, input: &SourceInput) -> QueryResult<Slug> {
    match &input.slug {
        Some(slug) => Ok(slug.clone()),
        None => store::make_slug(conn, id, &input.name).await,
    }
}

fn slug_conflict(error: diesel::result::Error) -> ApiError {
    if violated(&error, "sources_slug_key") {
        ApiError::new(ProblemType::SlugTaken, "Another source has this slug.").with_fault(Fault::at(
            "/slug",
            "taken",
            "Another source has this slug.",
        ))
    } else {
        error.into()
    }
}
