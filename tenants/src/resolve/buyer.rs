//! The buyer behind a cookie or token, and the provider that serves a storefront.

use super::{by_shop_slug, open};
use crate::context::{Actor, TenantCtx};
use crate::db::Db;
use crate::error::{StoreError, StoreResult};
use crate::store::buyer::{Buyer, buyer_get};
use crate::store::buyer_session::{BuyerSession, buyer_session_by_token, buyer_session_find};
use qianpu_domain::access::Surface;
use qianpu_domain::buyer::{BuyerSessionKind, BuyerState};
use qianpu_domain::ids::{BuyerId, BuyerSessionId, RequestId, ShopId, TenantId};

/// A buyer who has proven who they are, in one shop. Nobody anywhere else.
#[derive(Clone, Debug)]
pub struct BuyerCaller {
    ctx: TenantCtx,
    buyer: Buyer,
    session: BuyerSession,
}

impl BuyerCaller {
    /// For whom and by whom: the merchant of the shop, acted in by the buyer.
    pub fn ctx(&self) -> &TenantCtx {
        &self.ctx
    }
    /// The buyer.
    pub fn buyer(&self) -> &Buyer {
        &self.buyer
    }
    /// The buyer's id.
    pub fn id(&self) -> BuyerId {
        self.buyer.id
    }
    /// The shop.
    pub fn shop(&self) -> ShopId {
        self.buyer.shop
    }
    /// The session.
    pub fn session(&self) -> &BuyerSession {
        &self.session
    }
    /// The token a form must carry.
    pub fn csrf_token(&self) -> &str {
        &self.session.csrf_token
    }
}

/// The buyer behind the cookie of a shop's pages.
pub async fn by_buyer_cookie(
    db: &Db,
    slug: &str,
    token: &str,
    request: RequestId,
) -> StoreResult<Option<BuyerCaller>> {
    let Some((ctx, shop)) = by_shop_slug(db, slug, request).await? else { return Ok(None) };
    let tx = db.read(&ctx).await?;
    let session = buyer_session_by_token(&tx, shop, token).await?;
    caller(&tx, session.filter(|session| session.kind == BuyerSessionKind::Browser)).await
}

/// What a buyer's access token claims (already verified).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuyerClaims {
    /// The merchant.
    pub tenant: TenantId,
    /// The buyer.
    pub buyer: BuyerId,
    /// The session.
    pub session: BuyerSessionId,
}

/// The buyer behind an access token, at the shop of the path. `None` at every other shop, even of the same merchant.
pub async fn by_buyer_token(
    db: &Db,
    slug: &str,
    claims: &BuyerClaims,
    request: RequestId,
) -> StoreResult<Option<BuyerCaller>> {
    let Some((ctx, shop)) = by_shop_slug(db, slug, request).await? else { return Ok(None) };
    if ctx.tenant() != claims.tenant {
        return Ok(None);
    }
    let tx = db.read(&ctx).await?;
    let session = buyer_session_find(&tx, shop, claims.session).await?;
    let own = |session: &BuyerSession| session.kind == BuyerSessionKind::Api && session.buyer == claims.buyer;
    caller(&tx, session.filter(own)).await
}

async fn caller(tx: &crate::db::TenantTx, session: Option<BuyerSession>) -> StoreResult<Option<BuyerCaller>> {
    let Some(session) = session else { return Ok(None) };
    let buyer = match buyer_get(tx, session.buyer).await {
        Ok(buyer) => buyer,
        Err(StoreError::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    if buyer.state != BuyerState::Active || buyer.shop != session.shop {
        return Ok(None);
    }
    let ctx = TenantCtx { actor: Actor::Buyer(buyer.id), ..tx.ctx().clone() };
    Ok(Some(BuyerCaller { ctx, buyer, session }))
}

/// The provider of a storefront's merchant, for what it does and pays for on the shop's behalf: text messages and the
/// link between its shops. The actor stays.
pub async fn provider_of(db: &Db, merchant: &TenantCtx) -> StoreResult<TenantCtx> {
    let provider = merchant.provider.filter(|_| merchant.kind == Surface::Merchant);
    let provider = provider.ok_or(StoreError::NotFound)?;
    let (_, ctx) =
        open(db, provider, merchant.actor.clone(), merchant.request).await?.ok_or(StoreError::NotFound)?;
    Ok(ctx)
}
