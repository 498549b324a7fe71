//! Rehearsals of a fail-over: a primary and a standby with synchronous replication, two instances of the real
//! program, writers and readers, and something that happens to the primary. `docs/failover.md` tells what
//! they do. One after the other: they measure.
//!
//! They have servers of their own, whatever `TEST_DATABASE_URL` says.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod guard;
mod ledger;
mod load;
mod network;
mod newsroom;
mod patroni;
mod postgres;
#[path = "../api/start/program.rs"]
#[expect(dead_code, reason = "the tests of the start need more of it")]
mod program;
#[path = "../api/support/proxy.rs"]
#[expect(dead_code, reason = "other tests cut lines in more ways")]
mod proxy;
mod rehearsal;

use std::{io::Write, time::Instant};

use tokio::sync::Mutex;

use self::rehearsal::{Fault, lose, rehearse};

/// Whose turn it is.
static TURN: Mutex<()> = Mutex::const_new(());

/// Says something that is to be read, also where the test does not fail.
fn say(what: &str) {
    writeln!(std::io::stderr().lock(), "rehearsal: {what}").unwrap();
}

async fn in_turn(fault: Fault) {
    let _turn = TURN.lock().await;
    let since = Instant::now();
    rehearse(fault).await;
    say(&format!("{fault:?}: all of it took {:.0?}", since.elapsed()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_is_killed() {
    in_turn(Fault::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_is_stopped() {
    in_turn(Fault::Stopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_says_nothing() {
    in_turn(Fault::Silent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_is_cut_off() {
    in_turn(Fault::CutOff).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_without_synchronous_replication_is_found() {
    let _turn = TURN.lock().await;
    lose().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_of_patroni_is_killed() {
    let _turn = TURN.lock().await;
    patroni::rehearse(Fault::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_of_patroni_is_stopped() {
    let _turn = TURN.lock().await;
    patroni::rehearse(Fault::Stopped).await;
}
