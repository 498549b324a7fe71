//! Sessions and their refresh tokens.
//!
//! A session is one sign-in. It ends when its row is deleted, and every token that belongs to it ends with
//! it. Its refresh token can be used once. A second use of a spent token shows that it was copied, and ends
//! the session for thief and owner alike.
//!
//! If several rows are locked, they are locked in this order: editor, session, refresh token.

use std::fmt;

use actix_web::http::header::HeaderValue;
use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{QueryResult, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use crate::{
    auth::{Auth, tokens},
    clock::Clock,
    database::Database,
    error::{ApiError, ApiResult},
    events::{self, Actor, EventType, SubjectType},
    principal::{Principal, Role},
    schema::{editors, refresh_tokens, sessions},
};

/// The time that a session lasts after its last refresh.
pub(crate) const LIFETIME: TimeDelta = TimeDelta::days(30);

/// The time in which a refresh can be repeated, in case its answer was lost.
const GRACE: TimeDelta = TimeDelta::seconds(10);

const PREFIX: &str = "wr_";

/// A refresh token: 256 random bits, written as `wr_` and 43 characters of base64url. Only its SHA-256 is
/// stored.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken([u8; 32]);

impl RefreshToken {
    /// Parses a token as it was sent; `None` if it is malformed.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// Returns the token as it is sent.
    #[must_use]
    pub(crate) fn expose(&self) -> String {
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }

    fn new() -> QueryResult<Self> {
        random().map(Self)
    }

    fn hash(&self) -> Vec<u8> {
        digest(&SHA256, &self.0).as_ref().to_vec()
    }

    /// Returns the token after this one. Only someone who has this token can compute it from the salt.
    fn successor(&self, salt: &[u8]) -> Self {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), salt);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(tag.as_ref());
        Self(bytes)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(..)")
    }
}

fn random() -> QueryResult<[u8; 32]> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|error| diesel::result::Error::QueryBuilderError(error.to_string().into()))?;
    Ok(bytes)
}

/// Returns the editor who sends this `Authorization` header. One SQL statement checks the session, the editor
/// and the role as they are now.
///
/// # Errors
/// `401` with what is wrong if the token is not valid; `503` if the database cannot be reached.
pub(crate) async fn authenticate(
    auth: &Auth,
    database: &Database,
    now: DateTime<Utc>,
    header: &HeaderValue,
) -> ApiResult<Principal> {
    let claims = tokens::verify(&auth.keys, &auth.issuer, now, bearer(header)?)?;
    let mut conn = database.get().await?;
    let role: Option<Role> = sessions::table
        .inner_join(editors::table)
        .filter(sessions::id.eq(claims.sid))
        .filter(sessions::editor_id.eq(claims.sub))
        .filter(sessions::expires_at.gt(now))
        .filter(editors::active)
        .select(editors::role)
        .first(&mut conn)
        .await
        .optional()?;
    role.map(|role| Principal { editor_id: claims.sub, session_id: claims.sid, role })
        .ok_or_else(|| ApiError::unauthenticated("The access token's session has ended; sign in again."))
}

/// Returns the token of `Bearer <token>`, with one space or more between them (RFC 6750, section 2.1; RFC
/// 9110, section 11.4).
fn bearer(header: &HeaderValue) -> ApiResult<&str> {
    let parts = header.to_str().ok().and_then(|text| text.split_once(' '));
    match parts.map(|(scheme, rest)| (scheme, rest.trim_start_matches(' '))) {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty() && !token.contains(' ') =>
        {
            Ok(token)
        }
        _ => Err(ApiError::unauthenticated("The Authorization header is not `Bearer <access token>`.")),
    }
}

/// Starts a session, and deletes the editor's expired ones. Call it in a transaction.
pub(crate) async fn start(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    request_id: &str,
    (editor_id, role): (Uuid, Role),
) -> QueryResult<(Principal, RefreshToken)> {
    let expired = sessions::editor_id.eq(editor_id).and(sessions::expires_at.le(now));
    diesel::delete(sessions::table.filter(expired)).execute(conn).await?;
    let principal = Principal { editor_id, session_id: clock.new_id(), role };
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(principal.session_id),
            sessions::editor_id.eq(editor_id),
            sessions::created_at.eq(now),
            sessions::expires_at.eq(now + LIFETIME),
        ))
        .execute(conn)
        .await?;
    let token = RefreshToken::new()?;
    insert(conn, now, principal.session_id, &token).await?;
    record(conn, clock, now, &principal.actor(request_id), EventType::SessionStarted, &principal).await?;
    Ok((principal, token))
}

/// Ends a session. Call it in a transaction.
pub(crate) async fn end(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    request_id: &str,
    principal: &Principal,
) -> QueryResult<()> {
    let ended = diesel::delete(sessions::table.find(principal.session_id)).execute(conn).await?;
    // Another request can have ended it meanwhile, and recorded that.
    if ended == 0 {
        return Ok(());
    }
    record(conn, clock, now, &principal.actor(request_id), EventType::SessionEnded, principal).await
}

/// Ends all sessions of an editor except `kept`. The caller records the reason.
pub(crate) async fn end_all(
    conn: &mut AsyncPgConnection,
    editor_id: Uuid,
    kept: Option<Uuid>,
) -> QueryResult<()> {
    let others = sessions::editor_id.eq(editor_id).and(sessions::id.ne(kept.unwrap_or_default()));
    diesel::delete(sessions::table.filter(others)).execute(conn).await.map(drop)
}

/// Exchanges a refresh token for the one after it. Returns `None` if the token is not valid, or no longer; a
/// spent one ends its session. Call it in a transaction, and commit either way.
pub(crate) async fn refresh(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    request_id: &str,
    token: &RefreshToken,
) -> QueryResult<Option<(Principal, RefreshToken)>> {
    let hash = token.hash();
    let Some(principal) = lock(conn, now, &hash).await? else {
        return Ok(None);
    };
    let (spent_at, salt): (Option<DateTime<Utc>>, Option<Vec<u8>>) = refresh_tokens::table
        .find(&hash)
        .select((refresh_tokens::spent_at, refresh_tokens::successor_salt))
        .first(conn)
        .await?;
    if let (Some(spent_at), Some(salt)) = (spent_at, salt) {
        let successor = token.successor(&salt);
        if now - spent_at <= GRACE && is_unspent(conn, &successor).await? {
            return Ok(Some((principal, successor)));
        }
        diesel::delete(sessions::table.find(principal.session_id)).execute(conn).await?;
        let stranger = Actor { editor_id: None, request_id: Some(request_id.to_owned()) };
        record(conn, clock, now, &stranger, EventType::SessionReuseDetected, &principal).await?;
        return Ok(None);
    }
    let salt = random()?;
    let successor = token.successor(&salt);
    diesel::update(refresh_tokens::table.find(&hash))
        .set((
            refresh_tokens::spent_at.eq(Some(now)),
            refresh_tokens::successor_salt.eq(Some(salt.as_slice())),
        ))
        .execute(conn)
        .await?;
    insert(conn, now, principal.session_id, &successor).await?;
    diesel::update(sessions::table.find(principal.session_id))
        .set(sessions::expires_at.eq(now + LIFETIME))
        .execute(conn)
        .await?;
    forget(conn, now, principal.session_id).await?;
    Ok(Some((principal, successor)))
}

/// Returns the editor whose token it is, and locks its session: changes to the tokens of one session happen
/// one after the other.
async fn lock(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    hash: &[u8],
) -> QueryResult<Option<Principal>> {
    let session_id =
        refresh_tokens::table.filter(refresh_tokens::token_hash.eq(hash)).select(refresh_tokens::session_id);
    let session: Option<(Uuid, Uuid)> = sessions::table
        .filter(sessions::id.eq_any(session_id))
        .filter(sessions::expires_at.gt(now))
        .select((sessions::id, sessions::editor_id))
        .for_update()
        .first(conn)
        .await
        .optional()?;
    let Some((session_id, editor_id)) = session else {
        return Ok(None);
    };
    let role: Option<Role> = editors::table
        .find(editor_id)
        .filter(editors::active)
        .select(editors::role)
        .first(conn)
        .await
        .optional()?;
    Ok(role.map(|role| Principal { editor_id, session_id, role }))
}

async fn is_unspent(conn: &mut AsyncPgConnection, token: &RefreshToken) -> QueryResult<bool> {
    let unspent = refresh_tokens::table.find(token.hash()).filter(refresh_tokens::spent_at.is_null());
    diesel::select(diesel::dsl::exists(unspent)).get_result(conn).await
}

async fn insert(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    session_id: Uuid,
    token: &RefreshToken,
) -> QueryResult<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::token_hash.eq(token.hash()),
            refresh_tokens::session_id.eq(session_id),
            refresh_tokens::created_at.eq(now),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// Deletes the tokens that were spent so long ago that a session without a refresh would have ended since.
/// Otherwise the rows of a session that goes on for years would pile up.
async fn forget(conn: &mut AsyncPgConnection, now: DateTime<Utc>, session_id: Uuid) -> QueryResult<()> {
    let old =
        refresh_tokens::session_id.eq(session_id).and(refresh_tokens::spent_at.lt(Some(now - LIFETIME)));
    diesel::delete(refresh_tokens::table.filter(old)).execute(conn).await.map(drop)
}

async fn record(
    conn: &mut AsyncPgConnection,
    clock: &Clock,
    now: DateTime<Utc>,
    actor: &Actor,
    kind: EventType,
    principal: &Principal,
) -> QueryResult<()> {
    let details = json!({"session_id": principal.session_id});
    events::record(conn, clock, now, actor, kind, (SubjectType::Editor, principal.editor_id), details).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_is_read_as_it_was_written() {
        let token = RefreshToken::new().unwrap();
        let text = token.expose();
        assert_eq!(text.len(), 46);
        assert_eq!(RefreshToken::parse(&text), Some(token.clone()));
        for broken in ["", "wr_", &text[3..], &text[..45], &format!("{text}A"), &text.replace("wr_", "WR_")] {
            assert_eq!(RefreshToken::parse(broken), None, "{broken}");
        }
        assert!(!format!("{token:?}").contains(&text[3..]));
    }

    #[test]
    fn a_successor_follows_from_its_token_and_salt() {
        let (one, other) = (RefreshToken::new().unwrap(), RefreshToken::new().unwrap());
        assert_eq!(one.successor(b"salt"), one.successor(b"salt"));
        assert_ne!(one.successor(b"salt"), one.successor(b"pepper"));
        assert_ne!(one.successor(b"salt"), other.successor(b"salt"));
    }

    #[test]
    fn only_a_bearer_token_is_taken() {
        let bearer = |text: &'static str| {
            let header = HeaderValue::from_static(text);
            bearer(&header).map(str::to_owned).ok()
        };
        assert_eq!(bearer("Bearer a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(bearer("bEARER a").as_deref(), Some("a"));
        assert_eq!(bearer("Bearer   a.b.c").as_deref(), Some("a.b.c"));
        for text in
            ["", "Bearer", "Bearer ", "Bearer  ", "Basic a", "Bearer a b", "Bearera", "a.b.c", "Bearer, a"]
        {
            assert_eq!(bearer(text), None, "{text:?}");
        }
    }
}
