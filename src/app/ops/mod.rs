//! What machines ask: whether the instance lives and can serve, and its metrics.

pub(crate) mod health;
pub(crate) mod metrics;
