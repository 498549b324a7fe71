//! Warta: a headless CMS for newsrooms.

pub mod clock;
pub mod config;
pub mod database;
pub mod serve;
pub mod telemetry;
