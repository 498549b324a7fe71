//! Writes errors as problems (RFC 9457): the last step before they are sent.

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    body::BoxBody,
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};

use crate::{
    error::{ApiError, CHALLENGE, ProblemType},
    http::{preview::Preview, reply::Sharing},
    principal::SignedIn,
};

/// Turns an error into a problem; other answers stay as they are.
pub(super) fn problem_of(response: ServiceResponse, id: &str) -> ServiceResponse {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let ours = response.response().error().and_then(|error| error.as_error::<ApiError>());
    let request = response.request().clone();
    let problem = match ours {
        Some(error) => {
            let mut problem = respond(error, id);
            if let Some(keys) = error.keys().filter(|_| is_a_readers(&request)) {
                keys.clone().label(&mut problem);
                let headers = problem.headers_mut();
                headers.insert(header::CACHE_CONTROL, Sharing::of_nothing(&request));
                headers.insert(header::VARY, HeaderValue::from_static("Authorization"));
            }
            problem
        }
        None => {
            let detail = match response.response().error() {
                Some(error) if status.is_client_error() => error.to_string(),
                _ => ProblemType::of_status(status).info().title.to_owned(),
            };
            respond(&ApiError::new(ProblemType::of_status(status), detail), id)
        }
    };
    ServiceResponse::new(request, problem)
}

/// Returns `true` if the request came without a token and without a preview, so that the answer can be told
/// to everybody.
fn is_a_readers(request: &HttpRequest) -> bool {
    let extensions = request.extensions();
    !extensions.contains::<SignedIn>() && !extensions.contains::<Preview>()
}

/// Returns the answer to an error, without the headers that every answer has.
pub(super) fn respond(error: &ApiError, id: &str) -> HttpResponse<BoxBody> {
    let status = error.kind().info().status;
    match error.cause() {
        Some(cause) if status.is_server_error() => {
            tracing::error!(request_id = id, %status, %cause, "{error}");
        }
        _ => tracing::debug!(request_id = id, %status, "{error}"),
    }
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
    for (name, value) in error.headers() {
        response.insert_header((name.clone(), value.clone()));
    }
    let problem = error.problem(id);
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110, section 15.5.2: a 401 always says how.
        if !error.headers().contains_key(header::WWW_AUTHENTICATE) {
            response.insert_header((header::WWW_AUTHENTICATE, CHALLENGE));
        }
    }
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    response.body(body)
}
