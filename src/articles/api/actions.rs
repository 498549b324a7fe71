//! The HTTP routes of the actions on articles. The actions are those of the state machine in
//! [`crate::articles::model::state`].

use actix_web::{post, web::Path};
use diesel_async::AsyncConnection;

use crate::{
    articles::{
        model::{
            article::Article,
            input::{PublishInput, RetractInput},
            publish_gate,
        },
        workflow::{
            access::{draft, locked},
            transition::{self, Transition},
        },
    },
    auth::{Editor, Writer},
    context::Context,
    error::{ApiError, ApiResult, ProblemType},
    http::{
        body::{NoBody, OptionalBody},
        conditional::IfMatch,
        query::NoQuery,
        reply::Updated,
    },
    principal::{Principal, Role},
    values::Reference,
};

/// Hand an article in for review
///
/// The article's status becomes `in_review`. Editing the draft returns it to `draft`.
#[utoipa::path(
    operation_id = "submit_article", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path)),
    responses(
        (status = 200, description = "The draft, in review.", body = Article),
        (status = 403, description = "Writers can do this only to their own articles, and only before they are first published."),
        (status = 409, description = "Not possible in the present state.", extensions(("x-problems" = json!([ProblemType::NotAllowedInState])))),
        (status = 412, description = "If-Match does not name the current draft."),
    ),
)]
#[post("/v1/articles/{article}/submit")]
pub(crate) async fn submit(
    writer: Writer,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
    _: NoBody,
) -> ApiResult<Updated<Article>> {
    act(&context, writer.principal(), &reference, &if_match, Transition::Submit).await
}

/// Publish an article
///
/// Copies the draft to the live edition, at once or, if `at` is in the future, at that time. Publishing an
/// article without changes succeeds and does nothing. If the newsroom requires citations or review, they are
/// checked now, even for a time in the future. If it requires review, `If-Match` has to name the draft that
/// was reviewed, unless an admin overrides that.
///
/// If a scheduled article can no longer be published when its time comes, it becomes a draft again. If the
/// editor who scheduled it may no longer publish when its time comes, it stays scheduled (`schedule_held_at`)
/// and waits for somebody who may.
#[utoipa::path(
    operation_id = "publish_article", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path)),
    request_body = Option<PublishInput>,
    responses(
        (status = 200, description = "The draft, now published or scheduled.", body = Article),
        (status = 403, description = "Only editors and admins may do this, and only admins with `override`."),
        (status = 409, description = "Not possible in the present state, or while readers see another article of the story in its language.", extensions(("x-problems" = json!([ProblemType::NotAllowedInState])))),
        (status = 412, description = "If-Match does not name the current draft."),
        (status = 428, description = "The newsroom asks for review, and If-Match names no draft."),
        (
            status = 422,
            description = "The story lacks what the newsroom asks for: `citation_required`, `review_required`; an admin may \
                           override it. Or the body is invalid.",
            extensions(("x-problems" = json!([ProblemType::PublishGate, ProblemType::InvalidBody]))),
        ),
    ),
)]
#[post("/v1/articles/{article}/publish")]
pub(crate) async fn publish(
    editor: Editor,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
    OptionalBody(input): OptionalBody<PublishInput>,
) -> ApiResult<Updated<Article>> {
    if input.overrides && editor.principal().role != Role::Admin {
        return Err(ApiError::forbidden("Only an admin may override what the newsroom asks for."));
    }
    if !input.overrides {
        publish_gate::require_reviewed_state(context.policy, &if_match)?;
    }
    let override_reason = input.override_reason.map(String::from);
    let transition = match input.at {
        Some(at) if at.0 > context.now() => Transition::Schedule { at: at.0, override_reason },
        at => Transition::Publish { at: at.map(|at| at.0), override_reason },
    };
    act(&context, editor.principal(), &reference, &if_match, transition).await
}

/// Cancel an article's schedule
///
/// The article becomes a draft again.
#[utoipa::path(
    operation_id = "unschedule_article", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path)),
    responses(
        (status = 200, description = "The draft.", body = Article),
        (status = 403, description = "Only editors and admins may do this."),
        (status = 409, description = "Not possible in the present state.", extensions(("x-problems" = json!([ProblemType::NotAllowedInState])))),
        (status = 412, description = "If-Match does not name the current draft."),
    ),
)]
#[post("/v1/articles/{article}/unschedule")]
pub(crate) async fn unschedule(
    editor: Editor,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
    _: NoBody,
) -> ApiResult<Updated<Article>> {
    act(&context, editor.principal(), &reference, &if_match, Transition::Unschedule).await
}

/// Unpublish an article
///
/// Takes the live edition away from readers. The draft stays.
#[utoipa::path(
    operation_id = "unpublish_article", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path)),
    responses(
        (status = 200, description = "The draft.", body = Article),
        (status = 403, description = "Only editors and admins may do this."),
        (status = 409, description = "Not possible in the present state: the article is not published.", extensions(("x-problems" = json!([ProblemType::NotAllowedInState])))),
        (status = 412, description = "If-Match does not name the current draft."),
    ),
)]
#[post("/v1/articles/{article}/unpublish")]
pub(crate) async fn unpublish(
    editor: Editor,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
    _: NoBody,
) -> ApiResult<Updated<Article>> {
    act(&context, editor.principal(), &reference, &if_match, Transition::Unpublish).await
}

/// Retract an article
///
/// Takes the story back for good. Readers who ask for it are told the reason and the time (`410`), and lists
/// leave it out. Editors can still read it.
#[utoipa::path(
    operation_id = "retract_article", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path)),
    request_body = RetractInput,
    responses(
        (status = 200, description = "The draft of the retracted article.", body = Article),
        (status = 403, description = "Only editors and admins may do this."),
        (status = 409, description = "Not possible in the present state.", extensions(("x-problems" = json!([ProblemType::NotAllowedInState])))),
        (status = 412, description = "If-Match does not name the current draft."),
    ),
)]
#[post("/v1/articles/{article}/retract")]
pub(crate) async fn retract(
    editor: Editor,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
    // If there is no body, the reason is what is missing.
    OptionalBody(input): OptionalBody<RetractInput>,
) -> ApiResult<Updated<Article>> {
    let reason = input.reason.into();
    act(&context, editor.principal(), &reference, &if_match, Transition::Retract { reason }).await
}

/// Restore an article from the trash
///
/// The article comes back as a draft that readers do not see.
#[utoipa::path(
    operation_id = "restore_article", tag = "articles", security(("token" = [])),
    params(("article" = Reference, Path)),
    responses(
        (status = 200, description = "The draft.", body = Article),
        (status = 403, description = "Only editors and admins may do this."),
        (status = 409, description = "Not possible in the present state: the article is not in the trash, or its story has another article in its language by now.", extensions(("x-problems" = json!([ProblemType::NotAllowedInState])))),
        (status = 412, description = "If-Match does not name the current draft."),
    ),
)]
#[post("/v1/articles/{article}/restore")]
pub(crate) async fn restore(
    editor: Editor,
    reference: Path<Reference>,
    _: NoQuery,
    if_match: IfMatch,
    context: Context,
    _: NoBody,
) -> ApiResult<Updated<Article>> {
    act(&context, editor.principal(), &reference, &if_match, Transition::Restore).await
}

/// Performs one transition of an article in one transaction, with the lock, the checks and the event, and
/// returns the draft as it is then.
async fn act(
    context: &Context,
    principal: Principal,
    reference: &Reference,
    if_match: &IfMatch,
    transition: Transition,
) -> ApiResult<Updated<Article>> {
    let mut conn = context.database.get().await?;
    conn.transaction(async |conn| {
        let locked = locked(conn, principal, transition.action(), reference, if_match).await?;
        transition::perform(conn, context, principal, &locked, &transition).await?;
        draft(conn, principal, locked.id).await
    })
    .await
    .map(Updated)
}
