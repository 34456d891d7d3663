//! Sessions of buyers. Only hashes of tokens are stored; a session belongs to one shop.

use crate::db::TenantTx;
use crate::entity::buyer_session as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::buyer::{BuyerSessionKind, SignInMethod};
use qianpu_domain::ids::{BuyerId, BuyerSessionId, ShopId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use sha2::{Digest, Sha256};

/// A session.
#[derive(Clone, Debug)]
pub struct BuyerSession {
    /// Its id.
    pub id: BuyerSessionId,
    /// Whose.
    pub buyer: BuyerId,
    /// The shop where it holds.
    pub shop: ShopId,
    /// Cookie or bearer.
    pub kind: BuyerSessionKind,
    /// How they proved who they are.
    pub method: SignInMethod,
    /// The token forms must carry.
    pub csrf_token: String,
    /// What the client calls itself.
    pub user_agent: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

fn from_model(model: row::Model) -> StoreResult<BuyerSession> {
    let corrupt = StoreError::Corrupt;
    Ok(BuyerSession {
        id: BuyerSessionId(model.id),
        buyer: BuyerId(model.buyer_id),
        shop: ShopId(model.shop_id),
        kind: BuyerSessionKind::from_text(&model.kind).ok_or(corrupt("buyer_sessions.kind"))?,
        method: SignInMethod::from_text(&model.method).ok_or(corrupt("buyer_sessions.method"))?,
        csrf_token: model.csrf_token,
        user_agent: model.user_agent,
        created_at: Timestamp::from_micros(model.created_at),
        expires_at: Timestamp::from_micros(model.expires_at),
    })
}

/// What a session begins with.
#[derive(Clone, Copy, Debug)]
pub struct NewBuyerSession<'a> {
    /// Whose.
    pub buyer: BuyerId,
    /// The shop.
    pub shop: ShopId,
    /// Cookie or bearer.
    pub kind: BuyerSessionKind,
    /// How they proved who they are.
    pub method: SignInMethod,
    /// What the browser keeps.
    pub token: &'a str,
    /// What the client calls itself.
    pub user_agent: &'a str,
    /// How long it lasts.
    pub life: Span,
}

/// Starts a session.
pub async fn buyer_session_insert(
    tx: &mut TenantTx,
    new: &NewBuyerSession<'_>,
) -> StoreResult<BuyerSessionId> {
    let id = tx.new_id();
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        buyer_id: Set(new.buyer.0),
        shop_id: Set(new.shop.0),
        kind: Set(new.kind.as_str().to_owned()),
        method: Set(new.method.as_str().to_owned()),
        token_hash: Set(hash(new.token)),
        csrf_token: Set(crate::random::token()),
        user_agent: Set(new.user_agent.chars().take(200).collect()),
        expires_at: Set(tx.now().plus(new.life).micros()),
        revoked_at: Set(None),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(BuyerSessionId(id))
}

fn alive(tx: &TenantTx) -> Condition {
    Condition::all()
        .add(row::Column::TenantId.eq(tx.tenant()))
        .add(row::Column::RevokedAt.is_null())
        .add(row::Column::ExpiresAt.gt(tx.now().micros()))
}

/// A live session of the shop, by id.
pub async fn buyer_session_find(
    tx: &TenantTx,
    shop: ShopId,
    id: BuyerSessionId,
) -> StoreResult<Option<BuyerSession>> {
    let query = row::Entity::find().filter(alive(tx)).filter(row::Column::ShopId.eq(shop.0));
    query.filter(row::Column::Id.eq(id.0)).one(tx.conn()).await?.map(from_model).transpose()
}

/// A live session of the shop, by the token of its cookie.
pub async fn buyer_session_by_token(
    tx: &TenantTx,
    shop: ShopId,
    token: &str,
) -> StoreResult<Option<BuyerSession>> {
    let query = row::Entity::find().filter(alive(tx)).filter(row::Column::ShopId.eq(shop.0));
    let found = query.filter(row::Column::TokenHash.eq(hash(token))).one(tx.conn()).await?;
    found.map(from_model).transpose()
}

/// Live sessions of a buyer, newest first; at most 100.
pub async fn buyer_session_list(tx: &TenantTx, buyer: BuyerId) -> StoreResult<Vec<BuyerSession>> {
    let rows = row::Entity::find()
        .filter(alive(tx))
        .filter(row::Column::BuyerId.eq(buyer.0))
        .order_by_desc(row::Column::CreatedAt)
        .order_by_desc(row::Column::Id)
        .limit(100)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// Ends one session of a buyer. `NotFound` when it is somebody else's or has ended.
pub async fn buyer_session_end(tx: &mut TenantTx, buyer: BuyerId, id: BuyerSessionId) -> StoreResult<()> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::RevokedAt, Expr::value(tx.now().micros()))
        .filter(alive(tx))
        .filter(row::Column::BuyerId.eq(buyer.0))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Ends every session of a buyer, on every device; how many.
pub async fn buyer_session_end_all(tx: &mut TenantTx, buyer: BuyerId) -> StoreResult<u64> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::RevokedAt, Expr::value(tx.now().micros()))
        .filter(alive(tx))
        .filter(row::Column::BuyerId.eq(buyer.0))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}
