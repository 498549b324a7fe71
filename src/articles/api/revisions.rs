//! The HTTP routes of an article's revisions: list, compare, read and restore.

use actix_web::{Either, get, post, web::Path};
use diesel_async::AsyncConnection;

use crate::{
    articles::{
        model::{
            article::Article,
            input::RestoreInput,
            revision::{Number, Numbers, Revision, RevisionItem, RevisionQuery, RevisionsQuery},
            state::Action,
            view::View,
        },
        store,
        workflow::{
            self,
            access::{draft, locked, visible},
            compare::Comparison,
            edit,
            restore_revision::{self, Restoration},
        },
    },
    auth::Writer,
    context::Context,
    error::{ApiError, ApiResult, ProblemType},
    http::{
        body::OptionalBody,
        conditional::IfMatch,
        query::{NoQuery, Query},
        reply::{Found, Moved, Updated},
    },
    pagination::Page,
    values::Reference,
};

/// List an article's revisions
///
/// Lists the saves of the draft, newest first: who saved it, when, what for, and which fields changed.
#[utoipa::path(
    operation_id = "list_revisions", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path), RevisionsQuery),
    responses(
        (status = 200, description = "A page of revisions.", body = Page<RevisionItem>),
        (status = 403, description = "Writers can do this only to their own articles."),
    ),
)]
#[get("/v1/articles/{article}/revisions")]
pub(crate) async fn list(
    writer: Writer,
    reference: Path<Reference>,
    query: Query<RevisionsQuery>,
    context: Context,
) -> ApiResult<Found<Page<RevisionItem>>> {
    let Query { value: query, fingerprint } = query;
    let mut page = context.cursor_key.open_page(&query, &fingerprint)?;
    let mut conn = context.database.get().await?;
    let id =
        visible(&mut conn, View::drafts_or_trash(writer.principal(), query.trashed.0), &reference).await?;
    let total = page.total(store::count_revisions(&mut conn, id)).await?;
    let items = store::list_revisions(&mut conn, id, page.after(), page.rows()).await?;
    page.of(items, total, |item| item.number).map(Found)
}

/// Compare two revisions of an article
///
/// Tells which fields differ, and which lines of the body. The first revision can be newer than the second.
#[utoipa::path(
    operation_id = "compare_revisions", tag = "articles", security(("token" = [])),
    params(
        ("article" = Reference, Path),
        ("from" = inline(Number), Path, description = "The number of the first revision."),
        ("to" = inline(Number), Path, description = "The number of the second revision."),
        RevisionQuery,
    ),
    responses(
        (status = 200, description = "The differences between the two revisions.", body = Comparison),
        (status = 403, description = "Writers can do this only to their own articles."),
    ),
)]
#[get("/v1/articles/{article}/compare/{from}...{to}")]
pub(crate) async fn compare(
    writer: Writer,
    path: Path<(Reference, Number, Number)>,
    query: Query<RevisionQuery>,
    context: Context,
) -> ApiResult<Found<Comparison>> {
    let (reference, from, to) = path.into_inner();
    let mut conn = context.database.get().await?;
    let id = visible(&mut conn, View::drafts_or_trash(writer.principal(), query.value.trashed.0), &reference)
        .await?;
    let kept = store::find_revisions(&mut conn, id, &[from.0, to.0]).await?;
    drop(conn);
    let find = |number: Number| kept.iter().find(|(revision, _)| revision.item.number == number.0).cloned();
    let (from, to) = find(from).zip(find(to)).ok_or_else(ApiError::not_found)?;
    workflow::compare::compare(writer.principal(), from, to).await.map(Found)
}

/// Read a revision of an article
///
/// Returns the draft as it was saved. A revision never changes. `revisions/{from}...{to}` redirects to the
/// comparison of the two.
#[utoipa::path(
    operation_id = "read_revision", tag = "articles", security(("token" = [])),
    params(
        ("article" = Reference, Path),
        ("number" = inline(Number), Path, description = "The revision's number."),
        RevisionQuery,
    ),
    responses(
        (status = 200, description = "The revision.", body = Revision),
        (status = 308, description = "`{from}...{to}` in place of a number: the comparison is at this address."),
        (status = 403, description = "Writers can do this only to their own articles."),
    ),
)]
#[get("/v1/articles/{article}/revisions/{number}")]
pub(crate) async fn read(
    writer: Writer,
    path: Path<(Reference, Numbers)>,
    query: Query<RevisionQuery>,
    context: Context,
) -> ApiResult<Either<Found<Revision>, Moved>> {
    let (reference, numbers) = path.into_inner();
    let number = match numbers {
        Numbers::One(number) => number,
        Numbers::Two(from, to) => {
            let location = format!("/v1/articles/{reference}/compare/{}...{}", from.0, to.0);
            return Ok(Either::Right(Moved { location }));
        }
    };
    let mut conn = context.database.get().await?;
    let id = visible(&mut conn, View::drafts_or_trash(writer.principal(), query.value.trashed.0), &reference)
        .await?;
    Ok(Either::Left(Found(store::find_revision(&mut conn, id, number.0).await?)))
}

/// Restore a revision of an article
///
/// The draft gets the content of the revision again, as a new revision, so that nothing in between is lost.
/// If a tag or a source no longer exists, the answer is `422`, unless `skip_missing` leaves it out. If
/// another article has the old slug by now, the draft keeps its present slug. Translations stay as they are.
/// If nothing differs, nothing is done, unless there is a `note`.
#[utoipa::path(
    operation_id = "restore_revision", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path), ("number" = inline(Number), Path, description = "The revision's number.")),
    request_body = Option<RestoreInput>,
    responses(
        (status = 200, description = "The draft.", body = Article),
        (status = 403, description = "Writers can do this only to their own articles, and only before they are first published."),
        (status = 409, description = "Not possible in the present state.", extensions(("x-problems" = json!([ProblemType::NotAllowedInState])))),
        (status = 412, description = "If-Match does not name the current draft."),
    ),
)]
#[post("/v1/articles/{article}/revisions/{number}/restore")]
pub(crate) async fn restore(
    writer: Writer,
    path: Path<(Reference, Number)>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
    OptionalBody(input): OptionalBody<RestoreInput>,
) -> ApiResult<Updated<Article>> {
    let (reference, number) = path.into_inner();
    let mut conn = context.database.get().await?;
    let id = visible(&mut conn, View::drafts(writer.principal()), &reference).await?;
    let revision = store::find_revision(&mut conn, id, number.0).await?;
    drop(conn);
    let (rendered, _turn) = edit::render_kept(writer.principal(), &revision.content).await?;
    let mut conn = context.database.get().await?;
    conn.transaction(async |conn| {
        // The article is locked by its id, because another one can have got the slug meanwhile.
        let locked = locked(conn, writer.principal(), Action::Edit, &Reference::Id(id), &if_match).await?;
        let present = draft(conn, writer.principal(), locked.id).await?;
        let restoration = Restoration { locked: &locked, present, revision, rendered, input };
        restore_revision::restore(conn, &context, writer.principal(), restoration).await
    })
    .await
    .map(Updated)
}
