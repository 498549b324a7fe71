//! Warta: a headless CMS for newsrooms.
#![recursion_limit = "256"]

pub mod auth;
pub mod clock;
pub mod config;
pub mod database;
pub mod serve;
pub mod telemetry;
