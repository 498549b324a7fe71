//! Reads the bodies of requests: JSON in UTF-8, of limited size, arriving in limited time, in which nothing
//! is dropped silently.

use std::{fmt, future::Future, pin::Pin, rc::Rc, time::Duration};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::{Method, header},
    web,
};
use deserr::Deserr;
use futures::StreamExt;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::{
    error::{ApiError, ApiResult, ProblemType},
    faults::Faults,
    http::{
        budget::{BodyBudget, NoRoom, Reservation},
        connection::Connection,
    },
    principal::Principal,
};

/// The largest body of an operation that takes a whole story, in bytes.
pub const STORY: usize = 2 * 1024 * 1024;

/// The largest body of an operation that takes some paragraphs, such as a description, in bytes.
pub const PARAGRAPHS: usize = 64 * 1024;

/// The largest body of any other operation, in bytes.
pub const FEW_WORDS: usize = 16 * 1024;

/// The limits of the bodies that the process receives.
#[derive(Clone, Debug)]
pub struct BodyLimits {
    /// The time in which each body has to arrive.
    pub timeout: Duration,
    /// The bytes of all bodies that are kept at a time.
    pub budget: BodyBudget,
}

/// A body as JSON that is not parsed yet, of at most `MAX` bytes. [`Body`] parses it in one go; a handler
/// that also has to look up what the body refers to takes this type, so that it can report all faults
/// together.
pub struct Json<const MAX: usize>(pub Value);

/// A body of at most `MAX` bytes, parsed into a `T`.
pub struct Body<T, const MAX: usize = FEW_WORDS>(pub T);

/// A body that can be left out, as in an action's request; then it counts as an empty object. It has at most
/// [`FEW_WORDS`] bytes.
pub struct OptionalBody<T>(pub T);

/// The absence of a body, or an empty object: for operations that take nothing. Any other body would be
/// dropped silently, so it is refused.
pub struct NoBody;

type Extraction<T> = Pin<Box<dyn Future<Output = ApiResult<T>>>>;

impl<const MAX: usize> FromRequest for Json<MAX> {
    type Error = ApiError;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            check_media_type(&request)?;
            json(&read(&request, &mut payload, MAX).await?).map(Self)
        })
    }
}

impl<T: Deserr<Faults> + 'static, const MAX: usize> FromRequest for Body<T, MAX> {
    type Error = ApiError;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = Json::<MAX>::from_request(request, payload);
        Box::pin(async move { parse(json.await?.0).map(Self).map_err(ApiError::invalid_body) })
    }
}

impl<T: Deserr<Faults> + 'static> FromRequest for OptionalBody<T> {
    type Error = ApiError;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(&request, &mut payload, FEW_WORDS).await?;
            let value = if bytes.is_empty() {
                Value::Object(Map::new())
            } else {
                check_media_type(&request)?;
                json(&bytes)?
            };
            parse(value).map(Self).map_err(ApiError::invalid_body)
        })
    }
}

impl FromRequest for NoBody {
    type Error = ApiError;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(&request, &mut payload, FEW_WORDS).await?;
            if bytes.is_empty() || json(&bytes).is_ok_and(|body| body == Value::Object(Map::new())) {
                return Ok(Self);
            }
            Err(ApiError::new(ProblemType::BadRequest, "This takes no body; nothing was done."))
        })
    }
}

/// Parses JSON into an input type.
///
/// # Errors
/// Returns every fault of the JSON.
pub fn parse<T: Deserr<Faults>>(value: Value) -> Result<T, Faults> {
    deserr::deserialize(value)
}

fn check_media_type(request: &HttpRequest) -> ApiResult<()> {
    let headers = request.headers();
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut parts = media_type.split(';').map(str::trim);
    let accepted = match parts.next() {
        Some("application/json") => true,
        Some("application/merge-patch+json") => request.method() == Method::PATCH,
        _ => false,
    };
    // RFC 8259: JSON is UTF-8. A charset that says otherwise would be mistaken for it.
    let utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some(("charset", charset)) => charset.trim_matches('"') == "utf-8",
        _ => true,
    });
    let plain = headers.get(header::CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
    if accepted && utf8 && plain {
        return Ok(());
    }
    Err(ApiError::new(
        ProblemType::UnsupportedMediaType,
        if request.method() == Method::PATCH {
            "Send `Content-Type: application/merge-patch+json` or `application/json`, in UTF-8 and without a Content-Encoding."
        } else {
            "Send `Content-Type: application/json`, in UTF-8 and without a Content-Encoding."
        },
    ))
}

/// Reads a body of at most `most` bytes. The body counts in the budget of the process for as long as the
/// request exists.
async fn read(request: &HttpRequest, payload: &mut Payload, most: usize) -> ApiResult<Vec<u8>> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    if announced > most {
        return Err(too_large(most));
    }
    let Some(limits) = request.app_data::<web::Data<BodyLimits>>() else {
        return Err(ApiError::internal("the application was built without limits of bodies"));
    };
    let connection = request.conn_data::<Rc<Connection>>().cloned();
    let time = limits.timeout;
    let mut counted = count(request, &limits.budget);
    let arrive = async {
        let mut bytes = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| {
                ApiError::new(
                    ProblemType::BadRequest,
                    "The body did not arrive whole, or its chunks are malformed.",
                )
            })?;
            let length = bytes.len() + chunk.len();
            if length > most {
                return Err(too_large(most));
            }
            counted.grow_to(length).map_err(no_room)?;
            if length > bytes.capacity() {
                // Reserve at most twice the bytes that arrived: announcing a length costs the sender nothing.
                let room = (2 * length).min(announced.max(length));
                bytes.reserve_exact(room - bytes.len());
            }
            bytes.extend_from_slice(&chunk);
            if let Some(connection) = &connection {
                connection.make_room(chunk.len());
            }
        }
        if let Some(connection) = &connection {
            connection.end_body();
        }
        Ok(bytes)
    };
    let bytes = tokio::time::timeout(time, arrive).await.unwrap_or_else(|_| {
        Err(ApiError::new(
            ProblemType::RequestTimeout,
            format!("The body did not arrive within {} seconds.", time.as_secs()),
        ))
    })?;
    request.extensions_mut().insert(counted);
    Ok(bytes)
}

/// Begins to count a body for its sender.
fn count(request: &HttpRequest, bodies: &BodyBudget) -> Reservation {
    let editor = request.extensions().get::<Principal>().map(|principal| principal.editor_id);
    bodies.begin(editor)
}

fn too_large(most: usize) -> ApiError {
    ApiError::new(
        ProblemType::BodyTooLarge,
        format!("The body has more than {most} bytes, which is the most here."),
    )
}

fn no_room(why: NoRoom) -> ApiError {
    let detail = match why {
        NoRoom::Full => "Too many bodies are being received at once; please retry.",
        NoRoom::TooMuchOfEditor => {
            "You are sending too many large bodies at once; please send them one after another."
        }
    };
    ApiError::new(ProblemType::Unavailable, detail).retry_after(5)
}

fn json(bytes: &[u8]) -> ApiResult<Value> {
    let malformed = |detail: String| ApiError::new(ProblemType::MalformedBody, detail);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        malformed(format!("The body is not UTF-8: byte {} is invalid.", error.valid_up_to()))
    })?;
    if text.trim().is_empty() {
        return Err(malformed("The body is empty; a JSON object is expected.".to_owned()));
    }
    serde_json::from_str::<NoRepeats>(text)
        .map(|value| value.0)
        .map_err(|error| malformed(format!("The body is not JSON: {error}.")))
}

/// A JSON value in which no object names a member twice. `serde_json::Value` would keep the last one and drop
/// the others.
struct NoRepeats(Value);

impl<'de> Deserialize<'de> for NoRepeats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NoRepeatsVisitor).map(Self)
    }
}

struct NoRepeatsVisitor;

impl<'de> Visitor<'de> for NoRepeatsVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        /// The largest number up to which each whole number has a value of its own (2^53).
        const EXACT: f64 = 9_007_199_254_740_992.0;
        // JSON knows numbers, and 10.0 is the integer 10.
        if value.fract() == 0.0 && value.abs() <= EXACT {
            return Ok(Value::from(value as i64));
        }
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(NoRepeats(value)) = sequence.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("the member `{name}` is there twice")));
            }
            let NoRepeats(value) = map.next_value()?;
            members.insert(name, value);
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(body: &[u8]) -> String {
        json(body).unwrap_err().problem("").detail
    }

    #[test]
    fn what_is_wrong_with_json_is_told_with_its_place() {
        assert_eq!(detail(b"{\n\"a\": }"), "The body is not JSON: expected value at line 2 column 6.");
        assert!(detail(b"{\"a\": 1, \"a\": 2}").contains("the member `a` is there twice at line 1"));
        assert_eq!(detail(b"\"\xff\""), "The body is not UTF-8: byte 1 is invalid.");
        assert!(detail(b"  ").contains("empty"));
        assert!(detail(&[b'['; 4096]).contains("recursion limit"));
    }

    #[test]
    fn json_is_kept_as_it_is() {
        let text = r#"{"a":[1,-2,1.5,null,true,"é\u0000"],"b":{}}"#;
        assert_eq!(json(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }
}
