//! What machines ask: whether the instance lives and can serve, and its metrics.

pub mod health;
pub mod metrics;
