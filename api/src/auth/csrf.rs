//! Form tokens. A person's forms carry the token of their session; a visitor's forms (log-in, the public
//! application) carry a token derived from a random cookie, so that another site can neither know nor
//! plant it (double submit). Besides the token, a request that a browser says comes from another site is refused.

use actix_web::HttpRequest;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Cookie of visitors that form tokens are bound to.
pub const VISITOR_COOKIE: &str = "qp_form";

/// Whether the browser says that a page of another site sent this. Programs and old browsers say nothing.
pub fn is_foreign<'a>(request: &HttpRequest, mut own: impl Iterator<Item = &'a str>) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if header("sec-fetch-site") == Some("cross-site") {
        return true;
    }
    let Some(origin) = header("origin") else { return false };
    let authority = |address: &str| {
        let address = url::Url::parse(address).ok()?;
        let host = address.host_str()?.to_owned();
        Some(address.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
    };
    let Some(origin) = authority(origin) else { return true };
    let here = header("host").is_some_and(|host| host.eq_ignore_ascii_case(&origin));
    !here && !own.any(|address| authority(address).as_ref() == Some(&origin))
}

/// Constant-time comparison.
pub fn same(given: &str, expected: &str) -> bool {
    !expected.is_empty() && given.as_bytes().ct_eq(expected.as_bytes()).into()
}

/// The form token that belongs to a visitor cookie.
pub fn visitor_token(key: &[u8; 32], cookie: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(cookie.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Whether `given` belongs to the request's visitor cookie.
pub fn visitor_token_holds(key: &[u8; 32], request: &HttpRequest, given: &str) -> bool {
    request
        .cookie(VISITOR_COOKIE)
        .filter(|cookie| cookie.value().len() >= 32)
        .is_some_and(|cookie| same(given, &visitor_token(key, cookie.value())))
}
