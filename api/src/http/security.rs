//! Headers that tell browsers what our pages never do. A handler that needs another policy sets its own
//! header and keeps it.

use crate::state::AppState;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, web};

// Forms may lead to the platforms' authorization pages, which are on other hosts.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' https:";
const POLICY_DEVELOPMENT: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; \
    form-action 'self' https: http://127.0.0.1:* http://localhost:*";

pub(super) async fn headers(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let development =
        request.app_data::<web::Data<AppState>>().is_some_and(|state| state.config.is_development());
    let uncached = !request.path().starts_with("/assets/");
    let mut response = next.call(request).await?.map_into_boxed_body();
    let own = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        if !own.contains_key(&name) {
            own.insert(name, HeaderValue::from_static(value));
        }
    };
    set(header::CONTENT_SECURITY_POLICY, if development { POLICY_DEVELOPMENT } else { POLICY });
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "strict-origin-when-cross-origin");
    set(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
    if !development {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if uncached {
        set(header::CACHE_CONTROL, "no-store");
    }
    Ok(response)
}
