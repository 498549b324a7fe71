//! Instances over one database, and what a stop does to requests in flight.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use warta::auth::keys::Keys;

use super::{
    data_dir,
    first::Visitor,
    program::{Program, command},
};
use crate::support::cluster::fresh_database;

pub(super) const EMAIL: &str = "ayu@example.org";
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// How an instance on an external database is started.
pub(super) async fn external(folder: &TempDir) -> Command {
    let key = folder.path().join("key.pem");
    Keys::load_or_create(&key).unwrap();
    let mut start = command(folder.path());
    start.env("DATABASE_URL", fresh_database().await.expose()).env("WARTA_JWT_KEY_FILE", key);
    start.env("WARTA_ADMIN_EMAIL", EMAIL).env("WARTA_ADMIN_PASSWORD", PASSWORD);
    start
}

#[tokio::test]
async fn instances_share_sessions_and_content() {
    let folder = data_dir();
    let mut start = external(&folder).await;
    let mut other = Command::new(start.get_program());
    for (name, value) in start.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    // Together, so that both find a database in which nobody is.
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(|| Program::start(&mut other));
        (Program::start(&mut start), other.join().unwrap())
    });
    let (here, there) = (Visitor::of(&one), Visitor::of(&other));
    let token = here.sign_in(EMAIL, PASSWORD).await.unwrap();
    let kept = there.sign_in(EMAIL, PASSWORD).await.unwrap();
    assert_eq!((here.me(&kept).await, there.me(&token).await), (200, 200));
    assert_eq!(there.total("/v1/editors", &token).await, 1, "one admin is made");

    for title in ["Satu", "Dua"] {
        let story = json!({"title": title, "language": "id"});
        assert_eq!(here.post("/v1/articles", &token, &story).await.status(), 201);
    }
    let page = there.get("/v1/articles?draft=true&sort=title&limit=1", &token).await;
    let next = format!("draft=true&sort=title&limit=1&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(here.get(&format!("/v1/articles?{next}"), &token).await["data"][0]["title"], "Satu");

    assert_eq!(here.post("/v1/auth/logout", &token, &json!({})).await.status(), 204);
    assert_eq!((here.me(&token).await, there.me(&token).await), (401, 401), "at once, everywhere");
    assert_eq!(there.me(&kept).await, 200);
    drop((here, there));
    assert!(one.stop().lines().all(|line| !line.contains("password")));
    other.stop();
}

#[tokio::test]
async fn a_request_in_flight_finishes_before_the_end() {
    let folder = data_dir();
    let mut program = Program::start(&mut external(&folder).await);
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let (begin, end) = body.split_at(20);
    let mut stream = TcpStream::connect(&program.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let head = format!(
        "POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\n\r\n",
        body.len()
    );
    write!(stream, "{head}").unwrap();
    // The handler waits for the body: the request is in flight.
    let mut reply = [0; 25];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(begin.as_bytes()).unwrap();

    program.kill(Signal::SIGTERM);
    let since = Instant::now();
    while TcpStream::connect(&program.address).is_ok() {
        assert!(since.elapsed() < Duration::from_secs(5), "it still takes new connections");
        std::thread::sleep(Duration::from_millis(10));
    }
    stream.write_all(end.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"access_token\":\""), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    assert_eq!(program.ended(), Some(0));
}

#[tokio::test]
async fn a_client_that_sends_nothing_does_not_hold_the_end_up() {
    let folder = data_dir();
    let mut program = Program::start(&mut external(&folder).await);
    let idle = TcpStream::connect(&program.address).unwrap();
    let mut slow = TcpStream::connect(&program.address).unwrap();
    slow.write_all(b"POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{").unwrap();
    assert_eq!(Visitor::of(&program).sign_in(EMAIL, "wrong password here").await, Err(401));
    program.kill(Signal::SIGTERM);
    assert_eq!(program.ended(), Some(0));
    drop((idle, slow));
}
