//! The HTTP operations of sign-in: login, refresh, logout, the change of one's password, and the public keys.

use actix_web::{get, post, put, web};
use deserr::Deserr;
use diesel_async::AsyncConnection;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::{
        Auth, Writer, accounts,
        address::ClientAddress,
        email::Email,
        keys::Jwks,
        secret::{GivenPassword, GivenToken, Password},
        sessions::{self, RefreshToken},
        tokens,
        turns::Place,
    },
    context::Context,
    error::{ApiError, ApiResult, Problem, ProblemType},
    faults::Faults,
    http::{
        body::Body,
        query::NoQuery,
        reply::{Found, NoContent, Representation, Updated},
    },
    principal::Principal,
    values::Line,
};

/// The credentials that an editor signs in with.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ayu@example.org", "password": "correct horse battery"}))]
pub(crate) struct Credentials {
    /// The email of the editor, ignoring case.
    #[schema(inline)]
    pub email: Line<1, { Email::MAX }>,
    /// The password of the editor.
    #[schema(inline)]
    pub password: GivenPassword,
}

/// The refresh token to use; it can be used once.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "wr_dGhpcyBpcyBhbiBleGFtcGxlIGFuZCBubyB0b2tlbiE"}))]
pub(crate) struct RefreshInput {
    /// The `refresh_token` from the last answer.
    #[schema(inline)]
    pub refresh_token: GivenToken,
}

/// A change of one's own password.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"current_password": "correct horse battery", "new_password": "a better horse battery"}))]
pub(crate) struct PasswordInput {
    /// The password that the editor has now.
    #[schema(inline)]
    pub current_password: GivenPassword,
    /// The password that replaces it.
    #[schema(inline)]
    pub new_password: Password,
}

/// The tokens of a signed-in editor.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct TokenPair {
    /// The access token: send it as `Authorization: Bearer <access_token>`. It is a JWT, but treat it as an
    /// opaque string.
    pub access_token: String,
    /// The type of the access token: always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// The time for which the access token is valid, in seconds.
    #[schema(minimum = 1, example = 900)]
    pub expires_in: i64,
    /// The refresh token, which can be used once.
    #[schema(example = "wr_dGhpcyBpcyBhbiBleGFtcGxlIGFuZCBubyB0b2tlbiE")]
    pub refresh_token: String,
    /// The time for which the refresh token is valid, in seconds.
    #[schema(minimum = 1, example = 2_592_000)]
    pub refresh_expires_in: i64,
}

impl Representation for TokenPair {}

/// Sign in
///
/// Returns an access token that is valid for 15 minutes and a refresh token that is valid for 30 days. After
/// failures, further attempts are slowed down: strictly for the account from the caller's network, also for
/// the whole network, and more loosely for the account from anywhere. Parallel sign-ins wait for one another.
#[utoipa::path(
    operation_id = "login", tag = "sign-in", security(()),
    request_body = Credentials,
    responses(
        (status = 200, description = "Signed in.", body = TokenPair),
        (status = 401, description = "The email and password do not match an active editor.", extensions(("x-problems" = json!([ProblemType::SignInFailed, ProblemType::Unauthenticated]))),
         body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many failures for this account or from this network.",
         body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/auth/login")]
pub(crate) async fn login(
    _: NoQuery,
    auth: web::Data<Auth>,
    context: Context,
    address: ClientAddress,
    Body(input): Body<Credentials>,
) -> ApiResult<Updated<TokenPair>> {
    let proof = auth.prove(&context, address, &input.email, &input.password).await?;
    let proof = proof.ok_or_else(wrong_credentials)?;
    let mut conn = context.database.get().await?;
    let (principal, token) = conn
        .transaction(async |conn| {
            if !proof.hold(conn, context.now()).await? {
                return Err(wrong_credentials());
            }
            let editor = (proof.account.id, proof.account.role);
            Ok(sessions::start(conn, &context.clock, context.now(), &context.request_id, editor).await?)
        })
        .await?;
    tokens_for(&auth, &context, &principal, &token)
}

fn wrong_credentials() -> ApiError {
    ApiError::new(ProblemType::SignInFailed, "The email and password do not match an active editor.")
}

fn tokens_for(
    auth: &Auth,
    context: &Context,
    principal: &Principal,
    token: &RefreshToken,
) -> ApiResult<Updated<TokenPair>> {
    Ok(Updated(TokenPair {
        access_token: auth.access_token(&context.clock, context.now(), principal)?,
        token_type: "Bearer",
        expires_in: tokens::LIFETIME,
        refresh_token: token.expose(),
        refresh_expires_in: sessions::LIFETIME.num_seconds(),
    }))
}

/// Refresh the tokens
///
/// Exchanges the refresh token for new tokens. If the answer is lost, the same request can be repeated within
/// 10 seconds. Any other use of a refresh token that was used before ends the session, as it shows that the
/// token was copied.
#[utoipa::path(
    operation_id = "refresh", tag = "sign-in", security(()),
    request_body = RefreshInput,
    responses(
        (status = 200, description = "New tokens.", body = TokenPair),
        (status = 401, description = "The refresh token is not valid (any more).", extensions(("x-problems" = json!([ProblemType::SignInFailed, ProblemType::Unauthenticated]))),
         body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/auth/refresh")]
pub(crate) async fn refresh(
    _: NoQuery,
    auth: web::Data<Auth>,
    context: Context,
    Body(input): Body<RefreshInput>,
) -> ApiResult<Updated<TokenPair>> {
    let invalid =
        || ApiError::new(ProblemType::SignInFailed, "The refresh token is not valid; sign in again.");
    let token = RefreshToken::parse(input.refresh_token.expose()).ok_or_else(invalid)?;
    let mut conn = context.database.get().await?;
    let refreshed = conn
        .transaction(async |conn| {
            sessions::refresh(conn, &context.clock, context.now(), &context.request_id, &token).await
        })
        .await?;
    let (principal, token) = refreshed.ok_or_else(invalid)?;
    tokens_for(&auth, &context, &principal, &token)
}

/// Sign out
///
/// Ends the session: its access and refresh tokens are refused from now on.
#[utoipa::path(
    operation_id = "logout", tag = "sign-in", security(("token" = [])),
    responses((status = 204, description = "Signed out.")),
)]
#[post("/v1/auth/logout")]
pub(crate) async fn logout(writer: Writer, _: NoQuery, context: Context) -> ApiResult<NoContent> {
    let mut conn = context.database.get().await?;
    conn.transaction(async |conn| {
        sessions::end(conn, &context.clock, context.now(), &context.request_id, &writer.principal()).await
    })
    .await?;
    Ok(NoContent)
}

/// Change one's own password
///
/// Changes the password, and ends every other session of the editor. After wrong current passwords, further
/// attempts are slowed down, for this session alone. A new password that many people have is refused as
/// `too_common`; one that is made of the editor's or the site's name or email is refused as `too_personal`.
#[utoipa::path(
    operation_id = "change_password", tag = "sign-in", security(("token" = [])),
    request_body = PasswordInput,
    responses(
        (status = 204, description = "The password is changed."),
        (status = 409, description = "The password was changed at the same moment.", extensions(("x-problems" = json!([ProblemType::Conflict]))),
         body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many failures in this session.",
         body = Problem, content_type = "application/problem+json"),
    ),
)]
#[put("/v1/me/password")]
pub(crate) async fn change_password(
    writer: Writer,
    _: NoQuery,
    auth: web::Data<Auth>,
    context: Context,
    address: ClientAddress,
    Body(input): Body<PasswordInput>,
) -> ApiResult<NoContent> {
    let account = {
        let mut conn = context.database.get().await?;
        accounts::find(&mut conn, writer.principal().editor_id).await?
    };
    let known = [&*account.email, &*account.name].into_iter().chain(context.site.words());
    input
        .new_password
        .check_personal(known)
        .map_err(|invalid| ApiError::invalid_at("/new_password", invalid))?;
    let proof = auth.confirm(&context, address, writer.principal(), account, &input.current_password).await?;
    let hash =
        auth.passwords.hash(Place::of_editor(writer.principal().editor_id), &input.new_password).await?;
    let actor = writer.principal().actor(&context.request_id);
    let kept = Some(writer.principal().session_id);
    let mut conn = context.database.get().await?;
    conn.transaction(async |conn| {
        if !proof.hold(conn, context.now()).await? {
            return Err(ApiError::new(ProblemType::Conflict, "The password was changed at the same moment."));
        }
        let id = proof.account.id;
        accounts::set_password(conn, &context.clock, context.now(), &actor, id, &hash, kept).await?;
        Ok(NoContent)
    })
    .await
}

/// Read the public keys
///
/// Returns the keys that verify access tokens (JSON Web Key Set, RFC 7517). During a rotation there are
/// several: choose by `kid`.
#[utoipa::path(
    operation_id = "read_keys", tag = "sign-in", security(()),
    responses((status = 200, description = "The keys.", body = Jwks)),
)]
#[get("/.well-known/jwks.json")]
pub(crate) async fn jwks(_: NoQuery, auth: web::Data<Auth>) -> Found<Jwks> {
    Found(auth.keys.jwks())
}
