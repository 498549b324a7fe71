//! The context that a handler works with: the services of the process, and the id and time of the request.

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

/// The services that the process offers to every feature.
#[derive(Clone)]
pub struct Services {
    /// The pool of connections to the database.
    pub database: Database,
    /// The clock that every time comes from.
    pub clock: Clock,
    /// The key that cursors are signed with.
    pub cursor_key: CursorKey,
    /// The limits of request bodies: the time to arrive, and the bytes that are kept at a time.
    pub bodies: BodyLimits,
    /// The rules that a story has to meet before readers see it.
    pub policy: Policy,
    /// The public site on which readers find the stories.
    pub site: Arc<Site>,
}

/// The rules of the newsroom for every story, before readers see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Requires at least one citation.
    pub require_citation: bool,
    /// Requires that somebody other than the publisher has also written the changes.
    pub require_review: bool,
}

/// The id of a request, which is the same in the answer's X-Request-Id, in problems, in events and in the
/// log.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

/// The context of one request: the services, its id, and the time.
#[derive(Clone)]
pub struct Context {
    services: web::Data<Services>,
    /// The id of the request.
    pub request_id: Arc<str>,
    /// The time by which the request is set back.
    back: TimeDelta,
}

impl Context {
    /// Returns the services that the request's application was built with.
    #[must_use]
    pub fn services(request: &HttpRequest) -> Option<&web::Data<Services>> {
        request.app_data::<web::Data<Services>>()
    }

    /// Returns a context for something that the process does by itself, such as on its first start. `purpose`
    /// takes the place of the request's id.
    #[must_use]
    pub fn of_process(services: &Services, purpose: &str) -> Self {
        let services = web::Data::new(services.clone());
        Self { services, request_id: purpose.into(), back: TimeDelta::zero() }
    }

    /// Returns the context with its time set back, as if the request had come earlier. Events keep the true
    /// time.
    #[must_use]
    pub fn set_back(self, back: TimeDelta) -> Self {
        Self { back, ..self }
    }

    /// Returns the present time. Ask once the rows that a change depends on are locked: a body can take long
    /// to arrive, and the changes that others committed meanwhile came before.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.services.clock.now() - self.back
    }

    /// Records an event of this request; call it in the transaction of the change.
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
