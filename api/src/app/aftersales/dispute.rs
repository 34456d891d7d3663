//! What a merchant says in a dispute: checked and kept here, told to the channel by the job `aftersale.evidence`. The plugin
//! reads the dispute's history first, so what a lost answer left behind is found and not said twice.

use super::{report, sync};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::aftersale::{
    AftersaleHappening, EvidenceKind, EvidenceState, MOST_EVIDENCE_PICTURES, MOST_EVIDENCE_WORDS, may_answer,
};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{AftersaleId, EvidenceId, MediaId};
use qianpu_sdk as sdk;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::aftersale::{aftersale_get, aftersale_save};
use qianpu_tenants::store::aftersale_event::aftersale_event_append;
use qianpu_tenants::store::dispute_evidence::{
    Evidence, NewEvidence, evidence_get, evidence_insert, evidence_settle, evidence_waits,
};
use qianpu_tenants::store::media::media_get;
use qianpu_tenants::store::order_event::By;
use serde_json::json;

/// Job that tells a channel what was said; payload `{"evidence_id"}`.
pub const TELL: &str = "aftersale.evidence";

/// What a merchant says.
#[derive(Debug, Clone)]
pub struct Say {
    /// `proof` or `message`.
    pub kind: String,
    pub words: String,
    pub pictures: Vec<MediaId>,
}

/// What of a dispute is taken now, in our words.
pub fn takes(dispute: &sdk::ChannelDispute) -> Option<EvidenceKind> {
    dispute.takes.map(|kind| match kind {
        sdk::EvidenceKind::Proof => EvidenceKind::Proof,
        sdk::EvidenceKind::Message => EvidenceKind::Message,
    })
}

fn told(kind: EvidenceKind) -> sdk::EvidenceKind {
    match kind {
        EvidenceKind::Proof => sdk::EvidenceKind::Proof,
        EvidenceKind::Message => sdk::EvidenceKind::Message,
    }
}

/// Checks the kind, the words and how many pictures there are.
pub fn check(kind: &str, words: &str, pictures: usize) -> Answer<EvidenceKind> {
    let mut errors = Vec::new();
    let kind = EvidenceKind::from_text(kind);
    if kind.is_none() {
        errors.push(FieldError::new("kind", "unknown", "proof or message", "应为 proof 或 message"));
    }
    if words.is_empty() {
        errors.push(FieldError::required("words"));
    }
    if words.chars().count() > MOST_EVIDENCE_WORDS {
        let (en, zh) = ("at most 500 characters", "最多500个字");
        errors.push(FieldError::new("words", "too_long", en, zh));
    }
    if pictures > MOST_EVIDENCE_PICTURES {
        let (en, zh) = ("at most 20 pictures", "最多20张图片");
        errors.push(FieldError::new("pictures", "too_many", en, zh));
    }
    kind.filter(|_| errors.is_empty()).ok_or_else(|| errors.into())
}

/// Keeps what somebody says and has the channel told. The case's version decides between two who write at once.
pub async fn say(
    tx: &mut TenantTx,
    grant: &Grant<perm::AftersaleHandle>,
    id: AftersaleId,
    seen: Option<i64>,
    command: &Say,
) -> Answer<Evidence> {
    let case = super::decide::case_to_decide(tx, grant, id, seen).await?;
    let words = command.words.trim();
    let said = check(&command.kind, words, command.pictures.len())?;
    pictures_exist(tx, &command.pictures).await?;
    let dispute = report::dispute(&case);
    let waits = evidence_waits(tx, id).await?;
    may_answer(dispute.as_ref().and_then(takes), waits, said)
        .map_err(|refusal| ApiError::refused(refusal.code(), refusal))?;
    let dispute = dispute.ok_or_else(ApiError::not_found)?;
    aftersale_save(tx, &case, &case.progress, &case.facts, case.refunded, &case.pending).await?;
    let new = NewEvidence {
        aftersale: id,
        dispute_id: &dispute.external_id,
        kind: said,
        words,
        pictures: &command.pictures,
        known: dispute.said(told(said), words),
    };
    let evidence = evidence_insert(tx, &new).await?;
    let detail = json!({ "kind": said.as_str(), "pictures": command.pictures.len() });
    let now = tx.now();
    let kind = AftersaleHappening::EvidenceQueued;
    aftersale_event_append(tx, id, kind, detail.clone(), By::Actor, now).await?;
    let job = NewJob {
        kind: TELL,
        dedup_key: Some(evidence.to_string()),
        payload: json!({ "evidence_id": evidence.to_string() }),
        run_at: None,
        priority: 0,
    };
    job_enqueue(tx, job).await?;
    audit_append(tx, AuditAction::DisputeAnswered, "aftersale", &id.to_string(), detail).await?;
    Ok(evidence_get(tx, evidence).await?)
}

pub(super) async fn pictures_exist(tx: &TenantTx, pictures: &[MediaId]) -> Answer<()> {
    for (index, id) in pictures.iter().enumerate() {
        let found = match media_get(tx, *id).await {
            Err(StoreError::NotFound) => None,
            found => Some(found?),
        };
        if found.is_none_or(|file| !file.content_type.starts_with("image/") || file.purpose != "picture") {
            let (en, zh) = ("upload the picture first", "请先上传图片");
            return Err(FieldError::new(format!("pictures[{index}]"), "not_found", en, zh).into());
        }
    }
    Ok(())
}

pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: EvidenceId = payload(job, "evidence_id")?;
    let tx = state.db.read(&job.ctx).await?;
    let evidence = evidence_get(&tx, id).await?;
    if evidence.state != EvidenceState::Queued {
        return Ok(Done::Nothing);
    }
    let case = aftersale_get(&tx, evidence.aftersale).await?;
    drop(tx);
    let call = match AccountCall::open(state, &job.ctx, case.account).await {
        Ok(call) => call,
        Err(CallError::NotUsable(found)) => {
            return end(state, job, &evidence, Some(found.unusable())).await;
        }
        Err(error) => return Err(error.job_error(state.clock().now(), job.attempt)),
    };
    let base = state.config.app.public_url.trim_end_matches('/');
    let picture =
        |id: &MediaId| sdk::Picture { url: format!("{base}/media/{id}"), asset: Some(id.to_string()) };
    let said = sdk::DisputeEvidence {
        case_id: case.external_id.clone(),
        dispute_id: evidence.dispute_id.clone(),
        kind: told(evidence.kind),
        words: evidence.words.clone(),
        pictures: evidence.pictures.iter().map(picture).collect(),
        known: evidence.known,
    };
    match call.settle(call.host().dispute_answer(call.account_ref(), &said).await).await {
        Ok(_) => end(state, job, &evidence, None).await,
        Err(CallError::Channel(error)) if super::act::for_people(&error.class) => {
            end(state, job, &evidence, Some(plain_words(&error))).await
        }
        Err(error) => Err(error.job_error(state.clock().now(), job.attempt)),
    }
}

/// The channel took it, or would not and said why; the case is read again either way.
async fn end(state: &AppState, job: &ClaimedJob, said: &Evidence, refused: Option<String>) -> JobResult {
    let mut tx = state.db.begin(&job.ctx).await?;
    if !evidence_settle(&mut tx, said.id, refused.as_deref()).await? {
        return finish(tx, job).await;
    }
    let case = aftersale_get(&tx, said.aftersale).await?;
    let kind = said.kind.as_str();
    let (happening, detail) = match &refused {
        None => (AftersaleHappening::EvidenceSent, json!({ "kind": kind })),
        Some(words) => (AftersaleHappening::EvidenceRefused, json!({ "kind": kind, "reason": words })),
    };
    let now = tx.now();
    aftersale_event_append(&mut tx, case.id, happening, detail, By::Actor, now).await?;
    job_enqueue(&mut tx, sync::new_job(case.account, &case.external_id, 0)).await?;
    finish(tx, job).await
}
