//! Asking for a withdrawal. The platform knows no key of ours, so the call is made **once**: the row is kept with its key
//! first, a job notes that it begins and then calls, and whatever becomes of the answer, no other run calls again. What
//! came of it is found by looking ([`super::follow`]).

use super::{account_of, follow, withdrawal};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::AccountCall;
use crate::app::shops::suspension::name_of;
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ChannelAccountId, FundsWithdrawalId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_domain::withdrawal::{BANK_MEMO, CodeState, NOTE, WithdrawalState, amount, reference, words};
use qianpu_sdk::{WantedWithdrawal, WithdrawalAsked};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::account_funds::funds_get;
use qianpu_tenants::store::funds_withdrawal::{
    FundsWithdrawal, NewWithdrawal, withdrawal_get, withdrawal_insert, withdrawal_open, withdrawal_save,
};
use serde_json::json;

/// Job that asks the platform; payload `{"funds_withdrawal_id"}`.
pub const ASK_JOB: &str = "withdrawal.ask";
/// How often the outcome is put to a row that changes meanwhile.
const TRIES: u32 = 5;

/// A withdrawal as somebody typed it.
#[derive(Debug, Clone)]
pub struct AskWithdrawal {
    /// How much.
    pub amount: Fen,
    /// Our own note.
    pub note: String,
    /// What stands on the bank's statement.
    pub bank_memo: String,
}

/// Keeps a withdrawal in the caller's transaction, with the job that asks for it. The caller's key makes it one.
pub async fn ask(
    tx: &mut TenantTx,
    grant: &Grant<perm::FundsWithdraw>,
    account: ChannelAccountId,
    typed: &AskWithdrawal,
) -> Answer<FundsWithdrawal> {
    let account = account_of(tx, grant, account).await?;
    if !account.state.usable() {
        return Err(ApiError::new(ErrorCode::ChannelAccountUnusable));
    }
    let mut errors: Vec<FieldError> = Vec::new();
    let known = funds_get(tx, account.id).await?;
    let wanted = amount("amount", typed.amount).unwrap_or_else(|error| {
        errors.push(error);
        Fen::new(0)
    });
    // What was read last may be old: it only saves a call. The plugin asks the platform before it asks for the money.
    if errors.is_empty() && known.is_some_and(|funds| wanted > funds.available) {
        let en = "more than can be taken out; read the balance again if that is wrong";
        errors.push(FieldError::new(
            "amount",
            "not_covered",
            en,
            "提现金额超过可提现余额，如有变化请先刷新余额",
        ));
    }
    let mut text = |outcome: Result<String, FieldError>| {
        outcome.unwrap_or_else(|error| {
            errors.push(error);
            String::new()
        })
    };
    let note = text(words("note", &typed.note, NOTE));
    let bank_memo = text(words("bank_memo", &typed.bank_memo, BANK_MEMO));
    if !errors.is_empty() {
        return Err(errors.into());
    }
    if withdrawal_open(tx, account.id).await?.is_some() {
        return Err(ApiError::new(ErrorCode::WithdrawalOpen));
    }
    let by = name_of(tx.ctx());
    let new = NewWithdrawal {
        account: account.id,
        amount: wanted,
        state: WithdrawalState::Asking,
        note: &note,
        bank_memo: &bank_memo,
        asked_by: Some(&by),
        external_id: None,
        at: tx.now(),
    };
    let one = match withdrawal_insert(tx, &new).await {
        Ok(one) => one,
        // Two people at once.
        Err(StoreError::Conflict(_)) => return Err(ApiError::new(ErrorCode::WithdrawalOpen)),
        Err(error) => return Err(error.into()),
    };
    let detail = json!({ "amount_fen": wanted.get(), "channel_account_id": account.id.to_string() });
    let subject = one.id.to_string();
    audit_append(tx, AuditAction::FundsWithdrawalAsked, "funds_withdrawal", &subject, detail).await?;
    job_enqueue(tx, ask_job(one.id)).await?;
    Ok(one)
}

fn ask_job(id: FundsWithdrawalId) -> NewJob {
    NewJob {
        kind: ASK_JOB,
        dedup_key: Some(id.to_string()),
        payload: json!({ "funds_withdrawal_id": id.to_string() }),
        run_at: None,
        priority: 0,
    }
}

/// Asks the platform, once.
pub async fn run_ask(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: FundsWithdrawalId = payload(job, "funds_withdrawal_id")?;
    let mut tx = state.db.begin(&job.ctx).await?;
    let mut one = withdrawal_get(&tx, id).await?;
    if one.state != WithdrawalState::Asking || one.sent_at.is_some() {
        // An earlier run began the call: asking again might take the money out twice.
        if one.state == WithdrawalState::Asking {
            job_enqueue(&mut tx, follow::look_job(id, None)).await?;
        }
        return finish(tx, job).await;
    }
    one.sent_at = Some(tx.now());
    withdrawal_save(&mut tx, &one).await?;
    // The look is due even if this process ends now.
    let first = tx.now().plus(follow::FIRST);
    job_enqueue(&mut tx, follow::look_job(id, Some(first))).await?;
    tx.commit().await?;

    let wanted = WantedWithdrawal {
        amount: one.amount,
        reference: reference(one.id.0),
        bank_memo: Some(one.bank_memo.clone()).filter(|memo| !memo.is_empty()),
        since: one.created_at,
    };
    let outcome = match AccountCall::open(state, &job.ctx, one.account).await {
        Ok(call) => {
            let answer = call.host().withdraw(call.account_ref(), &wanted).await;
            call.settle(answer).await
        }
        Err(error) => Err(error),
    };
    let outcome = match outcome {
        Ok(asked) => Ok(asked),
        Err(error) => match error.certain() {
            Some(words) => Err(words),
            // Nobody knows whether it arrived. The look finds out.
            None => {
                tracing::info!(withdrawal_id = %one.id, %error, "the answer to a withdrawal was lost");
                return Ok(Done::Nothing);
            }
        },
    };
    let mut tries = TRIES;
    loop {
        let mut tx = state.db.begin(&job.ctx).await?;
        let mut fresh = withdrawal_get(&tx, id).await?;
        take(&mut fresh, &outcome, tx.now());
        match withdrawal_save(&mut tx, &fresh).await {
            Ok(()) => return finish(tx, job).await,
            // A push overtook the answer. The ticket comes once, so it is put to what was kept meanwhile.
            Err(StoreError::VersionConflict) if tries > 0 => tries -= 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// What came of asking, put to the row as it is now.
fn take(one: &mut FundsWithdrawal, outcome: &Result<WithdrawalAsked, String>, now: Timestamp) {
    if !one.state.open() {
        return;
    }
    match outcome {
        Ok(WithdrawalAsked::Waits { ticket }) => {
            one.state = WithdrawalState::Waiting;
            one.code = Some(CodeState::Fresh);
            one.ticket = Some(ticket.clone());
        }
        Ok(WithdrawalAsked::Before(known)) => follow::apply(one, known, now),
        Err(words) => {
            one.state = WithdrawalState::Refused;
            one.reason = Some(words.clone());
        }
    }
}

/// The picture of the code of a withdrawal, while it can be scanned; base64.
pub async fn code(
    state: &AppState,
    grant: &Grant<perm::FundsWithdraw>,
    id: FundsWithdrawalId,
) -> Answer<String> {
    let (account, one) = withdrawal(state, grant, id).await?;
    let ticket = one.ticket.filter(|_| one.state == WithdrawalState::Waiting);
    let ticket = ticket.ok_or_else(ApiError::not_found)?;
    let call = AccountCall::open(state, grant.ctx(), account.id).await?;
    let answer = call.host().withdrawal_code(call.account_ref(), &ticket).await;
    Ok(call.settle(answer).await?.base64)
}
