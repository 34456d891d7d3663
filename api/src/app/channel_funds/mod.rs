//! Money of linked shops at their platforms. Here what was read last is shown and read anew; [`withdraw`] asks for a
//! withdrawal, once; [`follow`] finds out what became of it.

pub mod follow;
pub mod withdraw;

use crate::app::channels::call::{AccountCall, CallError};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, FundsWithdrawalId};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{Balance, FlowQuery, FundsFlow, Page as FlowPage, TimeWindow};
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::account_funds::{AccountFunds, funds_get, funds_put};
use qianpu_tenants::store::channel_account::{AccountFilter, ChannelAccount, account_get, account_list};
use qianpu_tenants::store::funds_withdrawal::{FundsWithdrawal, withdrawal_get, withdrawal_list};

/// Longest time that movements are asked for at once.
pub const WIDEST: Span = Span::days(93);

/// The account, if the caller may see it and its channel tells of money.
pub async fn account_of<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    let account = account_get(tx, id).await?;
    if grant.covers_shop(account.shop) && has_funds(&account) {
        Ok(account)
    } else {
        Err(ApiError::not_found())
    }
}

fn has_funds(account: &ChannelAccount) -> bool {
    qianpu_host::find(&account.channel).is_some_and(|channel| channel.funds().is_some())
}

/// An account with what it has.
#[derive(Debug, Clone)]
pub struct FundsRow {
    /// The account.
    pub account: ChannelAccount,
    /// What it has; none before it was read.
    pub funds: Option<AccountFunds>,
}

/// Accounts that have money at their platform, newest first; at most 100.
pub async fn accounts(state: &AppState, grant: &Grant<perm::FundsRead>) -> Answer<Vec<FundsRow>> {
    let tx = state.db.read(grant.ctx()).await?;
    let filter = AccountFilter { shops: grant.shops(), ..AccountFilter::default() };
    let mut rows = Vec::new();
    for account in account_list(&tx, &filter, PageRequest::first(100)).await?.items {
        if account.state.counts() && has_funds(&account) {
            let funds = funds_get(&tx, account.id).await?;
            rows.push(FundsRow { account, funds });
        }
    }
    Ok(rows)
}

/// What an account has, as it was read last.
pub async fn get(state: &AppState, grant: &Grant<perm::FundsRead>, id: ChannelAccountId) -> Answer<FundsRow> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = account_of(&tx, grant, id).await?;
    let funds = funds_get(&tx, id).await?;
    Ok(FundsRow { account, funds })
}

async fn keep(state: &AppState, ctx: &TenantCtx, id: ChannelAccountId, read: Balance) -> StoreResult<()> {
    let mut tx = state.db.begin(ctx).await?;
    let bank = read.bank;
    let funds = AccountFunds {
        available: read.available,
        pending: read.pending,
        sub_merchant: read.sub_merchant,
        bank: bank.as_ref().map(|bank| bank.bank.clone()),
        bank_holder: bank.as_ref().map(|bank| bank.holder.clone()),
        bank_tail: bank.map(|bank| bank.tail),
        read_at: tx.now(),
    };
    funds_put(&mut tx, id, &funds).await?;
    tx.commit().await
}

/// Asks the platform what an account has, and keeps it.
async fn refresh(state: &AppState, ctx: &TenantCtx, id: ChannelAccountId) -> Result<(), CallError> {
    let call = AccountCall::open(state, ctx, id).await?;
    let answer = call.host().balance(call.account_ref()).await;
    let read = call.settle(answer).await?;
    Ok(keep(state, ctx, id, read).await?)
}

/// Asks the platform what the account has: the button "read".
pub async fn read_back(
    state: &AppState,
    grant: &Grant<perm::FundsRead>,
    id: ChannelAccountId,
) -> Answer<FundsRow> {
    account_of(&*state.db.read(grant.ctx()).await?, grant, id).await?;
    refresh(state, grant.ctx(), id).await?;
    get(state, grant, id).await
}

/// Movements to look at.
#[derive(Debug, Clone, Default)]
pub struct WantedFlows {
    /// From this moment; 30 days ago unless said.
    pub from: Option<Timestamp>,
    /// Until this moment; now unless said.
    pub to: Option<Timestamp>,
    /// Only what came in, or only what went out.
    pub income: Option<bool>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// One page of movements, asked of the platform.
pub async fn flows(
    state: &AppState,
    grant: &Grant<perm::FundsRead>,
    id: ChannelAccountId,
    wanted: WantedFlows,
) -> Answer<FlowPage<FundsFlow>> {
    account_of(&*state.db.read(grant.ctx()).await?, grant, id).await?;
    let to = wanted.to.unwrap_or_else(|| state.clock().now());
    let from = wanted.from.unwrap_or_else(|| to.minus(Span::days(30)));
    let length = to.since(from);
    if length < Span::seconds(0) || length > WIDEST {
        let (en, zh) =
            ("at most 93 days, and the start before the end", "时间范围最长 93 天，且开始不能晚于结束");
        return Err(FieldError::new("from", "range", en, zh).into());
    }
    if wanted.cursor.as_ref().is_some_and(|cursor| cursor.len() > 300) {
        return Err(ApiError::new(qianpu_domain::error::ErrorCode::InvalidCursor));
    }
    let query = FlowQuery { window: TimeWindow { from, to }, income: wanted.income, cursor: wanted.cursor };
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().funds_flows(call.account_ref(), &query).await;
    Ok(call.settle(answer).await?)
}

/// Withdrawals of an account, newest first.
pub async fn withdrawals(
    state: &AppState,
    grant: &Grant<perm::FundsRead>,
    id: ChannelAccountId,
    page: PageRequest,
) -> Answer<Page<FundsWithdrawal>> {
    let tx = state.db.read(grant.ctx()).await?;
    account_of(&tx, grant, id).await?;
    Ok(withdrawal_list(&tx, id, page).await?)
}

/// One withdrawal with its account.
pub async fn withdrawal<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: FundsWithdrawalId,
) -> Answer<(ChannelAccount, FundsWithdrawal)> {
    let tx = state.db.read(grant.ctx()).await?;
    let one = withdrawal_get(&tx, id).await?;
    let account = account_of(&tx, grant, one.account).await?;
    Ok((account, one))
}
