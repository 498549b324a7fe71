//! The application: its parts, its route table, and the server that is built from them.

pub mod connections;
pub mod cors;
mod failure;
pub(crate) mod middleware;
pub(crate) mod not_found;
pub(crate) mod ops;
pub(crate) mod pages;
mod settings;

use std::{sync::Arc, time::Duration};

use actix_server::{Server, ServerBuilder};
use actix_web::{
    App,
    middleware::from_fn,
    web::{self, PathConfig},
};
use ipnet::IpNet;
use utoipa_actix_web::{AppExt, service_config::ServiceConfig};

use self::{
    connections::{Connections, Limits, service, watch::Watch},
    middleware::fast_path::FastPath,
    not_found::Routes,
    ops::metrics::Metrics,
};
use crate::app::{cors::Cors, settings::Settings};
use crate::http::cache_rule::CacheRule;
use crate::{
    articles, audit,
    auth::{self, Auth},
    cache::Cache,
    context::Services,
    database::presence::Presence,
    editors,
    error::ApiError,
    feeds,
    http::reply::Sharing,
    openapi, sources, tags,
};

/// Registers the routes of the API. Only routes that are registered here are served and documented.
fn routes(config: &mut ServiceConfig<'_>) {
    config
        // articles
        .service(articles::api::list)
        .service(articles::api::create)
        .service(articles::api::forms::read)
        .service(articles::api::forms::read_json_ld)
        .service(articles::api::forms::read_ninjs)
        .service(articles::api::forms::read_markdown)
        .service(articles::api::update)
        .service(articles::api::remove)
        .service(articles::api::actions::submit)
        .service(articles::api::actions::publish)
        .service(articles::api::actions::unschedule)
        .service(articles::api::actions::unpublish)
        .service(articles::api::actions::retract)
        .service(articles::api::actions::restore)
        .service(articles::api::previews::create)
        .service(articles::api::previews::list)
        .service(articles::api::previews::read)
        .service(articles::api::previews::revoke)
        .service(articles::api::slugs::list)
        .service(articles::api::slugs::free)
        .service(articles::api::revisions::list)
        .service(articles::api::revisions::read)
        .service(articles::api::revisions::restore)
        .service(articles::api::revisions::compare)
        .service(articles::api::corrections::list)
        .service(articles::api::corrections::create)
        .service(articles::api::corrections::read)
        .service(articles::api::versions::list)
        .service(articles::api::versions::read)
        .service(articles::api::related::list)
        // publishing
        .service(feeds::api::read_rss)
        .service(feeds::api::read_atom)
        .service(feeds::api::read_json_feed)
        .service(feeds::api::read_sitemap)
        // Before the address of one of several sitemaps, which it looks like.
        .service(feeds::api::read_news_sitemap)
        .service(feeds::api::read_sitemap_part)
        // tags
        .service(tags::api::list)
        .service(tags::api::create)
        .service(tags::api::read)
        .service(tags::api::update)
        .service(tags::api::remove)
        .service(tags::api::merge_into)
        // sources
        .service(sources::api::list)
        .service(sources::api::create)
        .service(sources::api::read)
        .service(sources::api::update)
        .service(sources::api::remove)
        .service(articles::api::list_of_source)
        // sign-in
        .service(auth::api::login)
        .service(auth::api::refresh)
        .service(auth::api::logout)
        .service(auth::api::change_password)
        .service(auth::api::jwks)
        .service(editors::api::read_me)
        .service(editors::api::update_me)
        // editors
        .service(editors::api::list)
        .service(editors::api::create)
        .service(editors::api::read)
        .service(editors::api::update)
        // events
        .service(audit::api::list)
        // service
        .service(pages::docs::openapi)
        .service(pages::problems::list)
        .service(pages::problems::explain)
        .service(ops::health::livez)
        .service(ops::health::readyz)
        .service(ops::metrics::read);
}

/// Registers the pages for people, which the OpenAPI document leaves out.
fn pages(config: &mut web::ServiceConfig) {
    config
        .service(pages::reader::page)
        .service(pages::reader::style)
        .service(pages::reader::script)
        .service(pages::docs::page)
        .service(pages::docs::script);
}

/// Collects the cache rules of all routes whose answers do not simply depend on the path and all parameters.
fn cache_rules() -> Vec<CacheRule> {
    let rules: [&[CacheRule]; 9] = [
        &articles::api::CACHE_RULES,
        &articles::api::forms::CACHE_RULES,
        &articles::api::related::CACHE_RULES,
        &tags::api::CACHE_RULES,
        &sources::api::CACHE_RULES,
        &feeds::api::CACHE_RULES,
        &pages::reader::CACHE_RULES,
        &pages::docs::CACHE_RULES,
        &pages::problems::CACHE_RULES,
    ];
    rules.concat()
}

/// Returns the OpenAPI document of the route table.
#[must_use]
pub fn document() -> serde_json::Value {
    let (_, document) =
        App::new().into_utoipa_app().openapi(openapi::base()).configure(routes).split_for_parts();
    openapi::finish(&document)
}

/// The parts of an instance. `main` and the tests build the same ones.
#[derive(Clone)]
pub struct Parts {
    /// The services that every feature works with.
    pub services: Services,
    /// The part that signs editors in and checks their tokens.
    pub auth: Auth,
    /// The cache of answers to readers; `None` if every answer is computed each time.
    pub cache: Option<Cache>,
    /// The knowledge if the database is there.
    pub presence: Presence,
    /// The time for which caches can go on with old answers to readers while this program cannot answer.
    pub stale_if_error: Duration,
    /// The origins that can write.
    pub cors: Cors,
    /// The proxies whose `X-Forwarded-For`, `-Host` and `-Proto` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Set if the log has a line for each request.
    pub log_requests: bool,
    /// The number of threads that serve.
    pub workers: usize,
    /// The limits of connections.
    pub limits: Limits,
    /// The seconds that requests in flight can take once the server is asked to stop.
    pub finish_seconds: u64,
}

/// A running server with its connections.
pub struct Serving {
    /// The server: a future that serves until the server is stopped.
    pub server: Server,
    /// The counts of the server's connections.
    pub connections: Connections,
}

/// The number of connections at which a thread accepts no more. It is far above the limit, since even a
/// connection that is one too many is accepted: it is told so, or gets the place of another one.
const NEVER_REACHED: usize = 1 << 24;

/// Serves on a listening socket until the server is stopped.
///
/// # Errors
/// Returns an error if the socket cannot be served on.
pub fn serve(parts: Parts, listener: std::net::TcpListener) -> std::io::Result<Serving> {
    let document = document();
    let table = web::Data::new(Routes::of(&document));
    let document = web::Data::new(pages::docs::Documented::new(&document));
    let connections = Connections::new(parts.limits);
    let metrics = web::Data::new(Metrics::new(ops::metrics::Sources {
        database: parts.services.database.clone(),
        clock: parts.services.clock.clone(),
        bodies: parts.services.bodies.budget.clone(),
        auth: parts.auth.clone(),
        cache: parts.cache.clone(),
        presence: parts.presence.clone(),
        connections: connections.clone(),
    }));
    let cache = web::Data::new(parts.cache.clone());
    let presence = web::Data::new(parts.presence);
    let sharing = web::Data::new(Sharing::new(parts.stale_if_error));
    let settings = web::Data::new(Settings {
        cors: parts.cors,
        trusted_proxies: Arc::from(parts.trusted_proxies),
        cache_rules: cache_rules(),
        log_requests: parts.log_requests,
    });
    let fast_path = FastPath {
        cache: parts.cache,
        settings: settings.clone(),
        metrics: metrics.clone(),
        clock: parts.services.clock.clone(),
    };
    let database = parts.services.database.clone();
    let clock = parts.services.clock.clone();
    let bodies = web::Data::new(parts.services.bodies.clone());
    let services = web::Data::new(parts.services);
    let auth = web::Data::new(parts.auth);
    let shared = web::Data::new(connections.clone());
    let builder = ServerBuilder::new()
        .workers(parts.workers)
        .max_concurrent_connections(NEVER_REACHED)
        .shutdown_timeout(parts.finish_seconds)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let builder = builder.listen("warta", listener, move || {
        // Each worker calls this once, on its own thread.
        database.settle();
        let app = App::new()
            .app_data(services.clone())
            .app_data(bodies.clone())
            .app_data(auth.clone())
            .app_data(cache.clone())
            .app_data(presence.clone())
            .app_data(sharing.clone())
            .app_data(shared.clone())
            .app_data(settings.clone())
            .app_data(metrics.clone())
            .app_data(document.clone())
            .app_data(table.clone())
            // A name that cannot be one is not found, before the database is asked.
            .app_data(PathConfig::default().error_handler(|_, _| ApiError::not_found().into()))
            .wrap(from_fn(middleware::envelope::envelope))
            .wrap(fast_path.clone())
            .configure(pages)
            .into_utoipa_app()
            .configure(routes)
            .into_app()
            .default_service(web::to(not_found::unrouted));
        let watch = Watch::start(Connections::clone(&shared), settings.clone(), clock.clone());
        service::http(app, watch, stopping.clone())
    })?;
    Ok(Serving { server: builder.run(), connections })
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::{OpenApi, RefOr, Response, path::Operation};

    use super::*;
    use crate::error::ProblemType;

    #[test]
    fn every_cache_rule_is_of_a_route() {
        let document = document();
        for rule in cache_rules() {
            let pattern = rule.pattern();
            let is_page = not_found::PAGES.contains(&pattern);
            assert!(is_page || document["paths"][pattern]["get"].is_object(), "{pattern}");
        }
    }

    fn raw() -> OpenApi {
        App::new().into_utoipa_app().openapi(openapi::base()).configure(routes).split_for_parts().1
    }

    fn operations(document: &mut OpenApi) -> impl Iterator<Item = &mut Operation> {
        document.paths.paths.values_mut().flat_map(|item| {
            let methods = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            methods.into_iter().filter_map(Option::as_mut)
        })
    }

    fn responses(operation: &mut Operation) -> impl Iterator<Item = (&String, &mut Response)> {
        operation.responses.responses.iter_mut().filter_map(|(status, response)| match response {
            RefOr::T(response) => Some((status, response)),
            RefOr::Ref(_) => None,
        })
    }

    #[test]
    fn a_response_names_its_problems_where_its_status_has_several() {
        let mut document = raw();
        let mut seen = 0;
        for operation in operations(&mut document) {
            let id = operation.operation_id.clone();
            for (status, response) in responses(operation) {
                let kinds = ProblemType::ALL.into_iter().filter(|kind| kind.info().status.as_str() == status);
                if kinds.count() > 1 {
                    let named =
                        response.extensions.as_ref().and_then(|extensions| extensions.get("x-problems"));
                    let named = named.and_then(|named| named.as_array()).map_or(0, Vec::len);
                    assert!(named > 0, "{id:?} does not say which problems its {status} is");
                    seen += 1;
                }
            }
        }
        assert!(seen > 10, "{seen}");
    }

    #[test]
    fn the_types_of_problems_do_not_depend_on_words() {
        let mut reworded = raw();
        for operation in operations(&mut reworded) {
            for (_, response) in responses(operation) {
                "Something else.".clone_into(&mut response.description);
            }
        }
        let types = |document: OpenApi| {
            let mut document = openapi::finish(&document);
            let paths = document["paths"].as_object_mut().into_iter().flatten();
            let operations = paths.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten());
            let responses = operations.flat_map(|(_, operation)| {
                operation["responses"].as_object_mut().map(std::mem::take).unwrap_or_default()
            });
            responses
                .map(|(status, response)| {
                    let problem = &response["content"]["application/problem+json"];
                    (
                        status,
                        problem["schema"].clone(),
                        problem["example"]["type"].clone(),
                        response["headers"].clone(),
                    )
                })
                .collect::<Vec<_>>()
        };
        let found = types(raw());
        assert_eq!(found, types(reworded));
        assert!(found.iter().any(|(status, ..)| status == "409"));
    }
}
