//! What became of withdrawals. A push, a person and the passing of time all lead here, and the platform is asked each
//! time: what a push says is believed in nothing.

use super::{refresh, withdrawal};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError};
use crate::error::Answer;
use crate::jobs::{Done, JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::ids::{ChannelAccountId, FundsWithdrawalId};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_domain::withdrawal::{CodeState, Found, WithdrawalState, after_look, reference};
use qianpu_sdk::{self as sdk, CodeScanner, TimeWindow};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::funds_withdrawal::{
    FundsWithdrawal, NewWithdrawal, withdrawal_by_external, withdrawal_by_ticket, withdrawal_get,
    withdrawal_insert, withdrawal_save,
};
use serde_json::json;

/// Job that looks what became of one of ours; payload `{"funds_withdrawal_id"}`.
pub const LOOK_JOB: &str = "withdrawal.look";
/// Job after a push about money; payload `{"channel_account_id", "withdrawal", "ticket"}`.
pub const SYNC_JOB: &str = "funds.sync";

/// The first look after asking.
pub const FIRST: Span = Span::seconds(20);
/// How often is looked at a code that may be scanned any moment.
const SOON: Span = Span::seconds(20);
/// How often is looked at money on its way.
const LATER: Span = Span::minutes(30);
/// Pages of the platform's list that are looked through for one of ours.
const MOST_PAGES: usize = 5;
/// Clocks differ.
const LEEWAY: Span = Span::minutes(10);

pub(super) fn look_job(id: FundsWithdrawalId, at: Option<Timestamp>) -> NewJob {
    NewJob {
        kind: LOOK_JOB,
        // A look that is due later does not keep one away that is asked for now.
        dedup_key: Some(match at {
            None => format!("{id}:now"),
            Some(_) => id.to_string(),
        }),
        payload: json!({ "funds_withdrawal_id": id.to_string() }),
        run_at: at,
        priority: 0,
    }
}

/// The job that a push about money leads to.
pub(crate) fn sync_job(account: ChannelAccountId, withdrawal: Option<&str>, ticket: Option<&str>) -> NewJob {
    let what = withdrawal.or(ticket).unwrap_or("account");
    NewJob {
        kind: SYNC_JOB,
        dedup_key: Some(format!("{account}:{what}")),
        payload: json!({ "channel_account_id": account.to_string(), "withdrawal": withdrawal, "ticket": ticket }),
        run_at: None,
        priority: 0,
    }
}

fn state_of(found: &sdk::Withdrawal) -> Option<WithdrawalState> {
    use sdk::WithdrawalState as Theirs;
    match found.state {
        Theirs::Waiting => Some(WithdrawalState::Waiting),
        Theirs::Accepted => Some(WithdrawalState::Accepted),
        Theirs::Paid => Some(WithdrawalState::Paid),
        Theirs::Failed => Some(WithdrawalState::Failed),
        Theirs::Returned => Some(WithdrawalState::Returned),
        Theirs::Closed => Some(WithdrawalState::Closed),
        Theirs::Unknown(_) => None,
    }
}

/// Takes over what the platform says of a withdrawal.
pub(super) fn apply(one: &mut FundsWithdrawal, found: &sdk::Withdrawal, now: Timestamp) {
    one.state = after_look(one.state, Found::Withdrawal(state_of(found)), one.code, one.created_at, now);
    one.external_id = Some(found.withdrawal_id.clone());
    one.native_state.clone_from(&found.native_state);
    one.reason.clone_from(&found.reason);
    one.bank = found.bank.clone().or_else(|| one.bank.take());
    one.bank_tail = found.tail.clone().or_else(|| one.bank_tail.take());
    use WithdrawalState as S;
    if one.asked_by.is_some() && matches!(one.state, S::Accepted | S::Paid | S::Failed | S::Returned) {
        one.code = Some(CodeState::Confirmed);
    }
    if !one.state.open() {
        one.ticket = None;
    }
}

fn code_of(standing: &sdk::CodeStanding) -> CodeState {
    match standing.state {
        sdk::CodeState::Fresh => CodeState::Fresh,
        sdk::CodeState::Scanned => CodeState::Scanned,
        sdk::CodeState::Confirmed => CodeState::Confirmed,
        sdk::CodeState::Cancelled => CodeState::Cancelled,
        sdk::CodeState::Expired => CodeState::Expired,
        sdk::CodeState::Unknown(_) => CodeState::Unknown,
    }
}

/// Looks for one of ours among those the platform has since then.
async fn search(call: &AccountCall<'_>, one: &FundsWithdrawal, now: Timestamp) -> Result<Look, CallError> {
    let window = TimeWindow { from: one.created_at.minus(LEEWAY), to: now.plus(LEEWAY) };
    let wanted = reference(one.id.0);
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let answer = call.host().withdrawals(call.account_ref(), window, cursor.as_deref()).await;
        let page = call.settle(answer).await?;
        if let Some(found) = page.items.into_iter().find(|found| found.remark == wanted) {
            return Ok(Look::Found(Box::new(found)));
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(Look::Nothing);
        }
    }
    // There is more than was looked through: that it is not there is not certain.
    Ok(Look::Unsure)
}

enum Look {
    Found(Box<sdk::Withdrawal>),
    Nothing,
    Unsure,
}

/// Asks the platform how a withdrawal is, and keeps it. Whether anything changed.
async fn look(
    state: &AppState,
    ctx: &TenantCtx,
    before: &FundsWithdrawal,
) -> Result<FundsWithdrawal, CallError> {
    let call = AccountCall::open(state, ctx, before.account).await?;
    let mut one = before.clone();
    let now = state.clock().now();
    let found = match &before.external_id {
        Some(external_id) => {
            let answer = call.host().withdrawal(call.account_ref(), external_id).await;
            Look::Found(Box::new(call.settle(answer).await?))
        }
        None => search(&call, before, now).await?,
    };
    // The code is asked for last: of a withdrawal that is closed it says why.
    if let Some(ticket) = &before.ticket {
        let answer = call.host().withdrawal_code_standing(call.account_ref(), ticket).await;
        let standing = call.settle(answer).await?;
        one.code = Some(code_of(&standing));
        one.problem.clone_from(&standing.problem);
        one.scanned_by = standing.by.map(|by| {
            let word = match by {
                CodeScanner::Other => "other",
                CodeScanner::Administrator => "administrator",
                CodeScanner::SecondAdministrator => "second_administrator",
            };
            word.to_owned()
        });
    }
    match found {
        Look::Found(found) => apply(&mut one, &found, now),
        Look::Nothing => one.state = after_look(one.state, Found::Nothing, one.code, one.created_at, now),
        Look::Unsure => {}
    }
    if one != *before {
        let mut tx = state.db.begin(ctx).await?;
        withdrawal_save(&mut tx, &one).await?;
        tx.commit().await?;
        one.version += 1;
    }
    Ok(one)
}

/// Money moved or may have: what the account has is asked for, and it is no failure of the look when that fails.
async fn balance_too(state: &AppState, ctx: &TenantCtx, before: &FundsWithdrawal, now: &FundsWithdrawal) {
    if before.state != now.state
        && let Err(error) = refresh(state, ctx, now.account).await
    {
        tracing::info!(account_id = %now.account, %error, "a balance was not read");
    }
}

/// Looks what became of one of ours, and again until nothing can change any more.
pub async fn run_look(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: FundsWithdrawalId = payload(job, "funds_withdrawal_id")?;
    let before = withdrawal_get(&*state.db.read(&job.ctx).await?, id).await?;
    if !before.state.goes_on() {
        return Ok(Done::Nothing);
    }
    let now = state.clock().now();
    let after = match look(state, &job.ctx, &before).await {
        Ok(after) => after,
        // The call that asks ended meanwhile: its outcome is looked at next time.
        Err(CallError::Store(StoreError::VersionConflict)) => before.clone(),
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    balance_too(state, &job.ctx, &before, &after).await;
    let mut tx = state.db.begin(&job.ctx).await?;
    if after.state.goes_on() {
        let wait = if after.state == WithdrawalState::Accepted { LATER } else { SOON };
        let next = tx.now().plus(wait);
        job_enqueue(&mut tx, look_job(id, Some(next))).await?;
    }
    finish(tx, job).await
}

/// A withdrawal the platform names. One of ours, known by its id or its remark, is given back to be looked at; one that
/// was asked for there is kept as it is told.
async fn known(
    state: &AppState,
    ctx: &TenantCtx,
    account: ChannelAccountId,
    found: &sdk::Withdrawal,
) -> StoreResult<Option<FundsWithdrawal>> {
    let mut tx = state.db.begin(ctx).await?;
    let now = tx.now();
    let ours = found.remark.strip_prefix("QP").and_then(|text| uuid::Uuid::parse_str(text).ok());
    let mut one = withdrawal_by_external(&tx, account, &found.withdrawal_id).await?;
    if let (None, Some(id)) = (&one, ours) {
        one = match withdrawal_get(&tx, FundsWithdrawalId(id)).await {
            Ok(one) if one.account == account => Some(one),
            Ok(_) | Err(StoreError::NotFound) => None,
            Err(error) => return Err(error),
        };
    }
    let mut one = match one {
        Some(one) => one,
        None => {
            let new = NewWithdrawal {
                account,
                amount: found.amount,
                state: state_of(found).unwrap_or(WithdrawalState::Waiting),
                note: &found.remark,
                bank_memo: "",
                asked_by: None,
                external_id: Some(&found.withdrawal_id),
                at: found.created_at.unwrap_or(now),
            };
            withdrawal_insert(&mut tx, &new).await?
        }
    };
    if one.asked_by.is_some() {
        if one.external_id.is_none() {
            one.external_id = Some(found.withdrawal_id.clone());
            withdrawal_save(&mut tx, &one).await?;
            one.version += 1;
            tx.commit().await?;
        }
        return Ok(Some(one));
    }
    apply(&mut one, found, now);
    // Without a code of ours nobody here can say whether it may still be confirmed.
    one.state = state_of(found).unwrap_or(one.state);
    withdrawal_save(&mut tx, &one).await?;
    tx.commit().await?;
    Ok(None)
}

fn text<'a>(job: &'a ClaimedJob, name: &str) -> Option<&'a str> {
    job.payload[name].as_str()
}

/// After a push: asks for the withdrawal it names and for what the account has.
pub async fn run_sync(state: &AppState, job: &ClaimedJob) -> JobResult {
    let account: ChannelAccountId = payload(job, "channel_account_id")?;
    let now = state.clock().now();
    match sync(state, job, account).await {
        Ok(()) => Ok(Done::Nothing),
        // Unlinked meanwhile: nothing to read.
        Err(CallError::NotUsable(_)) => Ok(Done::Nothing),
        // Somebody else keeps it just now.
        Err(CallError::Store(StoreError::VersionConflict)) => Err(JobError::Retry {
            after: Some(Span::seconds(1)),
            code: "conflict".to_owned(),
            text: "提现单正在更新".to_owned(),
        }),
        Err(error) => Err(error.job_error(now, job.attempt)),
    }
}

async fn sync(state: &AppState, job: &ClaimedJob, account: ChannelAccountId) -> Result<(), CallError> {
    if let Some(external_id) = text(job, "withdrawal") {
        let call = AccountCall::open(state, &job.ctx, account).await?;
        let answer = call.host().withdrawal(call.account_ref(), external_id).await;
        let found = call.settle(answer).await?;
        if let Some(one) = known(state, &job.ctx, account, &found).await? {
            look(state, &job.ctx, &one).await?;
        }
    }
    if let Some(ticket) = text(job, "ticket") {
        let one = withdrawal_by_ticket(&*state.db.read(&job.ctx).await?, account, ticket).await?;
        if let Some(one) = one {
            look(state, &job.ctx, &one).await?;
        }
    }
    refresh(state, &job.ctx, account).await
}

/// Looks what became of a withdrawal: the button "look again".
pub async fn look_now(
    state: &AppState,
    grant: &Grant<perm::FundsRead>,
    id: FundsWithdrawalId,
) -> Answer<FundsWithdrawal> {
    let (_, before) = withdrawal(state, grant, id).await?;
    if !before.state.goes_on() || (before.state == WithdrawalState::Asking && before.sent_at.is_none()) {
        return Ok(before);
    }
    let after = match look(state, grant.ctx(), &before).await {
        Ok(after) => after,
        Err(CallError::Store(StoreError::VersionConflict)) => {
            return Ok(withdrawal(state, grant, id).await?.1);
        }
        Err(error) => return Err(error.into()),
    };
    balance_too(state, grant.ctx(), &before, &after).await;
    Ok(after)
}
