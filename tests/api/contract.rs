//! The HTTP contract (DESIGN.md, section 3.1), held over every operation where it holds for all.

mod conditional;
mod cors;
mod errors;
mod lists;
mod methods;
mod requests;

use crate::support::{Article, Cast, Operation, Prepared, Server, operations};

/// Each `GET` operation with an admin's request that it answers with `200`.
async fn reads(server: &Server, cast: &Cast) -> Vec<(Operation, Prepared)> {
    let mut reads = Vec::new();
    for operation in operations().into_iter().filter(|operation| operation.method == "GET") {
        let request = cast.prepare(server, &operation, Article::Live).await;
        reads.push((operation, request));
    }
    reads
}

/// Pages for people, which the document leaves out.
const PAGES: [&str; 5] = ["/", "/reader.css", "/reader.js", "/docs", "/docs/scalar.js"];

/// Every path, with some value for each parameter.
fn paths() -> Vec<(String, Vec<String>)> {
    let mut paths: Vec<(String, Vec<String>)> = Vec::new();
    for operation in operations() {
        let path = operation
            .template
            .replace("{id}", "0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77")
            .replace("{name}", "not-found")
            .replace(['{', '}'], "");
        match paths.iter_mut().find(|(known, _)| *known == path) {
            Some((_, methods)) => methods.push(operation.method),
            None => paths.push((path, vec![operation.method])),
        }
    }
    paths.extend(PAGES.map(|page| (page.to_owned(), vec!["GET".to_owned()])));
    for (_, methods) in &mut paths {
        if methods.iter().any(|method| method == "GET") {
            methods.push("HEAD".to_owned());
        }
        methods.push("OPTIONS".to_owned());
        methods.sort();
    }
    paths
}
