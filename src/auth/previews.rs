//! Preview tokens: anyone who has one can read the draft of one article, without an account.
//!
//! They are JWTs like access tokens and are signed with the same keys. So a rotation of the keys ends neither
//! kind, and every instance knows them. Each kind has its own type and audience, and each verifier demands
//! its own (RFC 8725, sections 3.9 and 3.11): neither kind of token passes for the other.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Auth,
    tokens::{opened, sealed},
};
use crate::{error::ApiResult, faults::Invalid, read_from_text, values::FromText};

const AUDIENCE: &str = "warta-preview";
const TYPE: &str = "preview+jwt";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// The id of the article.
    sub: Uuid,
    /// The id of the link.
    jti: Uuid,
    exp: i64,
}

/// A preview token as a client sent it: any text. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PreviewToken(String);

impl FromText for PreviewToken {
    fn from_text(text: String) -> Result<Self, Invalid> {
        Ok(Self(text))
    }
}

read_from_text!(PreviewToken);

impl fmt::Debug for PreviewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PreviewToken(..)")
    }
}

/// The content of a valid preview token. The caller has to check that its link is still good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The id of the preview link.
    pub link_id: Uuid,
    /// The id of the article that it opens.
    pub article_id: Uuid,
}

impl Auth {
    /// Makes a token that opens the draft of one article until `expires_at`, cut to whole seconds.
    ///
    /// # Errors
    /// `500` if the token cannot be signed.
    pub fn preview_token(&self, pass: Pass, expires_at: DateTime<Utc>) -> ApiResult<String> {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: pass.article_id,
            jti: pass.link_id,
            exp: expires_at.timestamp(),
        };
        sealed(&self.keys, TYPE, &claims)
    }

    /// Returns what the token opens; `None` if it is malformed, not ours, or expired.
    #[must_use]
    pub fn open_preview(&self, now: DateTime<Utc>, token: &PreviewToken) -> Option<Pass> {
        let claims: Claims = opened(&self.keys, &self.issuer, (TYPE, AUDIENCE), &token.0)?;
        (claims.exp > now.timestamp()).then_some(Pass { link_id: claims.jti, article_id: claims.sub })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::{
        auth::{keys::Keys, tokens},
        clock::Clock,
        principal::{Principal, Role},
    };

    fn auth() -> (tempfile::TempDir, Auth) {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::load_or_create(&folder.path().join("key.pem")).unwrap();
        (folder, Auth::new(keys, "warta"))
    }

    fn opens(auth: &Auth, now: DateTime<Utc>, token: &str) -> Option<Pass> {
        auth.open_preview(now, &PreviewToken(token.to_owned()))
    }

    #[test]
    fn a_token_opens_one_article_until_it_expires() {
        let ((_folder, auth), (_others, other)) = (auth(), auth());
        let clock = Clock::default();
        let now = clock.now();
        let pass = Pass { link_id: clock.new_id(), article_id: clock.new_id() };
        let expires_at = now + TimeDelta::seconds(60);
        let token = auth.preview_token(pass, expires_at).unwrap();
        assert_eq!(opens(&auth, now, &token), Some(pass));
        assert_eq!(opens(&auth, now + TimeDelta::seconds(60), &token), None);
        let elsewhere = Auth::new(auth.keys.clone(), "elsewhere");
        assert!(opens(&other, now, &token).is_none() && opens(&elsewhere, now, &token).is_none());
        let mut parts = token.split('.').map(str::to_owned).collect::<Vec<_>>();
        parts[1] = other
            .preview_token(pass, expires_at + TimeDelta::days(9))
            .unwrap()
            .split('.')
            .nth(1)
            .unwrap()
            .into();
        for forged in ["", ".", "..", "a.b.c", &token[1..], &format!("{token}A"), &parts.join(".")] {
            assert_eq!(opens(&auth, now, forged), None, "{forged}");
        }
        assert_eq!(format!("{:?}", PreviewToken(token)), "PreviewToken(..)");
    }

    #[test]
    fn neither_kind_of_token_passes_for_the_other() {
        let (_folder, auth) = auth();
        let clock = Clock::default();
        let now = clock.now();
        let id = clock.new_id();
        let preview =
            auth.preview_token(Pass { link_id: id, article_id: id }, now + TimeDelta::seconds(60)).unwrap();
        assert!(tokens::verify(&auth.keys, "warta", now, &preview).is_err());
        let principal = Principal { editor_id: id, session_id: id, role: Role::Admin };
        let access = tokens::issue(&auth.keys, "warta", id, now, &principal).unwrap();
        assert!(tokens::verify(&auth.keys, "warta", now, &access).is_ok());
        assert_eq!(opens(&auth, now, &access), None);
        // Not by its claims either, under the other one's type.
        let claims = Claims {
            iss: "warta".to_owned(),
            aud: "warta".to_owned(),
            sub: id,
            jti: id,
            exp: (now + TimeDelta::seconds(60)).timestamp(),
        };
        assert_eq!(opens(&auth, now, &sealed(&auth.keys, TYPE, &claims).unwrap()), None);
        let claims = Claims { aud: AUDIENCE.to_owned(), ..claims };
        assert_eq!(opens(&auth, now, &sealed(&auth.keys, "at+jwt", &claims).unwrap()), None);
        assert!(opens(&auth, now, &sealed(&auth.keys, TYPE, &claims).unwrap()).is_some());
    }
}
