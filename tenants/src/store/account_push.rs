//! An account as a push to its own address finds it, and once more where the push is stored.
//!
//! What was read may be kept between pushes: the transaction that stores a push asks whether it still holds, so nothing is
//! taken with a key that was replaced or for an account that was unlinked.

use super::account_link::{AccountSecrets, secrets_of};
use super::channel_account::{ChannelAccount, from_model};
use crate::db::TenantTx;
use crate::entity::channel_account;
use crate::error::{StoreError, StoreResult};
use crate::secrets::Sealer;
use qianpu_domain::ids::{ChannelAccountId, ChannelAppId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// An account as a push to its own address was checked with it.
#[derive(Clone, Debug)]
pub struct PushAccount {
    /// The account when it was read.
    pub account: ChannelAccount,
    seen: Seen,
}

/// All of a row that decides whether a push is genuine, the secrets as they are sealed. The settings name the account's own
/// app.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    state: String,
    retired: bool,
    channel: String,
    external_id: String,
    hook_token: String,
    push_format: String,
    settings: String,
    secret: Option<Vec<u8>>,
    push_token: Option<Vec<u8>>,
    aes_key: Option<Vec<u8>>,
    previous_aes_key: Option<Vec<u8>>,
}

impl Seen {
    fn of(row: &channel_account::Model) -> Self {
        Self {
            state: row.state.clone(),
            retired: row.retired_at.is_some(),
            channel: row.channel.clone(),
            external_id: row.external_id.clone(),
            hook_token: row.hook_token.clone(),
            push_format: row.push_format.clone(),
            settings: row.settings.clone(),
            secret: row.secret.clone(),
            push_token: row.push_token.clone(),
            aes_key: row.aes_key.clone(),
            previous_aes_key: row.previous_aes_key.clone(),
        }
    }
}

async fn row(tx: &TenantTx, id: ChannelAccountId) -> StoreResult<channel_account::Model> {
    let row = channel_account::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.ok_or(StoreError::NotFound)
}

/// An account, and the secrets its pushes are checked with.
pub async fn push_account(
    tx: &TenantTx,
    sealer: &Sealer,
    id: ChannelAccountId,
) -> StoreResult<(PushAccount, AccountSecrets)> {
    let row = row(tx, id).await?;
    let (seen, secrets) = (Seen::of(&row), secrets_of(tx, sealer, &row)?);
    Ok((PushAccount { account: from_model(row)?, seen }, secrets))
}

/// With what a push was found genuine.
#[derive(Clone, Debug)]
pub enum PushProof {
    /// The keys of the account's own address.
    Own(Arc<PushAccount>),
    /// Those of the provider's app that relays for the account.
    Relayed {
        app: ChannelAppId,
        account: ChannelAccountId,
        /// The directory named the account for this push; else it is remembered from an earlier one.
        looked_up: bool,
    },
}

impl PushProof {
    fn account(&self) -> ChannelAccountId {
        match self {
            Self::Own(known) => known.account.id,
            Self::Relayed { account, .. } => *account,
        }
    }

    /// The account of the row, if what was proven is still so.
    fn account_of(&self, row: &channel_account::Model) -> StoreResult<Option<ChannelAccount>> {
        let account = from_model(row.clone())?;
        let holds = match self {
            Self::Own(known) => Seen::of(row) == known.seen,
            Self::Relayed { app, looked_up, .. } => {
                account.app == Some(*app) && (*looked_up || account.state.counts())
            }
        };
        Ok(Some(account).filter(|_| holds))
    }
}

/// For each proof the account as it is now; none when a push that was checked with it has to be checked anew.
pub async fn push_accounts_now(
    tx: &TenantTx,
    proofs: &[&PushProof],
) -> StoreResult<Vec<Option<ChannelAccount>>> {
    use channel_account::Column;
    let ids: BTreeSet<Uuid> = proofs.iter().map(|proof| proof.account().0).collect();
    let rows = channel_account::Entity::find()
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.is_in(ids))
        .all(tx.conn())
        .await?;
    let rows: HashMap<Uuid, channel_account::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
    let now = |proof: &&PushProof| match rows.get(&proof.account().0) {
        Some(row) => proof.account_of(row),
        None => Ok(None),
    };
    proofs.iter().map(now).collect()
}
