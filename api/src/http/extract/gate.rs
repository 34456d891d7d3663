//! The gates: who calls is settled first, and only then is the body read and parsed. So a caller without
//! a token always gets 401, whatever the body looks like, and no stranger can make us parse megabytes.

use super::body::{BODY_TIMEOUT, Body, keeping_refused};
use super::form::csrf_token;
use super::input::Input;
use super::neighbours::neighbours;
use crate::app::impersonation::TOKEN_PREFIX;
use crate::app::{api_keys, oauth};
use crate::auth::{csrf, token};
use crate::error::{Answer, ApiError};
use crate::figures::Whose;
use crate::http::host::AtHost;
use crate::http::request::{RequestInfo, counted};
use crate::http::seats::{self, Seat};
use crate::http::wants_page;
use crate::pages::frame::stop_key;
use crate::state::AppState;
use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::FutureExt;
use qianpu_domain::access::{Permission, Surface};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::RequestId;
use qianpu_tenants::authz::{Caller, Denied, Grant, Perm, Person};
use qianpu_tenants::deadline;
use qianpu_tenants::resolve;
use std::future::Future;
use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

/// Chooses the console when an API request without a seat in its address carries cookies of several.
pub const SURFACE_HEADER: &str = "x-qianpu-surface";

/// Who may call an operation; a row of the policy table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Public,
    Needs(Permission),
    /// A buyer of the shop in the path.
    Buyer,
}

/// The first and only argument of a handler. The policy row comes from this type, so the table of
/// operations and the check at run time are one thing.
pub trait Gate: FromRequest<Error = ApiError> + 'static {
    const ACCESS: Access;
    type Reads: Input;
}

/// The request as every handler may need it.
#[derive(Clone)]
pub struct Call {
    pub state: web::Data<AppState>,
    pub info: RequestInfo,
    pub request: HttpRequest,
}

impl Call {
    pub(in crate::http) fn of(request: &HttpRequest) -> Answer<Self> {
        let state = request.app_data::<web::Data<AppState>>().cloned();
        let state = state.ok_or_else(|| ApiError::internal("the application state is not registered"))?;
        Ok(Self { state, info: RequestInfo::of(request), request: request.clone() })
    }
    /// Notes whose request it is, for the figures of tenants.
    pub fn belongs_to(&self, whose: impl Into<Whose>) {
        self.request.extensions_mut().insert(whose.into());
    }
    /// The id of this request, for contexts and logs.
    pub fn request_id(&self) -> RequestId {
        RequestId(self.info.uuid)
    }
}

/// A public operation.
pub struct Open<T = ()> {
    pub call: Call,
    pub input: T,
}

/// An operation whose caller holds `P`.
pub struct Authed<P: Perm, T = ()> {
    pub call: Call,
    pub caller: Caller,
    pub grant: Grant<P>,
    pub input: T,
}

impl<T> Deref for Open<T> {
    type Target = Call;
    fn deref(&self) -> &Call {
        &self.call
    }
}
impl<P: Perm, T> Deref for Authed<P, T> {
    type Target = Call;
    fn deref(&self) -> &Call {
        &self.call
    }
}

impl<T: Input> Gate for Open<T> {
    const ACCESS: Access = Access::Public;
    type Reads = T;
}
impl<P: Perm, T: Input> Gate for Authed<P, T> {
    const ACCESS: Access = Access::Needs(P::PERMISSION);
    type Reads = T;
}

pub(super) type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

/// Turns a panic into an error of ours, so that it costs one request and not a worker, and ends what takes too long.
/// `extra` is time besides, for a body that is still to arrive.
pub(in crate::http) fn caught<T: 'static>(
    request: &HttpRequest,
    extra: Duration,
    work: impl Future<Output = Result<T, ApiError>> + 'static,
) -> Extracting<T> {
    let state = request.app_data::<web::Data<AppState>>();
    let seconds = state.map_or(30, |state| state.config.http.answer_timeout_seconds);
    let limited = async move {
        let outcome = deadline::within(Duration::from_secs(seconds) + extra, work).await;
        outcome.unwrap_or_else(|| Err(ApiError::new(ErrorCode::TimedOut).retry_after(TRY_AGAIN_SECONDS)))
    };
    Box::pin(AssertUnwindSafe(limited).catch_unwind().map(|outcome| {
        // The panic hook has written the message; the client gets the request's id only.
        outcome.unwrap_or_else(|_| Err(ApiError::internal("a handler panicked")))
    }))
}

/// When to try again what took too long.
const TRY_AGAIN_SECONDS: u32 = 5;

/// Time for the body of an input.
pub(super) const fn for_body<T: Input>() -> Duration {
    if T::LIMIT == 0 { Duration::ZERO } else { BODY_TIMEOUT }
}

impl<T: Input> FromRequest for Open<T> {
    type Error = ApiError;
    type Future = Extracting<Self>;
    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (own, payload) = (request.clone(), payload.take());
        caught(request, for_body::<T>(), async move {
            let request = own;
            keeping_refused(&request.clone(), payload, async |payload| {
                let call = Call::of(&request)?;
                let body = read_body::<T>(&request, payload).await?;
                if T::FORM {
                    own_site(&call)?;
                    let given = csrf_token(&request, &body).await;
                    let key = call.state.keys.form_key();
                    if !given.is_some_and(|given| csrf::visitor_token_holds(key, &request, &given)) {
                        return Err(ApiError::new(ErrorCode::CsrfFailed));
                    }
                }
                let input = T::read(&request, &body).await?;
                Ok(Self { call, input })
            })
            .await
        })
    }
}

impl<P: Perm, T: Input> FromRequest for Authed<P, T> {
    type Error = ApiError;
    type Future = Extracting<Self>;
    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (own, payload) = (request.clone(), payload.take());
        caught(request, for_body::<T>(), async move {
            let request = own;
            keeping_refused(&request.clone(), payload, async |payload| {
                let call = Call::of(&request)?;
                let (caller, by) = authenticate(&call).await?;
                belongs_here(&request, &caller)?;
                tracing::Span::current().record("tenant_id", tracing::field::display(caller.tenant()));
                call.belongs_to(Whose { tenant: caller.tenant(), provider: caller.provider() });
                // An error page keeps the frame of the console it happened in.
                request.extensions_mut().insert(caller.clone());
                let (rates, now) =
                    (call.state.rates.of(&call.state, &caller).await?, call.state.clock().now());
                let asked = call.state.limits.of_caller(
                    caller.tenant().0,
                    caller.actor_id(),
                    rates.terms.into(),
                    now,
                );
                counted(&mut request.extensions_mut(), asked)?;
                if caller.lacks_second_factor() && !sets_it_up(request.path()) {
                    return Err(ApiError::new(ErrorCode::SecondFactorRequired));
                }
                let grant = caller.grant::<P>().map_err(|denied| refused(&caller, denied))?;
                may_change(&request, &caller, P::PERMISSION)?;
                let body = read_body::<T>(&request, payload).await?;
                if by == By::Cookie && wants_page(&request) {
                    let others = neighbours(&call, &caller).await?;
                    request.extensions_mut().insert(others);
                }
                if by == By::Cookie && !request.method().is_safe() {
                    own_site(&call)?;
                    check_form_token(&request, &body, &caller).await?;
                }
                let input = T::read(&request, &body).await?;
                Ok(Self { call, caller, grant, input })
            })
            .await
        })
    }
}

/// At a provider's host only its people and its merchants' people are known.
fn belongs_here(request: &HttpRequest, caller: &Caller) -> Answer<()> {
    match AtHost::provider(request) {
        Some(provider) if caller.provider() != Some(provider) => Err(unauthenticated()),
        _ => Ok(()),
    }
}

/// A refusal in words: whoever acts in somebody else's tenant is told that it is out of reach there.
fn refused(caller: &Caller, denied: Denied) -> ApiError {
    match caller.impersonator() {
        Some(_) => ApiError::new(denied.code()).with_text("impersonation.forbidden", Vec::new()),
        None => denied.into(),
    }
}

/// A suspended tenant's people may look and change nothing.
fn may_change(request: &HttpRequest, caller: &Caller, permission: Permission) -> Answer<()> {
    let Some(stop) = caller.tenant_stop() else { return Ok(()) };
    if request.method().is_safe() || permission.works_while_suspended() {
        return Ok(());
    }
    let why = vec![("reason", stop.reason.clone())];
    Err(ApiError::new(ErrorCode::TenantSuspended).with_text(stop_key(caller.surface(), stop), why))
}

/// What is left to a person who has to set an authenticator app up first: doing so, and leaving.
fn sets_it_up(path: &str) -> bool {
    let within =
        |home: &str| path == home || path.strip_prefix(home).is_some_and(|rest| rest.starts_with('/'));
    let console = path.strip_prefix("/console/").and_then(|rest| rest.split_once('/'));
    match console {
        Some((_, rest)) => rest == "logout" || rest == "account/totp" || rest.starts_with("account/totp/"),
        None => path == "/api/v1/me" || within("/api/v1/me/totp") || within("/api/v1/auth"),
    }
}

pub(super) async fn read_body<T: Input>(request: &HttpRequest, payload: &mut Payload) -> Answer<Body> {
    if T::LIMIT == 0 { Ok(Body::empty()) } else { Body::read(request, payload, T::LIMIT).await }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Bearer,
    Cookie,
}

async fn authenticate(call: &Call) -> Answer<(Caller, By)> {
    let request = &call.request;
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        let bearer = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, bearer) = bearer.ok_or_else(unauthenticated)?;
        let caller = by_bearer(call, bearer.trim()).await?;
        return Ok((caller, By::Bearer));
    }
    for seat in seats_of(request) {
        if let Some(caller) = at_seat(call, &seat).await? {
            seats::take(request, seat);
            return Ok((caller, By::Cookie));
        }
    }
    Err(unauthenticated())
}

/// Who sits at a seat of this browser.
pub async fn at_seat(call: &Call, seat: &Seat) -> Answer<Option<Caller>> {
    let Some(cookie) = call.request.cookie(&seat.cookie()) else { return Ok(None) };
    let (db, id) = (&call.state.db, call.request_id());
    let found = match cookie.value().strip_prefix(TOKEN_PREFIX) {
        Some(secret) => resolve::by_impersonation(db, secret, id).await?,
        None => resolve::by_console_cookie(db, cookie.value(), id).await?,
    };
    Ok(found.filter(|caller| Seat::of(caller.surface(), caller.tenant()) == *seat))
}

/// Every console that is open in this browser, those of tenants that somebody only visits too.
pub(super) async fn open_seats(call: &Call) -> Answer<Vec<(Seat, Caller)>> {
    let mut found = Vec::new();
    for seat in seats::in_browser(&call.request) {
        if let Some(caller) = at_seat(call, &seat).await? {
            found.push((seat, caller));
        }
    }
    Ok(found)
}

/// Everybody who is logged in in this browser.
pub async fn logged_in(call: &Call) -> Answer<Vec<(Seat, Caller, Person)>> {
    let open = open_seats(call).await?.into_iter();
    let own = open.filter_map(|(seat, caller)| {
        let person = caller.person().ok()?.clone();
        Some((seat, caller, person))
    });
    Ok(own.collect())
}

fn unauthenticated() -> ApiError {
    ApiError::new(ErrorCode::Unauthenticated)
}

async fn by_bearer(call: &Call, bearer: &str) -> Answer<Caller> {
    // Programs have the API and no pages.
    let at_the_api = call.request.path().starts_with(crate::http::v1::PREFIX);
    if at_the_api && bearer.starts_with(api_keys::PREFIX) {
        return api_keys::authenticate(&call.state, call.request_id(), bearer, &call.info.address).await;
    }
    if at_the_api && bearer.starts_with(oauth::ACCESS_PREFIX) {
        let found = oauth::allowed::authenticate(&call.state, call.request_id(), bearer).await?;
        return found.ok_or_else(unauthenticated);
    }
    if let Some(secret) = bearer.strip_prefix(TOKEN_PREFIX) {
        let found = resolve::by_impersonation(&call.state.db, secret, call.request_id()).await?;
        return found.ok_or_else(unauthenticated);
    }
    let now = call.state.clock().now();
    let claims = token::read(&call.state.keys, bearer, now).ok_or_else(unauthenticated)?;
    let found = resolve::by_token(&call.state.db, claims.tenant, claims.session, call.request_id()).await?;
    found
        .filter(|caller| caller.surface() == claims.surface)
        .filter(|caller| caller.person().is_ok_and(|person| person.id == claims.user))
        .ok_or_else(unauthenticated)
}

/// The seats whose session may speak for this request: the one in the address, or those of the surface in
/// the path or the header, or any; the one used last first.
fn seats_of(request: &HttpRequest) -> Vec<Seat> {
    if let Some(seat) = seats::asked_for(request) {
        return vec![seat];
    }
    let in_path = request.path().strip_prefix("/console/").and_then(|rest| rest.split('/').next());
    let named = request.headers().get(SURFACE_HEADER).and_then(|value| value.to_str().ok());
    let mut seats = seats::in_browser(request);
    if let Some(surface) = in_path.or(named).and_then(Surface::parse) {
        seats.retain(|seat| seat.surface() == surface);
    }
    seats
}

/// A browser's cookie speaks for a person only from our own pages.
fn own_site(call: &Call) -> Answer<()> {
    let at_host = AtHost::base(&call.request);
    let own = [Some(call.state.config.app.public_url.as_str()), at_host.as_deref()];
    if csrf::is_foreign(&call.request, own.into_iter().flatten()) {
        return Err(ApiError::new(ErrorCode::CsrfFailed));
    }
    Ok(())
}

async fn check_form_token(request: &HttpRequest, body: &Body, caller: &Caller) -> Answer<()> {
    let header = request.headers().get("x-csrf-token").and_then(|value| value.to_str().ok());
    let given = match header {
        Some(token) => Some(token.to_owned()),
        None if *request.method() == Method::POST => csrf_token(request, body).await,
        None => None,
    };
    let expected = caller.csrf_token()?;
    if given.is_some_and(|given| csrf::same(&given, expected)) {
        Ok(())
    } else {
        Err(ApiError::new(ErrorCode::CsrfFailed))
    }
}
