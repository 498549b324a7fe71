//! The integration tests: real HTTP, real Postgres, a database per test.

mod start;
mod support;
