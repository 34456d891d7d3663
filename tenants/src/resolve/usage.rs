//! How much of the installation a channel carries: numbers only, for whoever manages its plugins.

use crate::authz::{Grant, perm};
use crate::context::SystemCtx;
use crate::db::Db;
use crate::error::StoreResult;
use crate::store::directory;

/// Accounts that are linked through a channel, those with a lost authorisation among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkedAccounts {
    /// How many.
    pub accounts: i64,
    /// Of how many merchants.
    pub merchants: i64,
}

/// Counts them, in the order of the channels.
pub async fn linked_accounts(
    db: &Db,
    grant: &Grant<perm::PluginManage>,
    channels: &[String],
) -> StoreResult<Vec<LinkedAccounts>> {
    let tx = db.begin_lookup(&SystemCtx::for_task("linked accounts", grant.ctx().request_id())).await?;
    let mut counted = Vec::with_capacity(channels.len());
    for channel in channels {
        let (accounts, merchants) = directory::linked_accounts(&tx, channel).await?;
        counted.push(LinkedAccounts { accounts, merchants });
    }
    Ok(counted)
}
