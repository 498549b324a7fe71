//! The pages that a problem's `type` leads to.

use actix_web::{get, http::header::ContentType, web::Path};

use crate::{
    auth::Viewer,
    error::{ApiError, ApiResult, Kind},
    http::{query::NoQuery, reply::Document},
};

/// Explain a problem
///
/// The page that a problem's `type` names.
#[utoipa::path(
    operation_id = "explain_problem", tag = "service",
    params(("name" = String, Path, description = "The last segment of a problem's `type`.", example = "not-found")),
    responses((
        status = 200,
        description = "What the problem means and what to do.",
        content((String = "text/html", example = "<!doctype html><title>Not found</title>")),
    )),
)]
#[get("/problems/{name}")]
pub async fn explain(_: Viewer, name: Path<String>, _: NoQuery) -> ApiResult<Document> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.info().name == *name);
    let info = kind.ok_or_else(ApiError::not_found)?.info();
    // The texts are ours, and have nothing that HTML would read otherwise.
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n<p>HTTP status {status}, problem type <code>/problems/{name}</code>.</p>\n\
         <p>{explanation}</p>\n<p><a href=\"/docs\">API reference</a></p>\n</html>\n",
        title = info.title,
        status = info.status.as_u16(),
        name = info.name,
        explanation = marked_up(info.explanation),
    );
    Ok(Document { body: page.into(), media_type: ContentType::html(), fresh: false })
}

/// The text as HTML: what stands between backticks is code.
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
        let mut names: Vec<_> = Kind::ALL.map(|kind| kind.info().name).into();
        for kind in Kind::ALL {
            let info = kind.info();
            let texts = [info.name, info.title, info.explanation].concat();
            assert!(!texts.contains(['<', '>', '&', '"']), "{}", info.name);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::ALL.len());
    }
}
