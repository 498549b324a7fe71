//! Sign-in under attack: whoever knows the password gets in, whoever guesses is slowed down, wherever they
//! come from.

mod passwords;

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

use chrono::TimeDelta;
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures::future::{join, join_all};
use serde_json::json;
use warta::principal::Role;

use crate::support::{Answer, PASSWORD, Server};

const EMAIL: &str = "ayu@example.org";
const ATTACKER: &str = "203.0.113.9";
const OWNER: &str = "198.51.100.1";

/// A server behind a proxy, so that a test says where it comes from; with an editor.
async fn server() -> Server {
    let server = Server::behind(&["127.0.0.0/8"]).await;
    server.editor(EMAIL, Role::Writer).await;
    server
}

async fn login_as(server: &Server, from: &str, email: &str, password: &str) -> Answer {
    let headers = [("x-forwarded-for", from)];
    let body = json!({"email": email, "password": password});
    server.send("POST", "/v1/auth/login", &headers, Some(body)).await
}

async fn login(server: &Server, from: &str) -> Answer {
    login_as(server, from, EMAIL, PASSWORD).await
}

async fn guess(server: &Server, from: &str) -> Answer {
    login_as(server, from, EMAIL, "wrong").await
}

/// Whether a guess at an account that nobody else guesses at is looked at.
async fn is_looked_at(server: &Server, from: &str) -> bool {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let email = format!("nobody{}@example.org", NEXT.fetch_add(1, Ordering::Relaxed));
    match login_as(server, from, &email, "wrong").await.status {
        401 => true,
        429 => false,
        other => panic!("{other}"),
    }
}

fn seconds_to_wait(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 429, "{}", answer.text);
    answer.header("retry-after").parse().unwrap()
}

/// Moves all that was charged so far ahead, as if much more had been, or by a clock that was ahead.
async fn charge_all(server: &Server) {
    let mut conn = server.database.get().await.unwrap();
    conn.batch_execute("update sign_in_attempts set free_at = free_at + interval '10 years'").await.unwrap();
}

#[tokio::test]
async fn the_owner_gets_in_while_somebody_guesses_from_elsewhere() {
    let server = server().await;
    let access = login(&server, OWNER).await.expect(200).body["access_token"].as_str().unwrap().to_owned();
    let answers = join_all((0..30).map(|_| guess(&server, ATTACKER))).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
    assert!((5..=6).contains(&looked_at), "{looked_at}");
    let wait = seconds_to_wait(&guess(&server, ATTACKER).await);
    assert!((1..=10).contains(&wait), "{wait}");

    // From where they were before, and from where they never were.
    login(&server, OWNER).await.expect(200);
    login(&server, "192.0.2.77").await.expect(200);
    login(&server, "2001:db8:5::1").await.expect(200);
    // Meanwhile the password can be changed, also from where the attacker is.
    const NEW: &str = "a better horse battery";
    let change = json!({"current_password": PASSWORD, "new_password": NEW});
    let authorization = format!("Bearer {access}");
    let headers = [("authorization", authorization.as_str()), ("x-forwarded-for", ATTACKER)];
    server.send("PUT", "/v1/me/password", &headers, Some(change)).await.expect(204);
    // Who waits as told is looked at again.
    server.clock.advance(TimeDelta::seconds(10));
    assert_eq!(login_as(&server, ATTACKER, EMAIL, NEW).await.status, 200);
    let counts = server.auth.counts();
    assert!(counts.refused_account > 20 && counts.success == 6, "{counts:?}");
}

#[tokio::test]
async fn a_refusal_is_charged_to_the_network_that_causes_it_and_costs_no_statement() {
    let server = server().await;
    // Also where each takes seconds, the fifth of them has used up what there was.
    let mut refused = false;
    for _ in 0..30 {
        refused = refused || guess(&server, ATTACKER).await.status == 429;
    }
    assert!(refused);
    let before = server.database.statements();
    let answers = join_all((0..120).map(|_| guess(&server, ATTACKER))).await;
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert!(refused > 100, "{refused}");
    let statements = server.database.statements() - before;
    // Some are for what the instance does beside.
    assert!(statements < 60, "{statements} statements for {refused} refusals");
    // The network pays for them with its next attempt. By six looked at alone it would be full for twelve
    // seconds, its account for fifty.
    is_looked_at(&server, ATTACKER).await;
    let full = warta::schema::sign_in_attempts::free_at.gt(server.clock.now() + TimeDelta::seconds(60));
    let full = warta::schema::sign_in_attempts::table.filter(full).count();
    let full: i64 = full.get_result(&mut server.database.get().await.unwrap()).await.unwrap();
    assert_eq!(full, 1);
    assert!(is_looked_at(&server, "203.0.113.10").await);
    login(&server, OWNER).await.expect(200);
}

#[tokio::test]
async fn a_network_from_which_the_password_was_right_has_a_counter_of_its_own() {
    let server = server().await;
    login(&server, OWNER).await.expect(200);
    // As thousands of networks would, and the owner's own neighbours.
    guess(&server, ATTACKER).await.expect(401);
    for _ in 0..3 {
        is_looked_at(&server, OWNER).await;
    }
    charge_all(&server).await;
    seconds_to_wait(&login(&server, "192.0.2.77").await);
    assert!(!is_looked_at(&server, OWNER).await);
    login(&server, OWNER).await.expect(200);
    // It is bounded too.
    let answers = join_all((0..12).map(|_| guess(&server, OWNER))).await;
    assert!(answers.iter().filter(|answer| answer.status == 401).count() <= 6);
    seconds_to_wait(&login(&server, OWNER).await);
    server.clock.advance(TimeDelta::seconds(10));
    login(&server, OWNER).await.expect(200);

    // Nobody who reads the database learns the network, and after 90 days it is one like others.
    let mut conn = server.database.get().await.unwrap();
    let networks = warta::schema::sign_in_networks::table.select(warta::schema::sign_in_networks::network);
    let networks: Vec<Vec<u8>> = networks.load(&mut conn).await.unwrap();
    assert_eq!(networks.len(), 1);
    assert_eq!(networks[0].len(), 32);
    drop(conn);
    server.clock.advance(TimeDelta::days(91));
    guess(&server, ATTACKER).await.expect(401);
    charge_all(&server).await;
    seconds_to_wait(&login(&server, OWNER).await);
}

#[tokio::test]
async fn no_clock_locks_sign_in_for_longer_than_the_burst() {
    let server = server().await;
    // From another network each time: from one that is known, other counters hold.
    for (from, ahead) in [(ATTACKER, TimeDelta::hours(1)), ("203.0.113.10", TimeDelta::days(3650))] {
        server.clock.advance(TimeDelta::minutes(10));
        server.clock.advance(ahead);
        guess(&server, from).await.expect(401);
        server.clock.advance(-ahead);
        // Of the account from this network, of the network, and of the account alone.
        let wait = seconds_to_wait(&guess(&server, from).await);
        assert!(wait <= 10, "{wait}");
        server.clock.advance(TimeDelta::seconds(wait.try_into().unwrap()));
        login(&server, from).await.expect(200);
        assert!(is_looked_at(&server, from).await);
        login(&server, "192.0.2.77").await.expect(200);
    }
}

#[tokio::test]
async fn parallel_sign_ins_wait_for_one_another() {
    let server = server().await;
    let answers = join_all((0..16).map(|_| login(&server, OWNER))).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200; 16]);
    assert_eq!(server.auth.counts().success, 16);
    // Guesses beside them are counted all the same.
    let (right, guesses) = join(
        join_all((0..4).map(|_| login(&server, OWNER))),
        join_all((0..20).map(|_| guess(&server, ATTACKER))),
    )
    .await;
    assert!(right.iter().all(|answer| answer.status == 200));
    assert!(guesses.iter().filter(|answer| answer.status == 401).count() <= 6);
}

#[tokio::test]
async fn ipv6_is_counted_by_subscriber_and_by_site() {
    let server = server().await;
    assert!(is_looked_at(&server, "2001:db8:1:1::1").await);
    charge_all(&server).await;
    assert!(!is_looked_at(&server, "2001:db8:1:1:ffff::2").await, "the /64");
    charge_all(&server).await;
    assert!(!is_looked_at(&server, "2001:db8:1:2::1").await, "the /48");
    assert!(is_looked_at(&server, "2001:db8:2::1").await);
    // An IPv4 address is one however it is written.
    assert!(is_looked_at(&server, "::ffff:192.0.2.1").await);
    charge_all(&server).await;
    assert!(!is_looked_at(&server, "192.0.2.1").await);
    assert!(is_looked_at(&server, "192.0.2.2").await);
}

#[tokio::test]
async fn a_forwarded_address_is_read_as_proxies_write_it() {
    let server = server().await;
    for (forms, address) in [
        (&["192.0.2.1:5678", "\"192.0.2.1:80\"", "203.0.113.5, 192.0.2.1", "192.0.2.1,"][..], "192.0.2.1"),
        (&["[2001:db8::1]", "[2001:db8::1]:443", "\"[2001:db8::1]:443\""], "2001:db8::1"),
        (&["unknown", "192.0.2.50, _secret", "x\u{e9}", "192.0.2.99:x"], "garbage"),
    ] {
        for form in forms {
            assert!(is_looked_at(&server, form).await, "{form}");
            charge_all(&server).await;
            assert!(!is_looked_at(&server, address).await, "{form}");
            let mut conn = server.database.get().await.unwrap();
            // The proxy's own bucket is not touched.
            conn.batch_execute("delete from sign_in_attempts where free_at < now() + interval '1 year'")
                .await
                .unwrap();
            drop(conn);
            assert!(is_looked_at(&server, "").await, "{form}");
            let mut conn = server.database.get().await.unwrap();
            conn.batch_execute("truncate sign_in_attempts").await.unwrap();
            server.clock.advance(TimeDelta::minutes(1));
        }
    }
}

#[tokio::test]
async fn many_networks_of_one_provider_hold_nobody_up() {
    let server = server().await;
    let done = Cell::new(0);
    let crowd = (0..40).map(|number| {
        let (server, done) = (&server, &done);
        async move {
            let from = format!("2001:db8:{number:x}:{number:x}::1");
            let status = guess(server, &from).await.status;
            done.set(done.get() + 1);
            status
        }
    });
    let other = async {
        // Once the crowd waits.
        while server.auth.counts().hashes_waiting < 20 && done.get() < 20 {
            tokio::task::yield_now().await;
        }
        let answer = login(&server, OWNER).await;
        (answer.status, done.get())
    };
    let (crowd, (status, before)) = join(join_all(crowd), other).await;
    assert_eq!(status, 200);
    assert!(before < 36, "it waited for {before} of 40");
    // On a slow machine some of them wait in vain.
    assert!(crowd.into_iter().all(|status| matches!(status, 401 | 503)));
}

#[tokio::test]
async fn a_token_is_taken_after_several_spaces() {
    let server = server().await;
    let token = server.token(EMAIL).await;
    for (header, status) in [(format!("Bearer  {token}"), 200), (format!("Bearer\u{9}{token}"), 401)] {
        assert_eq!(server.send("GET", "/v1/me", &[("authorization", &header)], None).await.status, status);
    }
}
