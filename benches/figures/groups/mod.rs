//! The figures, by what they are about.

pub(crate) mod cached;
pub(crate) mod instances;
pub(crate) mod plans;
pub(crate) mod process;
pub(crate) mod scaling;
mod substitute;
pub(crate) mod targets;
pub(crate) mod uncached;
pub(crate) mod writes;
