//! Starting a buyer's session. To sign in for the first time is to become a buyer of the shop.

use super::codes::Proven;
use super::person::look_again;
use crate::app::storefront::Visit;
use crate::auth::buyer_token;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::buyer::{BuyerSessionKind, SignInMethod};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{BuyerId, BuyerSessionId};
use qianpu_domain::shop::ShopState;
use qianpu_domain::time::Span;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::random;
use qianpu_tenants::resolve::BuyerClaims;
use qianpu_tenants::store::buyer::{BuyerChange, buyer_by_phone, buyer_change, buyer_insert, phone_insert};
use qianpu_tenants::store::buyer_code::code_use;
use qianpu_tenants::store::buyer_session::{
    NewBuyerSession, buyer_session_by_token, buyer_session_end, buyer_session_insert,
};

/// A session that has begun.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub buyer: BuyerId,
    pub session: BuyerSessionId,
    /// What the browser keeps; programs get [`SignedIn::access_token`] instead.
    pub cookie: String,
    /// None for a browser.
    pub access_token: Option<String>,
    pub life: Span,
}

/// The client that signs in.
#[derive(Debug, Clone)]
pub struct Device {
    pub kind: BuyerSessionKind,
    pub user_agent: String,
    /// `zh` or `en`.
    pub locale: &'static str,
    /// The session cookie it had: ended, so that nobody stays signed in below the new one.
    pub previous: Option<String>,
}

/// Whether anybody may sign in: not before the shop has opened its doors. A closed shop's buyers still may, for their
/// data.
pub(super) fn door(visit: &Visit) -> Answer<()> {
    if visit.shop.state == ShopState::Opened { Err(ApiError::not_found()) } else { Ok(()) }
}

/// Signs in with a proven phone.
pub async fn by_phone(state: &AppState, visit: &Visit, proven: &Proven, device: &Device) -> Answer<SignedIn> {
    door(visit)?;
    if proven.shop != visit.shop.id {
        return Err(ApiError::new(ErrorCode::SignInCodeWrong));
    }
    let mut tx = state.db.begin(visit.ctx()).await?;
    if !code_use(&mut tx, proven.code).await? {
        return Err(ApiError::new(ErrorCode::SignInCodeWrong));
    }
    let sealer = &state.keys.sealer;
    let buyer = match buyer_by_phone(&tx, sealer, visit.shop.id, &proven.phone).await? {
        Some(known) => known,
        None => {
            let fresh = buyer_insert(&mut tx, visit.shop.id, "", device.locale).await?;
            if !phone_insert(&mut tx, sealer, &fresh, &proven.phone).await? {
                return Err(StoreError::Busy("the phone was taken meanwhile".to_owned()).into());
            }
            fresh.id
        }
    };
    let signed = start(state, &mut tx, visit, buyer, SignInMethod::Phone, device).await?;
    tx.commit().await?;
    Ok(signed)
}

/// Starts the session of a buyer who has just been proven. Always a new token: what the browser had before is dead.
pub(super) async fn start(
    state: &AppState,
    tx: &mut TenantTx,
    visit: &Visit,
    buyer: BuyerId,
    method: SignInMethod,
    device: &Device,
) -> Answer<SignedIn> {
    if let Some(previous) = &device.previous
        && let Some(old) = buyer_session_by_token(tx, visit.shop.id, previous).await?
    {
        buyer_session_end(tx, old.buyer, old.id).await?;
    }
    let change = BuyerChange { locale: Some(device.locale), seen: true, ..BuyerChange::default() };
    buyer_change(tx, buyer, &change).await?;
    let (token, life) = (random::token(), Span::days(state.config.buyers.session_days));
    let new = NewBuyerSession {
        buyer,
        shop: visit.shop.id,
        kind: device.kind,
        method,
        token: &token,
        user_agent: &device.user_agent,
        life,
    };
    let session = buyer_session_insert(tx, &new).await?;
    look_again(tx, buyer).await?;
    let access_token = match device.kind {
        BuyerSessionKind::Browser => None,
        BuyerSessionKind::Api => {
            let claims = BuyerClaims { tenant: visit.ctx().tenant(), buyer, session };
            Some(buyer_token::sign(&state.keys, &claims, tx.now(), life).map_err(ApiError::internal)?)
        }
    };
    Ok(SignedIn { buyer, session, cookie: token, access_token, life })
}
