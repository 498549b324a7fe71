//! Whether the process lives, and whether it can serve.

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

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`; or `degraded`: the database is away, and readers are answered from memory. What is neither answers with a problem.
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
/// It says nothing of the database: an instance that waits for it should not be restarted.
#[utoipa::path(
    operation_id = "read_liveness", tag = "service",
    responses((status = 200, description = "It does.", body = Health)),
)]
#[get("/livez")]
pub(crate) async fn livez(_: Viewer) -> Found<Health> {
    Found(Health { status: "ok" })
}

/// Ask whether requests can be served
///
/// They can where the database answers. While it is away, `degraded` says that what is in memory can, for a while. A load balancer
/// sends requests only to instances that are ready: one that is going to stop is not. The answer comes within 2 seconds.
#[utoipa::path(
    operation_id = "read_readiness", tag = "service",
    responses((status = 200, description = "They can.", body = Health)),
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
