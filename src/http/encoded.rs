//! The last form of answers to a `GET`: one body, sent whole, sent compressed, or not sent at all if the
//! client has it already.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    body::{BoxBody, MessageBody},
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    web::Bytes,
};

use crate::http::{compression::Coding, conditional::named_as_known};

/// An answer to a `GET`: a `200` with an ETag and its whole body, or the answer that there is nothing at the
/// address, or that it has moved.
#[derive(Clone, Debug)]
pub struct Answer {
    /// All headers except the ETag.
    headers: Arc<[(HeaderName, HeaderValue)]>,
    outcome: Outcome,
    /// The body. The body of a problem is without the request's id.
    plain: Bytes,
    /// The compressed forms, in the order of [`Coding::ALL`]; `None` if a form was not made yet.
    coded: [Option<Coded>; 3],
}

#[derive(Clone, Debug)]
enum Outcome {
    /// Something was found. The value is the ETag of the plain body.
    Found(HeaderValue),
    /// Nothing was found, or it has moved. The number is the place in the body where the request's id goes,
    /// if the body has one.
    NotFound(StatusCode, Option<usize>),
}

/// Returns `true` if a client that sent these headers gets any answer whole and plain.
#[must_use]
pub(crate) fn takes_it_as_it_is(request: &HeaderMap) -> bool {
    !request.contains_key(header::IF_NONE_MATCH) && Coding::wanted(request).is_none()
}

/// The result of compressing the body.
#[derive(Clone, Debug)]
enum Coded {
    Smaller(Bytes, HeaderValue),
    NotWorthIt,
}

impl Answer {
    /// Takes apart a response that is a `200` with an ETag.
    ///
    /// # Errors
    /// Returns the response itself if it is another one.
    #[expect(clippy::result_large_err, reason = "the response goes on as it came")]
    pub fn of<B: MessageBody + 'static>(response: HttpResponse<B>) -> Result<Self, HttpResponse<BoxBody>> {
        let tag = response.headers().get(header::ETAG).cloned();
        let (Some(tag), StatusCode::OK) = (tag, response.status()) else {
            return Err(response.map_into_boxed_body());
        };
        let (head, body) = response.into_parts();
        match body.try_into_bytes() {
            Ok(plain) => {
                let headers = head.headers().iter().filter(|(name, _)| *name != header::ETAG);
                let headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
                let outcome = Outcome::Found(tag);
                Ok(Self { headers, outcome, plain: exact(plain), coded: [const { None }; 3] })
            }
            Err(body) => Err(head.set_body(body).map_into_boxed_body()),
        }
    }

    /// Takes apart a response that says that there is nothing, or that it has moved. `id` is the request's.
    ///
    /// # Errors
    /// Returns the response itself if it is another one.
    #[expect(clippy::result_large_err, reason = "the response goes on as it came")]
    pub fn of_nothing<B: MessageBody + 'static>(
        response: HttpResponse<B>,
        id: &str,
    ) -> Result<Self, HttpResponse<BoxBody>> {
        let status = response.status();
        if !matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::PERMANENT_REDIRECT) {
            return Err(response.map_into_boxed_body());
        }
        let (head, body) = response.into_parts();
        match body.try_into_bytes() {
            Ok(body) => {
                let headers = head.headers().iter();
                let headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
                // Nothing else in a JSON text looks like this: within a string the quotes would be escaped.
                let (before, after) = ("\"request_id\":\"", "\"");
                let member = [before, id, after].concat();
                let found = body.windows(member.len()).position(|part| part == member.as_bytes());
                let (plain, at) = match found.map(|at| at + before.len()) {
                    Some(at) => ([&body[..at], &body[at + id.len()..]].concat().into(), Some(at)),
                    None => (body, None),
                };
                let outcome = Outcome::NotFound(status, at);
                Ok(Self { headers, outcome, plain, coded: [const { None }; 3] })
            }
            Err(body) => Err(head.set_body(body).map_into_boxed_body()),
        }
    }

    /// Returns `true` if the answer is something that was found.
    #[must_use]
    pub fn is_found(&self) -> bool {
        matches!(self.outcome, Outcome::Found(_))
    }

    /// Returns the value of a header.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Returns the approximate memory that the answer takes, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let coded = self.coded.iter().map(|coded| match coded {
            Some(Coded::Smaller(body, _)) => body.len(),
            _ => 0,
        });
        let headers = self.headers.iter().map(|(name, value)| 64 + name.as_str().len() + value.len());
        size_of::<Self>() + self.plain.len() + coded.sum::<usize>() + headers.sum::<usize>()
    }

    /// Returns the form that a client which sent these headers is to get.
    #[must_use]
    pub fn wanted(&self, request: &HeaderMap) -> Wanted {
        let Outcome::Found(tag) = &self.outcome else { return Wanted::Plain };
        match named_as_known(request, tag, &Coding::ALL.map(Coding::name)) {
            Some(tag) => Wanted::Nothing(tag),
            None => Coding::wanted(request).map_or(Wanted::Plain, Wanted::Coded),
        }
    }

    /// Returns `true` if the answer has that form already.
    #[must_use]
    pub fn has(&self, wanted: &Wanted) -> bool {
        match wanted {
            Wanted::Nothing(_) | Wanted::Plain => true,
            Wanted::Coded(coding) => self.coded[*coding as usize].is_some(),
        }
    }

    /// Returns the answer together with that form, if the form has to be made first; `None` if it is there.
    pub async fn prepared(&self, wanted: &Wanted) -> Option<Self> {
        let (Wanted::Coded(coding), Outcome::Found(tag)) = (wanted, &self.outcome) else { return None };
        let coding = *coding;
        if self.has(wanted) {
            return None;
        }
        let coded = match coding.apply(&self.plain).await {
            Some(body) => {
                let tag = tag.to_str().unwrap_or_default().trim_end_matches('"');
                let tag = HeaderValue::from_str(&format!("{tag}-{}\"", coding.name())).ok()?;
                Coded::Smaller(body, tag)
            }
            None => Coded::NotWorthIt,
        };
        let mut prepared = self.clone();
        prepared.coded[coding as usize] = Some(coded);
        Some(prepared)
    }

    /// Builds the response to the request with this id: `304` if the client has the answer in any form, else
    /// the form that it wants, or the plain body if that form is not there.
    #[must_use]
    pub fn to(&self, wanted: &Wanted, id: &HeaderValue) -> HttpResponse {
        if let Wanted::Nothing(tag) = wanted {
            let mut response = HttpResponse::NotModified();
            // A client that has the page already has its link, too.
            let about_the_body = |name: &HeaderName| *name == header::CONTENT_TYPE || *name == header::LINK;
            for (name, value) in self.headers.iter().filter(|(name, _)| !about_the_body(name)) {
                response.append_header((name, value));
            }
            return response.insert_header((header::ETAG, tag)).finish();
        }
        let (status, tag) = match &self.outcome {
            Outcome::Found(tag) => (StatusCode::OK, tag),
            Outcome::NotFound(status, at) => return self.to_nothing(*status, *at, id),
        };
        let mut response = HttpResponse::build(status);
        for (name, value) in self.headers.iter() {
            response.append_header((name, value));
        }
        let coded = match wanted {
            Wanted::Coded(coding) => self.coded[*coding as usize].as_ref().map(|coded| (coding, coded)),
            _ => None,
        };
        match coded {
            Some((coding, Coded::Smaller(body, tag))) => response
                .insert_header((header::ETAG, tag))
                .insert_header((header::CONTENT_ENCODING, coding.name()))
                .body(body.clone()),
            _ => response.insert_header((header::ETAG, tag)).body(self.plain.clone()),
        }
    }

    fn to_nothing(&self, status: StatusCode, id_at: Option<usize>, id: &HeaderValue) -> HttpResponse {
        let mut response = HttpResponse::build(status);
        for (name, value) in self.headers.iter() {
            response.append_header((name, value));
        }
        match id_at.and_then(|at| self.plain.split_at_checked(at)) {
            Some((before, after)) => response.body([before, id.as_bytes(), after].concat()),
            None => response.body(self.plain.clone()),
        }
    }
}

/// The form of an answer that a client is to get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// No body, since the client has it under this tag.
    Nothing(HeaderValue),
    /// The plain body, not compressed.
    Plain,
    /// A compressed form or, if compressing is not worth it, the plain body.
    Coded(Coding),
}

/// Returns the body without spare capacity, so that its length is what it takes in memory.
fn exact(body: Bytes) -> Bytes {
    // Bytes that are part of the program, or shared, cannot be moved.
    if !body.is_unique() {
        return body;
    }
    let mut bytes = Vec::from(body);
    bytes.shrink_to_fit();
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(body: Bytes) -> Bytes {
        Answer::of(HttpResponse::Ok().insert_header((header::ETAG, "\"a\"")).body(body)).unwrap().plain
    }

    #[test]
    fn a_problem_that_is_kept_names_each_request_by_its_own_id() {
        let body =
            |id: &str| format!(r#"{{"detail":"a \"request_id\":\"a\" b","request_id":"{id}","reason":"a"}}"#);
        let response = HttpResponse::Gone().insert_header(("x-kept", "yes")).body(body("a"));
        let kept = Answer::of_nothing(response, "a").unwrap();
        assert!(!kept.is_found());
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("*"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let wanted = kept.wanted(&headers);
        assert!(kept.has(&wanted));
        let response = kept.to(&wanted, &HeaderValue::from_static("other-id"));
        assert_eq!(
            (response.status(), response.headers().get("x-kept")),
            (StatusCode::GONE, Some(&HeaderValue::from_static("yes")))
        );
        assert_eq!(response.into_body().try_into_bytes().unwrap(), body("other-id"));
        Answer::of_nothing(HttpResponse::BadRequest().finish(), "a").unwrap_err();
    }

    #[test]
    fn an_answer_takes_no_more_memory_than_is_counted() {
        let mut roomy = Vec::with_capacity(10_000);
        roomy.extend_from_slice(b"Isi.");
        let kept = plain(roomy.into());
        assert_eq!(kept, "Isi.");
        assert_eq!(Vec::from(kept).capacity(), 4);
        let text: &'static [u8] = b"Isi.";
        assert_eq!(plain(Bytes::from_static(text)).as_ptr(), text.as_ptr());
    }
}
