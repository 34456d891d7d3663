//! Orders of every source. What a channel reports is merged by `domain::order`; this file keeps the result.
//!
//! Invariant: an order of a channel account is found by (account, the channel's id), unique in the database,
//! so a report that comes twice meets the same row; every change is guarded by the version that was read.

use crate::db::TenantTx;
use crate::entity::order as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::{BuyerId, ChannelAccountId, OrderId, ShopId};
use qianpu_domain::money::Fen;
use qianpu_domain::order::number::order_number;
use qianpu_domain::order::{CancelledBy, OrderAmounts, OrderProgress, OrderState, Scene};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

mod buyer;
mod list;

pub use buyer::{order_claim, order_count_by_buyer, order_list_of_buyer, order_set_buyer};
pub use list::{OrderFilter, order_counts, order_list, order_numbers};

/// Where to send it, as far as the channel shows it. Never for logs.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Receiver {
    /// Name.
    pub name: String,
    /// Phone.
    pub phone: String,
    /// Province, city, district.
    pub region: String,
    /// Street and number.
    pub detail: String,
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Receiver(…)")
    }
}

impl Receiver {
    /// The last four digits of the phone, for search.
    pub fn phone_tail(&self) -> String {
        let digits: Vec<char> = self.phone.chars().filter(char::is_ascii_digit).collect();
        digits.iter().skip(digits.len().saturating_sub(4)).collect()
    }
}

/// What a channel may correct as long as it reports newer facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderFacts {
    /// Where it was sold.
    pub scene: Scene,
    /// Account, live session and the like, as the channel says.
    pub attribution: serde_json::Value,
    /// The buyer's id towards the account.
    pub buyer_open_id: Option<String>,
    /// The buyer's id across accounts of one subject.
    pub buyer_union_id: Option<String>,
    /// Where to send it.
    pub receiver: Receiver,
    /// What the buyer wrote.
    pub buyer_notes: String,
    /// What the merchant wrote.
    pub merchant_notes: String,
    /// Amounts; frozen once it is paid.
    pub amounts: OrderAmounts,
    /// The payment's number.
    pub transaction_id: Option<String>,
}

/// An order as stored, without its lines.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// The number people read out.
    pub number: String,
    /// The shop.
    pub shop: ShopId,
    /// The account it came through; none = the storefront.
    pub account: Option<ChannelAccountId>,
    /// The channel's slug.
    pub channel: Option<String>,
    /// The channel's id.
    pub external_id: Option<String>,
    /// How far it is.
    pub progress: OrderProgress,
    /// What the channel says about it.
    pub facts: OrderFacts,
    /// The provider's share, frozen when it was paid.
    pub take_rate_ppm: i64,
    /// The tax inside that share.
    pub tax_ppm: i64,
    /// When it was made.
    pub placed_at: Timestamp,
    /// When its money became available.
    pub settled_at: Option<Timestamp>,
    /// When we last read it at the channel.
    pub synced_at: Option<Timestamp>,
    /// For guarded updates.
    pub version: i64,
    /// When we first knew of it.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Whose it is, when the channel told.
    pub buyer: Option<BuyerId>,
    /// When the buyer's personal data in it was erased: no later report brings it back.
    pub personal_erased_at: Option<Timestamp>,
    /// What was booked as given back to the buyer; never more than the total.
    pub refunded: Fen,
}

/// An order to be.
#[derive(Clone, Debug)]
pub struct NewOrder<'a> {
    /// The shop.
    pub shop: ShopId,
    /// The account it came through.
    pub account: Option<ChannelAccountId>,
    /// The channel's slug.
    pub channel: Option<&'a str>,
    /// The channel's id.
    pub external_id: Option<&'a str>,
    /// How far it is.
    pub progress: &'a OrderProgress,
    /// What is known about it.
    pub facts: &'a OrderFacts,
    /// The provider's share and the tax inside it.
    pub rates: Rates,
    /// When it was made.
    pub placed_at: Timestamp,
    /// Whose it is, when the channel told.
    pub buyer: Option<BuyerId>,
}

/// The provider's share of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Parts per million of what is kept.
    pub take_rate_ppm: i64,
    /// Tax inside that share, parts per million.
    pub tax_ppm: i64,
}

fn moment(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

fn from_model(model: row::Model) -> StoreResult<Order> {
    let cancelled_by = match model.cancelled_by.as_deref() {
        None => None,
        Some(word) => Some(CancelledBy::from_text(word).ok_or(StoreError::Corrupt("orders.cancelled_by"))?),
    };
    Ok(Order {
        id: OrderId(model.id),
        number: model.number,
        shop: ShopId(model.shop_id),
        account: model.channel_account_id.map(ChannelAccountId),
        channel: model.channel,
        external_id: model.external_id,
        progress: OrderProgress {
            state: OrderState::from_text(&model.state).ok_or(StoreError::Corrupt("orders.state"))?,
            cancelled_by,
            paid_at: moment(model.paid_at),
            shipped_at: moment(model.shipped_at),
            received_at: moment(model.received_at),
            completed_at: moment(model.completed_at),
            cancelled_at: moment(model.cancelled_at),
            native_state: model.native_state,
            reported_at: moment(model.remote_updated_at),
        },
        facts: OrderFacts {
            scene: Scene::from_text(&model.scene).ok_or(StoreError::Corrupt("orders.scene"))?,
            attribution: serde_json::from_str(&model.attribution)
                .map_err(|_| StoreError::Corrupt("orders.attribution"))?,
            buyer_open_id: model.buyer_open_id,
            buyer_union_id: model.buyer_union_id,
            receiver: Receiver {
                name: model.receiver_name,
                phone: model.receiver_phone,
                region: model.receiver_region,
                detail: model.receiver_detail,
            },
            buyer_notes: model.buyer_notes,
            merchant_notes: model.merchant_notes,
            amounts: OrderAmounts {
                goods: Fen::new(model.goods_fen),
                freight: Fen::new(model.freight_fen),
                discount: Fen::new(model.discount_fen),
                total: Fen::new(model.total_fen),
            },
            transaction_id: model.transaction_id,
        },
        take_rate_ppm: model.take_rate_ppm,
        tax_ppm: model.tax_ppm,
        placed_at: Timestamp::from_micros(model.placed_at),
        settled_at: moment(model.settled_at),
        synced_at: moment(model.synced_at),
        version: model.version,
        created_at: Timestamp::from_micros(model.created_at),
        updated_at: Timestamp::from_micros(model.updated_at),
        buyer: model.buyer_id.map(BuyerId),
        personal_erased_at: moment(model.personal_erased_at),
        refunded: Fen::new(model.refunded_fen),
    })
}

/// Adds an order. `None` when the account has one with the channel's id already: load that one.
pub async fn order_insert(tx: &mut TenantTx, new: &NewOrder<'_>) -> StoreResult<Option<Order>> {
    let id = tx.new_id();
    let now = tx.now();
    let (progress, facts) = (new.progress, new.facts);
    let model = row::Model {
        tenant_id: tx.tenant(),
        id,
        provider_id: tx.provider()?,
        shop_id: new.shop.0,
        number: order_number(new.placed_at, id.as_u128()),
        state: progress.state.as_str().to_owned(),
        cancelled_by: progress.cancelled_by.map(|by| by.as_str().to_owned()),
        channel_account_id: new.account.map(|account| account.0),
        channel: new.channel.map(str::to_owned),
        scene: facts.scene.as_str().to_owned(),
        external_id: new.external_id.map(str::to_owned),
        native_state: progress.native_state.clone(),
        attribution: facts.attribution.to_string(),
        buyer_open_id: facts.buyer_open_id.clone(),
        buyer_union_id: facts.buyer_union_id.clone(),
        phone_tail: facts.receiver.phone_tail(),
        receiver_name: facts.receiver.name.clone(),
        receiver_phone: facts.receiver.phone.clone(),
        receiver_region: facts.receiver.region.clone(),
        receiver_detail: facts.receiver.detail.clone(),
        buyer_notes: facts.buyer_notes.clone(),
        merchant_notes: facts.merchant_notes.clone(),
        goods_fen: facts.amounts.goods.get(),
        freight_fen: facts.amounts.freight.get(),
        discount_fen: facts.amounts.discount.get(),
        total_fen: facts.amounts.total.get(),
        take_rate_ppm: new.rates.take_rate_ppm,
        tax_ppm: new.rates.tax_ppm,
        transaction_id: facts.transaction_id.clone(),
        remote_updated_at: progress.reported_at.map(Timestamp::micros),
        synced_at: new.account.map(|_| now.micros()),
        placed_at: new.placed_at.micros(),
        paid_at: progress.paid_at.map(Timestamp::micros),
        shipped_at: progress.shipped_at.map(Timestamp::micros),
        received_at: progress.received_at.map(Timestamp::micros),
        completed_at: progress.completed_at.map(Timestamp::micros),
        cancelled_at: progress.cancelled_at.map(Timestamp::micros),
        settled_at: None,
        version: 1,
        created_at: now.micros(),
        updated_at: now.micros(),
        buyer_id: new.buyer.map(|buyer| buyer.0),
        personal_erased_at: None,
        refunded_fen: 0,
    };
    let conflict =
        OnConflict::columns([row::Column::TenantId, row::Column::ChannelAccountId, row::Column::ExternalId])
            .do_nothing()
            .to_owned();
    let active = row::ActiveModel::from(model.clone()).reset_all();
    let inserted =
        row::Entity::insert(active).on_conflict(conflict).exec_without_returning(tx.conn()).await.map_err(
            |error| match StoreError::from(error) {
                // The eight digits of two orders of one day met; the next try draws others.
                StoreError::Conflict(_) => StoreError::Busy("the order number was taken".to_owned()),
                other => other,
            },
        )?;
    if inserted == 1 { from_model(model).map(Some) } else { Ok(None) }
}

/// Saves what is new if the order is still as it was read; answers with the next version.
pub async fn order_save(
    tx: &mut TenantTx,
    was: &Order,
    progress: &OrderProgress,
    facts: &OrderFacts,
    rates: Rates,
) -> StoreResult<i64> {
    use row::Column;
    let micros = |at: Option<Timestamp>| Expr::value(at.map(Timestamp::micros));
    let receiver = &facts.receiver;
    let done = row::Entity::update_many()
        .col_expr(Column::State, Expr::value(progress.state.as_str()))
        .col_expr(Column::CancelledBy, Expr::value(progress.cancelled_by.map(|by| by.as_str().to_owned())))
        .col_expr(Column::PaidAt, micros(progress.paid_at))
        .col_expr(Column::ShippedAt, micros(progress.shipped_at))
        .col_expr(Column::ReceivedAt, micros(progress.received_at))
        .col_expr(Column::CompletedAt, micros(progress.completed_at))
        .col_expr(Column::CancelledAt, micros(progress.cancelled_at))
        .col_expr(Column::NativeState, Expr::value(progress.native_state.clone()))
        .col_expr(Column::RemoteUpdatedAt, micros(progress.reported_at))
        .col_expr(Column::Scene, Expr::value(facts.scene.as_str()))
        .col_expr(Column::Attribution, Expr::value(facts.attribution.to_string()))
        .col_expr(Column::BuyerOpenId, Expr::value(facts.buyer_open_id.clone()))
        .col_expr(Column::BuyerUnionId, Expr::value(facts.buyer_union_id.clone()))
        .col_expr(Column::ReceiverName, Expr::value(receiver.name.as_str()))
        .col_expr(Column::ReceiverPhone, Expr::value(receiver.phone.as_str()))
        .col_expr(Column::PhoneTail, Expr::value(receiver.phone_tail()))
        .col_expr(Column::ReceiverRegion, Expr::value(receiver.region.as_str()))
        .col_expr(Column::ReceiverDetail, Expr::value(receiver.detail.as_str()))
        .col_expr(Column::BuyerNotes, Expr::value(facts.buyer_notes.as_str()))
        .col_expr(Column::MerchantNotes, Expr::value(facts.merchant_notes.as_str()))
        .col_expr(Column::GoodsFen, Expr::value(facts.amounts.goods.get()))
        .col_expr(Column::FreightFen, Expr::value(facts.amounts.freight.get()))
        .col_expr(Column::DiscountFen, Expr::value(facts.amounts.discount.get()))
        .col_expr(Column::TotalFen, Expr::value(facts.amounts.total.get()))
        .col_expr(Column::TransactionId, Expr::value(facts.transaction_id.clone()))
        .col_expr(Column::TakeRatePpm, Expr::value(rates.take_rate_ppm))
        .col_expr(Column::TaxPpm, Expr::value(rates.tax_ppm))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(was.id.0))
        .filter(Column::Version.eq(was.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(was.version + 1) } else { Err(StoreError::VersionConflict) }
}

/// Notes that the order was read at the channel. Not guarded: it says nothing about the order itself.
pub async fn order_synced(tx: &mut TenantTx, id: OrderId, at: Timestamp) -> StoreResult<()> {
    row::Entity::update_many()
        .col_expr(row::Column::SyncedAt, Expr::value(at.micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Notes that its money became available. False when it was noted before.
pub async fn order_settled(tx: &mut TenantTx, was: &Order) -> StoreResult<()> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::SettledAt, Expr::value(tx.now().micros()))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(row::Column::Version, Expr::col(row::Column::Version).add(1))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(was.id.0))
        .filter(row::Column::Version.eq(was.version))
        .filter(row::Column::SettledAt.is_null())
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// Notes that so much more went back to the buyer; answers with the next version. The version decides between two
/// refunds at once, and the database holds that no order gives back more than was paid.
pub async fn order_refund(tx: &mut TenantTx, was: &Order, more: Fen) -> StoreResult<i64> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::RefundedFen, Expr::col(row::Column::RefundedFen).add(more.get()))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(row::Column::Version, Expr::col(row::Column::Version).add(1))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(was.id.0))
        .filter(row::Column::Version.eq(was.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(was.version + 1) } else { Err(StoreError::VersionConflict) }
}

/// An order of the merchant.
pub async fn order_get(tx: &TenantTx, id: OrderId) -> StoreResult<Order> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// The order an account knows by the channel's id.
pub async fn order_find(
    tx: &TenantTx,
    account: ChannelAccountId,
    external_id: &str,
) -> StoreResult<Option<Order>> {
    row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::ExternalId.eq(external_id))
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()
}

/// Orders by what a person may type: our number, our id or the channel's id. At most two: more than one means
/// that two accounts share the channel's id and the person has to say which.
pub async fn order_by_name(tx: &TenantTx, text: &str) -> StoreResult<Vec<Order>> {
    let mut name = row::Column::Number.eq(text.to_ascii_uppercase()).or(row::Column::ExternalId.eq(text));
    if let Ok(id) = text.parse::<OrderId>() {
        name = name.or(row::Column::Id.eq(id.0));
    }
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(name)
        .order_by_asc(row::Column::Id)
        .limit(2)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// Of these ids of a channel, the ones read at or after `at`: nothing that happened before is news.
pub async fn order_synced_since(
    tx: &TenantTx,
    account: ChannelAccountId,
    external_ids: &[String],
    at: Timestamp,
) -> StoreResult<Vec<String>> {
    if external_ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Option<String>> = row::Entity::find()
        .select_only()
        .column(row::Column::ExternalId)
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::ExternalId.is_in(external_ids.iter().map(String::as_str)))
        .filter(row::Column::SyncedAt.gte(at.micros()))
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().flatten().collect())
}
