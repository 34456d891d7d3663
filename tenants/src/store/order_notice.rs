//! What followers of public accounts are told of their orders: by which template, and what stands in its fields.

use crate::db::TenantTx;
use crate::entity::{buyer_identity, follower, order_notice as row};
use crate::error::{StoreError, StoreResult};
use crate::store::follower::{Follower, from_model as follower_of};
use crate::store::order::Order;
use qianpu_domain::follower::FollowerState;
use qianpu_domain::follower_notice::{FieldSource, NoticeEvent, NoticeValue};
use qianpu_domain::ids::{ChannelAccountId, MessageTemplateId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Accounts that tell of one event.
const MOST_ACCOUNTS: u64 = 50;
/// Followers of one account that one order has.
const MOST_FOLLOWERS: u64 = 5;

/// What followers of an account are told of an event.
#[derive(Clone, Debug)]
pub struct OrderNotice {
    /// The account.
    pub account: ChannelAccountId,
    /// What happened.
    pub event: NoticeEvent,
    /// The template.
    pub template: MessageTemplateId,
    /// What stands in its fields.
    pub fields: BTreeMap<String, FieldSource>,
    /// Whether it is told.
    pub active: bool,
    /// When it was set.
    pub updated_at: Timestamp,
}

fn written(fields: &BTreeMap<String, FieldSource>) -> String {
    let one = |source: &FieldSource| match source {
        FieldSource::Value(value) => json!({ "value": value.as_str() }),
        FieldSource::Text(text) => json!({ "text": text }),
    };
    let map: Map<String, Value> = fields.iter().map(|(name, source)| (name.clone(), one(source))).collect();
    Value::Object(map).to_string()
}

fn read(text: &str) -> Option<BTreeMap<String, FieldSource>> {
    let map: Map<String, Value> = serde_json::from_str(text).ok()?;
    map.into_iter()
        .map(|(name, one)| {
            let source = match (one["value"].as_str(), one["text"].as_str()) {
                (Some(value), _) => FieldSource::Value(NoticeValue::from_text(value)?),
                (None, Some(text)) => FieldSource::Text(text.to_owned()),
                (None, None) => return None,
            };
            Some((name, source))
        })
        .collect()
}

fn from_model(row: row::Model) -> StoreResult<OrderNotice> {
    Ok(OrderNotice {
        account: ChannelAccountId(row.channel_account_id),
        event: NoticeEvent::from_text(&row.event).ok_or(StoreError::Corrupt("order_notices.event"))?,
        template: MessageTemplateId(row.template_id),
        fields: read(&row.fields).ok_or(StoreError::Corrupt("order_notices.fields"))?,
        active: row.active,
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}

/// What followers of an account are told.
pub async fn order_notice_list(tx: &TenantTx, account: ChannelAccountId) -> StoreResult<Vec<OrderNotice>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .order_by_asc(row::Column::Event)
        .limit(10)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// Sets what followers of an account are told of an event.
pub async fn order_notice_put(tx: &mut TenantTx, notice: &OrderNotice) -> StoreResult<()> {
    use row::Column as C;
    let new = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        channel_account_id: Set(notice.account.0),
        event: Set(notice.event.as_str().to_owned()),
        template_id: Set(notice.template.0),
        fields: Set(written(&notice.fields)),
        active: Set(notice.active),
        updated_at: Set(tx.now().micros()),
    };
    let known = OnConflict::columns([C::TenantId, C::ChannelAccountId, C::Event])
        .update_columns([C::TemplateId, C::Fields, C::Active, C::UpdatedAt])
        .to_owned();
    row::Entity::insert(new).on_conflict(known).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Whether any account of the merchant tells of an event.
pub async fn order_notice_waits(tx: &TenantTx, event: NoticeEvent) -> StoreResult<bool> {
    let active = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Event.eq(event.as_str()))
        .filter(row::Column::Active.eq(true))
        .count(tx.conn())
        .await?;
    Ok(active > 0)
}

/// What is told of an event, by whichever account.
pub async fn order_notices_of(tx: &TenantTx, event: NoticeEvent) -> StoreResult<Vec<OrderNotice>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Event.eq(event.as_str()))
        .filter(row::Column::Active.eq(true))
        .order_by_asc(row::Column::ChannelAccountId)
        .limit(MOST_ACCOUNTS)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// The followers of an account who are the buyer of an order: who signed in at the shop with the account, or whom the
/// platform knows by one id at all accounts of one owner. Nobody whose data was erased.
pub async fn followers_of_order(
    tx: &TenantTx,
    account: ChannelAccountId,
    order: &Order,
) -> StoreResult<Vec<Follower>> {
    use buyer_identity::Column as I;
    use follower::Column as F;
    if order.personal_erased_at.is_some() {
        return Ok(Vec::new());
    }
    let mut open_ids: Vec<String> = Vec::new();
    let mut union_ids: Vec<String> = order.facts.buyer_union_id.iter().cloned().collect();
    if let Some(buyer) = order.buyer {
        let known = buyer_identity::Entity::find()
            .filter(I::TenantId.eq(tx.tenant()))
            .filter(I::BuyerId.eq(buyer.0))
            .limit(50)
            .all(tx.conn())
            .await?;
        for one in known {
            if one.channel_account_id == Some(account.0) {
                open_ids.extend(one.open_id);
            }
            union_ids.extend(one.union_id);
        }
    }
    union_ids.retain(|id| !id.is_empty());
    if open_ids.is_empty() && union_ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = follower::Entity::find()
        .filter(F::TenantId.eq(tx.tenant()))
        .filter(F::ChannelAccountId.eq(account.0))
        .filter(F::State.eq(FollowerState::Following.as_str()))
        .filter(F::ErasedAt.is_null())
        .filter(Condition::any().add(F::OpenId.is_in(open_ids)).add(F::UnionId.is_in(union_ids)))
        .order_by_asc(F::Id)
        .limit(MOST_FOLLOWERS)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(follower_of).collect()
}
