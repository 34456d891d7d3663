//! A person's decision about a case: checked and put into the queue here; [`super::act`] tells the channel.

use super::act::ACT;
use super::report;
use crate::error::{Answer, ApiError};
use qianpu_domain::aftersale::{self, AcceptStep, AftersaleHappening, AftersaleKind, Decision};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::AftersaleId;
use qianpu_sdk::CaseRef;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::store::aftersale::{Aftersale, Pending, aftersale_get, aftersale_save};
use qianpu_tenants::store::aftersale_event::aftersale_event_append;
use qianpu_tenants::store::order_event::By;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What belongs to agreeing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Accept {
    /// Where the goods come back to, by the channel's id.
    #[serde(default)]
    pub address_id: Option<String>,
    /// The parcel with the new goods of an exchange: carrier's code and waybill.
    #[serde(default)]
    pub carrier: Option<String>,
    #[serde(default)]
    pub waybill: Option<String>,
}

/// What belongs to refusing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Refuse {
    /// The channel's code of the reason.
    pub reason_code: String,
    /// Words for the buyer; the reason's own when empty.
    pub words: String,
}

/// A decision on its way: what was decided, about the case as it was seen then, whatever it is by now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Told<T> {
    pub seen: CaseRef,
    /// Whether agreeing says that the goods are here.
    pub received: bool,
    pub command: T,
}

/// The most letters of words for the buyer.
const MOST_WORDS: usize = 200;

fn short(name: &'static str, text: Option<&str>, most: usize) -> Result<(), FieldError> {
    if text.is_some_and(|text| text.chars().count() > most) {
        let (en, zh) = (format!("at most {most} characters"), format!("最多{most}个字"));
        return Err(FieldError::new(name, "too_long", en, zh));
    }
    Ok(())
}

/// Agrees. The case's version decides between two people who decide at once.
pub async fn accept(
    tx: &mut TenantTx,
    grant: &Grant<perm::AftersaleHandle>,
    id: AftersaleId,
    seen: Option<i64>,
    command: &Accept,
) -> Answer<Aftersale> {
    let case = case_to_decide(tx, grant, id, seen).await?;
    let step = checked(&case, Decision::Accept)?;
    let mut errors = Vec::new();
    let mut check = |result: Result<(), FieldError>| errors.extend(result.err());
    check(short("address_id", command.address_id.as_deref(), 64));
    check(short("carrier", command.carrier.as_deref(), 64));
    check(short("waybill", command.waybill.as_deref(), 40));
    let filled = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
    if step == Some(AcceptStep::Received) && case.kind == AftersaleKind::Exchange {
        for (name, value) in [("carrier", &command.carrier), ("waybill", &command.waybill)] {
            if !filled(value) {
                let (en, zh) = ("the parcel with the new goods is needed", "请填写换货新包裹");
                errors.push(FieldError::new(name, "required", en, zh));
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let received = step == Some(AcceptStep::Received);
    let told = Told { seen: report::reference(&case), received, command };
    let detail = serde_json::to_value(told).map_err(ApiError::internal)?;
    let audited = json!({ "step": step.map(AcceptStep::as_str), "amount_fen": case.facts.amount.get() });
    queue(tx, case, Decision::Accept, detail, AuditAction::AftersaleAccepted, audited).await
}

/// Refuses.
pub async fn refuse(
    tx: &mut TenantTx,
    grant: &Grant<perm::AftersaleHandle>,
    id: AftersaleId,
    seen: Option<i64>,
    command: &Refuse,
) -> Answer<Aftersale> {
    let case = case_to_decide(tx, grant, id, seen).await?;
    checked(&case, Decision::Refuse)?;
    short("words", Some(&command.words), MOST_WORDS).map_err(ApiError::field)?;
    short("reason_code", Some(&command.reason_code), 40).map_err(ApiError::field)?;
    if command.reason_code.trim().is_empty() {
        let (en, zh) = ("choose a reason", "请选择拒绝原因");
        return Err(ApiError::field(FieldError::new("reason_code", "required", en, zh)));
    }
    let told = Told { seen: report::reference(&case), received: false, command };
    let detail = serde_json::to_value(told).map_err(ApiError::internal)?;
    let audited = json!({ "reason_code": command.reason_code });
    queue(tx, case, Decision::Refuse, detail, AuditAction::AftersaleRefused, audited).await
}

pub(super) async fn case_to_decide(
    tx: &TenantTx,
    grant: &Grant<perm::AftersaleHandle>,
    id: AftersaleId,
    seen: Option<i64>,
) -> Answer<Aftersale> {
    let case = aftersale_get(tx, id).await?;
    if !grant.covers_shop(case.shop) {
        return Err(ApiError::not_found());
    }
    if seen.is_some_and(|seen| seen != case.version) {
        return Err(ApiError::new(ErrorCode::VersionConflict));
    }
    Ok(case)
}

fn checked(case: &Aftersale, decision: Decision) -> Answer<Option<AcceptStep>> {
    aftersale::decide(case.kind, &case.progress, case.pending.decision, decision)
        .map_err(|refusal| ApiError::refused(refusal.code(), refusal))
}

async fn queue(
    tx: &mut TenantTx,
    case: Aftersale,
    decision: Decision,
    detail: serde_json::Value,
    audit: AuditAction,
    audited: serde_json::Value,
) -> Answer<Aftersale> {
    let pending = Pending { decision: Some(decision), detail, error: None };
    let version = aftersale_save(tx, &case, &case.progress, &case.facts, case.refunded, &pending).await?;
    let kind = match decision {
        Decision::Accept => AftersaleHappening::AcceptQueued,
        Decision::Refuse => AftersaleHappening::RefuseQueued,
    };
    let now = tx.now();
    aftersale_event_append(tx, case.id, kind, audited.clone(), By::Actor, now).await?;
    let id = case.id.to_string();
    let job = NewJob {
        kind: ACT,
        dedup_key: Some(id.clone()),
        payload: json!({ "aftersale_id": id }),
        run_at: None,
        priority: 0,
    };
    job_enqueue(tx, job).await?;
    audit_append(tx, audit, "aftersale", &id, audited).await?;
    Ok(Aftersale { version, pending, ..case })
}
