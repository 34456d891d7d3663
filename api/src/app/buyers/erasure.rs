//! Erasing a buyer's personal data: asked for by the buyer or the merchant, done after the waiting period by a job, and
//! never taken back afterwards. While an order still needs its address, the job comes again the next day.

use super::person::look_again;
use super::sender::settings_for;
use crate::error::{Answer, ApiError};
use crate::jobs::{JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::buyer::BuyerState;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{BuyerErasureId, BuyerId};
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::page::{MAX_LIMIT, PageRequest};
use qianpu_tenants::resolve::BuyerCaller;
use qianpu_tenants::store::buyer::{Buyer, buyer_get};
use qianpu_tenants::store::buyer_erasure::{
    Erasure, erase, erasure_end, erasure_get, erasure_insert, erasure_waiting, erasures_waiting, open_orders,
};
use serde_json::{Value, json};

/// Job that erases; payload `{"erasure_id"}`.
pub const ERASE: &str = "buyer.erase";
/// Longest reason of a merchant.
const REASON_LONGEST: usize = 200;

/// The buyer's own request that waits.
pub async fn own_waiting(state: &AppState, caller: &BuyerCaller) -> Answer<Option<Erasure>> {
    Ok(erasure_waiting(&*state.db.read(caller.ctx()).await?, caller.id()).await?)
}

/// The buyer asks.
pub async fn ask_own(state: &AppState, caller: &BuyerCaller) -> Answer<Erasure> {
    ask(state, caller.ctx(), caller.buyer(), "buyer", "").await
}

/// The buyer takes the request back. Not found when none of the buyer's own waits.
pub async fn cancel_own(state: &AppState, caller: &BuyerCaller) -> Answer<()> {
    cancel(state, caller.ctx(), caller.id()).await
}

async fn seen(state: &AppState, grant: &Grant<perm::BuyerErase>, id: BuyerId) -> Answer<Buyer> {
    let buyer = buyer_get(&*state.db.read(grant.ctx()).await?, id).await?;
    if grant.covers_shop(buyer.shop) { Ok(buyer) } else { Err(ApiError::not_found()) }
}

/// The merchant asks, for a buyer who asked it; the reason stands in the audit log and must name nobody.
pub async fn ask_by_merchant(
    state: &AppState,
    grant: &Grant<perm::BuyerErase>,
    id: BuyerId,
    reason: &str,
) -> Answer<Erasure> {
    let buyer = seen(state, grant, id).await?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(FieldError::required("reason").into());
    }
    if reason.chars().count() > REASON_LONGEST {
        let (en, zh) =
            (format!("at most {REASON_LONGEST} characters"), format!("最多 {REASON_LONGEST} 个字"));
        return Err(FieldError::new("reason", "too_long", en, zh).into());
    }
    ask(state, grant.ctx(), &buyer, "merchant", reason).await
}

/// The merchant takes the request back.
pub async fn cancel_by_merchant(
    state: &AppState,
    grant: &Grant<perm::BuyerErase>,
    id: BuyerId,
) -> Answer<()> {
    seen(state, grant, id).await?;
    cancel(state, grant.ctx(), id).await
}

async fn ask(state: &AppState, ctx: &TenantCtx, buyer: &Buyer, by: &str, reason: &str) -> Answer<Erasure> {
    if buyer.state == BuyerState::Erased {
        return Err(ApiError::new(ErrorCode::BuyerErased));
    }
    let days = settings_for(state, ctx).await?.erasure_days;
    let mut tx = state.db.begin(ctx).await?;
    let due_at = tx.now().plus(Span::days(days));
    let asked = match erasure_insert(&mut tx, buyer.id, buyer.shop, by, reason, due_at).await {
        Err(StoreError::Conflict(_)) => return Err(ApiError::new(ErrorCode::ErasureRequested)),
        other => other?,
    };
    job_enqueue(&mut tx, job_of(&asked)).await?;
    let detail = json!({ "by": by, "due_at": due_at.to_string() });
    let id = buyer.id.to_string();
    audit_append(&mut tx, AuditAction::BuyerErasureRequested, "buyer", &id, detail).await?;
    tx.commit().await?;
    Ok(asked)
}

fn job_of(asked: &Erasure) -> NewJob {
    NewJob {
        kind: ERASE,
        dedup_key: Some(asked.id.to_string()),
        payload: json!({ "erasure_id": asked.id.to_string() }),
        run_at: Some(asked.due_at),
        priority: 5,
    }
}

/// Lets what waited go on in a merchant that came back.
pub(in crate::app) async fn begin_again(tx: &mut TenantTx) -> Answer<()> {
    let mut page = PageRequest::first(MAX_LIMIT);
    loop {
        let found = erasures_waiting(tx, page).await?;
        for asked in &found.items {
            job_enqueue(tx, job_of(asked)).await?;
        }
        match found.next {
            Some(next) => page.cursor = Some(next),
            None => return Ok(()),
        }
    }
}

async fn cancel(state: &AppState, ctx: &TenantCtx, id: BuyerId) -> Answer<()> {
    let mut tx = state.db.begin(ctx).await?;
    let waiting = erasure_waiting(&tx, id).await?.ok_or_else(ApiError::not_found)?;
    if !erasure_end(&mut tx, waiting.id, "cancelled", &json!([])).await? {
        return Err(ApiError::not_found());
    }
    audit_append(&mut tx, AuditAction::BuyerErasureCancelled, "buyer", &id.to_string(), json!({})).await?;
    Ok(tx.commit().await?)
}

/// The job `buyer.erase`.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id = job.payload.get("erasure_id").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let id: BuyerErasureId = id.ok_or_else(|| JobError::dead("payload", "the payload has no erasure"))?;
    let mut tx = state.db.begin(&job.ctx).await?;
    let asked = erasure_get(&tx, id).await?;
    if asked.state != "waiting" {
        return finish(tx, job).await;
    }
    if open_orders(&tx, asked.buyer).await? > 0 {
        let text = "an order that is not received yet needs its address".to_owned();
        return Err(JobError::Retry { after: Some(Span::days(1)), code: "orders_open".to_owned(), text });
    }
    let erased = erase(&mut tx, asked.buyer).await?;
    look_again(&mut tx, asked.buyer).await?;
    let proof: Vec<Value> =
        erased.iter().map(|one| json!({ "table": one.table, "what": one.what, "rows": one.rows })).collect();
    let proof = Value::Array(proof);
    erasure_end(&mut tx, id, "done", &proof).await?;
    let detail = json!({ "by": asked.requested_by, "erased": proof });
    audit_append(&mut tx, AuditAction::BuyerErased, "buyer", &asked.buyer.to_string(), detail).await?;
    finish(tx, job).await
}
