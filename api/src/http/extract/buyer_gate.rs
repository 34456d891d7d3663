//! The gate of a shop's buyers. The shop stands in the path; a cookie speaks on the shop's pages, a bearer token in
//! the API, and neither in the other's place.

use super::Input;
use super::body::keeping_refused;
use super::form::csrf_token;
use super::gate::{Access, Call, Extracting, Gate, caught, for_body, read_body};
use crate::auth::{buyer_token, csrf};
use crate::error::{Answer, ApiError};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use qianpu_domain::error::ErrorCode;
use qianpu_tenants::resolve::{self, BuyerCaller};
use std::ops::Deref;

/// The cookie of a shop's pages. Its path is the shop's, so shops in one browser do not know each other's.
pub const BUYER_COOKIE: &str = "qp_buyer";

/// An operation of a buyer of the shop in the path (`{slug}`).
pub struct BuyerAuthed<T = ()> {
    pub call: Call,
    pub buyer: BuyerCaller,
    pub input: T,
}

impl<T> Deref for BuyerAuthed<T> {
    type Target = Call;
    fn deref(&self) -> &Call {
        &self.call
    }
}

impl<T: Input> Gate for BuyerAuthed<T> {
    const ACCESS: Access = Access::Buyer;
    type Reads = T;
}

impl<T: Input> FromRequest for BuyerAuthed<T> {
    type Error = ApiError;
    type Future = Extracting<Self>;
    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (own, payload) = (request.clone(), payload.take());
        caught(request, for_body::<T>(), async move {
            let request = own;
            keeping_refused(&request.clone(), payload, async |payload| {
                let call = Call::of(&request)?;
                let buyer = authenticate(&call).await?;
                tracing::Span::current().record("tenant_id", tracing::field::display(buyer.ctx().tenant()));
                call.belongs_to(buyer.ctx());
                request.extensions_mut().insert(buyer.clone());
                let body = read_body::<T>(&request, payload).await?;
                if is_page(&request) && !request.method().is_safe() {
                    let given = csrf_token(&request, &body).await;
                    if !given.is_some_and(|given| csrf::same(&given, buyer.csrf_token())) {
                        return Err(ApiError::new(ErrorCode::CsrfFailed));
                    }
                }
                let input = T::read(&request, &body).await?;
                Ok(Self { call, buyer, input })
            })
            .await
        })
    }
}

fn is_page(request: &HttpRequest) -> bool {
    !request.path().starts_with("/api/")
}

/// Whoever is nobody in this shop is not signed in, whatever they are elsewhere.
async fn authenticate(call: &Call) -> Answer<BuyerCaller> {
    let nobody = || ApiError::new(ErrorCode::Unauthenticated);
    let request = &call.request;
    let slug = request.match_info().get("slug").ok_or_else(nobody)?;
    let found = if is_page(request) {
        let cookie = request.cookie(BUYER_COOKIE).ok_or_else(nobody)?;
        resolve::by_buyer_cookie(&call.state.db, slug, cookie.value(), call.request_id()).await?
    } else {
        let value = request.headers().get(header::AUTHORIZATION).ok_or_else(nobody)?;
        let text = value.to_str().unwrap_or_default();
        let bearer = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, bearer) = bearer.ok_or_else(nobody)?;
        let now = call.state.clock().now();
        let claims = buyer_token::read(&call.state.keys, bearer.trim(), now).ok_or_else(nobody)?;
        resolve::by_buyer_token(&call.state.db, slug, &claims, call.request_id()).await?
    };
    found.ok_or_else(nobody)
}
