//! Articles in Postgres.

mod read;
mod resolve;
mod write;

pub use self::{read::*, resolve::*, write::*};
