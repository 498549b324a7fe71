//! Answers requests that no route matches: `404`, `405` with `Allow`, or the answer to `OPTIONS`.

use actix_web::{
    HttpRequest, HttpResponse,
    dev::ResourceDef,
    http::{
        Method,
        header::{self, HeaderValue},
    },
    web,
};
use serde_json::Value;

use crate::error::{ApiError, ApiResult, ProblemType};

/// The table of all paths with their methods, read from the OpenAPI document.
pub(crate) struct Routes(Vec<(ResourceDef, HeaderValue)>);

/// The paths of pages for people, which the document leaves out.
pub(super) const PAGES: [&str; 5] = ["/", "/reader.css", "/reader.js", "/docs", "/docs/scalar.js"];

impl Routes {
    /// Reads the table from the OpenAPI document.
    #[must_use]
    pub(crate) fn of(document: &Value) -> Self {
        let documented = document["paths"].as_object().into_iter().flatten().map(|(path, item)| {
            let methods = item.as_object().into_iter().flat_map(|item| item.keys());
            (path.as_str(), methods.map(|method| method.to_uppercase()).collect::<Vec<_>>())
        });
        let pages = PAGES.into_iter().map(|path| (path, vec!["GET".to_owned()]));
        let allow = |(path, mut methods): (&str, Vec<String>)| {
            if methods.iter().any(|method| method == "GET") {
                methods.push("HEAD".to_owned());
            }
            methods.push("OPTIONS".to_owned());
            methods.sort();
            Some((ResourceDef::new(path), HeaderValue::from_str(&methods.join(", ")).ok()?))
        };
        Self(documented.chain(pages).filter_map(allow).collect())
    }

    fn allowed(&self, path: &str) -> Option<&HeaderValue> {
        self.0.iter().find(|(pattern, _)| pattern.is_match(path)).map(|(_, allow)| allow)
    }
}

/// Answers a request that no route serves.
///
/// # Errors
/// `404` if there is no such path, `405` if the path does not have the method.
pub(crate) async fn unrouted(request: HttpRequest, routes: web::Data<Routes>) -> ApiResult<HttpResponse> {
    let Some(allow) = routes.allowed(request.path()) else {
        return Err(ApiError::not_found());
    };
    if request.method() == Method::OPTIONS {
        return Ok(HttpResponse::NoContent().insert_header((header::ALLOW, allow.clone())).finish());
    }
    let detail = format!("{} is not possible here; Allow lists what is.", request.method());
    Err(ApiError::new(ProblemType::MethodNotAllowed, detail).with_header(header::ALLOW, allow.clone()))
}
