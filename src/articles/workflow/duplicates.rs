//! Refuses a new story about a document that another story covers already, so that nobody writes it twice.

use diesel_async::AsyncPgConnection;
use serde_json::json;

use crate::{
    articles::store::{self, Coverage, Draft},
    error::{ApiError, ApiResult, ProblemType},
    faults::Fault,
    principal::Principal,
    values::DocumentKey,
};

/// Refuses a new draft that rests on a document which another story covers; only stories that the principal
/// can see count. Translations of one story can rest on the same documents. If two transactions make stories
/// of one document, the second waits for the first.
///
/// # Errors
/// `409` with a pointer to each such document, and the story that covers the first of them.
pub(crate) async fn require_uncovered(
    conn: &mut AsyncPgConnection,
    principal: Principal,
    draft: &Draft,
) -> ApiResult<()> {
    let citations = draft.citations.iter().enumerate().filter(|(_, citation)| citation.role.covers());
    let (places, keys): (Vec<_>, Vec<_>) =
        citations.map(|(index, citation)| (index, DocumentKey::of(&citation.url))).unzip();
    if keys.is_empty() {
        return Ok(());
    }
    store::hold_documents(conn, &keys).await?;
    let of = (!principal.edits_everything()).then_some(principal.editor_id);
    let covered = store::coverage(conn, of, draft.text.translation_group_id, &keys).await?;
    let story = |key: &DocumentKey| covered.iter().find(|story| story.document == key.as_bytes());
    let found: Vec<_> =
        places.into_iter().zip(&keys).filter_map(|(index, key)| Some((index, story(key)?))).collect();
    match found.as_slice() {
        [] => Ok(()),
        found => Err(already_covered(found)),
    }
}

fn already_covered(found: &[(usize, &Coverage)]) -> ApiError {
    let detail = |story: &Coverage| format!("\u{201c}{}\u{201d} covers this document already.", story.title);
    let fault = |(index, story): &(usize, &Coverage)| {
        Fault::at(format!("/citations/{index}/url"), "already_covered", detail(story))
    };
    let (_, first) = found[0];
    let query = if first.live { "" } else { "?draft=true" };
    let href = format!("/v1/articles/{}{query}", first.slug);
    let error =
        ApiError::new(ProblemType::AlreadyCovered, detail(first)).with_link(&href, "related").with_member(
            "article",
            json!({
                "id": first.article_id,
                "slug": first.slug,
                "title": first.title,
                "status": first.status,
                "href": href,
            }),
        );
    found.iter().map(fault).fold(error, ApiError::with_fault)
}
