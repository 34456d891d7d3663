//! Whose page a request asks for: the installation's own host, a provider's, or a shop's. The host is read from the
//! request itself, and from what a proxy says only where one is configured; a host that nobody proved gets nothing, so
//! that no cache and no log-in can be led astray by it.

use crate::app::branding;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use qianpu_domain::access::Surface;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::resolve;

/// What a request's host stands for, when it is not the installation's own.
#[derive(Debug, Clone)]
pub enum AtHost {
    /// A provider's console and application page.
    Provider { provider: TenantId, base: String },
    /// A shop's storefront; `path` is the one that was asked for.
    Shop { slug: String, base: String, path: String },
}

impl AtHost {
    /// Of a request; none at the installation's own host.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }
    /// The address of the host itself: its scheme, name and port.
    pub fn base(request: &HttpRequest) -> Option<String> {
        Self::of(request).map(|at| match at {
            Self::Provider { base, .. } | Self::Shop { base, .. } => base,
        })
    }
    /// The provider whose host it is.
    pub fn provider(request: &HttpRequest) -> Option<TenantId> {
        match Self::of(request) {
            Some(Self::Provider { provider, .. }) => Some(provider),
            _ => None,
        }
    }
}

/// Paths that answer at any host: what watches the process asks by address, and so does what hands out certificates.
/// Style sheets and scripts do too; they say nothing about anybody.
const ANYWHERE: &[&str] = &["/healthz", "/readyz", "/metrics", "/tls/ask"];

/// The middleware, inside of the envelope: it needs the request's id and must come before routing.
pub(super) async fn settle(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = request.app_data::<web::Data<AppState>>().cloned();
    let anywhere = ANYWHERE.contains(&request.path()) || request.path().starts_with("/assets/");
    if let Some(state) = state.filter(|_| !anywhere)
        && let Err(error) = place(&state, &mut request).await
    {
        return Ok(request.error_response(error));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

async fn place(state: &AppState, request: &mut ServiceRequest) -> Answer<()> {
    let unknown = || ApiError::new(ErrorCode::UnknownHost);
    let named = named_host(request, state.config.http.behind_proxy).ok_or_else(unknown)?;
    let host = without_port(&named).ok_or_else(unknown)?;
    if state.is_own_host(&host) {
        return Ok(());
    }
    let id = RequestId(super::request::RequestInfo::of(request.request()).uuid);
    let (ctx, slug) = match resolve::by_host(&state.db, &host, id).await? {
        Some((ctx, shop)) if ctx.kind() == Surface::Merchant => {
            let slug = crate::app::storefront::slug_at(state, &ctx, shop).await?;
            (ctx, Some(slug))
        }
        Some((ctx, _)) => (ctx, None),
        None => return Err(unknown()),
    };
    let scheme = if state.config.cookies_are_secure() { "https" } else { "http" };
    let base = format!("{scheme}://{}", named.to_ascii_lowercase());
    match slug {
        Some(slug) => {
            lead_to_shop(request, slug, base);
            Ok(())
        }
        None => at_provider(state, request, &ctx, base).await,
    }
}

/// The one host that the request names; none when it names none, or two.
fn named_host(request: &ServiceRequest, behind_proxy: bool) -> Option<String> {
    let only = |name: header::HeaderName| {
        let mut all = request.headers().get_all(name);
        let first = all.next()?;
        if all.next().is_some() { Some(None) } else { Some(first.to_str().ok()) }
    };
    if behind_proxy && let Some(forwarded) = only(header::HeaderName::from_static("x-forwarded-host")) {
        // A list means that somebody before our proxy wrote into it.
        return forwarded.filter(|text| !text.contains(',')).map(|text| text.trim().to_owned());
    }
    match only(header::HOST) {
        Some(host) => host.map(str::to_owned),
        // HTTP/2 carries it in the address.
        None => request.uri().authority().map(|authority| authority.as_str().to_owned()),
    }
}

/// The host in small letters, without its port and without the dot of the root.
fn without_port(named: &str) -> Option<String> {
    if named.is_empty() || named.len() > 260 || named.contains(['@', '/', '\\', '?', '#', ' ']) {
        return None;
    }
    let host = match named.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => match named.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            Some(_) => return None,
            None => named,
        },
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    (!host.is_empty()).then_some(host)
}

/// At a shop's host everything is the shop: its pages stand at the root, and nothing else does.
fn lead_to_shop(request: &mut ServiceRequest, slug: String, base: String) {
    let path = request.path().to_owned();
    let inner = format!("/s/{slug}");
    if path != inner && !path.starts_with(&format!("{inner}/")) {
        super::seats::set_path(request, &format!("{inner}{path}"));
    }
    request.extensions_mut().insert(AtHost::Shop { slug, base, path });
}

async fn at_provider(
    state: &AppState,
    request: &ServiceRequest,
    ctx: &TenantCtx,
    base: String,
) -> Answer<()> {
    // The operator's console stands at the installation's own host only.
    if request.path().starts_with("/console/operator") {
        return Err(ApiError::not_found());
    }
    if super::wants_page(request.request())
        && let Some(brand) = branding::shown(state, ctx).await?
    {
        request.extensions_mut().insert(brand);
    }
    request.extensions_mut().insert(AtHost::Provider { provider: ctx.tenant(), base });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn a_host_is_read_without_port_and_root() {
        for (named, host) in [
            ("Shop.Example.com", Some("shop.example.com")),
            ("shop.example.com:8443", Some("shop.example.com")),
            ("shop.example.com.", Some("shop.example.com")),
            ("127.0.0.1:80", Some("127.0.0.1")),
            ("[::1]:8080", Some("::1")),
            ("[::1", None),
            ("", None),
            (":80", None),
            ("a@b", None),
            ("a.com:x", None),
            ("a.com/evil", None),
            ("a b", None),
        ] {
            assert_eq!(without_port(named).as_deref(), host, "{named}");
        }
    }
}
