//! What happens to invoices by itself: issued when the period begins, overdue when the due date has passed,
//! earned with the end of each calendar month. Each job may run late or twice with the same result.

use super::invoices::{issue_in, issue_terms};
use super::{book, notices};
use crate::app::channels::account_jobs::payload;
use crate::error::Answer;
use crate::jobs::{Done, JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::{InvoiceState, Period, date_text, day_begins_at, earning_slices, parse_date};
use qianpu_domain::ids::InvoiceId;
use qianpu_domain::ledger::flows::subscription_days_earned;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, NewJob};
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::store::credit_note::credit_note_of;
use qianpu_tenants::store::invoice::{InvoiceChange, invoice_fees, invoice_get, invoice_lines, invoice_move};
use qianpu_tenants::store::plan_limit::limit_gate;
use qianpu_tenants::store::tenant::tenant_get;
use serde_json::json;

pub const ISSUE_JOB: &str = "invoice.issue";
pub const DUE_JOB: &str = "invoice.fall_due";
pub const EARN_JOB: &str = "subscription.earn";
const PRIORITY: i64 = 6;

pub(super) fn issue(id: InvoiceId, at: Timestamp) -> NewJob {
    NewJob {
        kind: ISSUE_JOB,
        dedup_key: Some(id.to_string()),
        payload: json!({"invoice_id": id.to_string()}),
        run_at: Some(at),
        priority: PRIORITY,
    }
}

pub(super) fn fall_due(id: InvoiceId, at: Timestamp) -> NewJob {
    NewJob {
        kind: DUE_JOB,
        dedup_key: Some(id.to_string()),
        payload: json!({"invoice_id": id.to_string()}),
        run_at: Some(at),
        priority: PRIORITY,
    }
}

/// One job for each stretch of the period that ends with a calendar month or with the period.
pub(super) fn earnings(id: InvoiceId, period: Period, zone: &str) -> Answer<Vec<NewJob>> {
    let mut jobs = Vec::new();
    for slice in earning_slices(period)? {
        jobs.push(NewJob {
            kind: EARN_JOB,
            dedup_key: Some(format!("{id}/{}", slice.to)),
            payload: json!({
                "invoice_id": id.to_string(),
                "from": slice.from.to_string(),
                "to": slice.to.to_string(),
                "days": period.days().to_string(),
                "on": date_text(slice.on),
            }),
            run_at: Some(day_begins_at(slice.on, zone)?),
            priority: PRIORITY,
        });
    }
    Ok(jobs)
}

/// `invoice.issue`: the period begins.
pub async fn run_issue(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: InvoiceId = payload(job, "invoice_id")?;
    let terms = issue_terms(state, &job.ctx).await?;
    let mut tx = state.db.begin(&job.ctx).await?;
    // Whoever changes the plan at this moment is waited for.
    limit_gate(&mut tx).await?;
    // The subscription ended before the period began.
    if invoice_get(&tx, id).await?.state == InvoiceState::Void {
        return Ok(Done::Nothing);
    }
    issue_in(state, &mut tx, &terms, id).await?;
    finish(tx, job).await
}

/// `invoice.fall_due`: the due date has passed.
pub async fn run_fall_due(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: InvoiceId = payload(job, "invoice_id")?;
    let tx = state.db.read_parent(&job.ctx).await?;
    let seller = tenant_get(&tx).await?.name;
    drop(tx);
    let mut tx = state.db.begin(&job.ctx).await?;
    let was = invoice_get(&tx, id).await?;
    let next = was.state.fall_due();
    if next == was.state {
        return Ok(Done::Nothing);
    }
    match invoice_move(&mut tx, id, InvoiceState::Issued, next, &InvoiceChange::default()).await {
        Ok(()) => {}
        // Paid at this very moment.
        Err(StoreError::VersionConflict) => return Ok(Done::Nothing),
        Err(error) => return Err(error.into()),
    }
    let public = id.to_string();
    audit_append(&mut tx, AuditAction::InvoiceOverdue, "invoice", &public, json!({})).await?;
    outbox_append(&mut tx, EventType::InvoiceOverdue, &public, was.version + 1, json!({})).await?;
    let lines = invoice_lines(&tx, id).await?;
    notices::invoice(state, &mut tx, &seller, "money.mail_invoice_overdue.", &was, &lines).await?;
    finish(tx, job).await
}

/// `subscription.earn`: the days up to a month's end have passed; journal F1 d.
pub async fn run_earn(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: InvoiceId = payload(job, "invoice_id")?;
    let days: (i64, i64, i64) = (payload(job, "from")?, payload(job, "to")?, payload(job, "days")?);
    let on: String = payload(job, "on")?;
    let mut tx = state.db.begin(&job.ctx).await?;
    let invoice = invoice_get(&tx, id).await?;
    let wrong = |error| JobError::dead("invoice_period", format!("{error}"));
    let at = parse_date(&on).and_then(|day| day_begins_at(day, &invoice.zone)).map_err(wrong)?;
    let subscription = invoice.subscription.to_string();
    // Use was earned when it was billed.
    let fees = invoice_fees(&tx, id).await?;
    let net = Fen::sum(fees.iter().map(|line| line.amounts.net))
        .map_err(|error| JobError::dead("invoice_lines", error.to_string()))?;
    let days = match credit_note_of(&tx, id).await? {
        None => days,
        // The days from there on were given back.
        Some(note) => {
            let start = parse_date(&invoice.period_start).map_err(wrong)?;
            let end = parse_date(&note.credited_from).map_err(wrong)?.max(start);
            let used = Period { start, end }.days();
            (days.0.min(used), days.1.min(used), days.2)
        }
    };
    let earned = subscription_days_earned(&id.to_string(), &subscription, net, days, at);
    match earned {
        Ok(None) => {}
        Ok(Some(journal)) => book(&mut tx, Ok(journal)).await?,
        Err(error) => return Err(JobError::dead(error.code().as_str(), error.to_string())),
    }
    finish(tx, job).await
}
