//! The throttle: it slows down the guessing of passwords, without keeping out the people who know theirs.
//!
//! Each attempt is charged before its password is looked at, so that guesses made in parallel count. The
//! charge is given back if the password was right. A charge is one step of the generic cell rate algorithm
//! (ITU-T I.371): a row says when its key will be free again.
//!
//! An attempt is charged, in this order, to the networks that it comes from; to the account as seen from
//! these networks, which is strict; and to the account alone, which is loose, as otherwise somebody who
//! guesses would keep its owner out. An attempt from a network from which the account's password was right
//! before is charged only to a counter of the two. `docs/sign-in.md` has the numbers.

use actix_web::http::header::{self, HeaderValue};
use aws_lc_rs::hmac;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    QueryResult,
    prelude::*,
    result::Error as DieselError,
    sql_types::{Array, BigInt, Binary, Integer, Nullable, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    address::ClientAddress,
    email,
    keys::Keys,
    lanes::{Charged, Inside, Lanes, UnderWay, WAIT},
    memory::{By, Key, Memory, Refused},
    passwords::busy,
    turns::Busy,
};
use crate::{
    database::PoolError,
    error::{ApiError, ProblemType},
};

/// A rate: this many attempts at once, then one in each step, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Rate {
    burst: i32,
    step_ms: i32,
}

/// The rate for one account from one subscriber's network, and for one session that changes its password.
const STRICT: Rate = Rate { burst: 5, step_ms: 10_000 };

/// The rate for one account from one site's IPv6 /48.
const STRICT_OF_SITE: Rate = Rate { burst: 15, step_ms: 5_000 };

/// The rate for one account, wherever the attempts come from. A hundred networks that guess as fast as they
/// can do not fill it at once.
const LOOSE: Rate = Rate { burst: 500, step_ms: 1_000 };

/// The rate for one subscriber's network, whatever the account.
const SUBSCRIBER: Rate = Rate { burst: 50, step_ms: 2_000 };

/// The rate for one site's IPv6 /48, whatever the account.
const SITE: Rate = Rate { burst: 50, step_ms: 1_000 };

/// The reason why an attempt goes no further.
#[derive(Debug)]
pub(super) enum Stopped {
    /// A counter has no room.
    Refused(Refused),
    /// Too many attempts of the same kind are under way.
    Busy,
    /// The database failed, with this error.
    Failed(ApiError),
}

impl From<Busy> for Stopped {
    fn from(Busy: Busy) -> Self {
        Self::Busy
    }
}

impl From<ApiError> for Stopped {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<DieselError> for Stopped {
    fn from(error: DieselError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<PoolError> for Stopped {
    fn from(error: PoolError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Stopped> for ApiError {
    fn from(stopped: Stopped) -> Self {
        let too_many = |detail: String, wait: i64| {
            Self::new(ProblemType::TooManyRequests, detail)
                .with_header(header::RETRY_AFTER, HeaderValue::from(wait))
        };
        match stopped {
            Stopped::Refused(refused) => {
                let wait = ((refused.wait.num_milliseconds() + 999) / 1000).max(1);
                too_many(format!("Too many attempts to sign in; please wait {wait} seconds."), wait)
            }
            Stopped::Busy => busy(),
            Stopped::Failed(error) => error,
        }
    }
}

/// The state that attempts are counted with. There is one for the process.
#[derive(Debug)]
pub(crate) struct Throttle {
    key: hmac::Key,
    lanes: Lanes,
    under_way: UnderWay,
    memory: Memory,
}

/// A counter that an attempt is charged to.
#[derive(Clone, Copy, Debug)]
struct Charge {
    key: Key,
    rate: Rate,
    by: By,
    /// True if a success also forgives the failures before it.
    forgiven: bool,
}

/// An attempt to give a password.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The key of the lane in which attempts have their turns, one at a time.
    own: Key,
    /// The network that owes for refusals.
    network: Option<Key>,
    /// The charges of an attempt whose network is not known.
    charges: Vec<Charge>,
    /// The charge of an attempt from a network from which the password was right before.
    known: Option<Charge>,
}

impl Throttle {
    /// Makes a throttle with a key that all instances share.
    #[must_use]
    pub(crate) fn new(keys: &Keys) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, keys.secret());
        let mut derived = [0; 32];
        derived.copy_from_slice(hmac::sign(&key, b"warta sign-in throttle v1").as_ref());
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &derived),
            lanes: Lanes::default(),
            under_way: UnderWay::default(),
            memory: Memory::default(),
        }
    }

    fn key(&self, text: &str) -> Key {
        let mut key = Key::default();
        key.copy_from_slice(hmac::sign(&self.key, text.as_bytes()).as_ref());
        key
    }

    /// Returns an attempt to sign in from an address with an email, which need not be any editor's.
    #[must_use]
    pub(crate) fn sign_in(&self, email: &str, address: ClientAddress) -> Attempt {
        let account = email::folded(email);
        let networks = address.networks();
        let (subscriber, site) = (networks.subscriber, networks.site);
        let charge = |text: String, rate, by| Charge { key: self.key(&text), rate, by, forgiven: false };
        let pair = |rate, network, kind: &str| Charge {
            forgiven: true,
            ..charge(format!("{kind}:{network}:{account}"), rate, By::Account)
        };
        let network = charge(format!("network:{subscriber}"), SUBSCRIBER, By::Network);
        let mut charges = Vec::with_capacity(5);
        // For IPv4, a subscriber has one address, and a site says nothing.
        let six = subscriber.is_ipv6();
        charges.extend(six.then(|| charge(format!("site:{site}"), SITE, By::Network)));
        charges.push(network);
        charges.extend(six.then(|| pair(STRICT_OF_SITE, site, "account-at-site")));
        let own = pair(STRICT, subscriber, "account-at");
        charges.push(own);
        charges.push(charge(format!("account:{account}"), LOOSE, By::Account));
        let known = Some(pair(STRICT, subscriber, "account-known-at"));
        Attempt { own: own.key, network: Some(network.key), charges, known }
    }

    /// Returns an attempt of a signed-in editor to give their present password. Others' guesses do not count
    /// against it, and it does not count against them.
    #[must_use]
    pub(crate) fn confirm(&self, session_id: Uuid) -> Attempt {
        let key = self.key(&format!("session:{session_id}"));
        let charge = Charge { key, rate: STRICT, by: By::Account, forgiven: true };
        Attempt { own: key, network: None, charges: vec![charge], known: None }
    }

    /// Returns the stored form of a network from which an editor's password was right.
    #[must_use]
    pub(crate) fn network(&self, editor_id: Uuid, address: ClientAddress) -> Vec<u8> {
        self.key(&format!("right:{editor_id}:{}", address.networks().subscriber)).to_vec()
    }

    /// Returns the form of a password by which waiting attempts compare it.
    pub(super) fn password(&self, password: &str) -> Key {
        self.key(&format!("password:{password}"))
    }

    /// Waits for the attempts of the same kind that came before. Attempts that would be refused are refused
    /// at once.
    pub(super) async fn enter(
        &self,
        attempt: &Attempt,
        now: impl Fn() -> DateTime<Utc>,
    ) -> Result<Inside, Stopped> {
        self.recall(attempt, now())?;
        // The one who makes so many attempts at once is the one who has to wait.
        let crowded = Refused { by: By::Account, wait: TimeDelta::seconds(1) };
        let inside = self.lanes.enter(attempt.own).await.map_err(|Busy| Stopped::Refused(crowded))?;
        // The attempts before can have used up the room of the counters.
        self.recall(attempt, now())?;
        Ok(inside)
    }

    fn recall(&self, attempt: &Attempt, now: DateTime<Utc>) -> Result<(), Stopped> {
        match self.memory.recall(&attempt.own, attempt.network.as_ref(), now) {
            Some(refused) => Err(Stopped::Refused(refused)),
            None => Ok(()),
        }
    }

    /// Charges the attempt with `charge`. If its network has no room, but other attempts of it are under way,
    /// it waits for the charges that those give back: a newsroom that signs in at nine from one address is no
    /// attack.
    pub(super) async fn charge_among<T>(
        &self,
        attempt: &Attempt,
        now: impl Fn() -> DateTime<Utc>,
        charge: impl AsyncFn() -> Result<T, Stopped>,
    ) -> Result<(T, Charged), Stopped> {
        let deadline = Instant::now() + WAIT;
        loop {
            let began = now();
            let refused = match charge().await {
                Ok(done) => return Ok((done, self.under_way.begin(attempt.network))),
                Err(Stopped::Refused(refused)) => refused,
                Err(stopped) => return Err(stopped),
            };
            if refused.by == By::Network
                && let Some(ended) = self.under_way.ends(attempt.network)
                && tokio::time::timeout_at(deadline, ended.notified()).await.is_ok()
            {
                continue;
            }
            self.memory.remember(attempt.own, began, refused);
            return Err(Stopped::Refused(refused));
        }
    }

    /// Charges the attempt, in a transaction of its own. `known` is true if the password was right from its
    /// network before.
    pub(super) async fn charge(
        &self,
        conn: &mut AsyncPgConnection,
        now: DateTime<Utc>,
        attempt: &Attempt,
        known: bool,
    ) -> Result<(), Stopped> {
        #[derive(QueryableByName)]
        struct Outcome {
            #[diesel(sql_type = Nullable<Integer>)]
            refused: Option<i32>,
            #[diesel(sql_type = Nullable<BigInt>)]
            wait_ms: Option<i64>,
        }
        let charges = attempt.charges(known);
        let count = |charge: &Charge| {
            let owed = attempt.network.filter(|network| *network == charge.key);
            let owed = owed.map_or(0, |network| self.memory.collect(&network));
            i32::try_from(owed).unwrap_or(i32::MAX).saturating_add(1).min(charge.rate.burst)
        };
        let (keys, steps) = keys_and(charges, |charge| charge.rate.step_ms);
        let outcome: Outcome =
            diesel::sql_query("select refused, wait_ms from charge_sign_in($1, $2, $3, $4, $5)")
                .bind::<Array<Binary>, _>(keys)
                .bind::<Array<Integer>, _>(charges.iter().map(|charge| charge.rate.burst).collect::<Vec<_>>())
                .bind::<Array<Integer>, _>(steps)
                .bind::<Array<Integer>, _>(charges.iter().map(count).collect::<Vec<_>>())
                .bind::<Timestamptz, _>(now)
                .get_result(conn)
                .await?;
        let refusing =
            outcome.refused.and_then(|index| charges.get(usize::try_from(index).ok()?.checked_sub(1)?));
        let Some(refusing) = refusing else { return Ok(()) };
        let wait = TimeDelta::milliseconds(outcome.wait_ms.unwrap_or(1));
        Err(Stopped::Refused(Refused { by: refusing.by, wait }))
    }
}

impl Attempt {
    fn charges(&self, known: bool) -> &[Charge] {
        match &self.known {
            Some(charge) if known => std::slice::from_ref(charge),
            _ => &self.charges,
        }
    }

    /// Gives the charges back after a success, and forgives the earlier failures of the account as seen from
    /// this network.
    pub(crate) async fn forgive(
        &self,
        conn: &mut AsyncPgConnection,
        now: DateTime<Utc>,
        known: bool,
    ) -> QueryResult<()> {
        let charges = self.charges(known);
        let (keys, steps) = keys_and(charges, |charge| (!charge.forgiven).then_some(charge.rate.step_ms));
        diesel::sql_query("select forgive_sign_in($1, $2, $3)")
            .bind::<Array<Binary>, _>(keys)
            .bind::<Array<Nullable<Integer>>, _>(steps)
            .bind::<Timestamptz, _>(now)
            .execute(conn)
            .await
            .map(drop)
    }
}

fn keys_and<T>(charges: &[Charge], more: impl Fn(&Charge) -> T) -> (Vec<Vec<u8>>, Vec<T>) {
    charges.iter().map(|charge| (charge.key.to_vec(), more(charge))).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> Throttle {
        let folder = tempfile::tempdir().unwrap();
        Throttle::new(&Keys::load_or_create(&folder.path().join("key.pem")).unwrap())
    }

    #[test]
    fn an_attempt_counts_for_its_account_and_its_networks() {
        let throttle = throttle();
        let attempt =
            |email: &str, address: &str| throttle.sign_in(email, ClientAddress(address.parse().unwrap()));
        let keys = |attempt: &Attempt| attempt.charges.iter().map(|charge| charge.key).collect::<Vec<_>>();
        let shared = |one: &Attempt, other: &Attempt| {
            let other = keys(other);
            keys(one).iter().map(|key| other.contains(key)).collect::<Vec<_>>()
        };
        let one = attempt("Ayu@Example.org", "2001:db8:1:2:3::4");
        assert_eq!(shared(&one, &attempt("ayu@example.ORG", "2001:db8:1:2:ffff::")), [true; 5]);
        // The site, the subscriber; the account at both; the account.
        let neighbour = attempt("ayu@example.org", "2001:db8:1:3::");
        assert_eq!(shared(&one, &neighbour), [true, false, true, false, true]);
        let elsewhere = attempt("ayu@example.org", "2001:db8:2::");
        assert_eq!(shared(&one, &elsewhere), [false, false, false, false, true]);
        let other = attempt("budi@example.org", "2001:db8:1:2::");
        assert_eq!(shared(&one, &other), [true, true, false, false, false]);

        let four = attempt("ayu@example.org", "192.0.2.1");
        assert_eq!(shared(&four, &attempt("ayu@example.org", "::ffff:192.0.2.1")), [true; 3]);
        assert_eq!(shared(&four, &attempt("ayu@example.org", "192.0.2.2")), [false, false, true]);
        // Composed or not, and whatever Postgres's locale makes of the case.
        assert_eq!(shared(&attempt("re\u{301}@a.org", "::"), &attempt("R\u{c9}@a.org", "::")), [true; 5]);
        assert_eq!(shared(&attempt("ad\u{130}l@a.org", "::"), &attempt("Adil@a.org", "::")), [true; 5]);
    }

    #[test]
    fn a_known_network_has_a_counter_of_its_own() {
        let throttle = throttle();
        let address = |text: &str| ClientAddress(text.parse().unwrap());
        let attempt = throttle.sign_in("ayu@example.org", address("192.0.2.1"));
        let [known] = attempt.charges(true) else { panic!("{attempt:?}") };
        assert!(attempt.charges(false).iter().all(|charge| charge.key != known.key));
        let (ayu, budi) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let network = throttle.network(ayu, address("2001:db8:1:2::3"));
        assert_eq!(network, throttle.network(ayu, address("2001:db8:1:2:ffff::")));
        assert_ne!(network, throttle.network(budi, address("2001:db8:1:2::3")));
        assert_ne!(network, throttle.network(ayu, address("2001:db8:1:3::3")));
    }
}
