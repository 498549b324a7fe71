//! The kinds of problems: the only place that pairs a kind with its name, status, title and explanation.

use actix_web::http::StatusCode;
use serde::{Serialize, Serializer};

/// A kind of problem. Its name is stable: clients can branch on the last segment of `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the table in `info` says what each one means, for the reader of the API as well"
)]
pub enum ProblemType {
    BadRequest,
    InvalidQuery,
    MalformedBody,
    Unauthenticated,
    SignInFailed,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    RequestTimeout,
    SlugTaken,
    SlugInUse,
    AlreadyCovered,
    EmailTaken,
    SourceCited,
    LastAdmin,
    NotAllowedInState,
    Conflict,
    Retracted,
    PreconditionFailed,
    BodyTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    PublishGate,
    InvalidBody,
    PreconditionRequired,
    TooManyRequests,
    HeadersTooLarge,
    Internal,
    Unavailable,
    ReadOnly,
}

/// Writes the name of the kind.
impl Serialize for ProblemType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.info().name)
    }
}

/// The name, status, title and explanation of a kind of problem.
pub struct ProblemTypeInfo {
    /// The last segment of the problem's `type`.
    pub name: &'static str,
    /// The HTTP status of the answer.
    pub status: StatusCode,
    /// A short summary, the same for each occurrence.
    pub title: &'static str,
    /// The meaning of the problem and the way out, for the page at `/problems/{name}`.
    pub explanation: &'static str,
}

impl ProblemType {
    /// All kinds, in the order of their statuses.
    pub const ALL: [Self; 31] = [
        Self::BadRequest,
        Self::InvalidQuery,
        Self::MalformedBody,
        Self::Unauthenticated,
        Self::SignInFailed,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::RequestTimeout,
        Self::SlugTaken,
        Self::SlugInUse,
        Self::AlreadyCovered,
        Self::EmailTaken,
        Self::SourceCited,
        Self::LastAdmin,
        Self::NotAllowedInState,
        Self::Conflict,
        Self::Retracted,
        Self::PreconditionFailed,
        Self::BodyTooLarge,
        Self::UriTooLong,
        Self::UnsupportedMediaType,
        Self::PublishGate,
        Self::InvalidBody,
        Self::PreconditionRequired,
        Self::TooManyRequests,
        Self::HeadersTooLarge,
        Self::Internal,
        Self::Unavailable,
        // After the one that stands for its status.
        Self::ReadOnly,
    ];

    /// Returns the name, status, title and explanation of the kind. This table is the only place that pairs
    /// them.
    #[must_use]
    pub const fn info(self) -> ProblemTypeInfo {
        let (name, status, title, explanation) = match self {
            Self::BadRequest => (
                "bad-request",
                StatusCode::BAD_REQUEST,
                "The request is malformed",
                "The request line or a header could not be understood. The detail says which.",
            ),
            Self::InvalidQuery => (
                "invalid-query",
                StatusCode::BAD_REQUEST,
                "The query string is invalid",
                "A query parameter is unknown, repeated, or has a value that cannot be applied. Nothing is \
                 ignored silently: `errors` lists each parameter at fault. A cursor is only good for the \
                 query that made it.",
            ),
            Self::MalformedBody => (
                "malformed-body",
                StatusCode::BAD_REQUEST,
                "The body is not JSON",
                "The body is not valid JSON in UTF-8, or names a member twice. The detail gives line and column.",
            ),
            Self::Unauthenticated => (
                "unauthenticated",
                StatusCode::UNAUTHORIZED,
                "A valid access token is needed",
                "The operation needs a token, or the one sent is malformed, expired or revoked, or belongs to a \
                 disabled editor. Sign in again, or refresh. Without an Authorization header, public content \
                 can still be read. If you followed a preview link, ask for a new one.",
            ),
            Self::SignInFailed => (
                "sign-in-failed",
                StatusCode::UNAUTHORIZED,
                "Sign-in failed",
                "The email and password do not match an active editor, or the refresh token is not valid any \
                 more.",
            ),
            Self::Forbidden => (
                "forbidden",
                StatusCode::FORBIDDEN,
                "Your role does not allow this",
                "The token is valid, but the editor's role or ownership does not allow the operation.",
            ),
            Self::NotFound => (
                "not-found",
                StatusCode::NOT_FOUND,
                "Not found",
                "There is nothing at this address, or you are not allowed to see it.",
            ),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "Method not allowed",
                "The address exists, but not with this method. The Allow header lists the ones it has.",
            ),
            Self::NotAcceptable => (
                "not-acceptable",
                StatusCode::NOT_ACCEPTABLE,
                "No acceptable representation",
                "The Accept header allows none of the media types that there are. `available` lists them.",
            ),
            Self::RequestTimeout => (
                "request-timeout",
                StatusCode::REQUEST_TIMEOUT,
                "The request took too long to arrive",
                "The head or the body of the request did not arrive in time. Send it again.",
            ),
            Self::SlugTaken => (
                "slug-taken",
                StatusCode::CONFLICT,
                "The slug is taken",
                "Another article, tag or source has this slug. Choose another one, or leave it out to have one \
                 made.",
            ),
            Self::SlugInUse => (
                "slug-in-use",
                StatusCode::CONFLICT,
                "The slug is in use",
                "The article itself has the slug, in its draft or before the readers. Only an old slug can be freed: \
                 give the article another one, and publish it, first.",
            ),
            Self::AlreadyCovered => (
                "already-covered",
                StatusCode::CONFLICT,
                "The document is covered already",
                "The new story cites a document as `original` or `translated_from`, and another story already \
                 does so. `errors` gives the places of such documents, `article` the story that covers the \
                 first of them. Work on that story, make the new one a translation of it with `translation_of`, or \
                 send the request again with `allow_duplicate=true`.",
            ),
            Self::EmailTaken => (
                "email-taken",
                StatusCode::CONFLICT,
                "The email is taken",
                "Another editor has this email address.",
            ),
            Self::SourceCited => (
                "source-cited",
                StatusCode::CONFLICT,
                "The source is cited",
                "A source that articles cite cannot be deleted. `article_count` says how many do; change their \
                 citations first.",
            ),
            Self::LastAdmin => (
                "last-admin",
                StatusCode::CONFLICT,
                "The last admin must stay",
                "The change would leave nobody who can manage editors. Make another editor an admin first.",
            ),
            Self::NotAllowedInState => (
                "not-allowed-in-state",
                StatusCode::CONFLICT,
                "Not possible in the present state",
                "The article's state does not allow the action. `state` names it, and `allowed` the actions that it \
                 allows.",
            ),
            Self::Conflict => (
                "conflict",
                StatusCode::CONFLICT,
                "The change collided with another one",
                "Something that the request relies on was changed at the same moment. Read it again and retry.",
            ),
            Self::Retracted => (
                "retracted",
                StatusCode::GONE,
                "The story was retracted",
                "The newsroom took the story back. `reason` says why and `retracted_at` when; do not rely on copies of it.",
            ),
            Self::PreconditionFailed => (
                "precondition-failed",
                StatusCode::PRECONDITION_FAILED,
                "It was changed meanwhile",
                "If-Match names a state that is no longer the current one. The ETag header gives the current one: \
                 read it, merge, and send the change again. For an article, `saved_by` and `saved_at` say who saved it \
                 and when; for a patch, `clashes` names its fields that others changed as well. If there are none, \
                 `Prefer: merge` applies the patch to the current state.",
            ),
            Self::BodyTooLarge => (
                "body-too-large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is too large",
                "A body has at most 2 MiB (2,097,152 bytes) if it carries a story, 64 KiB if it carries some paragraphs, \
                 such as a description, and 16 KiB otherwise. The detail gives the limit of this operation.",
            ),
            Self::UriTooLong => (
                "uri-too-long",
                StatusCode::URI_TOO_LONG,
                "The address is too long",
                "A request target has at most 8,192 bytes.",
            ),
            Self::UnsupportedMediaType => (
                "unsupported-media-type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The media type is not supported",
                "Send `Content-Type: application/json`; PATCH also takes `application/merge-patch+json`. No \
                 Content-Encoding is supported.",
            ),
            Self::PublishGate => (
                "publish-gate",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The story lacks what the newsroom asks for",
                "The instance publishes and schedules only stories that have a citation (`citation_required`), or that \
                 somebody other than the publisher has edited (`review_required`). `errors` lists everything that is \
                 missing. An admin can override this with a reason, which is recorded.",
            ),
            Self::InvalidBody => (
                "invalid-body",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The body is invalid",
                "The body is JSON, but not what the operation takes. `errors` lists every fault with a JSON \
                 pointer to its place.",
            ),
            Self::PreconditionRequired => (
                "precondition-required",
                StatusCode::PRECONDITION_REQUIRED,
                "If-Match is required",
                "A change of an article must name the state it was made from: send the draft's ETag in If-Match, \
                 so that nobody's work is overwritten. `If-Match: *` overrides.",
            ),
            Self::TooManyRequests => (
                "too-many-requests",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many attempts",
                "Sign-in failed too often for this account or from this address, or the address has too many \
                 connections. After a failed sign-in, Retry-After says how many seconds to wait.",
            ),
            Self::HeadersTooLarge => (
                "headers-too-large",
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "The headers are too large",
                "Request headers have at most 32,768 bytes together.",
            ),
            Self::Internal => (
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong on our side",
                "The error was logged under the `request_id`; quote it when you report it.",
            ),
            Self::Unavailable => (
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "Temporarily unavailable",
                "The service or its database cannot answer right now. Retry after the seconds that Retry-After \
                 gives.",
            ),
            Self::ReadOnly => (
                "read-only",
                StatusCode::SERVICE_UNAVAILABLE,
                "No changes right now",
                "The database can be read but takes no changes, for example during a failover. Nothing was \
                 changed; sign-in and sign-out are changes too. Retry after the seconds that Retry-After gives.",
            ),
        };
        ProblemTypeInfo { name, status, title, explanation }
    }

    /// Returns the kind for a status with which the framework answered without saying more.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        let generic = if status.is_server_error() { Self::Internal } else { Self::BadRequest };
        Self::ALL.into_iter().find(|kind| kind.info().status == status).unwrap_or(generic)
    }
}
