//! One call to a platform in an account's name: open it, make it, settle it.
//!
//! ```ignore
//! let call = AccountCall::open(state, ctx, account).await?;
//! let answer = call.host().order(call.account_ref(), "3705…").await;
//! let order = call.settle(answer).await?;
//! ```
//! No transaction may be open meanwhile. Settling keeps the account's state true: a token that is no longer
//! accepted makes it `expired`, with the reason in the platform's words.

use super::link_direct::keys_refused;
use crate::app::aftersales;
use crate::app::listings::catch_up_job;
use crate::app::orders::reconcile;
use crate::error::ApiError;
use crate::jobs::JobError;
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::channel::{AccountEvent, AccountState, next};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_host::{AccountRef, Host};
use qianpu_sdk::{ChannelError, ErrorClass};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::jobs::job_enqueue;
use qianpu_tenants::store::channel_account::{AccountChange, ChannelAccount, account_get, account_save};
use serde_json::json;

/// Why a call did not lead to an answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The account is not linked any more, or waits to be authorised again.
    #[error("the account is {0}")]
    NotUsable(AccountState),
    /// The platform, or the way to it.
    #[error("{0}")]
    Channel(ChannelError),
    /// Our own database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The account's channel is a plugin that was taken out of force: work waits until it is back.
fn gone(channel: &str) -> CallError {
    CallError::Channel(ChannelError::retry_later_seconds(
        600,
        format!("the plugin {channel} is not in force"),
    ))
}

/// A call being made.
pub struct AccountCall<'a> {
    state: &'a AppState,
    ctx: &'a TenantCtx,
    account: ChannelAccount,
    reference: AccountRef,
    /// What an answer says about the account.
    answered: AccountEvent,
}

impl<'a> AccountCall<'a> {
    /// Looks the account up in the tenant of `ctx` and checks that calls may be made for it.
    pub async fn open(
        state: &'a AppState,
        ctx: &'a TenantCtx,
        id: ChannelAccountId,
    ) -> Result<Self, CallError> {
        Self::open_in(state, ctx, id, AccountEvent::Worked).await
    }

    /// The same for a check that somebody asked for. It may also be made for an account whose grant seemed
    /// lost: one call that the platform did not permit is enough for that, and a grant that still stands is
    /// not announced again.
    pub async fn open_to_check(
        state: &'a AppState,
        ctx: &'a TenantCtx,
        id: ChannelAccountId,
    ) -> Result<Self, CallError> {
        Self::open_in(state, ctx, id, AccountEvent::Confirmed).await
    }

    async fn open_in(
        state: &'a AppState,
        ctx: &'a TenantCtx,
        id: ChannelAccountId,
        answered: AccountEvent,
    ) -> Result<Self, CallError> {
        let tx = state.db.read(ctx).await?;
        let account = account_get(&tx, id).await?;
        drop(tx);
        let revivable = answered == AccountEvent::Confirmed && account.state == AccountState::Expired;
        if !account.state.usable() && !revivable {
            return Err(CallError::NotUsable(account.state));
        }
        let channel = qianpu_host::find(&account.channel).ok_or_else(|| gone(&account.channel))?;
        let reference = AccountRef { channel: channel.info().slug, tenant: ctx.tenant(), id };
        Ok(Self { state, ctx, account, reference, answered })
    }

    /// The account as it was when the call was opened.
    pub fn account(&self) -> &ChannelAccount {
        &self.account
    }
    /// The account as the host names it.
    pub fn account_ref(&self) -> &AccountRef {
        &self.reference
    }
    /// What makes the call.
    pub fn host(&self) -> &'a Host {
        &self.state.channels.host
    }

    /// Takes the answer, and notes on the account what it means for it.
    pub async fn settle<T>(&self, answer: Result<T, ChannelError>) -> Result<T, CallError> {
        let event = match &answer {
            Ok(_) => Some((self.answered, None)),
            Err(error) => match error.class {
                ErrorClass::Reauthorise => Some((AccountEvent::AuthorisationLost, Some(error))),
                // Without the platform's own words it is our fault, not the account's state.
                // Nobody but the merchant can put other keys in place: the same as a lost grant.
                ErrorClass::FixRequest { .. } if self.account.app.is_none() && keys_refused(error) => {
                    Some((AccountEvent::AuthorisationLost, Some(error)))
                }
                ErrorClass::Fatal if error.remote.is_some() => Some((AccountEvent::Limited, Some(error))),
                _ => None,
            },
        };
        if let Some((event, error)) = event
            && let Err(failed) = self.note(event, error).await
        {
            tracing::warn!(account_id = %self.account.id, error = %failed, "an account's state was not noted");
        }
        answer.map_err(CallError::Channel)
    }

    async fn note(&self, event: AccountEvent, error: Option<&ChannelError>) -> StoreResult<()> {
        let to = next(self.account.state, event);
        if to == self.account.state && error.is_none() && self.account.error_code.is_none() {
            return Ok(());
        }
        let mut tx = self.state.db.begin(self.ctx).await?;
        let fresh = account_get(&tx, self.account.id).await?;
        let to = next(fresh.state, event);
        let code = |error: &ChannelError| match event {
            AccountEvent::AuthorisationLost => ErrorCode::ChannelReauthorise,
            _ => error.code(),
        };
        let words = error.map(|error| (code(error).as_str(), plain_words(error)));
        let change = AccountChange {
            state: (to != fresh.state).then_some(to),
            error: Some(words.as_ref().map(|(code, text)| (*code, text.as_str()))),
            ..AccountChange::default()
        };
        account_save(&mut tx, &fresh, &change).await?;
        if to.usable() && !fresh.state.usable() {
            back_at_work(&mut tx, fresh.id, &fresh.channel).await?;
        }
        if to != fresh.state {
            let detail = json!({ "from": fresh.state.as_str(), "to": to.as_str() });
            audit_append(
                &mut tx,
                AuditAction::ChannelAccountState,
                "channel_account",
                &fresh.id.to_string(),
                detail,
            )
            .await?;
        }
        tx.commit().await
    }
}

/// What an account does first when calls may be made for it again: orders and quantities passed it by.
pub async fn back_at_work(tx: &mut TenantTx, id: ChannelAccountId, channel: &str) -> StoreResult<()> {
    let Some(channel) = qianpu_host::find(channel) else { return Ok(()) };
    if channel.orders().is_some() {
        job_enqueue(tx, reconcile::new_job(id, None)).await?;
    }
    if channel.aftersale().is_some() {
        job_enqueue(tx, aftersales::reconcile::new_job(id, 0, None)).await?;
    }
    if channel.catalog().is_some() {
        job_enqueue(tx, catch_up_job::new_job(id)).await?;
    }
    Ok(())
}

/// What a person reads about a failure: the platform's words, or ours.
pub fn plain_words(error: &ChannelError) -> String {
    let mut text = match &error.remote {
        Some(remote) => format!("{} ({})", remote.message, remote.code),
        None => error.detail.clone(),
    };
    if let ErrorClass::FixRequest { fields } = &error.class {
        for field in fields {
            if !text.contains(&field.message) {
                text = if text.is_empty() {
                    field.message.clone()
                } else {
                    format!("{text}; {}", field.message)
                };
            }
        }
    }
    text.chars().take(500).collect()
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotUsable(AccountState::Retired) => Self::new(ErrorCode::ChannelKindOff),
            CallError::NotUsable(AccountState::Closed) => Self::new(ErrorCode::ChannelClosed),
            CallError::NotUsable(_) => Self::new(ErrorCode::ChannelAccountUnusable),
            CallError::Channel(error) => channel_error(&error),
            CallError::Store(error) => error.into(),
        }
    }
}

/// A failure of a channel as the caller of our API reads it.
pub fn channel_error(error: &ChannelError) -> ApiError {
    let told = ApiError::new(error.code()).with_detail(plain_words(error)).with_internal(error);
    match error.class {
        ErrorClass::RetryLater { after } => {
            told.retry_after(u32::try_from(after.as_seconds().max(1)).unwrap_or(u32::MAX))
        }
        ErrorClass::Quota { until } => told.retry_at(until),
        _ => told,
    }
}

impl CallError {
    /// The words of a "no" that is certain: nothing was done. Busy platforms and lost answers are not.
    pub fn certain(&self) -> Option<String> {
        match self {
            Self::NotUsable(state) => Some(state.unusable()),
            Self::Channel(error) => match error.class {
                ErrorClass::FixRequest { .. }
                | ErrorClass::BusinessRefusal
                | ErrorClass::Fatal
                | ErrorClass::Reauthorise
                | ErrorClass::Quota { .. } => Some(plain_words(error)),
                ErrorClass::RetryAfterRefresh | ErrorClass::RetryLater { .. } | ErrorClass::Unexpected => {
                    None
                }
            },
            Self::Store(_) => None,
        }
    }

    /// What a job does next.
    pub fn job_error(self, now: Timestamp, attempt: i64) -> JobError {
        match self {
            Self::Channel(error) => channel_job_error(&error, now, attempt),
            Self::NotUsable(AccountState::Retired) => {
                JobError::dead(ErrorCode::ChannelKindOff.as_str(), ErrorCode::ChannelKindOff.as_str())
            }
            Self::NotUsable(state) => {
                JobError::dead(ErrorCode::ChannelAccountUnusable.as_str(), state.unusable())
            }
            Self::Store(error) => error.into(),
        }
    }
}

/// 5 s, 10 s, 20 s … one hour.
fn backoff(attempt: i64) -> Span {
    let doublings = u32::try_from(attempt.saturating_sub(1).clamp(0, 10)).unwrap_or(10);
    Span::seconds(5_i64.saturating_mul(1 << doublings).min(3600))
}

/// What a job does after a failure of a channel: wait as the class says, or lay itself aside for a person.
pub fn channel_job_error(error: &ChannelError, now: Timestamp, attempt: i64) -> JobError {
    let code = error.code().as_str();
    let text = plain_words(error);
    match error.retry_after(now) {
        Some(after) => {
            JobError::Retry { after: Some(after.max(backoff(attempt))), code: code.to_owned(), text }
        }
        None => JobError::dead(code, text),
    }
}
