//! The HTTP routes of an article's corrections.

use actix_web::{Either, get, post, web::Path};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use serde_json::json;

use crate::{
    articles::{
        api::not_live::{MovedArticle, no_part, of, seen},
        model::{
            correction::{Correction, CorrectionInput, MAX_CORRECTIONS},
            state::{Action, refused},
        },
        store::{self, Locked},
        workflow::access::locked,
    },
    auth::{Editor, Viewer},
    context::Context,
    error::{ApiResult, ProblemType},
    events::{EventType, SubjectType},
    http::{
        body::{Body, PARAGRAPHS},
        conditional::IfMatch,
        query::{NoQuery, Query},
        reply::{Created, Found},
    },
    pagination::{Page, PageQuery},
    principal::Principal,
    surrogate::Cacheable,
    values::{Reference, reference::Id},
};

/// Correct an article
///
/// Tells readers what was set right in a story that they see. The correction is public at once and never
/// changes. An article can have at most 100. The draft stays as it is: edit and publish it to set the text
/// itself right.
#[utoipa::path(
    operation_id = "create_correction", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path)),
    request_body = CorrectionInput,
    responses(
        (status = 201, description = "The correction.", body = Correction),
        (status = 403, description = "Only editors and admins may do this."),
        (status = 409, description = "Not possible in the present state: readers do not see the article, or it has 100 corrections.", extensions(("x-problems" = json!([ProblemType::NotAllowedInState])))),
        (status = 412, description = "If-Match does not name the current draft."),
    ),
)]
#[post("/v1/articles/{article}/corrections")]
pub(crate) async fn create(
    editor: Editor,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
    Body(input): Body<CorrectionInput, PARAGRAPHS>,
) -> ApiResult<Created<Correction>> {
    let mut conn = context.database.get().await?;
    conn.transaction(async |conn| {
        let locked = locked(conn, editor.principal(), Action::Correct, &reference, &if_match).await?;
        let correction = correct(conn, &context, editor.principal(), &locked, input).await?;
        let location = format!("/v1/articles/{}/corrections/{}", locked.id, correction.id);
        Ok(Created { location, value: correction })
    })
    .await
}

/// Adds a correction to a locked article, and sets the time at which the live edition was last changed. The
/// draft stays as it is, and so does the ETag that `If-Match` names.
async fn correct(
    conn: &mut AsyncPgConnection,
    context: &Context,
    principal: Principal,
    locked: &Locked,
    input: CorrectionInput,
) -> ApiResult<Correction> {
    if store::count_corrections(conn, locked.id).await? >= MAX_CORRECTIONS {
        let detail = format!("The article has {MAX_CORRECTIONS} corrections, and cannot have more.");
        return Err(refused(Action::Correct, &locked.standing, detail));
    }
    let created_at = store::touch_live(conn, locked.id, context.now()).await?;
    let id = context.clock.new_id();
    let correction = Correction { id, kind: input.kind, text: input.text.into(), created_at };
    store::insert_correction(conn, locked.id, &correction).await?;
    let details = json!({"correction_id": id, "kind": correction.kind});
    context
        .record(conn, principal, EventType::ArticleCorrected, (SubjectType::Article, locked.id), details)
        .await?;
    Ok(correction)
}

/// List the corrections of an article
///
/// Lists what was set right since readers first saw the article, oldest first. The article's JSON contains
/// the corrections too.
#[utoipa::path(
    operation_id = "list_corrections", tag = "articles", security((), ("token" = [])),
    params(("article" = Reference, Path), PageQuery),
    responses(
        (status = 200, description = "A page of corrections.", body = Page<Correction>),
        (status = 308, description = "The article has another slug now."),
        (status = 410, description = "The story was retracted. `reason` says why, `retracted_at` when."),
    ),
)]
#[get("/v1/articles/{article}/corrections")]
pub(crate) async fn list(
    viewer: Viewer,
    reference: Path<Reference>,
    query: Query<PageQuery>,
    context: Context,
) -> ApiResult<Either<Cacheable<Found<Page<Correction>>>, MovedArticle>> {
    let Query { value: query, fingerprint } = query;
    let mut page = context.cursor_key.open_page(&query, &fingerprint)?;
    let mut conn = context.database.get().await?;
    let article = match seen(&mut conn, &viewer, &reference, "corrections").await? {
        Either::Left(id) => id,
        Either::Right(moved) => return Ok(Either::Right(moved)),
    };
    let total = page.total(store::count_corrections(&mut conn, article)).await?;
    let corrections = store::list_corrections(&mut conn, article, page.rows(), page.after()).await?;
    page.of(corrections, total, |correction| (correction.created_at, correction.id))
        .map(|page| Either::Left(of(article, page)))
}

/// Read a correction
///
/// Returns the correction as it was written.
#[utoipa::path(
    operation_id = "read_correction", tag = "articles", security((), ("token" = [])),
    params(("article" = Reference, Path), ("id" = Uuid, Path, description = "The correction's id.")),
    responses(
        (status = 200, description = "The correction.", body = Correction),
        (status = 308, description = "The article has another slug now."),
        (status = 410, description = "The story was retracted. `reason` says why, `retracted_at` when."),
    ),
)]
#[get("/v1/articles/{article}/corrections/{id}")]
pub(crate) async fn read(
    viewer: Viewer,
    path: Path<(Reference, Id)>,
    _: NoQuery,
    context: Context,
) -> ApiResult<Either<Cacheable<Found<Correction>>, MovedArticle>> {
    let (reference, Id(id)) = path.into_inner();
    let mut conn = context.database.get().await?;
    match seen(&mut conn, &viewer, &reference, &format!("corrections/{id}")).await? {
        Either::Left(article) => Ok(Either::Left(of(
            article,
            store::find_correction(&mut conn, article, id).await.map_err(no_part(article))?,
        ))),
        Either::Right(moved) => Ok(Either::Right(moved)),
    }
}
