//! What a platform still lets an account call, asked of it, and having it count anew.

use super::call::AccountCall;
use super::exchanges::USAGE;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::InterfaceQuota;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::job_wake;
use qianpu_tenants::store::channel_account::{ChannelAccount, account_get};
use qianpu_tenants::store::exchange_log::exchange_paths;
use serde_json::json;

/// Whether the account's channel can be asked.
pub fn possible(account: &ChannelAccount) -> bool {
    qianpu_host::find(&account.channel).is_some_and(|channel| channel.call_quotas().is_some())
}

async fn account_of<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    let account = account_get(tx, id).await?;
    if grant.covers_shop(account.shop) && possible(&account) {
        Ok(account)
    } else {
        Err(ApiError::not_found())
    }
}

/// The account by itself, where its channel can be asked.
pub async fn account<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    account_of(&*state.db.read(grant.ctx()).await?, grant, id).await
}

/// What is left of the interfaces that were called in the last day, those called most first; at most
/// [`InterfaceQuota::MOST`].
pub async fn ask(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    id: ChannelAccountId,
) -> Answer<Vec<InterfaceQuota>> {
    let tx = state.db.read(grant.ctx()).await?;
    account_of(&tx, grant, id).await?;
    let since = state.clock().now().minus(USAGE);
    let paths = exchange_paths(&tx, id.0, since, InterfaceQuota::MOST as u64).await?;
    drop(tx);
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().call_quotas(call.account_ref(), &paths).await;
    Ok(call.settle(answer).await?)
}

/// Has the platform count the account's calls anew, and lets what waited for the quota go on. The answer is how many
/// jobs were woken.
pub async fn clear(state: &AppState, grant: &Grant<perm::AccountLink>, id: ChannelAccountId) -> Answer<u64> {
    account_of(&*state.db.read(grant.ctx()).await?, grant, id).await?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().clear_call_quotas(call.account_ref()).await;
    call.settle(answer).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let woken = job_wake(&mut tx, ErrorCode::ChannelQuota.as_str()).await?;
    let detail = json!({ "woken": woken });
    audit_append(
        &mut tx,
        AuditAction::ChannelAccountQuotaCleared,
        "channel_account",
        &id.to_string(),
        detail,
    )
    .await?;
    tx.commit().await?;
    Ok(woken)
}
