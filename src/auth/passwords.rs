//! Password hashes: Argon2id with OWASP's parameters, as PHC strings.

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};

use crate::{
    auth::secret::Secret,
    blocking::Work,
    error::{ApiError, ApiResult},
};

/// What is verified where there is no account to verify against: the hash of a password that nobody knows, so that the answer
/// takes as long as for an account.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBkdW1teSBzYWx0$DdWkPpDhCLqFb3eyXRKr5MaHnKCqTmyTfhXmJXZ3pqY";

/// Hashes and verifies passwords, away from the threads that answer requests and at most half the cores at once, so that a
/// burst of sign-ins starves nobody. Each hash takes 19 MiB of memory meanwhile.
#[derive(Clone, Debug)]
pub struct Passwords {
    work: Work,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { work: Work::new("Too many sign-ins at once; please retry.") }
    }
}

impl Passwords {
    /// The PHC string to store for a password.
    ///
    /// # Errors
    /// `503` when too many wait already.
    pub async fn hash<const MIN: usize, const MAX: usize>(
        &self,
        password: &Secret<MIN, MAX>,
    ) -> ApiResult<String> {
        let password = password.expose().to_owned();
        let hash = self.work.run(move || {
            argon2()?.hash_password(password.as_bytes()).map(|hash: PasswordHash| hash.to_string())
        });
        hash.await?.map_err(ApiError::internal)
    }

    /// Whether this is the password of the stored hash; never without one, which takes as long.
    ///
    /// # Errors
    /// `503` when too many wait already; `500` when the stored hash is none.
    pub async fn verify<const MIN: usize, const MAX: usize>(
        &self,
        password: &Secret<MIN, MAX>,
        hash: Option<String>,
    ) -> ApiResult<bool> {
        let password = password.expose().to_owned();
        let result = self.work.run(move || {
            let hash = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY))?;
            argon2()?.verify_password(password.as_bytes(), &hash)
        });
        match result.await? {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(ApiError::internal(error)),
        }
    }
}

fn argon2() -> argon2::password_hash::Result<Argon2<'static>> {
    let params = Params::new(19_456, 2, 1, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::secret::Password, values::FromText};

    fn password(text: &str) -> Password {
        Password::from_text(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn a_hash_verifies_its_password_only() {
        let passwords = Passwords::default();
        let long = "p".repeat(80);
        let hash = passwords.hash(&password(&long)).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.verify(&password(&long), Some(hash.clone())).await.unwrap());
        // Not cut at 72 bytes, as bcrypt does.
        assert!(!passwords.verify(&password(&"p".repeat(79)), Some(hash.clone())).await.unwrap());
        assert_ne!(passwords.hash(&password(&long)).await.unwrap(), hash);
    }

    #[tokio::test]
    async fn nobody_has_a_hash_that_costs_the_same() {
        let passwords = Passwords::default();
        assert!(!passwords.verify(&password("correct horse battery"), None).await.unwrap());
        let hash = passwords.hash(&password("correct horse battery")).await.unwrap();
        let cost = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(cost(&hash), cost(NOBODY));
        assert_eq!(hash.rsplit('$').next().map(str::len), NOBODY.rsplit('$').next().map(str::len));
    }
}
