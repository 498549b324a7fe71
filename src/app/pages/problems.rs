//! The pages that explain the types of problems; a problem's `type` is the address of one.

use actix_web::{get, http::header::ContentType, web::Path};

use crate::http::cache_rule::CacheRule;
use crate::{
    auth::Viewer,
    error::{ApiError, ApiResult, ProblemType},
    http::reply::Document,
    surrogate::{Cacheable, SurrogateKeys},
};

/// The cache rules of these routes.
pub(crate) const CACHE_RULES: [CacheRule; 2] =
    [CacheRule::of("/problems").without_parameters(), CacheRule::of("/problems/{name}").without_parameters()];

/// Explain a problem
///
/// Returns the page that a problem's `type` names.
#[utoipa::path(
    operation_id = "explain_problem", tag = "service",
    params(("name" = String, Path, description = "The last segment of a problem's `type`.", example = "not-found")),
    responses((
        status = 200,
        description = "The meaning of the problem and what to do.",
        content((String = "text/html", example = "<!doctype html><title>Not found</title>")),
    )),
)]
#[get("/problems/{name}")]
pub(crate) async fn explain(_: Viewer, name: Path<String>) -> ApiResult<Cacheable<Document>> {
    let kind = ProblemType::ALL.into_iter().find(|kind| kind.info().name == *name);
    let info = kind.ok_or_else(ApiError::not_found)?.info();
    let content = format!(
        "<p>HTTP status {status}, problem type <code>/problems/{name}</code>.</p>\n<p>{explanation}</p>\n\
         <p><a href=\"/problems\">All problems</a> &middot; <a href=\"/docs\">API reference</a></p>\n",
        status = info.status.as_u16(),
        name = info.name,
        explanation = marked_up(info.explanation),
    );
    Ok(page(info.title, &content))
}

/// List the problems
///
/// Lists every type of problem, each with a link to the page that explains it.
#[utoipa::path(
    operation_id = "list_problems", tag = "service",
    responses((
        status = 200,
        description = "The types of problems, by status.",
        content((String = "text/html", example = "<!doctype html><title>Problems</title>")),
    )),
)]
#[get("/problems")]
pub(crate) async fn list(_: Viewer) -> Cacheable<Document> {
    let mut infos = ProblemType::ALL.map(ProblemType::info);
    infos.sort_by_key(|info| (info.status.as_u16(), info.name));
    let lines = infos.map(|info| {
        let (name, title, status) = (info.name, info.title, info.status.as_u16());
        format!("<li>{status} <a href=\"/problems/{name}\"><code>{name}</code></a>: {title}</li>\n")
    });
    page("Problems", &format!("<ul>\n{}</ul>\n<p><a href=\"/docs\">API reference</a></p>\n", lines.concat()))
}

/// Builds a page. The texts come from this program, and have nothing that needs escaping in HTML.
fn page(title: &str, content: &str) -> Cacheable<Document> {
    let body = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n{content}</html>\n"
    );
    let page = Document { body: body.into(), media_type: ContentType::html(), fresh: false };
    Cacheable::new(page, SurrogateKeys::none())
}

/// Returns the text as HTML: text between backticks becomes code.
fn marked_up(text: &str) -> String {
    let code = |(index, part): (usize, &str)| {
        if index % 2 == 0 { part.to_owned() } else { format!("<code>{part}</code>") }
    };
    text.split('`').enumerate().map(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_need_no_escaping_and_the_names_are_unique() {
        let mut names: Vec<_> = ProblemType::ALL.map(|kind| kind.info().name).into();
        for kind in ProblemType::ALL {
            let info = kind.info();
            let texts = [info.name, info.title, info.explanation].concat();
            assert!(!texts.contains(['<', '>', '&', '"']), "{}", info.name);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ProblemType::ALL.len());
    }
}
