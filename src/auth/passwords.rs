//! Password hashes: Argon2id with OWASP's parameters, as PHC strings.

use std::thread;

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};

use super::{
    secret::{Password, Secret, prepared},
    turns::{Busy, Place, Turn, Turns},
};
use crate::error::{ApiError, ApiResult, ProblemType};

/// The hash that is verified if there is no account: that of a password that nobody knows, so that the answer
/// takes as long as for an account.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBkdW1teSBzYWx0$DdWkPpDhCLqFb3eyXRKr5MaHnKCqTmyTfhXmJXZ3pqY";

/// Hashes and verifies passwords. It works away from the threads that answer requests, on at most half the
/// cores at once, and in fair turns, so that a burst of sign-ins starves nobody. Each hash takes 19 MiB of
/// memory meanwhile.
#[derive(Clone, Debug)]
pub struct Passwords {
    turns: Turns,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { turns: Turns::new((cores / 2).max(1)) }
    }
}

impl Passwords {
    /// Returns the PHC string to store for a password.
    ///
    /// # Errors
    /// `503` if too many wait already, or the turn does not come in time.
    pub async fn hash(&self, place: Place, password: &Password) -> ApiResult<String> {
        let turn = self.turn(place).await.map_err(|Busy| busy())?;
        let password = password.expose().to_owned();
        let hash = run(turn, move || {
            argon2()?.hash_password(password.as_bytes()).map(|hash: PasswordHash| hash.to_string())
        });
        hash.await?.map_err(ApiError::internal)
    }

    /// Waits for a turn. It is for work that must be limited together with the verifying of passwords.
    ///
    /// # Errors
    /// Returns [`Busy`] if too many wait already, or it takes too long.
    pub async fn turn(&self, place: Place) -> Result<Turn, Busy> {
        self.turns.take(place).await
    }

    /// Returns true if this is the password of the stored hash. Without a hash it returns false, and takes as
    /// long.
    ///
    /// # Errors
    /// `500` if the stored hash is malformed.
    pub async fn verify<const MIN: usize, const MAX: usize>(
        &self,
        turn: Turn,
        password: &Secret<MIN, MAX>,
        hash: Option<String>,
    ) -> ApiResult<bool> {
        let password = password.expose().to_owned();
        let verified = run(turn, move || {
            let hash = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY))?;
            let argon2 = argon2()?;
            let prepared = prepared(&password);
            match argon2.verify_password(prepared.as_bytes(), &hash) {
                // The password was set before passwords were prepared.
                Err(argon2::password_hash::Error::PasswordInvalid) if prepared != password => {
                    argon2.verify_password(password.as_bytes(), &hash)
                }
                verified => verified,
            }
        });
        match verified.await? {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(ApiError::internal(error)),
        }
    }

    /// Returns the number of requests that wait for their turn.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.turns.waiting()
    }
}

/// Returns the error for a request that waited in vain.
pub(super) fn busy() -> ApiError {
    ApiError::new(ProblemType::Unavailable, "Too many sign-ins at once; please retry.").retry_after(5)
}

/// Runs `work` on a thread for blocking work. The turn ends with the work and not with the request, which can
/// be cancelled.
async fn run<T: Send + 'static>(turn: Turn, work: impl FnOnce() -> T + Send + 'static) -> ApiResult<T> {
    let working = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    working.await.map_err(ApiError::internal)
}

fn argon2() -> argon2::password_hash::Result<Argon2<'static>> {
    let params = Params::new(19_456, 2, 1, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::secret::GivenPassword, values::FromText};

    fn password(text: &str) -> Password {
        Password::from_text(text.to_owned()).unwrap()
    }

    async fn verify(passwords: &Passwords, text: &str, hash: Option<&str>) -> bool {
        let given = GivenPassword::from_text(text.to_owned()).unwrap();
        let turn = passwords.turn(Place::of_process()).await.unwrap();
        passwords.verify(turn, &given, hash.map(str::to_owned)).await.unwrap()
    }

    #[tokio::test]
    async fn a_hash_verifies_its_password_only() {
        let passwords = Passwords::default();
        let hash = async |text: &str| passwords.hash(Place::of_process(), &password(text)).await.unwrap();
        let long: String = (0..80).filter_map(|n| char::from_u32(u32::from(b'a') + n * n * 7 % 26)).collect();
        let hashed = hash(&long).await;
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify(&passwords, &long, Some(&hashed)).await);
        // Not cut at 72 bytes, as bcrypt does.
        assert!(!verify(&passwords, &long[..79], Some(&hashed)).await);
        assert_ne!(hash(&long).await, hashed);
    }

    #[tokio::test]
    async fn a_password_is_right_however_it_was_typed() {
        let passwords = Passwords::default();
        let hash = passwords.hash(Place::of_process(), &password("r\u{e9}daction du soir")).await.unwrap();
        assert!(verify(&passwords, "re\u{301}daction\u{a0}du soir", Some(&hash)).await);
        assert!(!verify(&passwords, "redaction du soir", Some(&hash)).await);
        // One that was stored as it was typed is right as it was typed.
        let old: PasswordHash =
            argon2().unwrap().hash_password("re\u{301}daction du soir".as_bytes()).unwrap();
        assert!(verify(&passwords, "re\u{301}daction du soir", Some(&old.to_string())).await);
    }

    #[tokio::test]
    async fn nobody_has_a_hash_that_costs_the_same() {
        let passwords = Passwords::default();
        assert!(!verify(&passwords, "correct horse battery", None).await);
        let hash = passwords.hash(Place::of_process(), &password("correct horse battery")).await.unwrap();
        let cost = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(cost(&hash), cost(NOBODY));
        assert_eq!(hash.rsplit('$').next().map(str::len), NOBODY.rsplit('$').next().map(str::len));
    }
}
