//! Accounts that show and sell live what comes from a shop: [`showcase`] their window, [`rooms`] what is on and what was,
//! [`plans`] what people have to do themselves, [`leads`] what people left in forms.

pub mod leads;
pub mod plans;
pub mod rooms;
pub mod showcase;

use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::Channel;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::channel_account::{AccountFilter, ChannelAccount, account_get, account_list};
use qianpu_tenants::store::live_board::{LiveBoard, board_get};
use qianpu_tenants::store::live_plan::{LivePlan, plan_list};

/// The account, if the caller may see it and its channel can do this.
async fn account_of<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: ChannelAccountId,
    can: impl Fn(&dyn Channel) -> bool,
) -> Answer<ChannelAccount> {
    let account = account_get(tx, id).await?;
    let able = qianpu_host::find(&account.channel).is_some_and(can);
    if grant.covers_shop(account.shop) && able { Ok(account) } else { Err(ApiError::not_found()) }
}

fn shows(channel: &dyn Channel) -> bool {
    channel.showcase().is_some()
}
fn airs(channel: &dyn Channel) -> bool {
    channel.live().is_some()
}
fn asks(channel: &dyn Channel) -> bool {
    channel.leads().is_some()
}

/// An account that goes live, with what it told last.
#[derive(Debug, Clone)]
pub struct LiveAccountRow {
    /// The account.
    pub account: ChannelAccount,
    /// What it told last.
    pub board: LiveBoard,
    /// Its newest checklists.
    pub plans: Vec<LivePlan>,
}

/// Accounts that go live, newest first; at most 100.
pub async fn accounts(state: &AppState, grant: &Grant<perm::LiveRead>) -> Answer<Vec<LiveAccountRow>> {
    let tx = state.db.read(grant.ctx()).await?;
    let filter = AccountFilter { shops: grant.shops(), ..AccountFilter::default() };
    let found = account_list(&tx, &filter, PageRequest::first(100)).await?;
    let mut rows = Vec::new();
    for account in found.items {
        if account.state.counts() && qianpu_host::find(&account.channel).is_some_and(airs) {
            let board = board_get(&tx, account.id).await?;
            let plans = plan_list(&tx, account.id, PageRequest::first(3)).await?.items;
            rows.push(LiveAccountRow { account, board, plans });
        }
    }
    Ok(rows)
}
