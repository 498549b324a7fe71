//! The operations for machines: health checks and metrics.

pub(crate) mod health;
pub(crate) mod metrics;
