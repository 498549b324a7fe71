//! The integration tests: real HTTP, real Postgres, a database per test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod articles;
mod attacks;
mod auth;
mod editors;
mod start;
mod support;
mod taxonomy;
mod translations;
