//! Limits of connections: their number, the time that each can take, and the bytes that can wait for clients.
//!
//! | file | content |
//! |---|---|
//! | `connections` | the limits of the whole process, and the counts |
//! | [`watch`] | the watch over the connections of one thread |
//! | [`stream`] | the stream below HTTP: moves bytes, and ends connections that take too long |
//! | `head` | the end of a request's head |
//! | [`body`] | the body of an answer, handed to the socket in pieces |
//! | [`service`] | the service that accepts connections and speaks HTTP/1.1 on them |
//! | `refusal` | problems for clients whose bytes never became a request |
//!
//! The underlying HTTP server limits the time of a connection's first head, and nothing else. This module
//! limits each head, each answer that is not taken, and the bytes that wait to be sent. The time and the size
//! of bodies are limited in [`crate::http::body`], which reads them. `docs/limits.md` lists the limits with
//! their reasons.

pub(crate) mod body;
mod head;
mod refusal;
pub(crate) mod service;
pub(crate) mod stream;
pub(crate) mod watch;

use std::{
    collections::{HashMap, hash_map},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use actix_web::web::Bytes;
use ipnet::IpNet;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::http::connection::End;

/// The seconds in which a client has to send the head of a request.
pub const HEAD_SECONDS: u32 = 10;

/// The seconds for which a connection is kept for the next request.
pub const KEEP_ALIVE_SECONDS: u32 = 5;

/// The seconds after which the server checks if a client takes its answer fast enough.
pub const ANSWER_SECONDS: u32 = 30;

/// The bytes of its answer that a client has to take per second, on average over [`ANSWER_SECONDS`].
pub const ANSWER_RATE: u64 = 1024;

/// The bytes of large answers that can wait for clients in the whole process.
pub const WAITING_BYTES: usize = 64 * 1024 * 1024;

/// The approximate bytes that the server holds for a client that does not take its answer, besides the answer
/// itself: the buffer with the next pieces, and the one for what the client sends.
pub const BLOCKED_BYTES: usize = 96 * 1024;

/// The limits that the settings decide.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The most connections at a time.
    pub connections: usize,
    /// The most connections from one address, or from one /64 network of IPv6.
    pub connections_per_address: usize,
    /// Networks to which the limit per address does not apply.
    pub exempt: Arc<[IpNet]>,
}

impl Limits {
    /// Returns the address or network under which a connection is counted; `None` if it is exempt.
    fn network(&self, address: IpAddr) -> Option<IpAddr> {
        let address = address.to_canonical();
        if self.exempt.iter().any(|network| network.contains(&address)) {
            return None;
        }
        Some(match address {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
            v4 => v4,
        })
    }
}

/// The limits and counts that all threads share. Clones share them.
#[derive(Clone)]
pub struct Connections(Arc<Shared>);

struct Shared {
    limits: Limits,
    open: AtomicUsize,
    by_network: Mutex<HashMap<IpAddr, usize>>,
    waiting: AtomicUsize,
    /// The large bodies that wait, with their number of holders, by the address of their bytes: an answer
    /// from memory exists once, however many clients take it.
    bodies: Mutex<HashMap<usize, usize>>,
    draining: AtomicBool,
    /// Wakes the watch of every thread, to look at once.
    look: Notify,
    /// Places for refused clients that get an answer at the same time; more clients are cut off, which they
    /// can see as a reset.
    goodbyes: Arc<Semaphore>,
    accepted: AtomicU64,
    refused: AtomicU64,
    ended: [AtomicU64; End::ALL.len()],
}

impl End {
    /// All reasons, in the order of the variants.
    pub const ALL: [Self; 5] = [Self::Idle, Self::SlowHead, Self::LargeHead, Self::SlowReader, Self::Crowded];

    /// The name of the reason in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::SlowHead => "slow_head",
            Self::LargeHead => "large_head",
            Self::SlowReader => "slow_reader",
            Self::Crowded => "crowded",
        }
    }
}

/// The reason why a connection is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// All connections are taken, and none of this thread's connections waits for its client.
    Full,
    /// The client's address has as many connections as one address can have.
    TooManyFromAddress,
}

impl Connections {
    /// Creates counts of zero with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared {
            limits,
            open: AtomicUsize::new(0),
            by_network: Mutex::default(),
            waiting: AtomicUsize::new(0),
            bodies: Mutex::default(),
            draining: AtomicBool::new(false),
            look: Notify::new(),
            goodbyes: Arc::new(Semaphore::new(64)),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            ended: Default::default(),
        }))
    }

    /// Counts a new connection. If all connections are taken, `make_room` tries to end another one.
    ///
    /// # Errors
    /// Returns the [`Refusal`] if the connection is one too many.
    fn admit(
        &self,
        address: Option<IpAddr>,
        make_room: impl FnOnce() -> bool,
    ) -> Result<Option<IpAddr>, Refusal> {
        let shared = &*self.0;
        let admitted = (|| {
            let network = address.and_then(|address| shared.limits.network(address));
            if let Some(network) = network {
                let mut by_network = shared.by_network.lock().unwrap_or_else(PoisonError::into_inner);
                let count = by_network.entry(network).or_default();
                if *count >= shared.limits.connections_per_address {
                    return Err(Refusal::TooManyFromAddress);
                }
                *count += 1;
            }
            // The connection that is ended to make room is still there for a moment.
            if shared.open.fetch_add(1, Ordering::Relaxed) >= shared.limits.connections && !make_room() {
                self.leave(network);
                return Err(Refusal::Full);
            }
            Ok(network)
        })();
        let counter = if admitted.is_ok() { &shared.accepted } else { &shared.refused };
        counter.fetch_add(1, Ordering::Relaxed);
        admitted
    }

    /// Returns a place for answering a refused client; `None` if all are taken.
    fn see_off(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.goodbyes).try_acquire_owned().ok()
    }

    /// Stops counting a connection that was admitted.
    fn leave(&self, network: Option<IpAddr>) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
        let Some(network) = network else { return };
        let mut by_network = self.0.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        if let hash_map::Entry::Occupied(mut count) = by_network.entry(network) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    /// Counts a large body that waits to be sent, until the value is dropped.
    fn hold(&self, body: &Bytes) -> Held {
        let address = body.as_ptr() as usize;
        let mut bodies = self.0.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        let holders = bodies.entry(address).or_default();
        *holders += 1;
        if *holders == 1 {
            self.0.waiting.fetch_add(body.len(), Ordering::Relaxed);
        }
        Held { connections: self.clone(), address, bytes: body.len() }
    }

    /// Counts the bytes that are held for a client that does not take its answer.
    fn block(&self) {
        self.0.waiting.fetch_add(BLOCKED_BYTES, Ordering::Relaxed);
    }

    fn unblock(&self) {
        self.0.waiting.fetch_sub(BLOCKED_BYTES, Ordering::Relaxed);
    }

    /// Returns the number of waiting bytes beyond the limit.
    fn excess(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed).saturating_sub(WAITING_BYTES)
    }

    /// Makes connections close after their next answer, since the process is going to stop.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Returns `true` after [`Self::drain`] was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    fn count_end(&self, why: End) {
        self.0.ended[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the counts for metrics.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let shared = &*self.0;
        Counts {
            open: shared.open.load(Ordering::Relaxed),
            accepted: shared.accepted.load(Ordering::Relaxed),
            refused: shared.refused.load(Ordering::Relaxed),
            waiting_bytes: shared.waiting.load(Ordering::Relaxed),
            ended: End::ALL.map(|why| (why, shared.ended[why as usize].load(Ordering::Relaxed))),
        }
    }
}

/// The counts of connections: events since the start, and present numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Connections that are open.
    pub open: usize,
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections that were refused, as they were one too many.
    pub refused: u64,
    /// Bytes that wait for clients: large answers, and the buffers of clients that do not take theirs.
    pub waiting_bytes: usize,
    /// Connections that the server ended, by the reason.
    pub ended: [(End, u64); End::ALL.len()],
}

/// A mark that a large body waits to be sent; dropping it ends the count.
struct Held {
    connections: Connections,
    address: usize,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        let shared = &*self.connections.0;
        let mut bodies = shared.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        if let hash_map::Entry::Occupied(mut holders) = bodies.entry(self.address) {
            *holders.get_mut() -= 1;
            if *holders.get() == 0 {
                holders.remove();
                shared.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(total: usize, per_address: usize) -> Connections {
        Connections::new(Limits {
            connections: total,
            connections_per_address: per_address,
            exempt: Arc::from(["127.0.0.0/8".parse().unwrap()]),
        })
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_address_has_so_many_connections_and_a_network_of_ipv6_is_one() {
        let connections = connections(100, 2);
        let admit = |address: &str| connections.admit(ip(address), || panic!("there is room"));
        let first = admit("2001:db8::1").unwrap();
        admit("2001:db8::ffff:2").unwrap();
        assert_eq!(admit("2001:db8::3"), Err(Refusal::TooManyFromAddress));
        admit("2001:db8:0:1::1").unwrap();
        admit("192.0.2.1").unwrap();
        admit("::ffff:192.0.2.1").unwrap();
        assert_eq!(admit("192.0.2.1"), Err(Refusal::TooManyFromAddress));
        for _ in 0..5 {
            assert_eq!(admit("127.0.0.1"), Ok(None));
        }
        connections.leave(first);
        admit("2001:db8::3").unwrap();
        let counts = connections.counts();
        assert_eq!((counts.open, counts.accepted, counts.refused), (10, 11, 2));
    }

    #[test]
    fn who_is_one_too_many_gets_the_place_of_another_one_or_none() {
        let connections = connections(1, 9);
        connections.admit(ip("192.0.2.1"), || panic!("there is room")).unwrap();
        assert_eq!(connections.admit(ip("192.0.2.2"), || false), Err(Refusal::Full));
        assert_eq!(connections.counts().open, 1);
        connections.admit(ip("192.0.2.2"), || true).unwrap();
        // The refused one is not counted for its address.
        assert_eq!(connections.0.by_network.lock().unwrap().values().sum::<usize>(), 2);
    }

    #[test]
    fn a_body_that_many_wait_for_is_there_once() {
        let connections = connections(1, 1);
        let body = Bytes::from(vec![0; 1000]);
        let held = [connections.hold(&body), connections.hold(&body.clone())];
        let other = connections.hold(&Bytes::from(vec![0; 10]));
        assert_eq!(connections.counts().waiting_bytes, 1010);
        drop(held);
        assert_eq!(connections.counts().waiting_bytes, 10);
        drop(other);
        assert_eq!(connections.counts().waiting_bytes, 0);
        assert!(connections.0.bodies.lock().unwrap().is_empty());
    }
}
