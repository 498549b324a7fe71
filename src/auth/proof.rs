//! The check of a password: the way of an attempt from its counters to the hash and back.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use crate::{
    auth::{
        Auth,
        accounts::{self, Account},
        address::ClientAddress,
        counts::{Counters, Outcome},
        lanes::{Charged, Inside, Right},
        secret::GivenPassword,
        throttle::{Attempt, Stopped, Throttle},
        turns::Place,
    },
    principal::Principal,
};
use crate::{
    context::Context,
    error::{ApiError, ApiResult},
    faults::Invalid,
};

/// The proof that somebody knew the password of an account a moment ago. While it exists, other attempts of
/// the same kind wait.
#[derive(Debug)]
pub struct Proof {
    /// The account whose password was right.
    pub account: Account,
    attempt: Attempt,
    known: bool,
    address: ClientAddress,
    throttle: Arc<Throttle>,
    counters: Counters,
    // The charges are given back before other attempts of its network try again, and before the next one gets
    // its turn.
    _charged: Charged,
    _inside: Inside,
}

/// The account that was found, and if its network is known, which decides what is charged.
struct Looked {
    account: Option<Account>,
    known: bool,
}

impl Auth {
    /// Checks that this is the password of the active account with this email. Returns `None` if it is not;
    /// nobody is told why.
    ///
    /// # Errors
    /// `429` with `Retry-After` if a counter has no room, and `503` if too many attempts are under way or the
    /// database cannot answer.
    pub async fn prove(
        &self,
        context: &Context,
        address: ClientAddress,
        email: &str,
        password: &GivenPassword,
    ) -> ApiResult<Option<Proof>> {
        let attempt = self.throttle.sign_in(email, address);
        let look = async || {
            let mut conn = context.database.get().await?;
            let now = context.now();
            let found = accounts::find_by_email(&mut conn, now, email).await?;
            let known = found.as_ref().is_some_and(|(account, networks)| {
                account.active && networks.contains(&self.throttle.network(account.id, address))
            });
            self.throttle.charge(&mut conn, now, &attempt, known).await?;
            let account = found.map(|(account, _)| account).filter(|account| account.active);
            Ok(Looked { account, known })
        };
        self.attempt(context, address, Place::of_address(address), &attempt, look, password).await
    }

    /// Checks that this is the password of the signed-in editor's account.
    ///
    /// # Errors
    /// `422` if it is not, `429` with `Retry-After` if a counter has no room, and `503` if too many attempts
    /// are under way or the database cannot answer.
    pub async fn confirm(
        &self,
        context: &Context,
        address: ClientAddress,
        principal: Principal,
        account: Account,
        password: &GivenPassword,
    ) -> ApiResult<Proof> {
        let attempt = self.throttle.confirm(principal.session_id);
        let look = async || {
            let mut conn = context.database.get().await?;
            self.throttle.charge(&mut conn, context.now(), &attempt, false).await?;
            Ok(Looked { account: Some(account.clone()), known: false })
        };
        let place = Place::of_editor(principal.editor_id);
        self.attempt(context, address, place, &attempt, look, password).await?.ok_or_else(|| {
            let invalid = Invalid::new("wrong_password", "This is not your present password.");
            ApiError::invalid_at("/current_password", invalid)
        })
    }

    async fn attempt(
        &self,
        context: &Context,
        address: ClientAddress,
        place: Place,
        attempt: &Attempt,
        look: impl AsyncFn() -> Result<Looked, Stopped>,
        password: &GivenPassword,
    ) -> ApiResult<Option<Proof>> {
        let failed = |outcome: Outcome, editor: Option<Uuid>| {
            self.counters.count(outcome);
            let editor = editor.map(|id| id.to_string());
            tracing::info!(outcome = outcome.as_str(), address = %address.0, editor, "sign-in failed");
        };
        let stopped = |stopped: Stopped| {
            failed(Outcome::from(&stopped), None);
            ApiError::from(stopped)
        };
        let now = || context.now();
        let inside = self.throttle.enter(attempt, now).await.map_err(stopped)?;
        let charged = self.throttle.charge_among(attempt, now, look).await;
        let (Looked { account, known }, charged) = charged.map_err(stopped)?;
        let turn = self.passwords.turn(place).await.map_err(|busy| stopped(busy.into()))?;
        // No connection is held while the password is hashed, which takes longer than all the rest.
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let given = self.throttle.password(password.expose());
        let right = hash.clone().map(|hash| Right { password: given, hash });
        // Parallel sign-ins share one hash; otherwise the last of many would wait for all of them.
        let is_known = right.as_ref().is_some_and(|right| inside.knows(right));
        let verified = is_known || self.passwords.verify(turn, password, hash).await?;
        if let Some(right) = right.filter(|_| verified) {
            inside.tell(right);
        }
        if !verified {
            failed(Outcome::Wrong, account.map(|account| account.id));
            return Ok(None);
        }
        Ok(account.map(|account| Proof {
            account,
            attempt: attempt.clone(),
            known,
            address,
            throttle: Arc::clone(&self.throttle),
            counters: self.counters.clone(),
            _charged: charged,
            _inside: inside,
        }))
    }
}

impl Proof {
    /// Returns true if the proof still holds, as hashing took a while: the account is active and has this
    /// password. If so, it stays so until the end of the transaction, the attempt is forgiven, and its
    /// network is remembered.
    pub async fn hold(&self, conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<bool> {
        let holds = accounts::hold(conn, &self.account).await?;
        if holds {
            self.attempt.forgive(conn, now, self.known).await?;
            let network = self.throttle.network(self.account.id, self.address);
            accounts::remember_network(conn, now, self.account.id, &network).await?;
        }
        self.counters.count(if holds { Outcome::Success } else { Outcome::Wrong });
        Ok(holds)
    }
}
