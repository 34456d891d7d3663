//! Sign-ins at a channel's page that have begun: what came back is believed once, soon, and in the browser where it
//! began. Only hashes of the two random texts are stored.

use crate::db::TenantTx;
use crate::entity::buyer_sign_in as row;
use crate::error::StoreResult;
use qianpu_domain::ids::{BuyerId, ChannelAccountId, ShopId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};
use sha2::{Digest, Sha256};

/// How long rows are kept after they ended.
const KEPT: Span = Span::days(1);

/// A sign-in to be.
#[derive(Clone, Copy, Debug)]
pub struct NewSignIn<'a> {
    /// The shop.
    pub shop: ShopId,
    /// The account at whose page it goes on.
    pub account: ChannelAccountId,
    /// What the platform brings back.
    pub state: &'a str,
    /// What the browser keeps.
    pub browser: &'a str,
    /// Where the buyer wanted to go.
    pub next: &'a str,
    /// Who was signed in already.
    pub buyer: Option<BuyerId>,
    /// How long it may take.
    pub life: Span,
}

/// A sign-in that came back.
#[derive(Clone, Debug)]
pub struct CameBack {
    /// The account at whose page it was.
    pub account: ChannelAccountId,
    /// Where the buyer wanted to go.
    pub next: String,
    /// Who was signed in when it began.
    pub buyer: Option<BuyerId>,
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// Notes that a sign-in begins, and forgets those that ended long ago.
pub async fn sign_in_insert(tx: &mut TenantTx, new: &NewSignIn<'_>) -> StoreResult<()> {
    let now = tx.now();
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ExpiresAt.lt(now.minus(KEPT).micros()))
        .exec(tx.conn())
        .await?;
    let model = row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        shop_id: new.shop.0,
        channel_account_id: new.account.0,
        state_hash: hash(new.state),
        browser_hash: hash(new.browser),
        next_path: new.next.to_owned(),
        buyer_id: new.buyer.map(|buyer| buyer.0),
        expires_at: now.plus(new.life).micros(),
        used_at: None,
        created_at: now.micros(),
    };
    row::ActiveModel::from(model).insert(tx.conn()).await?;
    Ok(())
}

/// Takes the sign-in that came back. None when there is none: unknown, of another shop or browser, late, or taken.
pub async fn sign_in_take(
    tx: &mut TenantTx,
    shop: ShopId,
    state: &str,
    browser: &str,
) -> StoreResult<Option<CameBack>> {
    let now: Timestamp = tx.now();
    let (state, browser) = (hash(state), hash(browser));
    let taken = row::Entity::update_many()
        .col_expr(row::Column::UsedAt, Expr::value(now.micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ShopId.eq(shop.0))
        .filter(row::Column::StateHash.eq(state.as_str()))
        .filter(row::Column::BrowserHash.eq(browser))
        .filter(row::Column::UsedAt.is_null())
        .filter(row::Column::ExpiresAt.gt(now.micros()))
        .exec(tx.conn())
        .await?;
    if taken.rows_affected != 1 {
        return Ok(None);
    }
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::StateHash.eq(state))
        .one(tx.conn())
        .await?;
    Ok(found.map(|model| CameBack {
        account: ChannelAccountId(model.channel_account_id),
        next: model.next_path,
        buyer: model.buyer_id.map(BuyerId),
    }))
}
