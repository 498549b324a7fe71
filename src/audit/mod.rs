//! Reads and proves the record of changes, which [`crate::events`] writes.
//!
//! Committed events are sealed ([`seal`]): each gets its place in a chain ([`chain`]) without gaps, which
//! shows ([`verify`]) if a line was changed, inserted or removed. Readers of the record see only sealed
//! events.

pub(crate) mod api;
pub mod chain;
pub(crate) mod filter;
pub mod seal;
pub(crate) mod store;
pub mod verify;
