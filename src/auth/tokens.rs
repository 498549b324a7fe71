//! Access tokens: JWTs by the profile of RFC 9068, verified as RFC 8725 demands.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    auth::keys::Keys,
    error::{ApiError, ApiResult},
    principal::Principal,
};

/// The time that an access token is valid, in seconds.
pub(crate) const LIFETIME: i64 = 15 * 60;

const AUDIENCE: &str = "warta";
const TYPE: &str = "at+jwt";

/// The claims of an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    /// The id of the editor.
    pub(super) sub: Uuid,
    /// The id of the session.
    pub(super) sid: Uuid,
    /// The role at the time of issue, for clients to read. The role in the database decides what an editor
    /// can do. Any word is taken, so that a token from before a role got another name is good until it
    /// expires.
    pub(super) role: Cow<'static, str>,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) jti: Uuid,
}

/// Makes an access token for a session. `id` is the token's own id.
///
/// # Errors
/// `500` if the token cannot be signed.
pub(super) fn issue(
    keys: &Keys,
    issuer: &str,
    id: Uuid,
    now: DateTime<Utc>,
    principal: &Principal,
) -> ApiResult<String> {
    let iat = now.timestamp();
    sealed(
        keys,
        TYPE,
        &Claims {
            iss: issuer.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: principal.editor_id,
            sid: principal.session_id,
            role: principal.role.as_str().into(),
            iat,
            exp: iat + LIFETIME,
            jti: id,
        },
    )
}

/// Makes a signed token of this type with these claims.
pub(super) fn sealed(keys: &Keys, r#type: &str, claims: &impl Serialize) -> ApiResult<String> {
    let (kid, key) = keys.signing();
    let header =
        Header { typ: Some(r#type.to_owned()), kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, claims, key).map_err(ApiError::internal)
}

/// Returns the claims of a token of this type for this audience; `None` if it is not such a token, or not
/// ours. The caller has to check its times.
pub(super) fn opened<C: DeserializeOwned>(
    keys: &Keys,
    issuer: &str,
    (r#type, audience): (&str, &str),
    token: &str,
) -> Option<C> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    // We understand no extension that must be understood (RFC 7515, section 4.1.11).
    if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(r#type) || header.crit.is_some() {
        return None;
    }
    // The key comes from our file alone: everything that the header says of keys, except the id, is ignored.
    let key = keys.verifying(&header.kid?)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    // The library asks the machine for the time; callers compare with the process's clock.
    validation.validate_exp = false;
    jsonwebtoken::decode::<C>(token, key, &validation).ok().map(|decoded| decoded.claims)
}

/// Returns the claims of a valid token. The caller has to check that its session still exists.
///
/// # Errors
/// `401` with what is wrong if the token is not valid.
pub(super) fn verify(keys: &Keys, issuer: &str, now: DateTime<Utc>, token: &str) -> ApiResult<Claims> {
    let malformed = |_| ApiError::unauthenticated("The access token is malformed.");
    let foreign = || ApiError::unauthenticated("The access token was not issued by this service.");
    jsonwebtoken::decode_header(token).map_err(malformed)?;
    let claims: Claims = opened(keys, issuer, (TYPE, AUDIENCE), token).ok_or_else(foreign)?;
    if claims.exp <= now.timestamp() || claims.exp - claims.iat > LIFETIME {
        return Err(ApiError::unauthenticated("The access token has expired; refresh it or sign in again."));
    }
    // The clocks of instances can differ by a little.
    if claims.iat > (now + TimeDelta::seconds(60)).timestamp() {
        return Err(foreign());
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use jsonwebtoken::EncodingKey;
    use serde_json::{Value, json};

    use super::*;
    use crate::{clock::Clock, principal::Role};

    const ISSUER: &str = "warta";

    struct Setting {
        _folder: tempfile::TempDir,
        keys: Keys,
        now: DateTime<Utc>,
        principal: Principal,
        token: String,
    }

    fn setting() -> Setting {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::load_or_create(&folder.path().join("key.pem")).unwrap();
        let clock = Clock::default();
        let principal =
            Principal { editor_id: clock.new_id(), session_id: clock.new_id(), role: Role::Editor };
        let now = clock.now();
        let token = issue(&keys, ISSUER, clock.new_id(), now, &principal).unwrap();
        Setting { _folder: folder, keys, now, principal, token }
    }

    impl Setting {
        fn verify(&self, token: &str) -> ApiResult<Claims> {
            verify(&self.keys, ISSUER, self.now, token)
        }

        fn claims(&self) -> Claims {
            self.verify(&self.token).unwrap()
        }

        /// A token with this header, signed with our own key.
        fn with_header(&self, change: impl FnOnce(&mut Header)) -> String {
            let (kid, key) = self.keys.signing();
            let mut header = Header::new(Algorithm::EdDSA);
            header.typ = Some(TYPE.to_owned());
            header.kid = Some(kid.to_owned());
            change(&mut header);
            jsonwebtoken::encode(&header, &self.claims(), key).unwrap()
        }

        fn with_claims(&self, change: impl FnOnce(&mut Claims)) -> String {
            let mut claims = self.claims();
            change(&mut claims);
            sealed(&self.keys, TYPE, &claims).unwrap()
        }
    }

    fn part(value: &Value) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
    }

    #[test]
    fn a_token_says_whose_it_is_until_it_expires() {
        let setting = setting();
        let claims = setting.claims();
        assert_eq!((claims.sub, claims.sid), (setting.principal.editor_id, setting.principal.session_id));
        assert_eq!(claims.exp - claims.iat, LIFETIME);
        let at = |seconds| {
            verify(&setting.keys, ISSUER, setting.now + TimeDelta::seconds(seconds), &setting.token)
        };
        assert!(at(LIFETIME - 1).is_ok());
        assert!(at(LIFETIME).unwrap_err().to_string().contains("expired"));
        assert!(at(-120).is_err());
        let header = jsonwebtoken::decode_header(&setting.token).unwrap();
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        assert_eq!(header.kid.as_deref(), Some(setting.keys.signing().0));
    }

    #[test]
    fn other_algorithms_are_refused() {
        let setting = setting();
        let jwk = &setting.keys.jwks().keys[0];
        let body = setting.token.split('.').nth(1).unwrap();
        for alg in ["none", "None", "HS256", "ES256", ""] {
            let header = part(&json!({"alg": alg, "typ": TYPE, "kid": jwk.kid}));
            assert!(setting.verify(&format!("{header}.{body}.")).is_err(), "{alg}");
        }
        // The public key, known to all, taken for the secret of a symmetric algorithm.
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(jwk.kid.clone());
        let public = BASE64_URL_SAFE_NO_PAD.decode(&jwk.x).unwrap();
        for secret in [public.as_slice(), jwk.x.as_bytes()] {
            let key = EncodingKey::from_secret(secret);
            let token = jsonwebtoken::encode(&header, &setting.claims(), &key).unwrap();
            assert!(setting.verify(&token).is_err());
        }
    }

    #[test]
    fn headers_that_are_not_ours_are_refused() {
        let setting = setting();
        assert!(setting.verify(&setting.with_header(|_| {})).is_ok());
        assert!(setting.verify(&setting.with_header(|header| header.typ = None)).is_err());
        assert!(setting.verify(&setting.with_header(|header| header.typ = Some("JWT".to_owned()))).is_err());
        assert!(setting.verify(&setting.with_header(|header| header.kid = None)).is_err());
        assert!(setting.verify(&setting.with_header(|header| header.kid = Some("x".to_owned()))).is_err());
        assert!(setting.verify(&setting.with_header(|header| header.crit = Some(Vec::new()))).is_err());
    }

    #[test]
    fn claims_that_are_not_ours_are_refused() {
        let setting = setting();
        assert!(setting.verify(&setting.with_claims(|_| {})).is_ok());
        assert!(setting.verify(&setting.with_claims(|claims| claims.iss = "other".to_owned())).is_err());
        assert!(setting.verify(&setting.with_claims(|claims| claims.aud = "other".to_owned())).is_err());
        assert!(setting.verify(&setting.with_claims(|claims| claims.exp += 1)).is_err());
        for missing in ["iss", "aud", "sub", "sid", "exp", "iat", "role"] {
            let mut claims = serde_json::to_value(setting.claims()).unwrap();
            claims.as_object_mut().unwrap().remove(missing);
            let (kid, key) = setting.keys.signing();
            let mut header = Header::new(Algorithm::EdDSA);
            (header.typ, header.kid) = (Some(TYPE.to_owned()), Some(kid.to_owned()));
            let token = jsonwebtoken::encode(&header, &claims, key).unwrap();
            assert!(setting.verify(&token).is_err(), "{missing}");
        }
    }

    #[test]
    fn a_role_may_have_had_another_name() {
        let setting = setting();
        assert_eq!(setting.claims().role, "editor");
        assert!(setting.verify(&setting.with_claims(|claims| claims.role = "author".into())).is_ok());
    }

    #[test]
    fn what_was_changed_or_signed_by_others_is_refused() {
        let (setting, other) = (setting(), setting());
        let parts: Vec<_> = setting.token.split('.').collect();
        let mut claims = serde_json::to_value(setting.claims()).unwrap();
        claims["role"] = json!("admin");
        let forged = part(&claims);
        let swapped = other.token.rsplit('.').next().unwrap();
        for token in [
            format!("{}.{forged}.{}", parts[0], parts[2]),
            format!("{}.{}.{swapped}", parts[0], parts[1]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{}.x", setting.token),
            other.token.clone(),
            String::new(),
            "..".to_owned(),
        ] {
            assert!(setting.verify(&token).is_err(), "{token}");
        }
        let stolen_kid = jsonwebtoken::decode_header(&setting.token).unwrap().kid;
        let forged = other.with_header(|header| header.kid = stolen_kid);
        assert!(setting.verify(&forged).is_err());
    }
}
