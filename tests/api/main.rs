//! The integration tests: real HTTP, real Postgres, a database per test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod access;
mod architecture;
mod articles;
mod attacks;
mod auth;
mod cache;
mod citations;
mod compression;
mod connections;
mod contract;
mod corrections;
mod database;
mod editors;
mod events;
mod feeds;
mod gate;
mod kickers;
mod lists;
mod merging;
mod metrics;
mod migrations;
mod openapi;
mod outage;
mod previews;
mod properties;
mod provenance;
mod queries;
mod reader;
mod representations;
mod revisions;
mod scheduling;
mod seams;
mod search;
mod sign_in;
mod slugs;
mod start;
mod states;
mod support;
mod tags;
mod taxonomy;
mod translations;
mod versions;
mod writers;
