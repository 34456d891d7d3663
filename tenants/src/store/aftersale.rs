//! After-sale cases. What a channel reports is merged by `domain::aftersale`; this file keeps the result.
//!
//! Invariant: a case is found by (account, the channel's id), unique in the database, so a report that comes twice
//! meets the same row; every change is guarded by the version that was read.

use crate::db::TenantTx;
use crate::entity::{aftersale as row, aftersale_line as line_row};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::aftersale::{
    AftersaleKind, AftersaleProgress, AftersaleState, Decision, DisputeState, WaitsFor,
};
use qianpu_domain::ids::{AftersaleId, ChannelAccountId, OrderId, OrderLineId, ShopId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::Value;

mod list;
pub use list::{
    AftersaleFilter, AftersaleSort, aftersale_counts, aftersale_list, aftersale_list_of, aftersale_stale,
    aftersale_waiting_count, dispute_waiting_count,
};

/// What a channel may correct as long as it reports newer facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AftersaleFacts {
    /// Why the buyer asks, in the platform's words.
    pub reason: String,
    /// What the buyer wrote. Personal: erased with the buyer.
    pub buyer_words: String,
    /// Why it was refused, in the platform's record.
    pub refusal: Option<String>,
    /// What the buyer is to get back.
    pub amount: Fen,
    /// With whom the goods come back.
    pub return_carrier: Option<String>,
    /// Their waybill.
    pub return_waybill: Option<String>,
    /// The dispute about it.
    pub dispute: Option<Dispute>,
}

/// A dispute about a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The platform's id; empty when it has none of its own.
    pub external_id: String,
    /// Where it stands.
    pub state: DisputeState,
    /// The raw state.
    pub native_state: String,
    /// What the platform tells beside it, as the plugin gave it; null when nothing is kept. Holds the buyer's words:
    /// erased with the buyer.
    pub detail: Value,
}

/// A decision on its way to the platform, or the last one that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Pending {
    /// The decision that waits; none = nothing waits.
    pub decision: Option<Decision>,
    /// What belongs to it; of the last one when nothing waits.
    pub detail: Value,
    /// The platform's words when it would not take the last one.
    pub error: Option<String>,
}

/// A case as stored.
#[derive(Clone, Debug)]
pub struct Aftersale {
    /// Its id.
    pub id: AftersaleId,
    /// The shop of its order.
    pub shop: ShopId,
    /// Its order.
    pub order: OrderId,
    /// The account it came through.
    pub account: ChannelAccountId,
    /// The channel's slug.
    pub channel: String,
    /// The channel's id.
    pub external_id: String,
    /// What is asked for.
    pub kind: AftersaleKind,
    /// How far it is.
    pub progress: AftersaleProgress,
    /// What the channel says about it.
    pub facts: AftersaleFacts,
    /// What was booked.
    pub refunded: Fen,
    /// The decision that waits.
    pub pending: Pending,
    /// What is in it.
    pub lines: Vec<AftersaleLine>,
    /// When we last read it at the channel.
    pub synced_at: Timestamp,
    /// When people were reminded of the deadline.
    pub reminded_at: Option<Timestamp>,
    /// When the buyer asked.
    pub asked_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// For guarded updates.
    pub version: i64,
}

/// A line of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AftersaleLine {
    /// The order's line, when it is known.
    pub order_line: Option<OrderLineId>,
    /// The channel's product id.
    pub external_product_id: String,
    /// The channel's SKU id.
    pub external_sku_id: String,
    /// Pieces.
    pub quantity: i64,
}

/// A case to be.
#[derive(Clone, Debug)]
pub struct NewAftersale<'a> {
    /// The shop of its order.
    pub shop: ShopId,
    /// Its order.
    pub order: OrderId,
    /// The account it came through.
    pub account: ChannelAccountId,
    /// The channel's slug.
    pub channel: &'a str,
    /// The channel's id.
    pub external_id: &'a str,
    /// What is asked for.
    pub kind: AftersaleKind,
    /// How far it is.
    pub progress: &'a AftersaleProgress,
    /// What is known about it.
    pub facts: &'a AftersaleFacts,
    /// What is in it.
    pub lines: &'a [AftersaleLine],
    /// When the buyer asked.
    pub asked_at: Timestamp,
}

impl Dispute {
    fn detail_text(&self) -> Option<String> {
        (self.detail != Value::Null).then(|| self.detail.to_string())
    }
}

fn moment(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

fn from_model(model: row::Model) -> StoreResult<Aftersale> {
    let corrupt = StoreError::Corrupt;
    let dispute = match (model.dispute_id, model.dispute_state) {
        (Some(external_id), Some(word)) => Some(Dispute {
            external_id,
            state: DisputeState::from_text(&word).ok_or(corrupt("aftersales.dispute_state"))?,
            native_state: model.dispute_native_state.unwrap_or_default(),
            detail: match model.dispute_detail.as_deref() {
                Some(text) => serde_json::from_str(text).map_err(|_| corrupt("aftersales.dispute_detail"))?,
                None => Value::Null,
            },
        }),
        _ => None,
    };
    let decision = match model.decision.as_deref() {
        Some(word) => Some(Decision::from_text(word).ok_or(corrupt("aftersales.decision"))?),
        None => None,
    };
    Ok(Aftersale {
        id: AftersaleId(model.id),
        shop: ShopId(model.shop_id),
        order: OrderId(model.order_id),
        account: ChannelAccountId(model.channel_account_id),
        channel: model.channel,
        external_id: model.external_id,
        kind: AftersaleKind::from_text(&model.kind).ok_or(corrupt("aftersales.kind"))?,
        progress: AftersaleProgress {
            state: AftersaleState::from_text(&model.state).ok_or(corrupt("aftersales.state"))?,
            native_state: model.native_state,
            waits_for: WaitsFor::from_text(&model.waits_for).ok_or(corrupt("aftersales.waits_for"))?,
            deadline: moment(model.deadline_at),
            reported_at: Timestamp::from_micros(model.remote_updated_at),
        },
        facts: AftersaleFacts {
            reason: model.reason,
            buyer_words: model.buyer_words,
            refusal: model.refusal,
            amount: Fen::new(model.amount_fen),
            return_carrier: model.return_carrier,
            return_waybill: model.return_waybill,
            dispute,
        },
        refunded: Fen::new(model.refunded_fen),
        pending: Pending {
            decision,
            detail: serde_json::from_str(&model.decision_detail)
                .map_err(|_| corrupt("aftersales.decision_detail"))?,
            error: model.decision_error,
        },
        lines: Vec::new(),
        synced_at: Timestamp::from_micros(model.synced_at),
        reminded_at: moment(model.reminded_at),
        asked_at: Timestamp::from_micros(model.asked_at),
        ended_at: moment(model.ended_at),
        version: model.version,
    })
}

/// Cases with their lines, in the order given.
async fn with_lines(tx: &TenantTx, rows: Vec<row::Model>) -> StoreResult<Vec<Aftersale>> {
    let mut cases = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    if cases.is_empty() {
        return Ok(cases);
    }
    let lines = line_row::Entity::find()
        .filter(line_row::Column::TenantId.eq(tx.tenant()))
        .filter(line_row::Column::AftersaleId.is_in(cases.iter().map(|case| case.id.0)))
        .order_by_asc(line_row::Column::LineNo)
        .all(tx.conn())
        .await?;
    for line in lines {
        if let Some(case) = cases.iter_mut().find(|case| case.id.0 == line.aftersale_id) {
            case.lines.push(AftersaleLine {
                order_line: line.order_line_id.map(OrderLineId),
                external_product_id: line.external_product_id,
                external_sku_id: line.external_sku_id,
                quantity: line.quantity,
            });
        }
    }
    Ok(cases)
}

async fn only(tx: &TenantTx, found: Option<row::Model>) -> StoreResult<Option<Aftersale>> {
    Ok(with_lines(tx, found.into_iter().collect()).await?.pop())
}

/// Adds a case. `None` when the account has one with the channel's id already: load that one.
pub async fn aftersale_insert(tx: &mut TenantTx, new: &NewAftersale<'_>) -> StoreResult<Option<Aftersale>> {
    let now = tx.now();
    let (progress, facts) = (new.progress, new.facts);
    let dispute = facts.dispute.as_ref();
    let model = row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        shop_id: new.shop.0,
        order_id: new.order.0,
        channel_account_id: new.account.0,
        channel: new.channel.to_owned(),
        external_id: new.external_id.to_owned(),
        kind: new.kind.as_str().to_owned(),
        state: progress.state.as_str().to_owned(),
        native_state: progress.native_state.clone(),
        waits_for: progress.waits_for.as_str().to_owned(),
        reason: facts.reason.clone(),
        buyer_words: facts.buyer_words.clone(),
        refusal: facts.refusal.clone(),
        amount_fen: facts.amount.get(),
        refunded_fen: 0,
        deadline_at: progress.deadline.map(Timestamp::micros),
        return_carrier: facts.return_carrier.clone(),
        return_waybill: facts.return_waybill.clone(),
        dispute_id: dispute.map(|dispute| dispute.external_id.clone()),
        dispute_state: dispute.map(|dispute| dispute.state.as_str().to_owned()),
        dispute_native_state: dispute.map(|dispute| dispute.native_state.clone()),
        dispute_detail: dispute.and_then(Dispute::detail_text),
        decision: None,
        decision_detail: "{}".to_owned(),
        decision_error: None,
        remote_updated_at: progress.reported_at.micros(),
        synced_at: now.micros(),
        reminded_at: None,
        asked_at: new.asked_at.micros(),
        ended_at: (!progress.state.is_open()).then(|| progress.reported_at.micros()),
        version: 1,
        created_at: now.micros(),
        updated_at: now.micros(),
    };
    let conflict =
        OnConflict::columns([row::Column::TenantId, row::Column::ChannelAccountId, row::Column::ExternalId])
            .do_nothing()
            .to_owned();
    let active = row::ActiveModel::from(model.clone()).reset_all();
    if row::Entity::insert(active).on_conflict(conflict).exec_without_returning(tx.conn()).await? != 1 {
        return Ok(None);
    }
    for (line_no, line) in (1_i64..).zip(new.lines) {
        line_row::ActiveModel {
            tenant_id: Set(tx.tenant()),
            aftersale_id: Set(model.id),
            line_no: Set(line_no),
            order_line_id: Set(line.order_line.map(|id| id.0)),
            external_product_id: Set(line.external_product_id.clone()),
            external_sku_id: Set(line.external_sku_id.clone()),
            quantity: Set(line.quantity),
        }
        .insert(tx.conn())
        .await?;
    }
    let case = from_model(model)?;
    Ok(Some(Aftersale { lines: new.lines.to_vec(), ..case }))
}

/// Saves what is new if the case is still as it was read; answers with the next version.
pub async fn aftersale_save(
    tx: &mut TenantTx,
    was: &Aftersale,
    progress: &AftersaleProgress,
    facts: &AftersaleFacts,
    refunded: Fen,
    pending: &Pending,
) -> StoreResult<i64> {
    use row::Column;
    let dispute = facts.dispute.as_ref();
    let ended = (!progress.state.is_open()).then(|| was.ended_at.unwrap_or(progress.reported_at).micros());
    let done = row::Entity::update_many()
        .col_expr(Column::State, Expr::value(progress.state.as_str()))
        .col_expr(Column::NativeState, Expr::value(progress.native_state.as_str()))
        .col_expr(Column::WaitsFor, Expr::value(progress.waits_for.as_str()))
        .col_expr(Column::DeadlineAt, Expr::value(progress.deadline.map(Timestamp::micros)))
        .col_expr(Column::RemoteUpdatedAt, Expr::value(progress.reported_at.micros()))
        .col_expr(Column::Reason, Expr::value(facts.reason.as_str()))
        .col_expr(Column::BuyerWords, Expr::value(facts.buyer_words.as_str()))
        .col_expr(Column::Refusal, Expr::value(facts.refusal.clone()))
        .col_expr(Column::AmountFen, Expr::value(facts.amount.get()))
        .col_expr(Column::RefundedFen, Expr::value(refunded.get()))
        .col_expr(Column::ReturnCarrier, Expr::value(facts.return_carrier.clone()))
        .col_expr(Column::ReturnWaybill, Expr::value(facts.return_waybill.clone()))
        .col_expr(Column::DisputeId, Expr::value(dispute.map(|one| one.external_id.clone())))
        .col_expr(Column::DisputeState, Expr::value(dispute.map(|one| one.state.as_str().to_owned())))
        .col_expr(Column::DisputeNativeState, Expr::value(dispute.map(|one| one.native_state.clone())))
        .col_expr(Column::DisputeDetail, Expr::value(dispute.and_then(Dispute::detail_text)))
        .col_expr(Column::Decision, Expr::value(pending.decision.map(|one| one.as_str().to_owned())))
        .col_expr(Column::DecisionDetail, Expr::value(detail_text(&pending.detail)))
        .col_expr(Column::DecisionError, Expr::value(pending.error.clone()))
        .col_expr(Column::EndedAt, Expr::value(ended))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(was.id.0))
        .filter(Column::Version.eq(was.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(was.version + 1) } else { Err(StoreError::VersionConflict) }
}

fn detail_text(detail: &Value) -> String {
    if detail.is_null() { "{}".to_owned() } else { detail.to_string() }
}

/// Notes that the case was read at the channel. Not guarded: it says nothing about the case itself.
pub async fn aftersale_synced(tx: &mut TenantTx, id: AftersaleId) -> StoreResult<()> {
    row::Entity::update_many()
        .col_expr(row::Column::SyncedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Notes that people were reminded of this deadline. False when they were before, by another worker.
pub async fn aftersale_reminded(tx: &mut TenantTx, was: &Aftersale) -> StoreResult<bool> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::RemindedAt, Expr::value(tx.now().micros()))
        .col_expr(row::Column::Version, Expr::col(row::Column::Version).add(1))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(was.id.0))
        .filter(row::Column::Version.eq(was.version))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// A case of the merchant.
pub async fn aftersale_get(tx: &TenantTx, id: AftersaleId) -> StoreResult<Aftersale> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    only(tx, found).await?.ok_or(StoreError::NotFound)
}

/// The case an account knows by the channel's id.
pub async fn aftersale_find(
    tx: &TenantTx,
    account: ChannelAccountId,
    external_id: &str,
) -> StoreResult<Option<Aftersale>> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::ExternalId.eq(external_id))
        .limit(1)
        .one(tx.conn())
        .await?;
    only(tx, found).await
}
