//! `aftersale.act`: tells the channel what was decided. The plugin reads the case first, so a decision whose answer was
//! lost is found taken and not repeated, and one about a state that has passed is not made. A refusal keeps the
//! platform's words; what the case is then is fetched either way.

use super::decide::{Accept, Refuse, Told};
use super::sync;
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::app::orders::carriers;
use crate::error::ApiError;
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::aftersale::{AftersaleHappening, Decision};
use qianpu_domain::ids::AftersaleId;
use qianpu_sdk as sdk;
use qianpu_sdk::ErrorClass;
use qianpu_tenants::jobs::{ClaimedJob, job_enqueue};
use qianpu_tenants::store::aftersale::{Aftersale, Pending, aftersale_get, aftersale_save};
use qianpu_tenants::store::aftersale_event::aftersale_event_append;
use qianpu_tenants::store::order_event::By;
use serde::de::DeserializeOwned;
use serde_json::json;

/// Job that tells a channel of a decision; payload `{"aftersale_id"}`.
pub const ACT: &str = "aftersale.act";

pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: AftersaleId = payload(job, "aftersale_id")?;
    let case = aftersale_get(&*state.db.read(&job.ctx).await?, id).await?;
    let Some(decision) = case.pending.decision else { return Ok(Done::Nothing) };
    let call = match AccountCall::open(state, &job.ctx, case.account).await {
        Ok(call) => call,
        Err(CallError::NotUsable(found)) => {
            return end(state, job, &case, Some(found.unusable())).await;
        }
        Err(error) => return Err(error.job_error(state.clock().now(), job.attempt)),
    };
    let answer = match decision {
        Decision::Accept => {
            let mut told: Told<Accept> = told(&case)?;
            if let Some(carrier) = told.command.carrier.as_mut() {
                let list = carriers::of(state, &job.ctx, Some(case.account)).await;
                // One that is not in the list is the platform's to refuse.
                if let Ok(found) = carriers::find(&list, carrier) {
                    *carrier = found.carrier_id;
                }
            }
            call.host().aftersale_accept(call.account_ref(), &acceptance(told)).await
        }
        Decision::Refuse => {
            let Told { seen, command, .. } = told::<Refuse>(&case)?;
            let Refuse { reason_code, words } = command;
            let refusal = sdk::Refusal { case: seen, reason_code, words };
            call.host().aftersale_refuse(call.account_ref(), &refusal).await
        }
    };
    match call.settle(answer).await {
        Ok(_) => end(state, job, &case, None).await,
        Err(CallError::Channel(error)) if for_people(&error.class) => {
            end(state, job, &case, Some(plain_words(&error))).await
        }
        Err(error) => Err(error.job_error(state.clock().now(), job.attempt)),
    }
}

/// What was decided, as it was kept.
fn told<T: DeserializeOwned>(case: &Aftersale) -> Result<Told<T>, ApiError> {
    serde_json::from_value(case.pending.detail.clone()).map_err(ApiError::internal)
}

fn acceptance(told: Told<Accept>) -> sdk::Acceptance {
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let Accept { address_id, carrier, waybill } = told.command;
    let step = if told.received { sdk::AcceptanceStep::Received } else { sdk::AcceptanceStep::Agree };
    let parcel =
        filled(carrier).zip(filled(waybill)).map(|(carrier, waybill)| sdk::ReturnParcel { carrier, waybill });
    sdk::Acceptance { case: told.seen, step, address_id: filled(address_id), parcel }
}

/// Whether trying again by itself cannot help.
pub(super) fn for_people(class: &ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Reauthorise
            | ErrorClass::FixRequest { .. }
            | ErrorClass::BusinessRefusal
            | ErrorClass::Fatal
    )
}

/// Nothing waits any more: the channel took the decision, or would not and said why.
async fn end(state: &AppState, job: &ClaimedJob, seen: &Aftersale, refused: Option<String>) -> JobResult {
    let mut tx = state.db.begin(&job.ctx).await?;
    let case = aftersale_get(&tx, seen.id).await?;
    if case.pending.decision.is_none() {
        return finish(tx, job).await;
    }
    let (kind, detail) = match &refused {
        None => (AftersaleHappening::DecisionTaken, json!({})),
        Some(words) => (AftersaleHappening::DecisionRefused, json!({ "reason": words })),
    };
    let pending = Pending { decision: None, detail: case.pending.detail.clone(), error: refused };
    aftersale_save(&mut tx, &case, &case.progress, &case.facts, case.refunded, &pending).await?;
    let now = tx.now();
    aftersale_event_append(&mut tx, case.id, kind, detail, By::Actor, now).await?;
    job_enqueue(&mut tx, sync::new_job(case.account, &case.external_id, 0)).await?;
    finish(tx, job).await
}
