//! What the merchant does with an order beside shipping it: remark, price, address. The channel is told first, then
//! asked for the order: what it says is what the order is. The entry in the audit log is made before the channel is told,
//! so that nothing is changed without it.

use super::sync::{self, Ends};
use crate::app::channels::call::AccountCall;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ChannelAccountId, OrderId, OrderLineId};
use qianpu_domain::money::Fen;
use qianpu_domain::order::{Happening, OrderState};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{AddressAnswer, LinePrice, NewAddress, Repricing};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::jobs::job_enqueue;
use qianpu_tenants::store::order::{Order, Rates, order_get, order_save};
use qianpu_tenants::store::order_desk::{OrderDesk, order_desk_get, order_desk_put};
use qianpu_tenants::store::order_event::{By, NewEvent, order_event_append};
use qianpu_tenants::store::order_line::order_line_list;
use serde_json::{Value, json};

/// Longer remarks are nobody's.
pub const MOST_WORDS: usize = 200;
/// How often an urge meets a faster worker before the job is put back.
const TURNS: usize = 5;

/// Whether the channel of an order takes remarks, prices and addresses.
pub fn possible(order: &Order) -> bool {
    let channel = order.channel.as_deref().and_then(qianpu_host::find);
    order.account.is_some() && channel.is_some_and(|channel| channel.order_desk().is_some())
}

/// Whether its price may still change.
pub fn price_open(order: &Order) -> bool {
    possible(order) && order.progress.state == OrderState::AwaitingPayment
}

/// Whether its address may still change.
pub fn address_open(order: &Order) -> bool {
    let unsent = [OrderState::AwaitingPayment, OrderState::Paid];
    possible(order) && order.personal_erased_at.is_none() && unsent.contains(&order.progress.state)
}

/// The order at its channel.
struct There {
    order: Order,
    account: ChannelAccountId,
    external_id: String,
}

async fn find<P: Perm>(state: &AppState, grant: &Grant<P>, id: OrderId) -> Answer<Order> {
    let order = order_get(&*state.db.read(grant.ctx()).await?, id).await?;
    if grant.covers_shop(order.shop) { Ok(order) } else { Err(ApiError::not_found()) }
}

fn there(order: Order) -> Answer<There> {
    let refused = || ApiError::new(ErrorCode::ChannelRefused).with_text("orders.desk_impossible", Vec::new());
    if !possible(&order) {
        return Err(refused());
    }
    let (Some(account), Some(external_id)) = (order.account, order.external_id.clone()) else {
        return Err(refused());
    };
    Ok(There { order, account, external_id })
}

impl There {
    async fn audit(
        &self,
        state: &AppState,
        ctx: &TenantCtx,
        action: AuditAction,
        detail: Value,
    ) -> Answer<()> {
        let mut tx = state.db.begin(ctx).await?;
        audit_append(&mut tx, action, "order", &self.order.id.to_string(), detail).await?;
        Ok(tx.commit().await?)
    }

    /// Notes what was done, then reads the order. What was done stays done when the reading fails: a job reads again.
    async fn done(
        self,
        state: &AppState,
        ctx: &TenantCtx,
        happened: Option<(Happening, Value)>,
        proposed: bool,
    ) -> Answer<()> {
        let mut tx = state.db.begin(ctx).await?;
        let at = tx.now();
        if let Some((kind, detail)) = happened {
            let event = NewEvent { order: self.order.id, kind, detail, by: By::Actor, at };
            order_event_append(&mut tx, event).await?;
        }
        if proposed {
            let known = order_desk_get(&tx, self.order.id).await?;
            let desk = OrderDesk { proposed_at: Some(at), ..known };
            order_desk_put(&mut tx, self.order.id, &desk).await?;
        }
        tx.commit().await?;
        let read = match Box::pin(sync::fetch(state, ctx, self.account, &self.external_id)).await {
            Ok((account, order)) => {
                Box::pin(sync::store(state, ctx, &account, &order, Ends::Nothing)).await.map(drop)
            }
            Err(error) => Err(error.into()),
        };
        if let Err(error) = read {
            tracing::info!(order_id = %self.order.id, %error, "an order that was changed could not be read back");
            let mut tx = state.db.begin(ctx).await?;
            job_enqueue(&mut tx, sync::new_job(self.account, &self.external_id, 0)).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Sets the merchant's remark. Of an order of the shop itself it is only kept here.
pub async fn note(state: &AppState, grant: &Grant<perm::OrderShip>, id: OrderId, words: &str) -> Answer<()> {
    let words = words.trim();
    let order = find(state, grant, id).await?;
    if words.chars().count() > MOST_WORDS {
        let (en, zh) = (format!("at most {MOST_WORDS} characters"), format!("最多{MOST_WORDS}个字"));
        return Err(FieldError::new("merchant_notes", "length", en, zh).into());
    }
    if order.facts.merchant_notes == words {
        return Ok(());
    }
    let ctx = grant.ctx();
    if order.account.is_none() {
        let mut facts = order.facts.clone();
        words.clone_into(&mut facts.merchant_notes);
        let rates = Rates { take_rate_ppm: order.take_rate_ppm, tax_ppm: order.tax_ppm };
        let mut tx = state.db.begin(ctx).await?;
        order_save(&mut tx, &order, &order.progress, &facts, rates).await?;
        let event =
            NewEvent { order: id, kind: Happening::Noted, detail: json!({}), by: By::Actor, at: tx.now() };
        order_event_append(&mut tx, event).await?;
        audit_append(&mut tx, AuditAction::OrderNoted, "order", &id.to_string(), json!({})).await?;
        return Ok(tx.commit().await?);
    }
    let there = there(order)?;
    there.audit(state, ctx, AuditAction::OrderNoted, json!({})).await?;
    let call = AccountCall::open(state, ctx, there.account).await?;
    let answer = call.host().note_order(call.account_ref(), &there.external_id, words).await;
    call.settle(answer).await?;
    there.done(state, ctx, Some((Happening::Noted, json!({}))), false).await
}

/// Prices as a person asks for them.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    /// The freight to be.
    pub freight: Option<Fen>,
    /// Totals of lines.
    pub lines: Vec<(OrderLineId, Fen)>,
}

/// Changes the price of an order that is not paid.
pub async fn reprice(
    state: &AppState,
    grant: &Grant<perm::OrderPrice>,
    id: OrderId,
    prices: &Prices,
) -> Answer<()> {
    let order = find(state, grant, id).await?;
    let there = there(order)?;
    if !price_open(&there.order) {
        return Err(ApiError::new(ErrorCode::OrderWrongState));
    }
    let ctx = grant.ctx();
    let known = order_line_list(&*state.db.read(ctx).await?, id).await?;
    let mut errors = Vec::new();
    let mut lines = Vec::new();
    for (index, (line, total)) in prices.lines.iter().enumerate() {
        let path = format!("lines[{index}].total");
        let Some(line) = known.iter().find(|one| one.id == *line) else {
            let (en, zh) = ("no such line in the order", "订单中没有这个商品");
            errors.push(FieldError::new(format!("lines[{index}].order_line_id"), "unknown", en, zh));
            continue;
        };
        let full = line.unit_price.times(line.quantity).map_err(ApiError::internal)?;
        if !(Fen::new(1)..=full).contains(total) {
            let (en, zh) =
                ("0.01 yuan at least, and not above the full price", "至少0.01元，且不能高于原来的小计");
            errors.push(FieldError::new(path, "range", en, zh));
            continue;
        }
        let (Some(product), Some(sku)) = (&line.external_product_id, &line.external_sku_id) else {
            let (en, zh) = (
                "the channel gave no product number for it: change it there",
                "渠道没有给出商品编号，请到平台后台改价",
            );
            errors.push(FieldError::new(path, "unavailable", en, zh));
            continue;
        };
        lines.push(LinePrice { product_id: product.clone(), sku_id: sku.clone(), total: *total });
    }
    if lines.is_empty() && prices.freight.is_none() && errors.is_empty() {
        let (en, zh) = ("say what shall change", "请填写要修改的金额");
        errors.push(FieldError::new("lines", "required", en, zh));
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let detail = json!({
        "total_fen": there.order.facts.amounts.total.get(),
        "freight_fen": prices.freight.map(Fen::get),
        "lines": lines.iter().map(|line| json!({ "sku": line.sku_id, "total_fen": line.total.get() }))
            .collect::<Vec<_>>(),
    });
    there.audit(state, ctx, AuditAction::OrderRepriced, detail).await?;
    let wanted = Repricing { order_id: there.external_id.clone(), freight: prices.freight, lines };
    let call = AccountCall::open(state, ctx, there.account).await?;
    let answer = call.host().reprice_order(call.account_ref(), &wanted).await;
    call.settle(answer).await?;
    there.done(state, ctx, None, false).await
}

/// Agrees to a buyer's wish for another address, or refuses it.
pub async fn answer_address(
    state: &AppState,
    grant: &Grant<perm::OrderShip>,
    id: OrderId,
    agreed: bool,
) -> Answer<AddressAnswer> {
    let order = find(state, grant, id).await?;
    let there = there(order)?;
    let ctx = grant.ctx();
    if order_desk_get(&*state.db.read(ctx).await?, id).await?.wish.is_none() {
        return Err(ApiError::new(ErrorCode::OrderWrongState));
    }
    there.audit(state, ctx, AuditAction::OrderAddressAnswered, json!({ "agreed": agreed })).await?;
    let call = AccountCall::open(state, ctx, there.account).await?;
    let answer = call.host().answer_address_wish(call.account_ref(), &there.external_id, agreed).await;
    let outcome = call.settle(answer).await?;
    let by = if agreed { "agreed" } else { "refused" };
    let happened =
        (outcome == AddressAnswer::Taken).then(|| (Happening::AddressAnswered, json!({ "answer": by })));
    there.done(state, ctx, happened, false).await?;
    Ok(outcome)
}

fn address_errors(address: &NewAddress) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (path, text, most) in [
        ("name", &address.name, 30),
        ("province", &address.province, 30),
        ("city", &address.city, 30),
        ("detail", &address.detail, 120),
    ] {
        if !(1..=most).contains(&text.trim().chars().count()) {
            let (en, zh) = (format!("1 to {most} characters"), format!("需要1至{most}个字"));
            errors.push(FieldError::new(path, "length", en, zh));
        }
    }
    if address.district.chars().count() > 30 {
        errors.push(FieldError::new("district", "length", "at most 30 characters", "最多30个字"));
    }
    let digits = address.phone.chars().filter(char::is_ascii_digit).count();
    let odd = address.phone.chars().any(|one| !(one.is_ascii_digit() || "+- ".contains(one)));
    if odd || !(7..=20).contains(&digits) {
        errors.push(FieldError::new("phone", "phone", "7 to 20 digits", "请填写7至20位的电话号码"));
    }
    errors
}

/// Puts another address to an order that was not sent. The address is not kept: the channel's report shows it.
pub async fn change_address(
    state: &AppState,
    grant: &Grant<perm::OrderShip>,
    id: OrderId,
    address: &NewAddress,
) -> Answer<()> {
    let order = find(state, grant, id).await?;
    let there = there(order)?;
    if !address_open(&there.order) {
        return Err(ApiError::new(ErrorCode::OrderWrongState));
    }
    let errors = address_errors(address);
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let ctx = grant.ctx();
    there.audit(state, ctx, AuditAction::OrderAddressProposed, json!({})).await?;
    let call = AccountCall::open(state, ctx, there.account).await?;
    let answer = call.host().change_order_address(call.account_ref(), &there.external_id, address).await;
    call.settle(answer).await?;
    there.done(state, ctx, Some((Happening::AddressProposed, json!({}))), true).await
}

/// Notes that the buyer urged at this moment, once, and ends the job with it. False when the job is another worker's.
pub async fn urged(
    state: &AppState,
    job: &qianpu_tenants::jobs::ClaimedJob,
    account_name: &str,
    id: OrderId,
    at: Timestamp,
) -> Answer<bool> {
    let mut last = ApiError::new(ErrorCode::VersionConflict);
    for _ in 0..TURNS {
        match urged_once(state, job, account_name, id, at).await {
            Err(error) if error.code().retryable() => last = error,
            other => return other,
        }
    }
    Err(last)
}

async fn urged_once(
    state: &AppState,
    job: &qianpu_tenants::jobs::ClaimedJob,
    account_name: &str,
    id: OrderId,
    at: Timestamp,
) -> Answer<bool> {
    let mut tx = state.db.begin(&job.ctx).await?;
    let order = order_get(&tx, id).await?;
    let known = order_desk_get(&tx, id).await?;
    if known.urged_at.is_none_or(|before| before < at) {
        // The order's version holds other workers off.
        let rates = Rates { take_rate_ppm: order.take_rate_ppm, tax_ppm: order.tax_ppm };
        order_save(&mut tx, &order, &order.progress, &order.facts, rates).await?;
        let desk = OrderDesk { urged_at: Some(at), urges: known.urges.saturating_add(1), ..known };
        order_desk_put(&mut tx, id, &desk).await?;
        let by = By::Channel(account_name);
        let event = NewEvent { order: id, kind: Happening::Urged, detail: json!({}), by, at };
        order_event_append(&mut tx, event).await?;
    }
    if !qianpu_tenants::jobs::job_finish(&mut tx, job).await? {
        return Ok(false);
    }
    tx.commit().await?;
    Ok(true)
}
