//! Promotions at channels: [`discounts`] are limited-time discounts of listed products, [`coupons`] what buyers receive
//! and use, [`holders`] who holds some. What was asked of the platform is
//! kept beside what it says; nothing is idempotent there, so whoever asks is noted first and everything is read back.

pub mod coupons;
pub mod discounts;
pub mod goods;
pub mod holders;

use crate::app::channels::call::{CallError, plain_words};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::ErrorClass;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::channel_account::{AccountFilter, ChannelAccount, account_get, account_list};

/// What came of reading the promotions of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// How many the platform told of.
    pub told: usize,
    /// Whether it has further ones.
    pub more: bool,
}

/// Whether an account's channel has promotions.
pub fn possible(account: &ChannelAccount) -> bool {
    possible_at(&account.channel)
}

/// Whether a channel has promotions.
pub fn possible_at(channel: &str) -> bool {
    qianpu_host::find(channel).is_some_and(|channel| channel.promotions().is_some())
}

/// The account, if the caller may see it and its channel has promotions.
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

/// An account with promotions, if the caller may see it.
pub async fn account<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    account_of(&*state.db.read(grant.ctx()).await?, grant, id).await
}

/// Accounts whose channel has promotions, newest first; at most 100.
pub async fn accounts(state: &AppState, grant: &Grant<perm::PromotionRead>) -> Answer<Vec<ChannelAccount>> {
    let tx = state.db.read(grant.ctx()).await?;
    let filter = AccountFilter { shops: grant.shops(), ..AccountFilter::default() };
    let found = account_list(&tx, &filter, PageRequest::first(100)).await?.items;
    Ok(found.into_iter().filter(|account| account.state.counts() && possible(account)).collect())
}

/// Somebody else is asking the platform for the same thing.
fn busy(error: StoreError) -> ApiError {
    match error {
        StoreError::Conflict(_) => ApiError::new(ErrorCode::PromotionBusy).retry_after(5),
        other => other.into(),
    }
}

/// The platform's words, when it certainly did not take what it was asked for.
fn refusal(error: &CallError) -> Option<String> {
    match error {
        CallError::Channel(error)
            if matches!(error.class, ErrorClass::BusinessRefusal | ErrorClass::FixRequest { .. }) =>
        {
            Some(plain_words(error))
        }
        _ => None,
    }
}

/// A failure as the caller reads it; a field that the plugin found taken is named in both languages.
fn told_off(error: CallError, field: &str, en: &str, zh: &str) -> ApiError {
    if let CallError::Channel(error) = &error
        && let ErrorClass::FixRequest { fields } = &error.class
        && fields.iter().any(|one| one.code == "taken")
    {
        return FieldError::new(field, "taken", en, zh).into();
    }
    error.into()
}
