//! Whether the process lives, and whether it can serve.

use actix_web::get;
use diesel_async::SimpleAsyncConnection;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::Viewer,
    error::ApiResult,
    http::{
        context::Context,
        query::NoQuery,
        reply::{Found, Representation},
    },
};

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`: what is not answers with a problem.
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
pub async fn livez(_: Viewer, _: NoQuery) -> Found<Health> {
    Found(Health { status: "ok" })
}

/// Ask whether requests can be served
///
/// They can where the database answers. A load balancer sends requests only to instances that are ready.
#[utoipa::path(
    operation_id = "read_readiness", tag = "service",
    responses((status = 200, description = "They can.", body = Health)),
)]
#[get("/readyz")]
pub async fn readyz(_: Viewer, _: NoQuery, context: Context) -> ApiResult<Found<Health>> {
    context.database.get().await?.batch_execute("select 1").await?;
    Ok(Found(Health { status: "ok" }))
}
