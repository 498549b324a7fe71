//! What happens to a tag in one transaction: the change itself, and its event.

use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Tag, TagInput, store};
use crate::{
    clock,
    context::Context,
    error::{ApiError, ApiResult, ProblemType},
    events::{EventType, SubjectType},
    faults::{Fault, Faults},
    http::{
        conditional::IfMatch,
        patch::{changed_members, merge as merge_patch},
        reply::require_match,
    },
    principal::Principal,
    values::{Reference, Slug},
};

/// Creates a tag, and records that.
///
/// # Errors
/// `409` if the slug leads to another tag.
pub(crate) async fn create(
    conn: &mut AsyncPgConnection,
    context: &Context,
    by: Principal,
    input: TagInput,
) -> ApiResult<Tag> {
    let id = context.clock.new_id();
    let slug = choose_slug(conn, id, &input).await?;
    store::insert(conn, id, &input.into_fields(slug), context.now()).await?;
    context.record(conn, by, EventType::TagCreated, (SubjectType::Tag, id), json!({})).await?;
    Ok(store::find(conn, &Reference::Id(id)).await?)
}

/// Changes a tag. A slug that it had before keeps leading to it.
///
/// # Errors
/// `404` if there is no such tag, `409` if the slug leads to another one, `412` if `If-Match` names another state, `422` for an
/// invalid patch.
pub(crate) async fn update(
    conn: &mut AsyncPgConnection,
    context: &Context,
    by: Principal,
    reference: &Reference,
    if_match: &IfMatch,
    patch: Value,
) -> ApiResult<Tag> {
    let tag = store::lock(conn, reference).await?;
    require_match(if_match, &tag)?;
    let details = json!({"fields": changed_members(&patch)});
    let input: TagInput =
        merge_patch(tag.as_input(), patch, TagInput::MEMBERS).map_err(ApiError::invalid_body)?;
    let slug = choose_slug(conn, tag.id, &input).await?;
    let now = clock::after(tag.updated_at, context.now());
    store::update(conn, tag.id, &input.into_fields(slug), now).await?;
    context.record(conn, by, EventType::TagUpdated, (SubjectType::Tag, tag.id), details).await?;
    Ok(store::find(conn, &Reference::Id(tag.id)).await?)
}

/// Deletes a tag, and takes it off every article that has it.
///
/// # Errors
/// `404` if there is no such tag, `409` if an article that has it is being changed, `412` if `If-Match` names another state.
pub(crate) async fn remove(
    conn: &mut AsyncPgConnection,
    context: &Context,
    by: Principal,
    reference: &Reference,
    if_match: &IfMatch,
) -> ApiResult<()> {
    store::lock_articles(conn, reference).await?;
    let tag = store::lock(conn, reference).await?;
    require_match(if_match, &tag)?;
    hold(conn, &tag).await?;
    store::delete(conn, tag.id).await?;
    let details = json!({"slug": tag.slug});
    Ok(context.record(conn, by, EventType::TagDeleted, (SubjectType::Tag, tag.id), details).await?)
}

/// Merges a tag into another one, which articles have in its place, and which its names lead to from then on.
/// Returns the tag that stays.
///
/// # Errors
/// `404` if there is no such tag, `409` if an article that has it is being changed, `412` if `If-Match` names another state, `422`
/// if there is no other tag to merge it into.
pub(crate) async fn merge(
    conn: &mut AsyncPgConnection,
    context: &Context,
    by: Principal,
    reference: &Reference,
    if_match: &IfMatch,
    into: &Reference,
) -> ApiResult<Tag> {
    store::lock_articles(conn, reference).await?;
    let tag = store::lock(conn, reference).await?;
    require_match(if_match, &tag)?;
    let into = find_surviving(conn, &tag, into).await?;
    let article_count = hold(conn, &tag).await?;
    store::merge(conn, tag.id, into).await?;
    let details = json!({"into": into, "article_count": article_count});
    context.record(conn, by, EventType::TagMerged, (SubjectType::Tag, tag.id), details).await?;
    Ok(store::find(conn, &Reference::Id(into)).await?)
}

/// Finds the tag that another one is to be merged into; returns its id.
async fn find_surviving(conn: &mut AsyncPgConnection, tag: &Tag, into: &Reference) -> ApiResult<Uuid> {
    let fault = match store::find(conn, into).await {
        Ok(found) if found.id != tag.id => return Ok(found.id),
        Ok(_) => Fault::at("/into", "itself", "A tag cannot be merged into itself."),
        Err(diesel::NotFound) => Fault::at("/into", "not_found", "No tag has this slug or id."),
        Err(error) => return Err(error.into()),
    };
    let mut faults = Faults::none();
    faults.push(fault);
    Err(ApiError::invalid_body(faults))
}

/// Keeps the tag from getting on articles until the end of the transaction; returns how many have it.
async fn hold(conn: &mut AsyncPgConnection, tag: &Tag) -> ApiResult<usize> {
    let detail = "An article that has the tag is being changed; please retry.";
    store::hold(conn, tag.id).await?.ok_or_else(|| ApiError::new(ProblemType::Conflict, detail))
}

/// The slug that was given, or one made of the name that leads to no other tag.
async fn choose_slug(conn: &mut AsyncPgConnection, id: Uuid, input: &TagInput) -> ApiResult<Slug> {
    let slug = match &input.slug {
        Some(slug) => slug.clone(),
        None => store::make_slug(conn, id, &input.name).await?,
    };
    match store::reserve_slug(conn, id, &slug).await? {
        Ok(()) => Ok(slug),
        Err(other) => Err(slug_conflict(&slug, &other)),
    }
}

fn slug_conflict(slug: &Slug, other: &str) -> ApiError {
    let detail = if **slug == *other {
        "Another tag has this slug.".to_owned()
    } else {
        format!("The slug leads to the tag `{other}`.")
    };
    ApiError::new(ProblemType::SlugTaken, detail.clone()).with_fault(Fault::at("/slug", "taken", detail))
}
