//! The last step of every answer: takes it from memory if it is there, gives it the form that the client
//! wants, and leaves the body out if the client has it already.

use std::sync::Arc;

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{HeaderMap, HeaderValue},
    },
    middleware::Next,
    web,
};

use crate::{
    app::{
        failure::{problem_of, respond},
        middleware::cache_key::RequestKey,
        middleware::outage::{self, Patience, Reason, spared},
        settings::Settings,
    },
    cache::{Cache, Entry, Key, Lookup, Outcome, Permit, Spare},
    http::{
        base_url::HostUsed,
        encoded::{Answer, Wanted, takes_it_as_it_is},
        preview::Preview,
    },
    principal::SignedIn,
    surrogate::SurrogateKeys,
};

/// The route of an answer from memory; kept in the answer's extensions.
pub(crate) struct Route(pub Arc<str>);

/// The outcome of a request.
pub(crate) enum Delivered {
    /// An answer to the request.
    Whole(ServiceResponse<BoxBody>),
    /// An answer that replaces the application's. The application was not waited for, and still has the
    /// request.
    CutShort(HttpResponse),
}

/// Answers a request, from memory or by the application. `id` is the id of the request.
///
/// # Errors
/// Returns the error of the application.
pub(crate) async fn deliver<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
    settings: &Settings,
    patience: &Patience,
    id: &HeaderValue,
) -> Result<Delivered, Error> {
    let text = id.to_str().unwrap_or_default();
    let cache = request.app_data::<web::Data<Option<Cache>>>().cloned();
    let cache = cache.as_ref().and_then(|cache| cache.as_ref().as_ref());
    if !request.method().is_safe() {
        // Readers do not see sessions, so sign-ins need not wait for the cache.
        let signs_in = request.path().starts_with("/v1/auth/");
        let Some(response) = patience.wait(next.call(request)).await else { return Ok(cut_short(text)) };
        let response = problem_of(response?.map_into_boxed_body(), text);
        if let Some(cache) = cache.filter(|_| response.status().is_success())
            && (cache.is_linked() || !signs_in)
            // A client that was told of a change never reads older content from this instance.
            && !cache.caught_up().await
            && !signs_in
        {
            // Readers still get the answers from before the change, so its author must not be told that it
            // was done. As with any `503`, it may have been done.
            let (request, _) = response.into_parts();
            let refused = respond(&outage::error(), text);
            return Ok(Delivered::Whole(ServiceResponse::new(request, refused)));
        }
        return Ok(Delivered::Whole(response));
    }
    let reads = request.method() == Method::GET;
    let anonymous = reads && !request.extensions().contains::<SignedIn>();
    let asked = if anonymous { RequestKey::of(&request, settings) } else { None };
    let asked = cache.zip(asked);
    let mut lead = None;
    if let Some((cache, asked)) = &asked {
        let key = &asked.key;
        match look_up(cache, key, patience).await {
            Some(Known::Kept(entry)) => {
                let (entry, wanted) = form(cache, key, entry, request.headers()).await;
                let response = of_route(entry.answer.to(&wanted, id), &entry);
                return Ok(Delivered::Whole(request.into_response(response)));
            }
            Some(Known::Spare(spare)) => {
                let response = fall_back(cache, key, spare, request.headers(), id, Reason::Away).await;
                return Ok(Delivered::Whole(request.into_response(response)));
            }
            Some(Known::Nothing(permit)) => lead = permit.map(|permit| (permit, asked.by_host)),
            None => return Ok(Delivered::Whole(problem_of(request.error_response(outage::error()), text))),
        }
    }
    let Some(called) = patience.wait(next.call(request)).await else {
        let spare = asked.as_ref().and_then(|(cache, asked)| Some((cache, cache.spare(&asked.key)?)));
        return Ok(match spare {
            Some((cache, spare)) => {
                Delivered::CutShort(spared(cache, &spare, &Wanted::Plain, id, Reason::Failed))
            }
            None => cut_short(text),
        });
    };
    let response = problem_of(called?.map_into_boxed_body(), text);
    if response.status().is_server_error()
        && let Some((cache, asked)) = &asked
        && let Some(spare) = cache.spare(&asked.key)
    {
        let (request, _) = response.into_parts();
        let response = fall_back(cache, &asked.key, spare, request.headers(), id, Reason::Failed).await;
        return Ok(Delivered::Whole(ServiceResponse::new(request, response)));
    }
    if !reads || lead.is_none() && takes_it_as_it_is(response.request().headers()) {
        return Ok(Delivered::Whole(response));
    }
    let (request, mut response) = response.into_parts();
    // An answer is kept with all its headers.
    settings.dress(true, None, response.headers_mut());
    let keys = response.extensions_mut().remove::<SurrogateKeys>();
    let keys = keys.filter(|_| !request.extensions().contains::<Preview>());
    let answer = match Answer::of(response) {
        Err(response) if lead.is_some() => Answer::of_nothing(response, text),
        answer => answer,
    };
    let response = match answer {
        Ok(answer) => {
            let wanted = answer.wanted(request.headers());
            let answer = answer.prepared(&wanted).await.unwrap_or(answer);
            let response = answer.to(&wanted, id);
            match (lead, keys) {
                (Some((permit, by_host)), Some(keys))
                    if by_host || !request.extensions().contains::<HostUsed>() =>
                {
                    permit.share(answer, &keys, route(&request));
                }
                (lead, _) => decline(lead),
            }
            response
        }
        Err(response) => {
            decline(lead);
            response
        }
    };
    Ok(Delivered::Whole(ServiceResponse::new(request, response)))
}

/// The cache's knowledge about a request.
enum Known {
    /// An answer that is current.
    Kept(Arc<Entry>),
    /// An answer from before the database was lost.
    Spare(Spare),
    /// No answer: the caller computes one and, with a permit, shares it with all who wait.
    Nothing(Option<Permit>),
}

/// Looks up the answer in memory, or waits for the one that another request computes. Returns `None` if the
/// database is away and the wait was long enough.
async fn look_up(cache: &Cache, key: &Key, patience: &Patience) -> Option<Known> {
    loop {
        return Some(match cache.look_up(key) {
            Lookup::Hit(entry) => Known::Kept(cache.newest(key, entry)),
            Lookup::Spare(spare) => Known::Spare(spare),
            Lookup::Lead(permit) => Known::Nothing(Some(permit)),
            Lookup::Bypass => {
                // The database may just have been lost: with a spare at hand, the request need not wait for a
                // time-out.
                if cache.spare(key).is_some()
                    && !patience.may_ask().await
                    && let Some(spare) = cache.spare(key)
                {
                    return Some(Known::Spare(spare));
                }
                Known::Nothing(None)
            }
            Lookup::Wait(waiter) => match patience.wait(waiter.wait()).await? {
                Outcome::Shared(entry) => Known::Kept(cache.newest(key, entry)),
                Outcome::Declined => Known::Nothing(None),
                Outcome::Cancelled => continue,
            },
        });
    }
}

/// Returns the answer in the form that a client wants, and that form.
async fn form(cache: &Cache, key: &Key, entry: Arc<Entry>, headers: &HeaderMap) -> (Arc<Entry>, Wanted) {
    let wanted = entry.answer.wanted(headers);
    let entry = match entry.answer.prepared(&wanted).await {
        Some(prepared) => cache.replace(key, &entry, prepared),
        None => entry,
    };
    (entry, wanted)
}

/// Answers with what was kept from before the database was lost.
async fn fall_back(
    cache: &Cache,
    key: &Key,
    Spare { entry, age }: Spare,
    headers: &HeaderMap,
    id: &HeaderValue,
    reason: Reason,
) -> HttpResponse {
    let (entry, wanted) = form(cache, key, entry, headers).await;
    let spare = Spare { entry, age };
    of_route(spared(cache, &spare, &wanted, id, reason), &spare.entry)
}

fn of_route(mut response: HttpResponse, entry: &Entry) -> HttpResponse {
    response.extensions_mut().insert(Route(Arc::clone(&entry.route)));
    response
}

/// Returns the answer to a request that was not waited for.
fn cut_short(id: &str) -> Delivered {
    Delivered::CutShort(respond(&outage::error(), id))
}

/// Lets the requests that wait compute their own answers: this one is not for all.
fn decline(lead: Option<(Permit, bool)>) {
    if let Some((permit, _)) = lead {
        permit.decline();
    }
}

/// Returns the pattern of the route that a request took.
fn route(request: &HttpRequest) -> Arc<str> {
    request.match_pattern().unwrap_or_default().into()
}
