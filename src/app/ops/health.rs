//! The operations that tell load balancers and supervisors if the process is alive and if it can serve.

use actix_web::{get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::connections::Connections;
use crate::{
    auth::Viewer,
    cache::Cache,
    context::Context,
    database::presence::{PATIENCE, Presence},
    error::{ApiError, ApiResult, ProblemType},
    http::reply::{Found, Representation},
};

/// The state of the process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or `degraded` if the database is away and readers are answered from memory. If neither holds,
    /// the answer is a problem.
    #[schema(example = "ok")]
    status: &'static str,
}

impl Representation for Health {
    fn fresh(&self) -> bool {
        true
    }
}

/// Ask whether the process lives
///
/// Says nothing about the database: an instance that waits for the database should not be restarted.
#[utoipa::path(
    operation_id = "read_liveness", tag = "service",
    responses((status = 200, description = "The process is running.", body = Health)),
)]
#[get("/livez")]
pub(crate) async fn livez(_: Viewer) -> Found<Health> {
    Found(Health { status: "ok" })
}

/// Ask whether requests can be served
///
/// The instance is ready when the database answers. While the database is away, `degraded` says that answers
/// in memory can still be served, for a while. A load balancer sends requests only to instances that are
/// ready: an instance that is going to stop is not ready. The answer comes within 2 seconds.
#[utoipa::path(
    operation_id = "read_readiness", tag = "service",
    responses((status = 200, description = "The instance is ready.", body = Health)),
)]
#[get("/readyz")]
pub(crate) async fn readyz(
    _: Viewer,
    connections: Data<Connections>,
    presence: Data<Presence>,
    cache: Data<Option<Cache>>,
    context: Context,
) -> ApiResult<Found<Health>> {
    if connections.is_draining() {
        return Err(ApiError::new(ProblemType::Unavailable, "This instance is going to stop.").retry_after(1));
    }
    if !presence.is_away() && context.database.ping(PATIENCE).await.is_ok() {
        return Ok(Found(Health { status: "ok" }));
    }
    match cache.as_ref() {
        Some(cache) if cache.has_spares() => Ok(Found(Health { status: "degraded" })),
        _ => Err(ApiError::unavailable("the database is away")),
    }
}
