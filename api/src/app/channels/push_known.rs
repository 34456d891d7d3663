//! Accounts whose address was pushed to lately, so that a push costs the one transaction that stores it.
//!
//! Nothing is decided by what is kept here alone: a push that is not genuine by it is checked once more with what is read
//! anew, and the transaction that stores one asks whether it still holds.

use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::ids::{ChannelAccountId, ChannelAppId, RequestId};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::PushCredentials;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::resolve;
use qianpu_tenants::store::channel_account::{PushAccount, push_account};
use qianpu_tenants::store::directory;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Opened keys are not held longer than this.
const KEPT: Span = Span::seconds(60);
/// The most that are kept; about a kilobyte each.
const MOST: usize = 10_000;

/// Whose an address is, and what its pushes are checked with.
pub(super) struct Known {
    pub(super) ctx: TenantCtx,
    pub(super) found: Arc<PushAccount>,
    pub(super) credentials: PushCredentials,
    read_at: Timestamp,
}

/// What is known.
#[derive(Default)]
pub struct KnownHooks {
    /// By the secret part of the address.
    own: Mutex<HashMap<String, Arc<Known>>>,
    /// By the app that relays and the account's id at the platform. Ids only: what they stand for is read where the
    /// push is stored.
    relayed: Mutex<HashMap<(ChannelAppId, String), (TenantCtx, ChannelAccountId)>>,
}

/// A map of what can be read again is whole whatever happened to another holder.
fn held<T>(map: &Mutex<T>) -> MutexGuard<'_, T> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

impl KnownHooks {
    pub(super) fn find(&self, token: &str, now: Timestamp) -> Option<Arc<Known>> {
        held(&self.own).get(token).filter(|known| known.read_at.plus(KEPT) > now).cloned()
    }

    fn keep(&self, token: &str, known: Arc<Known>) {
        let mut held = held(&self.own);
        if held.len() >= MOST {
            let over = known.read_at.minus(KEPT);
            held.retain(|_, other| other.read_at > over);
        }
        if held.len() < MOST {
            held.insert(token.to_owned(), known);
        }
    }

    pub(super) fn forget(&self, token: &str) {
        held(&self.own).remove(token);
    }

    pub(super) fn relayed(
        &self,
        app: ChannelAppId,
        external_id: &str,
    ) -> Option<(TenantCtx, ChannelAccountId)> {
        held(&self.relayed).get(&(app, external_id.to_owned())).cloned()
    }

    pub(super) fn keep_relayed(
        &self,
        app: ChannelAppId,
        external_id: &str,
        merchant: &TenantCtx,
        account: ChannelAccountId,
    ) {
        let mut held = held(&self.relayed);
        if held.len() >= MOST {
            held.clear();
        }
        held.insert((app, external_id.to_owned()), (merchant.clone(), account));
    }
}

/// Reads whose an address is, and keeps it. None when nobody has it, or nothing can be pushed to it.
pub(super) async fn read(
    state: &AppState,
    request: RequestId,
    slug: &'static str,
    token: &str,
) -> Answer<Option<Arc<Known>>> {
    let Some((ctx, id)) =
        resolve::by_hook_token(&state.db, directory::ACCOUNT_HOOK, token, slug, request).await?
    else {
        return Ok(None);
    };
    let tx = state.db.read(&ctx).await?;
    let read_at = tx.now();
    let (found, secrets) = push_account(&tx, &state.channels.sealer, ChannelAccountId(id)).await?;
    drop(tx);
    let Some(credentials) = super::push::direct_credentials(&found.account, &secrets) else {
        return Ok(None);
    };
    let known = Arc::new(Known { ctx, found: Arc::new(found), credentials, read_at });
    state.channels.known.keep(token, known.clone());
    Ok(Some(known))
}
