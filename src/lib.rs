//! Warta: a headless CMS for newsrooms.

pub mod clock;
pub mod database;
