//! Slows the guessing of passwords down, per account and per address.
//!
//! Each attempt is charged before its password is looked at, so that guesses made in parallel count, and given back when it
//! was right. A charge is one step of the generic cell rate algorithm (ITU-T I.371): a row says when its key will be free again.

use std::{
    future::{Ready, ready},
    net::{IpAddr, Ipv6Addr},
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderValue},
};
use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    QueryResult,
    dsl::IntervalDsl,
    prelude::*,
    sql_types::{Binary, Bool, Timestamptz},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use crate::{
    error::{ApiError, ApiResult, Kind},
    schema::sign_in_attempts,
};

/// A rate: so many attempts at once, then one every so many seconds.
struct Rate {
    burst: i32,
    seconds: i32,
}

const PER_ACCOUNT: Rate = Rate { burst: 5, seconds: 10 };
const PER_ADDRESS: Rate = Rate { burst: 50, seconds: 2 };

/// Rows that have been free for as long are deleted.
const KEPT: TimeDelta = TimeDelta::hours(1);

/// The address that the request's connection comes from; the envelope leaves it in the request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

impl FromRequest for ClientAddress {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            request
                .extensions()
                .get::<Self>()
                .copied()
                .ok_or_else(|| ApiError::internal("the application was built without its envelope")),
        )
    }
}

impl ClientAddress {
    /// What attempts are counted by: one subscriber has a whole /64 of IPv6 addresses.
    fn network(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
            v4 => v4,
        }
    }
}

/// One attempt to sign in.
pub struct Attempt {
    account: Vec<u8>,
    address: Vec<u8>,
}

impl Attempt {
    /// An attempt for an email, whether an editor has it or not, from an address.
    #[must_use]
    pub fn new(email: &str, address: ClientAddress) -> Self {
        let hash = |key: String| digest(&SHA256, key.as_bytes()).as_ref().to_vec();
        // Some of Postgres's locales lower `İ` to a plain `i`, and would find the account under a name that is counted apart.
        let account = email.to_lowercase().replace("i\u{307}", "i");
        Self {
            account: hash(format!("account:{account}")),
            address: hash(format!("address:{}", address.network())),
        }
    }

    /// Charges the account and the address; one that is refused costs neither.
    ///
    /// # Errors
    /// `429` with `Retry-After`; as any statement.
    pub async fn charge(&self, conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> ApiResult<()> {
        conn.transaction(async |conn| {
            charge(conn, now, &self.address, &PER_ADDRESS).await?;
            charge(conn, now, &self.account, &PER_ACCOUNT).await
        })
        .await
    }

    /// Gives the charge back after a success, and forgives the account its failures.
    ///
    /// # Errors
    /// As any statement.
    pub async fn forgive(&self, conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<()> {
        // The address first, as in a charge, or the two could wait for each other.
        diesel::update(sign_in_attempts::table.find(&self.address))
            .set(sign_in_attempts::free_at.eq(sign_in_attempts::free_at - PER_ADDRESS.seconds.seconds()))
            .execute(conn)
            .await?;
        diesel::delete(sign_in_attempts::table.find(&self.account)).execute(conn).await?;
        let free = sign_in_attempts::table
            .filter(sign_in_attempts::free_at.lt(now - KEPT))
            .select(sign_in_attempts::key)
            .limit(1000)
            .for_update()
            .skip_locked();
        let free: Vec<Vec<u8>> = free.load(conn).await?;
        diesel::delete(sign_in_attempts::table.filter(sign_in_attempts::key.eq_any(free)))
            .execute(conn)
            .await
            .map(drop)
    }
}

#[derive(QueryableByName)]
struct Charge {
    #[diesel(sql_type = Bool)]
    taken: bool,
    #[diesel(sql_type = Timestamptz)]
    free_at: DateTime<Utc>,
}

async fn charge(conn: &mut AsyncPgConnection, now: DateTime<Utc>, key: &[u8], rate: &Rate) -> ApiResult<()> {
    let step = TimeDelta::seconds(rate.seconds.into());
    let limit = now + step * (rate.burst - 1);
    let charge: Charge = diesel::sql_query(
        "with charged as ( \
             insert into sign_in_attempts as attempts (key, free_at) values ($1, $2) \
             on conflict (key) do update set free_at = greatest(attempts.free_at, $3) + ($2 - $3) \
             where attempts.free_at <= $4 \
             returning free_at \
         ) \
         select exists (select from charged) as taken, \
             coalesce((select free_at from sign_in_attempts where key = $1), $3) as free_at",
    )
    .bind::<Binary, _>(key)
    .bind::<Timestamptz, _>(now + step)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(limit)
    .get_result(conn)
    .await?;
    if charge.taken {
        return Ok(());
    }
    let wait = ((charge.free_at - limit).num_milliseconds() + 999).div_euclid(1000).max(1);
    Err(ApiError::new(
        Kind::TooManyRequests,
        format!("Too many attempts to sign in; please wait {wait} seconds."),
    )
    .with_header(header::RETRY_AFTER, HeaderValue::from(wait)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_counts_for_its_account_and_its_network() {
        let attempt =
            |email: &str, address: &str| Attempt::new(email, ClientAddress(address.parse().unwrap()));
        let one = attempt("Ayu@Example.org", "2001:db8:1:2:3::4");
        let other = attempt("ayu@example.ORG", "2001:db8:1:2:ffff::");
        assert_eq!(one.account, other.account);
        assert_eq!(
            attempt("ad\u{130}l@example.org", "::").account,
            attempt("Adil@example.org", "::").account
        );
        assert_eq!(one.address, other.address);
        assert_ne!(one.address, attempt("", "2001:db8:1:3::").address);
        assert_eq!(attempt("", "::ffff:192.0.2.1").address, attempt("", "192.0.2.1").address);
        assert_ne!(attempt("", "192.0.2.2").address, attempt("", "192.0.2.1").address);
    }
}
