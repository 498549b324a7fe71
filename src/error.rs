//! Errors, and how they reach the caller: every error leaves as `application/problem+json` (RFC 9457).
//!
//! An [`ApiError`] has a [`ProblemType`], and the kind alone decides status, title and `type`: the table in
//! [`ProblemType::info`] is the only one. The conversion to HTTP is the last step, in
//! [`crate::app::middleware::envelope`], which also logs the error once.

pub(crate) mod complaint;
mod problem_type;

use std::{borrow::Cow, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use self::problem_type::{ProblemType, ProblemTypeInfo};
use crate::{
    database::{PoolError, sqlstate::Trouble},
    faults::{Fault, Faults, Invalid, TOLD, summary},
    surrogate::SurrogateKeys,
};

/// The challenge that says how to authenticate (RFC 6750); every `401` has at least this one.
pub const CHALLENGE: &str = "Bearer realm=\"warta\"";

/// The result of an operation that can fail with an answer to the caller.
pub type ApiResult<T> = Result<T, ApiError>;

/// An error as a handler, a rule or a store returns it.
#[derive(Debug)]
pub struct ApiError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ProblemType,
    detail: Cow<'static, str>,
    faults: Vec<Fault>,
    headers: HeaderMap,
    members: Map<String, Value>,
    /// The surrogate keys of an answer that tells readers that there is nothing.
    keys: Option<SurrogateKeys>,
    /// The cause, for the log. It never leaves the process.
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ApiError {
    /// Creates a problem of this kind; `detail` describes this occurrence.
    pub fn new(kind: ProblemType, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            detail: detail.into(),
            faults: Vec::new(),
            headers: HeaderMap::new(),
            members: Map::new(),
            keys: None,
            cause: None,
        }))
    }

    /// Creates a `404`. The words are the same if the thing does not exist and if the caller is not allowed
    /// to see it.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            ProblemType::NotFound,
            "There is nothing at this address, or you are not allowed to see it.",
        )
    }

    /// Creates a `401` for a request that needs a token and has none; `reason` says what the token is needed
    /// for.
    #[must_use]
    pub fn token_needed(reason: &'static str) -> Self {
        Self::new(ProblemType::Unauthenticated, reason)
    }

    /// Creates a `401` for a token that is not good; `reason` says why, without quotes or backslashes.
    #[must_use]
    pub fn unauthenticated(reason: &'static str) -> Self {
        let challenge = format!(
            "{CHALLENGE}, error=\"invalid_token\", error_description=\"{}\"",
            reason.replace('`', "'")
        );
        let error = Self::new(ProblemType::Unauthenticated, reason);
        match HeaderValue::from_str(&challenge) {
            Ok(challenge) => error.with_header(header::WWW_AUTHENTICATE, challenge),
            Err(_) => error,
        }
    }

    /// Creates a `403`; `reason` says which right is missing.
    #[must_use]
    pub fn forbidden(reason: &'static str) -> Self {
        Self::new(ProblemType::Forbidden, reason)
    }

    /// Creates a `422` with every fault of a body.
    #[must_use]
    pub fn invalid_body(faults: Faults) -> Self {
        let mut error = Self::new(ProblemType::InvalidBody, summary("body", &faults));
        error.0.faults = faults.into_body_faults();
        error
    }

    /// Creates a `422` with the only fault of a body, at this pointer.
    #[must_use]
    pub fn invalid_at(pointer: &str, invalid: Invalid) -> Self {
        let mut faults = Faults::none();
        faults.push(Fault::at(pointer, invalid.code, invalid.detail));
        Self::invalid_body(faults)
    }

    /// Creates a `400` with every fault of a query string.
    #[must_use]
    pub fn invalid_query(faults: Faults) -> Self {
        let mut error = Self::new(ProblemType::InvalidQuery, summary("query string", &faults));
        error.0.faults = faults.into_query_faults();
        error
    }

    /// Creates a `500`; the cause is logged and not shown.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(ProblemType::Internal, "The error was logged under this request_id.").caused_by(cause)
    }

    /// Creates a `503` with `Retry-After`; the cause is logged and not shown.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(ProblemType::Unavailable, "The database cannot answer right now; please retry.")
            .retry_after(1)
            .caused_by(cause)
    }

    /// Creates a `503` for a change while the database takes none; the cause is logged and not shown.
    pub fn read_only(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let detail = "The database takes no changes right now; what is published can be read. Please retry.";
        Self::new(ProblemType::ReadOnly, detail).retry_after(5).caused_by(cause)
    }

    /// Adds the number of seconds after which to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Adds a response header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Adds a `Link` header (RFC 8288) to an address of this API.
    #[must_use]
    pub fn with_link(self, target: &str, relation: &str) -> Self {
        match HeaderValue::from_str(&format!("<{target}>; rel=\"{relation}\"")) {
            Ok(link) => self.with_header(header::LINK, link),
            Err(_) => self,
        }
    }

    /// Adds an extension member (RFC 9457, section 3.2).
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds the place of a fault, if the problem concerns one field; faults after the first [`TOLD`] are
    /// dropped.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        if self.0.faults.len() < TOLD {
            self.0.faults.push(fault);
        }
        self
    }

    /// Adds the keys whose changes would change a `404` or a `410` to a reader, so that caches can keep it.
    /// Other problems hold for the moment only, and do not get them.
    #[must_use]
    pub fn made_of(mut self, keys: SurrogateKeys) -> Self {
        if matches!(self.0.kind, ProblemType::NotFound | ProblemType::Retracted) {
            self.0.keys = Some(keys);
        }
        self
    }

    /// Returns the surrogate keys, if the problem has them.
    #[must_use]
    pub fn keys(&self) -> Option<&SurrogateKeys> {
        self.0.keys.as_ref()
    }

    fn caused_by(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Returns the kind of problem.
    #[must_use]
    pub fn kind(&self) -> ProblemType {
        self.0.kind
    }

    /// Returns the cause, to be logged.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.0.cause.as_deref()
    }

    /// Returns the headers that go with the problem.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// Returns the document that the caller gets.
    #[must_use]
    pub fn problem(&self, request_id: &str) -> Problem {
        let ProblemTypeInfo { name, status, title, .. } = self.0.kind.info();
        Problem {
            r#type: format!("/problems/{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.0.detail.clone().into_owned(),
            request_id: request_id.to_owned(),
            errors: (!self.0.faults.is_empty()).then(|| self.0.faults.clone()),
            members: self.0.members.clone(),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind.info().name, self.0.detail)
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.0.kind.info().status
    }

    /// Returns an empty response: the envelope, which knows the request id, writes the problem from the error
    /// in it.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<DieselError> for ApiError {
    /// Converts an error that a store did not translate itself. Constraints that clients can violate are
    /// translated next to the statement, with [`violated`].
    fn from(error: DieselError) -> Self {
        match (Trouble::of(&error), &error) {
            (Some(Trouble::Unavailable), _) => Self::unavailable(error),
            (Some(Trouble::ReadOnly), _) => Self::read_only(error),
            (Some(Trouble::Collision), _) => {
                Self::new(ProblemType::Conflict, "Another change was made at the same moment; please retry.")
                    .caused_by(error)
            }
            (None, DieselError::NotFound) => Self::not_found(),
            (None, DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => Self::new(
                ProblemType::Conflict,
                "Something that this change refers to was removed at the same moment; please retry.",
            )
            .caused_by(error),
            _ => Self::internal(error),
        }
    }
}

impl From<PoolError> for ApiError {
    fn from(error: PoolError) -> Self {
        Self::unavailable(error)
    }
}

/// Returns `true` if the error is the violation of the constraint with this name.
#[must_use]
pub fn violated(error: &DieselError, constraint: &str) -> bool {
    matches!(error, DieselError::DatabaseError(_, info) if info.constraint_name() == Some(constraint))
}

/// A problem (RFC 9457). Clients branch on `type` and `status`, and show `title` and `detail`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// The kind of problem. It is also the address of a page that explains it.
    #[schema(format = "uri-reference", example = "/problems/not-found")]
    pub r#type: String,
    /// A summary of the kind, the same for each occurrence.
    #[schema(example = "Not found")]
    pub title: String,
    /// The HTTP status, repeated.
    #[schema(minimum = 400, maximum = 599, example = 404)]
    pub status: u16,
    /// A description of this occurrence of the problem.
    #[schema(example = "There is nothing at this address, or you are not allowed to see it.")]
    pub detail: String,
    /// The request's id, the same as in the X-Request-Id header. Quote it in a report.
    #[schema(example = "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77")]
    pub request_id: String,
    /// Every fault of an invalid input, all at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<Fault>>,
    /// Further members, if the kind of problem has any.
    #[serde(flatten)]
    #[schema(ignore)]
    pub members: Map<String, Value>,
}
