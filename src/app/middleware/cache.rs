//! The last step of every answer: from memory where it is there, in the form that the client wants, and only where it has not got
//! it already.

use std::sync::Arc;

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};

use crate::{
    app::{
        failure::{problem_of, respond},
        middleware::outage::{self, Patience, Reason, spared},
        settings::Settings,
    },
    articles::formats::Form,
    cache::{Cache, Entry, Key, Landed, Looked, Permit, Spare},
    feeds,
    http::{
        base_url::HostUsed,
        encoded::{Answer, Wanted, takes_it_as_it_is},
        negotiation::Accept,
        preview::Preview,
        query::{is_of, pairs},
    },
    principal::SignedIn,
    surrogate::SurrogateKeys,
};

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The route that an answer from memory is of; in the answer's extensions.
pub struct Route(pub Arc<str>);

/// What became of a request.
pub enum Delivered {
    /// An answer to it.
    Whole(ServiceResponse<BoxBody>),
    /// An answer in place of the application's, which was not waited for and has the request.
    CutShort(HttpResponse),
}

/// Answers a request, from memory or by the application. `id` is the request's.
///
/// # Errors
/// As the application.
pub async fn deliver<B: MessageBody + 'static>(
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
        // What sessions are made of, readers do not see.
        let signs_in = request.path().starts_with("/v1/auth/");
        let Some(response) = patience.wait(next.call(request)).await else { return Ok(given_up(text)) };
        let response = problem_of(response?.map_into_boxed_body(), text);
        if let Some(cache) = cache.filter(|_| response.status().is_success())
            && (cache.is_linked() || !signs_in)
            // Whoever hears of a change never reads from this instance what was before it.
            && !cache.caught_up().await
            && !signs_in
        {
            // Readers are served what was before, so nobody is to hear of it: it may have been done, as with any `503`.
            let (request, _) = response.into_parts();
            let refused = respond(&outage::error(), text);
            return Ok(Delivered::Whole(ServiceResponse::new(request, refused)));
        }
        return Ok(Delivered::Whole(response));
    }
    let reads = request.method() == Method::GET;
    let anonymous = reads && !request.extensions().contains::<SignedIn>();
    let asked = if anonymous { Asked::of(&request, settings) } else { None };
    let asked = cache.zip(asked);
    let mut lead = None;
    if let Some((cache, asked)) = &asked {
        let key = &asked.key;
        match remember(cache, key, patience).await {
            Some(Remembered::Kept(entry)) => {
                let (entry, wanted) = form(cache, key, entry, request.headers()).await;
                let response = of_route(entry.answer.to(&wanted, id), &entry);
                return Ok(Delivered::Whole(request.into_response(response)));
            }
            Some(Remembered::Spare(spare)) => {
                let response = fall_back(cache, key, spare, request.headers(), id, Reason::Away).await;
                return Ok(Delivered::Whole(request.into_response(response)));
            }
            Some(Remembered::Nothing(permit)) => lead = permit.map(|permit| (permit, asked.by_host)),
            None => return Ok(Delivered::Whole(problem_of(request.error_response(outage::error()), text))),
        }
    }
    let Some(called) = patience.wait(next.call(request)).await else {
        let spare = asked.as_ref().and_then(|(cache, asked)| Some((cache, cache.spare(&asked.key)?)));
        return Ok(match spare {
            Some((cache, spare)) => {
                Delivered::CutShort(spared(cache, &spare, &Wanted::Plain, id, Reason::Failed))
            }
            None => given_up(text),
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
                    permit.land(answer, &keys, route(&request));
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

/// What the cache has for a request.
enum Remembered {
    /// An answer.
    Kept(Arc<Entry>),
    /// One from before the database was lost.
    Spare(Spare),
    /// None: compute one and, with a permit, for all who wait.
    Nothing(Option<Permit>),
}

/// Looks up what is kept, or waits for what somebody else computes; `None` where the database is away and that was long enough.
async fn remember(cache: &Cache, key: &Key, patience: &Patience) -> Option<Remembered> {
    loop {
        return Some(match cache.look_up(key) {
            Looked::Hit(entry) => Remembered::Kept(cache.newest(key, entry)),
            Looked::Spare(spare) => Remembered::Spare(spare),
            Looked::Lead(permit) => Remembered::Nothing(Some(permit)),
            Looked::Bypass => {
                // It may just have been lost: whoever has something to fall back on need not find out the hard way.
                if cache.spare(key).is_some()
                    && !patience.may_ask().await
                    && let Some(spare) = cache.spare(key)
                {
                    return Some(Remembered::Spare(spare));
                }
                Remembered::Nothing(None)
            }
            Looked::Join(landing) => match patience.wait(landing.wait()).await? {
                Landed::Shared(entry) => Remembered::Kept(cache.newest(key, entry)),
                Landed::Declined => Remembered::Nothing(None),
                Landed::Cancelled => continue,
            },
        });
    }
}

/// An answer with the form that a client wants, and that form.
async fn form(cache: &Cache, key: &Key, entry: Arc<Entry>, headers: &HeaderMap) -> (Arc<Entry>, Wanted) {
    let wanted = entry.answer.wanted(headers);
    let entry = match entry.answer.prepared(&wanted).await {
        Some(prepared) => cache.replace(key, &entry, prepared),
        None => entry,
    };
    (entry, wanted)
}

/// The answer from before the database was lost.
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

/// What is answered to a request that was not waited for.
fn given_up(id: &str) -> Delivered {
    Delivered::CutShort(respond(&outage::error(), id))
}

/// Lets those who wait compute theirs: the answer is not for all.
fn decline(lead: Option<(Permit, bool)>) {
    if let Some((permit, _)) = lead {
        permit.decline();
    }
}

/// The pattern of the route that a request took.
fn route(request: &HttpRequest) -> Arc<str> {
    request.match_pattern().unwrap_or_default().into()
}

/// What many ask for has no other parameters than these.
const PLAIN: [&str; 5] = ["language", "limit", "menu", "source", "tag"];

/// What a reader asks for.
pub struct Asked {
    /// What the answer is kept under.
    pub key: Key,
    /// Whether that says by which address the request came: the links of feeds and of other forms than JSON may begin with it.
    by_host: bool,
}

impl Asked {
    /// Of a request without a token. The key has all that the answer may depend on: the address that the request came to, where links
    /// in the answer may begin with it; the form that the client wants; the path, and the parameters in whichever order. `None` for
    /// what nobody else asks for.
    ///
    /// What stands between the parts cannot stand in them, so that two requests share a key only where they are one: no header's
    /// value has a zero or a line's end, no path a question mark.
    pub fn of(request: &ServiceRequest, settings: &Settings) -> Option<Self> {
        let (headers, path, query) = (request.headers(), request.path(), request.query_string());
        let mut text = String::with_capacity(128 + path.len() + query.len());
        // Nothing else has more than one form. Where a path is written in another way it may be one, too.
        let is_article = path.strip_prefix("/v1/articles/").is_some_and(|rest| !rest.contains('/'));
        let has_forms = is_article || path.contains('%');
        let form = if has_forms { Accept::read(request.request()).choose(&Form::OFFERED).ok() } else { None };
        let by_host = form.is_some_and(|form| form != Form::Json)
            || Form::ADDRESSES.iter().any(|end| path.ends_with(end))
            || path.starts_with("/feeds/")
            || path.starts_with("/sitemap");
        if by_host {
            let forwarded = [X_FORWARDED_HOST, X_FORWARDED_PROTO];
            let forwarded = forwarded.iter().filter(|_| settings.trusts_peer(request));
            for name in [header::HOST].iter().chain(forwarded) {
                for value in headers.get_all(name) {
                    text.push_str(value.to_str().ok()?);
                    text.push('\0');
                }
                text.push('\n');
            }
        }
        text.push(form.map_or('-', |form| char::from(b'0' + form as u8)));
        text.push_str(path);
        text.push('?');
        let mut odd = path.ends_with("/related");
        let mut parameters: Vec<_> = pairs(query).filter(|pair| may_matter(path, pair)).collect();
        parameters.sort_unstable();
        for parameter in parameters {
            text.push_str(parameter);
            text.push('&');
            let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
            odd |= !PLAIN.contains(&name);
        }
        Some(Self { key: Key { request: text, odd }, by_host })
    }
}

/// Whether a parameter may make a difference to what is at a path. Others append theirs to the addresses of feeds and pages, which
/// ignore them: however many there are, each has one answer.
fn may_matter(path: &str, parameter: &str) -> bool {
    const PAGES: [&str; 7] = [
        "/docs",
        "/docs/scalar.js",
        "/openapi.json",
        "/problems",
        "/reader.css",
        "/reader.js",
        "/sitemap.xml",
    ];
    if path.starts_with("/v1/") {
        return true;
    }
    if path.starts_with("/feeds/") {
        return is_of(parameter, feeds::query::knows);
    }
    let is_page = path == "/"
        || PAGES.contains(&path)
        || path.starts_with("/problems/")
        || path.starts_with("/sitemap-");
    !is_page
}
