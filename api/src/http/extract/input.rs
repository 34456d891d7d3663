//! What a handler takes from a request after its caller was authorised: path ids, query, body, headers.
//! Inputs are combined in tuples, `(Path<ShopId>, Json<RenameShop>)`. Each also describes itself for the
//! OpenAPI document, so that the document cannot say something else than the code does.

use super::body::Body;
use super::shape;
use crate::error::ApiError;
use crate::http::describe::Draft;
use actix_web::HttpRequest;
use actix_web::http::header;
use qianpu_domain::error::ErrorCode;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::str::FromStr;
use utoipa::{IntoParams, ToSchema};

/// Something readable from a request.
pub trait Input: Sized + 'static {
    /// The largest body in bytes; 0 for inputs without a body.
    const LIMIT: usize = 0;
    /// Whether it is a form of a page, which must carry the form token even for visitors.
    const FORM: bool = false;
    /// Reads it. The body is already here and within the limit.
    fn read(request: &HttpRequest, body: &Body) -> impl Future<Output = Result<Self, ApiError>>;
    /// Adds parameters and body to the description of the operation.
    fn describe(draft: &mut Draft);
}

/// A JSON body is at most this large unless the input says otherwise.
pub const JSON_LIMIT: usize = 256 * 1024;

impl Input for () {
    async fn read(_: &HttpRequest, _: &Body) -> Result<Self, ApiError> {
        Ok(())
    }
    fn describe(_: &mut Draft) {}
}

macro_rules! tuples {
    ($($name:ident),+) => {
        impl<$($name: Input),+> Input for ($($name,)+) {
            const LIMIT: usize = { let mut most = 0; $(if $name::LIMIT > most { most = $name::LIMIT; })+ most };
            const FORM: bool = $($name::FORM ||)+ false;
            async fn read(request: &HttpRequest, body: &Body) -> Result<Self, ApiError> {
                Ok(($($name::read(request, body).await?,)+))
            }
            fn describe(draft: &mut Draft) { $($name::describe(draft);)+ }
        }
    };
}
tuples!(A, B);
tuples!(A, B, C);
tuples!(A, B, C, D);

/// A JSON body, or a JSON answer.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + ToSchema + 'static> Input for Json<T> {
    const LIMIT: usize = JSON_LIMIT;
    async fn read(_: &HttpRequest, body: &Body) -> Result<Self, ApiError> {
        if !body.content_type_is("application/json") {
            let error = ApiError::new(ErrorCode::UnsupportedMediaType);
            return Err(error.with_detail("expected content-type application/json"));
        }
        shape::check(&body.bytes)?;
        let read = serde_json::from_slice(&body.bytes).map_err(|error| json_error(&error))?;
        if json_has_zero(&body.bytes) { Err(zero_refused()) } else { Ok(Self(read)) }
    }
    fn describe(draft: &mut Draft) {
        draft.json_body::<T>();
    }
}

/// PostgreSQL keeps no text with a zero character (U+0000), and nobody writes one: it ends at the door.
pub(super) fn zero_refused() -> ApiError {
    ApiError::new(ErrorCode::BadRequest).with_text("core.zero_character", Vec::new())
}

/// Whether a text of a JSON body holds one. It can only be written as an escape; a backslash before it is looked at
/// by reading the body once more, which honest bodies never cost.
fn json_has_zero(bytes: &[u8]) -> bool {
    fn any(value: &serde_json::Value) -> bool {
        use serde_json::Value;
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(items) => items.iter().any(any),
            Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || any(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    bytes.windows(6).any(|six| six == b"\\u0000")
        && serde_json::from_slice(bytes).is_ok_and(|value: serde_json::Value| any(&value))
}

fn json_error(error: &serde_json::Error) -> ApiError {
    let text = error.to_string();
    let code = if text.starts_with("unknown field") || text.contains(": unknown field") {
        ErrorCode::UnknownField
    } else {
        ErrorCode::BadRequest
    };
    ApiError::new(code).with_detail(text)
}

/// The query string. `lang` is taken out first: it chooses the language of any request.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + IntoParams + 'static> Input for Query<T> {
    async fn read(request: &HttpRequest, _: &Body) -> Result<Self, ApiError> {
        let own: Vec<&str> =
            request.query_string().split('&').filter(|pair| !pair.starts_with("lang=")).collect();
        if url::form_urlencoded::parse(own.join("&").as_bytes()).any(|(_, value)| value.contains('\0')) {
            return Err(zero_refused());
        }
        serde_urlencoded::from_str(&own.join("&")).map(Self).map_err(ApiError::bad_request)
    }
    fn describe(draft: &mut Draft) {
        draft.query::<T>();
    }
}

/// The path's one parameter, usually an id. What is no id of the right kind is simply not found.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: FromStr + 'static> Input for Path<T> {
    async fn read(request: &HttpRequest, _: &Body) -> Result<Self, ApiError> {
        path_value(request, 0).map(Self)
    }
    fn describe(_: &mut Draft) {}
}

/// The path's two parameters, owner first.
#[derive(Debug, Clone, Copy)]
pub struct Path2<A, B>(pub A, pub B);

impl<A: FromStr + 'static, B: FromStr + 'static> Input for Path2<A, B> {
    async fn read(request: &HttpRequest, _: &Body) -> Result<Self, ApiError> {
        Ok(Self(path_value(request, 0)?, path_value(request, 1)?))
    }
    fn describe(_: &mut Draft) {}
}

/// The path's three parameters, owner first.
#[derive(Debug, Clone, Copy)]
pub struct Path3<A, B, C>(pub A, pub B, pub C);

impl<A: FromStr + 'static, B: FromStr + 'static, C: FromStr + 'static> Input for Path3<A, B, C> {
    async fn read(request: &HttpRequest, _: &Body) -> Result<Self, ApiError> {
        Ok(Self(path_value(request, 0)?, path_value(request, 1)?, path_value(request, 2)?))
    }
    fn describe(_: &mut Draft) {}
}

fn path_value<T: FromStr>(request: &HttpRequest, index: usize) -> Result<T, ApiError> {
    let value = request.match_info().iter().nth(index).map(|(_, value)| value);
    let value = value.filter(|text| !text.contains('\0') && !text.contains("%00"));
    value.and_then(|text| text.parse().ok()).ok_or_else(ApiError::not_found)
}

/// The bytes of the body as they came, up to `LIMIT` bytes.
#[derive(Debug, Clone)]
pub struct RawBody<const LIMIT: usize>(pub actix_web::web::Bytes);

impl<const LIMIT: usize> Input for RawBody<LIMIT> {
    const LIMIT: usize = LIMIT;
    async fn read(_: &HttpRequest, body: &Body) -> Result<Self, ApiError> {
        Ok(Self(body.bytes.clone()))
    }
    fn describe(draft: &mut Draft) {
        draft.binary_body("application/octet-stream");
    }
}

/// The version the caller saw (`If-Match: "7"`), if it says so. A use case compares it while saving and
/// answers `version_conflict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub Option<i64>);

impl Input for IfMatch {
    async fn read(request: &HttpRequest, _: &Body) -> Result<Self, ApiError> {
        let Some(value) = request.headers().get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        let digits = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let version =
            digits.parse().map_err(|_| ApiError::bad_request("If-Match: expected \"<version>\""))?;
        Ok(Self(Some(version)))
    }
    fn describe(draft: &mut Draft) {
        draft.header("If-Match", false, "The version that was seen, from `ETag` or the field `version`.");
    }
}

/// The caller's name for this command, so that a repeated request has one effect. Required where taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub key: String,
    /// Fingerprint of the body, to refuse the same key with another body.
    pub body_sha256: [u8; 32],
}

impl Input for IdempotencyKey {
    async fn read(request: &HttpRequest, body: &Body) -> Result<Self, ApiError> {
        let value = request
            .headers()
            .get("idempotency-key")
            .ok_or_else(|| ApiError::new(ErrorCode::IdempotencyKeyMissing))?;
        let key = value.to_str().unwrap_or_default().trim().to_owned();
        if !(1..=255).contains(&key.len()) || key.bytes().any(|byte| !byte.is_ascii_graphic()) {
            let error = ApiError::new(ErrorCode::IdempotencyKeyInvalid);
            return Err(error.with_detail("expected 1 to 255 visible ASCII characters"));
        }
        Ok(Self { key, body_sha256: body.fingerprint() })
    }
    fn describe(draft: &mut Draft) {
        draft.header("Idempotency-Key", true, "A new random value for every command; the same for a retry.");
    }
}
