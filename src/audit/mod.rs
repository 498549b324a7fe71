//! Reading and proving the record of what changed, which [`crate::events`] writes.
//!
//! Events that are committed are sealed ([`seal`]): each gets its place in a chain ([`chain`]) that has no gap and that shows when a
//! line was changed, put in or taken out ([`verify`]). Readers see what is sealed.

pub(crate) mod api;
pub mod chain;
pub(crate) mod filter;
pub mod seal;
pub(crate) mod store;
pub mod verify;
