//! What a handler works with: the services of the process, and what is known of the request.

pub(crate) mod links;

use std::{
    future::{Ready, ready},
    ops::Deref,
    sync::Arc,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde_json::Value;

use uuid::Uuid;

use crate::{
    clock::Clock,
    database::Database,
    error::ApiError,
    events::{self, EventType, SubjectType},
    http::body::BodyLimits,
    pagination::cursor::CursorKey,
    principal::Principal,
    site::Site,
};

/// What the process offers to every feature.
#[derive(Clone)]
pub struct Services {
    /// The pool.
    pub database: Database,
    /// Where the time comes from.
    pub clock: Clock,
    /// What cursors are signed with.
    pub cursor_key: CursorKey,
    /// How long bodies may take to arrive, and how many bytes of them are kept at a time.
    pub bodies: BodyLimits,
    /// What a story needs before readers see it.
    pub policy: Policy,
    /// Where readers find the stories.
    pub site: Arc<Site>,
}

/// What the newsroom asks of every story before readers see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// At least one citation.
    pub require_citation: bool,
    /// That the one who publishes it is not the only one who wrote it.
    pub require_review: bool,
}

/// The id of a request, the same in the answer's X-Request-Id, in problems, in events and in the log.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

/// One request's context: the services, its id, and the time.
#[derive(Clone)]
pub struct Context {
    services: web::Data<Services>,
    /// The id of the request.
    pub request_id: Arc<str>,
    /// How far back its time is set.
    back: TimeDelta,
}

impl Context {
    /// The services that the request's application was built with.
    #[must_use]
    pub fn services(request: &HttpRequest) -> Option<&web::Data<Services>> {
        request.app_data::<web::Data<Services>>()
    }

    /// The context of something that the process does by itself, such as on its first start.
    #[must_use]
    pub fn of_process(services: &Services, purpose: &str) -> Self {
        let services = web::Data::new(services.clone());
        Self { services, request_id: purpose.into(), back: TimeDelta::zero() }
    }

    /// The same, as if it happened that much earlier. What is recorded keeps the true time.
    #[must_use]
    pub fn set_back(self, back: TimeDelta) -> Self {
        Self { back, ..self }
    }

    /// The present time. Ask once the rows that a change depends on are locked: a body may have taken its time to arrive, and what
    /// others committed meanwhile came before.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.services.clock.now() - self.back
    }

    /// Records what this request did; call it in the transaction of the change.
    ///
    /// # Errors
    /// As any statement.
    pub async fn record(
        &self,
        conn: &mut AsyncPgConnection,
        principal: Principal,
        r#type: EventType,
        subject: (SubjectType, Uuid),
        details: Value,
    ) -> QueryResult<()> {
        let actor = principal.actor(&self.request_id);
        events::record(conn, &self.clock, self.clock.now(), &actor, r#type, subject, details).await
    }
}

impl Deref for Context {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

impl FromRequest for Context {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
        ready(match (Self::services(request), id) {
            (Some(services), Some(request_id)) => {
                Ok(Self { services: services.clone(), request_id, back: TimeDelta::zero() })
            }
            _ => Err(ApiError::internal("the application was built without its services or its envelope")),
        })
    }
}
