//! The end of a merchant: asked for by its owner or its provider's, refused with what has to be settled first, then a
//! waiting period in which it can be withdrawn. When that is over a job removes every row and file and leaves a
//! listing of what went, what stays and why ([`super::erase`]).

use super::erase;
use crate::app::money::roll_up;
use crate::app::notices;
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{DeletionId, TenantId};
use qianpu_domain::tenancy;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::deletion::{
    Blocker, Deletion, DeletionTurn, deletion_blockers, deletion_get, deletion_get_by_provider,
    deletion_insert, deletion_list, deletion_list_by_provider, deletion_newest, deletion_turn,
};
use serde_json::{Value, json};

pub const DELETE: &str = "merchant.delete";
/// Pause until it is tried again when something stood in its way.
const AGAIN: Span = Span::days(1);

type Manages = Grant<perm::MerchantDelete>;

/// The merchant a command is about: the own one, or one of the provider's.
async fn on(
    state: &AppState,
    grant: &Manages,
    merchant: Option<TenantId>,
) -> Answer<(TenantCtx, &'static str)> {
    let own = grant.ctx().tenant();
    match grant.ctx().kind() {
        Surface::Provider => {
            let merchant = merchant.ok_or_else(|| FieldError::required("merchant_id"))?;
            Ok((grant.on_merchant(&state.db, merchant).await?.ctx().clone(), "provider"))
        }
        _ if merchant.is_some_and(|merchant| merchant != own) => Err(ApiError::not_found()),
        _ => Ok((grant.ctx().clone(), "merchant")),
    }
}

/// What stands in the way now, and the newest deletion.
pub async fn conditions(
    state: &AppState,
    grant: &Manages,
    merchant: Option<TenantId>,
) -> Answer<(Vec<(Blocker, i64)>, Option<Deletion>)> {
    let (ctx, _) = on(state, grant, merchant).await?;
    let tx = state.db.read(&ctx).await?;
    Ok((deletion_blockers(&tx).await?, deletion_newest(&tx).await?))
}

/// Texts of what stands in the way, in both languages.
fn told(blocker: Blocker, found: i64) -> FieldError {
    let yuan = format!("{}.{:02}", found / 100, found % 100);
    let (en, zh) = match blocker {
        Blocker::OpenOrders => {
            (format!("{found} orders are not over"), format!("还有 {found} 个未完成的订单"))
        }
        Blocker::OpenShops => (format!("close {found} shops first"), format!("请先关闭 {found} 家店铺")),
        Blocker::UnpaidInvoices => {
            (format!("{found} invoices are unpaid"), format!("还有 {found} 张未付账单"))
        }
        Blocker::Deposit => {
            (format!("¥{yuan} of deposit is not refunded"), format!("还有 ¥{yuan} 保证金未退还"))
        }
        Blocker::Money => {
            (format!("¥{yuan} is not settled or withdrawn"), format!("还有 ¥{yuan} 未结算或未提现"))
        }
        Blocker::Subscription => ("the plan has to be ended".to_owned(), "请先终止套餐".to_owned()),
        Blocker::LinkedAccounts => {
            (format!("unlink {found} channel accounts"), format!("请先解除 {found} 个渠道账号的关联"))
        }
    };
    FieldError::new(blocker.as_str(), "open", en, zh)
}

/// Asks for it. Refused with everything that has to be settled first.
pub async fn ask(
    state: &AppState,
    grant: &Manages,
    merchant: Option<TenantId>,
    reason: &str,
) -> Answer<Deletion> {
    let (ctx, side) = on(state, grant, merchant).await?;
    let reason = tenancy::reason(reason)?;
    let mut tx = state.db.begin(&ctx).await?;
    let blockers = deletion_blockers(&tx).await?;
    if !blockers.is_empty() {
        let list = blockers.into_iter().map(|(blocker, found)| told(blocker, found)).collect();
        return Err(ApiError::new(ErrorCode::DeletionBlocked).with_fields(list));
    }
    if deletion_newest(&tx).await?.is_some_and(|newest| newest.state == "deleted") {
        return Err(ApiError::new(ErrorCode::DeletionOpen));
    }
    let due_at = tx.now().plus(Span::days(state.config.deletion.waiting_days));
    let id = deletion_insert(&mut tx, side, reason, due_at).await.map_err(|error| match error {
        StoreError::Conflict(_) => ApiError::new(ErrorCode::DeletionOpen),
        other => other.into(),
    })?;
    enqueue(&mut tx, id, due_at).await?;
    let detail = json!({ "by": side, "due_at": due_at.to_string() });
    audit_append(&mut tx, AuditAction::DeletionAsked, "deletion", &id.to_string(), detail).await?;
    let deletion = deletion_get(&tx, id).await?;
    notices::deletion_asked(state, &mut tx, &deletion).await?;
    tx.commit().await?;
    Ok(deletion)
}

async fn enqueue(tx: &mut TenantTx, id: DeletionId, at: Timestamp) -> Answer<()> {
    let public = id.to_string();
    let job = NewJob {
        kind: DELETE,
        dedup_key: Some(public.clone()),
        payload: json!({ "deletion_id": public }),
        run_at: Some(at),
        priority: 9,
    };
    job_enqueue(tx, job).await?;
    Ok(())
}

/// Deletions the caller may see, newest first.
pub async fn list(state: &AppState, grant: &Manages, page: PageRequest) -> Answer<Page<Deletion>> {
    match grant.ctx().kind() {
        Surface::Provider => {
            let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
            Ok(deletion_list_by_provider(&tx, page).await?)
        }
        _ => Ok(deletion_list(&*state.db.read(grant.ctx()).await?, page).await?),
    }
}

/// One deletion; somebody else's is not found.
pub async fn get(state: &AppState, grant: &Manages, id: DeletionId) -> Answer<Deletion> {
    match grant.ctx().kind() {
        Surface::Provider => {
            let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
            Ok(deletion_get_by_provider(&tx, id).await?)
        }
        _ => Ok(deletion_get(&*state.db.read(grant.ctx()).await?, id).await?),
    }
}

/// Lets everything stay.
pub async fn withdraw(state: &AppState, grant: &Manages, id: DeletionId) -> Answer<Deletion> {
    let found = get(state, grant, id).await?;
    let (ctx, _) = on(state, grant, Some(found.merchant)).await?;
    let mut tx = state.db.begin(&ctx).await?;
    deletion_turn(&mut tx, id, &DeletionTurn::Withdrawn).await.map_err(|error| match error {
        StoreError::VersionConflict => ApiError::new(ErrorCode::DeletionOver),
        other => other.into(),
    })?;
    audit_append(&mut tx, AuditAction::DeletionWithdrawn, "deletion", &id.to_string(), json!({})).await?;
    let deletion = deletion_get(&tx, id).await?;
    notices::deletion_withdrawn(state, &mut tx).await?;
    tx.commit().await?;
    Ok(deletion)
}

/// The listing of what went and what stays, as it was written and hashed.
pub async fn proof(state: &AppState, grant: &Manages, id: DeletionId) -> Answer<(String, String)> {
    let found = get(state, grant, id).await?;
    found.proof.zip(found.proof_sha256).ok_or_else(|| ApiError::new(ErrorCode::DeletionNotDone))
}

/// `merchant.delete`: the waiting period is over.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id = job.payload.get("deletion_id").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let Some(id) = id else { return Err(JobError::dead("bad_payload", "no deletion is named")) };
    let mut tx = state.db.begin(&job.ctx).await?;
    let deletion = deletion_get(&tx, id).await?;
    match deletion.state.as_str() {
        "waiting" if deletion.due_at > tx.now() => {
            enqueue(&mut tx, id, deletion.due_at).await?;
            return finish(tx, job).await;
        }
        "waiting" => {
            let blockers: Vec<&str> =
                deletion_blockers(&tx).await?.into_iter().map(|(blocker, _)| blocker.as_str()).collect();
            if !blockers.is_empty() {
                let again = tx.now().plus(AGAIN);
                deletion_turn(&mut tx, id, &DeletionTurn::Postponed(&blockers, again)).await?;
                enqueue(&mut tx, id, again).await?;
                let detail = json!({ "blocked": blockers, "due_at": again.to_string() });
                audit_append(&mut tx, AuditAction::DeletionPostponed, "deletion", &id.to_string(), detail)
                    .await?;
                return finish(tx, job).await;
            }
            roll_up::whole(&mut tx).await?;
            // Counted once, before anything goes: a job that is cut off counts no second time.
            let outside = erase::count_outside(state, &job.ctx).await?;
            deletion_turn(&mut tx, id, &DeletionTurn::Begun(&outside.to_string())).await?;
            tx.commit().await?;
        }
        "deleting" => drop(tx),
        _ => return Ok(Done::Nothing),
    }
    erase::erase(state, &job.ctx, id).await?;
    Ok(Done::Committed)
}
