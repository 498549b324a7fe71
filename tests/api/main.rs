//! The integration tests: real HTTP, real Postgres, a database per test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod start;
mod support;
