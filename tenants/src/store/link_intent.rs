//! Links under way: a merchant asked to link an account through the provider's app and went to the platform.
//! The state token of the way back is in the directory, as a hash.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::link_intent;
use crate::error::{StoreError, StoreResult};
use crate::store::directory;
use qianpu_domain::ids::{ChannelAccountId, ChannelAppId, LinkIntentId, ShopId, TenantId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use sha2::{Digest, Sha256};

/// How long a merchant has to come back from an authorisation page.
pub const LINK_LIFETIME: Span = Span::minutes(60);
/// How long a purchase in the platform's market may take.
pub const PURCHASE_LIFETIME: Span = Span::days(7);

/// A link under way.
#[derive(Clone, Debug)]
pub struct LinkIntent {
    /// Its id.
    pub id: LinkIntentId,
    /// The merchant.
    pub tenant: TenantId,
    /// The shop.
    pub shop: ShopId,
    /// The channel's slug.
    pub channel: String,
    /// Kind of account.
    pub kind: String,
    /// `authorisation_link` or `purchase`.
    pub link_mode: String,
    /// The provider's app.
    pub app: ChannelAppId,
    /// The account the merchant says it will be.
    pub external_id: Option<String>,
    /// `pending`, `linked`, `refused` or `cancelled`.
    pub state: String,
    /// Why it was refused.
    pub outcome_code: Option<String>,
    /// The rule that refused.
    pub outcome_rule: Option<String>,
    /// What came of it.
    pub account: Option<ChannelAccountId>,
    /// Until when it may be completed.
    pub expires_at: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
}

/// A link to begin.
#[derive(Clone, Debug)]
pub struct NewLinkIntent<'a> {
    /// The shop.
    pub shop: ShopId,
    /// The channel's slug.
    pub channel: &'a str,
    /// Kind of account.
    pub kind: &'a str,
    /// `authorisation_link` or `purchase`.
    pub link_mode: &'a str,
    /// The provider's app.
    pub app: ChannelAppId,
    /// The account the merchant says it will be.
    pub external_id: Option<&'a str>,
    /// How long it may take.
    pub lifetime: Span,
    /// Comes back with the browser.
    pub state_token: &'a str,
}

fn from_model(row: link_intent::Model) -> LinkIntent {
    LinkIntent {
        id: LinkIntentId(row.id),
        tenant: TenantId(row.tenant_id),
        shop: ShopId(row.shop_id),
        channel: row.channel,
        kind: row.kind,
        link_mode: row.link_mode,
        app: ChannelAppId(row.channel_app_id),
        external_id: row.external_id,
        state: row.state,
        outcome_code: row.outcome_code,
        outcome_rule: row.outcome_rule,
        account: row.channel_account_id.map(ChannelAccountId),
        expires_at: Timestamp::from_micros(row.expires_at),
        created_at: Timestamp::from_micros(row.created_at),
    }
}

/// The directory's value for a state token.
pub fn state_key(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Begins a link.
pub async fn intent_insert(tx: &mut TenantTx, new: &NewLinkIntent<'_>) -> StoreResult<LinkIntentId> {
    let id = tx.new_id();
    let now = tx.now();
    link_intent::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        provider_id: Set(tx.provider()?),
        shop_id: Set(new.shop.0),
        channel: Set(new.channel.to_owned()),
        kind: Set(new.kind.to_owned()),
        link_mode: Set(new.link_mode.to_owned()),
        channel_app_id: Set(new.app.0),
        external_id: Set(new.external_id.map(str::to_owned)),
        state: Set("pending".to_owned()),
        outcome_code: Set(None),
        outcome_rule: Set(None),
        channel_account_id: Set(None),
        expires_at: Set(now.plus(new.lifetime).micros()),
        created_at: Set(now.micros()),
        updated_at: Set(now.micros()),
    }
    .insert(tx.conn())
    .await?;
    directory::key_insert(tx, directory::LINK_STATE, &state_key(new.state_token), id).await?;
    Ok(LinkIntentId(id))
}

/// A link of the merchant.
pub async fn intent_get(tx: &TenantTx, id: LinkIntentId) -> StoreResult<LinkIntent> {
    let row = link_intent::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.map(from_model).ok_or(StoreError::NotFound)
}

/// The merchant's open links of a shop, newest first.
pub async fn intent_list_open(tx: &TenantTx, shop: ShopId) -> StoreResult<Vec<LinkIntent>> {
    let rows = link_intent::Entity::find()
        .filter(link_intent::Column::TenantId.eq(tx.tenant()))
        .filter(link_intent::Column::ShopId.eq(shop.0))
        .filter(link_intent::Column::State.eq("pending"))
        .filter(link_intent::Column::ExpiresAt.gt(tx.now().micros()))
        .order_by_desc(link_intent::Column::CreatedAt)
        .order_by_desc(link_intent::Column::Id)
        .limit(50)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(from_model).collect())
}

/// Links under way through one of the provider's apps, newest first, over all its merchants.
pub async fn intent_list_pending_by_app(tx: &ProviderTx, app: ChannelAppId) -> StoreResult<Vec<LinkIntent>> {
    let rows = link_intent::Entity::find()
        .filter(link_intent::Column::ProviderId.eq(tx.provider()))
        .filter(link_intent::Column::ChannelAppId.eq(app.0))
        .filter(link_intent::Column::State.eq("pending"))
        .filter(link_intent::Column::ExpiresAt.gt(tx.now().micros()))
        .order_by_desc(link_intent::Column::CreatedAt)
        .order_by_desc(link_intent::Column::Id)
        .limit(500)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(from_model).collect())
}

/// How a link ended.
#[derive(Clone, Debug)]
pub enum IntentEnd<'a> {
    /// An account was linked.
    Linked(ChannelAccountId),
    /// It was refused: code and rule.
    Refused(&'a str, Option<&'a str>),
    /// The merchant gave up.
    Cancelled,
}

/// Ends a pending link. False when it had ended already.
pub async fn intent_end(tx: &mut TenantTx, id: LinkIntentId, end: &IntentEnd<'_>) -> StoreResult<bool> {
    use link_intent::Column;
    let (state, code, rule, account) = match end {
        IntentEnd::Linked(account) => ("linked", None, None, Some(account.0)),
        IntentEnd::Refused(code, rule) => {
            ("refused", Some((*code).to_owned()), rule.map(str::to_owned), None)
        }
        IntentEnd::Cancelled => ("cancelled", None, None, None),
    };
    let done = link_intent::Entity::update_many()
        .col_expr(Column::State, Expr::value(state))
        .col_expr(Column::OutcomeCode, Expr::value(code))
        .col_expr(Column::OutcomeRule, Expr::value(rule))
        .col_expr(Column::ChannelAccountId, Expr::value(account))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .filter(Column::State.eq("pending"))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}
