//! Editors over HTTP.

use actix_web::{get, patch, post, web, web::Path};
use diesel_async::AsyncConnection;
use uuid::Uuid;

use super::{Changes, Editor, EditorInput, EditorPatch, ProfilePatch, store, workflow};
use crate::{
    auth::{
        Admin, Auth, Writer, accounts, address::ClientAddress, proof::Proof, secret::Password, turns::Place,
    },
    context::Context,
    error::{ApiError, ApiResult, Problem, ProblemType},
    faults::Invalid,
    http::{
        body::Body,
        conditional::IfMatch,
        query::{NoQuery, Query},
        reply::{Created, Found, Updated, require_match},
    },
    pagination::{Page, PageQuery, TextPosition},
    principal::Principal,
    values::reference::Id,
};

/// List editors
///
/// Everyone with an account, in the order of their names.
#[utoipa::path(
    operation_id = "list_editors", tag = "editors", security(("token" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of editors.", body = Page<Editor>),
        (status = 403, description = "Only admins may do this."),
    ),
)]
#[get("/v1/editors")]
pub(crate) async fn list(
    _: Admin,
    query: Query<PageQuery>,
    context: Context,
) -> ApiResult<Found<Page<Editor>>> {
    let Query { value: query, fingerprint } = query;
    let mut page = context.cursor_key.open_page(&query, &fingerprint)?;
    let mut conn = context.database.get().await?;
    let total = page.total(store::count(&mut conn)).await?;
    let editors = store::list(&mut conn, page.rows(), page.after()).await?;
    page.of(editors, total, |editor| TextPosition { text: editor.name.clone(), id: editor.id }).map(Found)
}

/// Create an editor
///
/// The account is active at once.
#[utoipa::path(
    operation_id = "create_editor", tag = "editors", security(("token" = [])),
    request_body = EditorInput,
    responses(
        (status = 201, description = "The new editor.", body = Editor),
        (status = 403, description = "Only admins may do this."),
        (status = 409, description = "The email is taken.", extensions(("x-problems" = json!([ProblemType::EmailTaken]))),
         body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/editors")]
pub(crate) async fn create(
    admin: Admin,
    _: NoQuery,
    auth: web::Data<Auth>,
    context: Context,
    Body(input): Body<EditorInput>,
) -> ApiResult<Created<Editor>> {
    let EditorInput { email, name, role, password } = input;
    check_personal(&context, &password, [&email, &name])?;
    let password_hash = auth.passwords.hash(Place::of_editor(admin.principal().editor_id), &password).await?;
    let new = store::NewEditor { email, name, role, password_hash };
    let actor = admin.principal().actor(&context.request_id);
    let mut conn = context.database.get().await?;
    let editor = workflow::create(&mut conn, &context.clock, context.now(), &actor, new).await?;
    Ok(Created { location: format!("/v1/editors/{}", editor.id), value: editor })
}

/// Read an editor
///
/// Their account, never their password.
#[utoipa::path(
    operation_id = "read_editor", tag = "editors", security(("token" = [])),
    params(("id" = Uuid, Path, description = "The editor's id.")),
    responses(
        (status = 200, description = "The editor.", body = Editor),
        (status = 403, description = "Only admins may do this."),
    ),
)]
#[get("/v1/editors/{id}")]
pub(crate) async fn read(_: Admin, id: Path<Id>, _: NoQuery, context: Context) -> ApiResult<Found<Editor>> {
    let mut conn = context.database.get().await?;
    Ok(Found(store::find(&mut conn, id.0).await?))
}

/// Change an editor
///
/// A new role holds from the editor's next request on. A new password, and `active: false`, end their
/// sessions. The last active admin can be neither demoted nor disabled.
#[utoipa::path(
    operation_id = "update_editor", tag = "editors", security(("token" = [])),
    params(("id" = Uuid, Path, description = "The editor's id.")),
    request_body(content((EditorPatch = "application/merge-patch+json"), (EditorPatch = "application/json"))),
    responses(
        (status = 200, description = "The changed editor.", body = Editor),
        (status = 403, description = "Only admins may do this."),
        (status = 409, description = "The email is taken, or this is the last admin.", extensions(("x-problems" = json!([ProblemType::EmailTaken, ProblemType::LastAdmin]))),
         body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "If-Match does not name the current state.",
         body = Problem, content_type = "application/problem+json"),
    ),
)]
#[patch("/v1/editors/{id}")]
pub(crate) async fn update(
    admin: Admin,
    id: Path<Id>,
    _: NoQuery,
    if_match: IfMatch,
    auth: web::Data<Auth>,
    context: Context,
    Body(patch): Body<EditorPatch>,
) -> ApiResult<Updated<Editor>> {
    // Hashed before anything is locked.
    let password_hash = match &patch.password.0 {
        Some(password) => {
            let present = {
                let mut conn = context.database.get().await?;
                store::find(&mut conn, id.0).await?
            };
            let (email, name) = (patch.email.0.as_deref(), patch.name.0.as_deref());
            let known = [email.unwrap_or(&present.email), name.unwrap_or(&present.name)];
            check_personal(&context, password, known)?;
            Some(auth.passwords.hash(Place::of_editor(admin.principal().editor_id), password).await?)
        }
        None => None,
    };
    let changes = Changes {
        email: patch.email.0.map(Into::into),
        name: patch.name.0.map(Into::into),
        role: patch.role.0,
        active: patch.active.0,
    };
    change(&context, admin.principal(), id.0, &if_match, (changes, password_hash), None).await
}

fn check_personal(context: &Context, password: &Password, known: [&str; 2]) -> ApiResult<()> {
    let known = known.into_iter().chain(context.site.words());
    password.check_personal(known).map_err(|invalid| ApiError::invalid_at("/password", invalid))
}

/// Read one's own account
///
/// Who is signed in, and with which role.
#[utoipa::path(
    operation_id = "read_me", tag = "sign-in", security(("token" = [])),
    responses((status = 200, description = "The signed-in editor.", body = Editor)),
)]
#[get("/v1/me")]
pub(crate) async fn read_me(writer: Writer, _: NoQuery, context: Context) -> ApiResult<Found<Editor>> {
    let mut conn = context.database.get().await?;
    Ok(Found(store::find(&mut conn, writer.principal().editor_id).await?))
}

/// Change one's own account
///
/// A new email takes the present password in `current_password`, whose guesses are slowed down as for a
/// change of the password, which is made with `PUT /v1/me/password`. The role is the admins' to change.
#[utoipa::path(
    operation_id = "update_me", tag = "sign-in", security(("token" = [])),
    request_body(content((ProfilePatch = "application/merge-patch+json"), (ProfilePatch = "application/json"))),
    responses(
        (status = 200, description = "The changed account.", body = Editor),
        (status = 409, description = "The email is taken.", extensions(("x-problems" = json!([ProblemType::EmailTaken]))),
         body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "If-Match does not name the current state.",
         body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many failures in this session.",
         body = Problem, content_type = "application/problem+json"),
    ),
)]
#[patch("/v1/me")]
pub(crate) async fn update_me(
    writer: Writer,
    _: NoQuery,
    if_match: IfMatch,
    auth: web::Data<Auth>,
    context: Context,
    address: ClientAddress,
    Body(patch): Body<ProfilePatch>,
) -> ApiResult<Updated<Editor>> {
    let proof = match (&patch.email.0, &patch.current_password.0) {
        (None, None) => None,
        (email, password) => {
            let account = {
                let mut conn = context.database.get().await?;
                // What will not be done takes no attempt.
                require_match(&if_match, &store::find(&mut conn, writer.principal().editor_id).await?)?;
                accounts::find(&mut conn, writer.principal().editor_id).await?
            };
            let changes = email.as_ref().is_some_and(|email| **email != *account.email);
            match password {
                Some(password) => {
                    Some(auth.confirm(&context, address, writer.principal(), account, password).await?)
                }
                // Whoever found a token must not take the name away that its owner signs in with.
                None if changes => {
                    let invalid = Invalid::new("required", "A new email takes the present password.");
                    return Err(ApiError::invalid_at("/current_password", invalid));
                }
                None => None,
            }
        }
    };
    change(&context, writer.principal(), writer.principal().editor_id, &if_match, (patch.into(), None), proof)
        .await
}

async fn change(
    context: &Context,
    by: Principal,
    id: Uuid,
    if_match: &IfMatch,
    what: (Changes, Option<String>),
    proof: Option<Proof>,
) -> ApiResult<Updated<Editor>> {
    let actor = by.actor(&context.request_id);
    let mut conn = context.database.get().await?;
    conn.transaction(async |conn| {
        let locked = store::lock(conn, id).await?;
        require_match(if_match, &locked.editor)?;
        if let Some(proof) = &proof
            && !proof.hold(conn, context.now()).await?
        {
            return Err(ApiError::new(ProblemType::Conflict, "The password was changed at the same moment."));
        }
        // Whoever sets their own password stays signed in here.
        let kept = Some(by.session_id);
        workflow::update(conn, &context.clock, context.now(), &actor, locked, what, kept).await
    })
    .await
    .map(Updated)
}
